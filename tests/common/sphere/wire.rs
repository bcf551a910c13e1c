//! Networks and peers that misbehave, for the connection to meet.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// A network between the booth and a sphere, which passes everything on until it is cut or slowed.
pub struct Wire {
    pub port: u16,
    leads_to: Arc<AtomicU16>,
    is_cut: Arc<AtomicBool>,
    is_slow: Arc<AtomicBool>,
    lag_ms: Arc<AtomicU64>,
}

impl Wire {
    /// A way to `port` on this machine.
    pub fn to(port: u16) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let wire = Wire {
            port: listener.local_addr().unwrap().port(),
            leads_to: Arc::new(port.into()),
            is_cut: Arc::default(),
            is_slow: Arc::default(),
            lag_ms: Arc::default(),
        };
        let (cut, slow) = (wire.is_cut.clone(), wire.is_slow.clone());
        let leads_to = wire.leads_to.clone();
        let lag = wire.lag_ms.clone();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let port = leads_to.load(Ordering::Relaxed);
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    from.set_nodelay(true).unwrap();
                    let (cut, slow, lag) = (cut.clone(), slow.clone(), lag.clone());
                    thread::spawn(move || pass(from, to, &cut, &slow, &lag));
                }
            }
        });
        wire
    }

    /// New connections go to `port`.
    pub fn lead_to(&self, port: u16) {
        self.leads_to.store(port, Ordering::Relaxed);
    }

    /// From now on nothing arrives, and nobody is told.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    /// From now on one byte a second arrives.
    pub fn slow(&self) {
        self.is_slow.store(true, Ordering::Relaxed);
    }

    /// From now on everything arrives, so much later.
    pub fn lag(&self, by: Duration) {
        self.lag_ms.store(by.as_millis() as u64, Ordering::Relaxed);
    }

    /// As at the beginning, for new connections.
    pub fn mend(&self) {
        self.is_cut.store(false, Ordering::Relaxed);
        self.is_slow.store(false, Ordering::Relaxed);
        self.lag_ms.store(0, Ordering::Relaxed);
    }
}

fn pass(
    mut from: TcpStream,
    mut to: TcpStream,
    cut: &AtomicBool,
    slow: &AtomicBool,
    lag_ms: &AtomicU64,
) {
    let mut buffer = [0; 4096];
    while let Ok(bytes) = from.read(&mut buffer) {
        if cut.load(Ordering::Relaxed) {
            // Neither side learns anything, as with a cable that is out.
            thread::sleep(Duration::from_secs(60));
            return;
        }
        if bytes == 0 {
            break;
        }
        thread::sleep(Duration::from_millis(lag_ms.load(Ordering::Relaxed)));
        let part = if slow.load(Ordering::Relaxed) {
            1
        } else {
            bytes
        };
        for part in buffer[..bytes].chunks(part) {
            if to.write_all(part).is_err() {
                return;
            }
            if slow.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_secs(1));
            }
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// A peer that sends what `next` gives, until it gives nothing or nobody listens; its port.
pub fn peer(next: impl Fn(u64) -> Option<Vec<u8>> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut number = 0;
            while let Some(bytes) = next(number) {
                if socket.write_all(&bytes).is_err() {
                    break;
                }
                number += 1;
            }
        }
    });
    port
}
