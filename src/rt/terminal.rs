//! The terminal: keys one by one, its size, and a way to write that never waits.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

/// A way of its own to the terminal or pipe of `file`, to write without waiting.
///
/// # Errors
/// The system's; `InvalidInput` for anything else: a file opened again would be written from its
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
