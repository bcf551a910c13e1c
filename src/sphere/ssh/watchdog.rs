//! Ends a call that does not end by itself: at its deadline the socket is shut down, which every
//! blocked call notices at once.
//!
//! Guarantees: no call lasts longer than its limit, whatever the peer sends or does not send.
//! libssh2's own time-outs do not cover an endless banner or one byte a second.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct State {
    deadline: Option<Instant>,
    /// When the thread checks again; `None`: only when it is woken.
    looks: Option<Instant>,
    has_bitten: bool,
    ends: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that watches one socket.
#[derive(Debug)]
pub struct Watchdog {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Watches `socket`.
    ///
    /// # Errors
    /// The system's, if it has no thread left.
    pub fn over(socket: TcpStream) -> io::Result<Watchdog> {
        let shared = Arc::new(Shared::default());
        let its = shared.clone();
        let thread = std::thread::Builder::new()
            .name("sphere watch".into())
            .spawn(move || watch(&its, &socket))?;
        Ok(Watchdog {
            shared,
            thread: Some(thread),
        })
    }

    /// From now on, a call has `limit`.
    pub fn set(&self, limit: Duration) {
        let mut state = self.shared.state();
        let deadline = Instant::now() + limit;
        state.deadline = Some(deadline);
        // Mostly it checks early enough by itself, because of an earlier call.
        if state.looks.is_none_or(|looks| looks > deadline) {
            self.shared.wake.notify_one();
        }
    }

    /// The call is over; returns whether it was ended by force, so that the socket is gone.
    pub fn clear(&self) -> bool {
        let mut state = self.shared.state();
        state.deadline = None;
        state.has_bitten
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.shared.state().ends = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It runs nothing that could panic, and nothing is left that could report it.
            let _ = thread.join();
        }
    }
}

fn watch(shared: &Shared, socket: &TcpStream) {
    let mut state = shared.state();
    while !state.ends {
        let now = Instant::now();
        if state.deadline.is_some_and(|deadline| now >= deadline) {
            state.deadline = None;
            state.has_bitten = true;
            // Fails only if the socket is already gone.
            let _ = socket.shutdown(Shutdown::Both);
        }
        state.looks = state.deadline;
        let wake = &shared.wake;
        state = match state.deadline {
            Some(deadline) => {
                let waited = wake.wait_timeout(state, deadline - now);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => wake.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_blocked_read_ends_at_its_limit_and_not_before_a_later_one() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let mut socket = TcpStream::connect(address).expect("connected");
        let _silent = listener.accept().expect("accepted");
        let dog = Watchdog::over(socket.try_clone().expect("a clone")).expect("a thread");
        dog.set(Duration::from_millis(20));
        assert!(!dog.clear());
        let start = Instant::now();
        dog.set(Duration::from_millis(100));
        assert_eq!(socket.read(&mut [0]).expect("shut down"), 0);
        assert!(dog.clear());
        let took = start.elapsed();
        assert!(
            took >= Duration::from_millis(100) && took < Duration::from_secs(2),
            "{took:?}"
        );
    }
}
