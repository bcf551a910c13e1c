//! Calls to the operating system that need C: clocks, scheduling, memory, core dumps, file space,
//! renames, sockets, terminal, and two of libasound.
//!
//! The only module with unsafe code; each call is wrapped so that its callers need none.
#![allow(unsafe_code)]

mod disk;
pub mod libasound;
mod memory;
mod terminal;
mod wall;

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

pub use disk::{DiskState, disk, let_go_of_pages, major, minor, rename_new, reserve_space, trim};
pub use memory::{Wiping, lock_pages, populated, wipe_what_is_freed};
pub use terminal::{KeyMode, reopen_unwaiting, terminal_size};
pub use wall::{Trust, trust, utc_now, wall_clock};

/// A moment of CLOCK_MONOTONIC in nanoseconds: the one clock of buttons, ALSA and sphere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The present moment.
    #[must_use]
    pub fn now() -> Nanos {
        let mut ts = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: `ts` is a valid timespec; CLOCK_MONOTONIC exists on every Linux.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut ts) };
        Nanos(ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64)
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Nanos) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for Nanos {
    type Output = Nanos;

    fn add(self, later: Duration) -> Nanos {
        Nanos(self.0.saturating_add(later.as_nanos() as u64))
    }
}

/// A thread's signs of life, read by the watchdog. Giving one allocates and locks nothing.
#[derive(Debug, Default)]
pub struct Beat {
    at: AtomicU64,
    on_disk: AtomicBool,
}

impl Beat {
    /// The calling thread is alive.
    pub fn beat(&self) {
        self.at.store(Nanos::now().0, Ordering::Relaxed);
    }

    /// Does `work`, which may wait for the disk.
    pub fn on_disk<T>(&self, work: impl FnOnce() -> T) -> T {
        self.on_disk.store(true, Ordering::Relaxed);
        self.beat();
        let done = work();
        self.on_disk.store(false, Ordering::Relaxed);
        self.beat();
        done
    }

    /// When the last sign came, and whether the thread was waiting for the disk since.
    #[must_use]
    pub fn last(&self) -> (Nanos, bool) {
        let on_disk = self.on_disk.load(Ordering::Relaxed);
        (Nanos(self.at.load(Ordering::Relaxed)), on_disk)
    }
}

/// The state of a thread, known without asking it.
#[derive(Clone, Copy, Debug)]
pub struct Thread<'a> {
    /// Its name, as in the table of lib.rs.
    pub name: &'static str,
    /// It is gone although nothing stopped it.
    pub is_ended: bool,
    /// Its signs of life; `None` where each call is bounded and a hang is a fault screen.
    pub beat: Option<&'a Beat>,
}

