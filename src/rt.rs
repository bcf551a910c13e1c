//! What the operating system must be asked in C: clocks, scheduling, memory, core dumps, file space,
//! renames, sockets, terminal.
//!
//! The only module with unsafe code; each call is wrapped so that its callers need none.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

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

/// The wall clock as RFC 3339 UTC with milliseconds; `None` while the kernel calls the clock
/// unsynchronised, as on a Pi without network.
#[must_use]
pub fn utc_now() -> Option<String> {
    is_synchronised().then(|| format!("{:.3}", jiff::Timestamp::now()))
}

/// Whether the wall clock is synchronised, and by how many milliseconds it is ahead of
/// CLOCK_MONOTONIC.
#[must_use]
pub fn wall_clock() -> (bool, i64) {
    let monotonic_ms = (Nanos::now().0 / 1_000_000) as i64;
    let wall_ms = jiff::Timestamp::now().as_millisecond();
    (is_synchronised(), wall_ms - monotonic_ms)
}

/// STA_UNSYNC of adjtimex(2).
fn is_synchronised() -> bool {
    // SAFETY: an all-zero timex asks for nothing to be changed, so no privilege is needed.
    unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        libc::adjtimex(&raw mut timex) >= 0 && timex.status & libc::STA_UNSYNC == 0
    }
}

/// Bytes of memory that can be had without swapping; `None` where the kernel does not say.
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
    // SAFETY: plain system call; on Linux 0 is the calling thread. To be nicer is always allowed.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) };
}

/// Overwrites `secret` among the arguments of this process, where every list of processes shows it.
/// It was to be seen until now, and stays in the history of a shell. To be called before there are
/// further threads.
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

/// The file system of a path.
#[derive(Clone, Copy, Debug)]
pub struct DiskState {
    /// Bytes that this user may still write to it.
    pub free_bytes: u64,
    /// Mounted read-only.
    pub read_only: bool,
}