/// The user whose rights this process has.
#[must_use]
pub fn user() -> u32 {
    // SAFETY: a plain system call, which cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether this process was started as a service, or as one of its stop commands: systemd says in
/// SYSTEMD_EXEC_PID which process it started (systemd.exec(5)); what that one starts inherits it.
#[must_use]
pub fn is_service() -> bool {
    let started = std::env::var("SYSTEMD_EXEC_PID");
    started.is_ok_and(|pid| pid == std::process::id().to_string())
        || std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// Bytes of memory available without swapping; `None` where the kernel does not say.
#[must_use]
pub fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim()
        .strip_suffix(" kB")?
        .trim()
        .parse::<u64>()
        .ok()
        .map(|kb| kb * 1024)
}

/// Puts the calling thread under SCHED_FIFO at `priority`, 1 to 99; 0 is the normal policy.
///
/// # Errors
/// `EPERM` where neither privilege nor RLIMIT_RTPRIO allows it.
pub fn schedule(priority: u8) -> io::Result<()> {
    let policy = if priority > 0 {
        libc::SCHED_FIFO
    } else {
        libc::SCHED_OTHER
    };
    // SAFETY: sched_param is plain data; the call gets a valid pointer, and 0 is this thread.
    let done = unsafe {
        let mut param: libc::sched_param = std::mem::zeroed();
        param.sched_priority = priority.into();
        libc::sched_setscheduler(0, policy, &raw const param)
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Lets every other thread go before the calling one; `nice` is 0 to 19.
pub fn be_nice(nice: i32) {
    // SAFETY: plain system call; on Linux 0 is the calling thread. Raising the niceness is always
    // allowed.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
}

/// Overwrites `secret` among the arguments of this process, where every list of processes shows it.
/// It was visible until now, and stays in the shell's history. Call this before other threads
/// start.
pub fn hide_argument(secret: &str) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // proc_pid_stat(5): arg_start and arg_end are fields 48 and 49; the second may hold spaces.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut ends = fields.split_ascii_whitespace().skip(45);
    let mut end = || ends.next().and_then(|end| end.parse::<usize>().ok());
    let (Some(from), Some(to)) = (end(), end()) else {
        return;
    };
    let secret = secret.as_bytes();
    if from == 0 || to <= from || secret.is_empty() {
        return;
    }
    // SAFETY: the kernel keeps the arguments there, on the first thread's stack, which is mapped and
    // writable for as long as the process lives; no other thread reads them meanwhile.
    let arguments = unsafe {
        let start = std::ptr::with_exposed_provenance_mut::<u8>(from);
        std::slice::from_raw_parts_mut(start, to - from)
    };
    while let Some(at) = arguments
        .windows(secret.len())
        .position(|piece| piece == secret)
    {
        arguments[at..at + secret.len()].fill(b'.');
    }
}

/// Keeps every page that is mapped now in memory once it was touched. What is mapped later, fonts
/// above all, is not held.
///
/// # Errors
/// `ENOMEM` or `EPERM` where neither privilege nor RLIMIT_MEMLOCK allows it.
pub fn lock_memory() -> io::Result<()> {
    // SAFETY: the call changes no memory.
    if unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_ONFAULT) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Keeps names, codes and keys in memory out of core files: RLIMIT_CORE 0, PR_SET_DUMPABLE 0.
pub fn forbid_core_dumps() {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: plain system calls on a valid struct; failure leaves the process as it was.
    unsafe {
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

/// Lets a write beyond the file size that is allowed here (`ulimit -f`, LimitFSIZE) fail as on a full
/// disk, which ends a take well; the signal would end the program in its middle.
pub fn survive_file_limits() {
    // SAFETY: a plain system call, which installs no code of ours; it cannot fail for this signal.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

/// Waits until `file` can be read, `wait` at most; true if it can.
///
/// # Errors
/// The poll's; a signal counts as nothing to read.
pub fn readable(file: &impl AsRawFd, wait: Duration) -> io::Result<bool> {
    poll(file, libc::POLLIN, wait)
}

/// Waits until something can be written to `file`, `wait` at most; true if it can.
///
/// # Errors
/// The poll's; a signal counts as no room.
pub fn writable(file: &impl AsRawFd, wait: Duration) -> io::Result<bool> {
    poll(file, libc::POLLOUT, wait)
}

fn poll(file: &impl AsRawFd, events: libc::c_short, wait: Duration) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd: file.as_raw_fd(),
        events,
        revents: 0,
    };
    let millis = libc::c_int::try_from(wait.as_millis()).unwrap_or(libc::c_int::MAX);
    // SAFETY: one valid pollfd, and the count says one.
    match unsafe { libc::poll(&raw mut poll, 1, millis) } {
        0 => Ok(false),
        n if n > 0 => Ok(true),
        _ => match io::Error::last_os_error() {
            e if e.kind() == io::ErrorKind::Interrupted => Ok(false),
            e => Err(e),
        },
    }
}

/// Breaks a connection whose bytes are not acknowledged for `limit`, for example because a cable is
/// out.
///
/// # Errors
/// The system's.
pub fn give_up_unacknowledged(socket: &TcpStream, limit: Duration) -> io::Result<()> {
    let millis = libc::c_uint::try_from(limit.as_millis()).unwrap_or(libc::c_uint::MAX);
    // SAFETY: the option's value is one c_uint, as long as the length says.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_USER_TIMEOUT,
            (&raw const millis).cast(),
            size_of::<libc::c_uint>() as libc::socklen_t,
        )
    };
    if set == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A flag that SIGTERM, SIGINT, SIGQUIT and SIGHUP set instead of ending the program at once: takes are
/// closed and pins given back first. A SIGHUP that nohup has switched off stays off.
///
/// # Errors
/// The system's.
pub fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT, SIGQUIT, SIGHUP] {
        if signal != SIGHUP || !is_ignored(SIGHUP)? {
            signal_hook::flag::register(signal, stop.clone())?;
        }
    }
    Ok(stop)
}

/// Whether a signal is ignored, for example because the parent process ignored it.
fn is_ignored(signal: i32) -> io::Result<bool> {
    // SAFETY: all zeroes are a sigaction, which is only written to; none is set.
    let (asked, action) = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        let asked = libc::sigaction(signal, std::ptr::null(), &raw mut action);
        (asked, action)
    };
    match asked {
        0 => Ok(action.sa_sigaction == libc::SIG_IGN),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_never_goes_back() {
        let first = Nanos::now();
        assert!(Nanos::now() >= first);
    }
}