/// The state of the file system of `path`.
///
/// # Errors
/// The system's, where there is no such path.
// Both fields have 32 bits on armv7.
#[allow(clippy::unnecessary_cast)]
pub fn disk(path: &Path) -> io::Result<DiskState> {
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)?;
    // SAFETY: statvfs is plain data; the call gets a valid path and a valid pointer to it.
    let (done, stat) = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &raw mut stat), stat)
    };
    if done == 0 {
        Ok(DiskState {
            free_bytes: stat.f_bavail as u64 * stat.f_frsize as u64,
            read_only: stat.f_flag & libc::ST_RDONLY != 0,
        })
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

/// Reserves `bytes` of disk for `file` without changing its length.
///
/// # Errors
/// The file system's: no space, or no such operation (FAT, some network file systems).
pub fn reserve_space(file: &File, bytes: u64) -> io::Result<()> {
    let length = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for as long as `file` is borrowed.
    let done = unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, 0, length) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Asks the kernel to forget what it has cached of a synced file, so that it is read from the medium
/// again. It may decline.
pub fn let_go_of_pages(file: &File) {
    // SAFETY: the descriptor is open for as long as `file` is borrowed; length 0 means to its end.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
}

/// Tells the medium of the file system that `folder` is on which blocks are free.
///
/// # Errors
/// The kernel's: not every file system or medium can be told, and only root may.
pub fn trim(folder: &File) -> io::Result<()> {
    /// `struct fstrim_range` of linux/fs.h.
    #[repr(C)]
    struct Range {
        start: u64,
        length: u64,
        least: u64,
    }
    /// `_IOWR('X', 121, struct fstrim_range)` of linux/fs.h.
    const FITRIM: u32 = 0xc018_5879;
    let mut range = Range {
        start: 0,
        length: u64::MAX,
        least: 0,
    };
    // SAFETY: the descriptor is open for as long as `folder` is borrowed; the kernel reads and
    // writes the range only.
    // The request has another type in musl.
    let done = unsafe { libc::ioctl(folder.as_raw_fd(), FITRIM as _, &raw mut range) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Major number of a device.
#[must_use]
pub fn major(device: u64) -> u32 {
    libc::major(device)
}

/// Minor number of a device.
#[must_use]
pub fn minor(device: u64) -> u32 {
    libc::minor(device)
}

/// Renames `from` to `to` and never replaces an existing file.
///
/// # Errors
/// `AlreadyExists` if `to` is there, else the file system's.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    let c = |p: &Path| std::ffi::CString::new(p.as_os_str().as_bytes()).map_err(io::Error::other);
    let (c_from, c_to) = (c(from)?, c(to)?);
    // SAFETY: both paths are NUL-terminated and outlive the call.
    let done = unsafe {
        libc::renameat2(
            libc::AT_FDCWD,
            c_from.as_ptr(),
            libc::AT_FDCWD,
            c_to.as_ptr(),
            libc::RENAME_NOREPLACE,
        )
    };
    if done == 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    // Some FUSE and network file systems know no flags; a booth is the only writer of its folder.
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::ENOSYS) if !to.exists() => std::fs::rename(from, to),
        Some(libc::EINVAL | libc::ENOSYS) => Err(io::ErrorKind::AlreadyExists.into()),
        _ => Err(error),
    }
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

/// Breaks a connection whose bytes nobody acknowledges for `limit`: a cable that is out.
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

/// A way of its own to the terminal or pipe of `file`, to write without waiting.
///
/// # Errors
/// The system's; `InvalidInput` for anything else: a file opened anew would be written from its
/// beginning.
pub fn reopen_unwaiting(file: &impl AsRawFd) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let kind = std::fs::metadata(&path)?.file_type();
    if !kind.is_char_device() && !kind.is_fifo() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    std::fs::OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

/// Columns and rows of the terminal on standard output; `None` if it is no terminal.
#[must_use]
pub fn terminal_size() -> Option<(u16, u16)> {
    // SAFETY: winsize is plain data; the call gets a valid pointer to it.
    let (done, size) = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        let done = libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size);
        (done, size)
    };
    (done == 0 && size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// A terminal that hands over each key at once and unechoed; restored on drop.
#[derive(Debug)]
pub struct KeyMode {
    before: libc::termios,
}

impl KeyMode {
    /// Sets standard input to single keys. Ctrl-C still sends SIGINT.
    ///
    /// # Errors
    /// `ENOTTY` if standard input is no terminal.
    pub fn set() -> io::Result<KeyMode> {
        // SAFETY: termios is plain data; both calls get a valid pointer to it.
        unsafe {
            let mut before: libc::termios = std::mem::zeroed();
            if libc::tcgetattr(libc::STDIN_FILENO, &raw mut before) != 0 {
                return Err(io::Error::last_os_error());
            }
            let mut keys = before;
            keys.c_lflag &= !(libc::ICANON | libc::ECHO);
            if libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const keys) != 0 {
                return Err(io::Error::last_os_error());
            }
            Ok(KeyMode { before })
        }
    }
}

impl Drop for KeyMode {
    fn drop(&mut self) {
        // SAFETY: `before` is what tcgetattr gave.
        unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const self.before) };
    }
}

/// A flag that SIGTERM, SIGINT and SIGHUP set instead of ending the program at once: takes are closed
/// and pins given back first. A SIGHUP that nohup has switched off stays off.
///
/// # Errors
/// The system's.
pub fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        if signal != SIGHUP || !is_ignored(SIGHUP)? {
            signal_hook::flag::register(signal, stop.clone())?;
        }
    }
    Ok(stop)
}

/// Whether a signal is ignored, as whoever started this program may have left it.
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

    #[test]
    fn rename_new_keeps_what_is_there() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&a, "new").expect("write a");
        std::fs::write(&b, "old").expect("write b");
        let refused = rename_new(&a, &b).expect_err("must not replace");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&b).expect("read b"), "old");
    }
}
