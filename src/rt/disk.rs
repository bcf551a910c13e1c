//! File systems: their room, their free blocks, and names that are never replaced.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

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

/// Reserves `bytes` of disk for `file` from offset `at` on, without changing its length.
///
/// # Errors
/// The file system's: no space, or no such operation (FAT, some network file systems).
pub fn reserve_space(file: &File, at: u64, bytes: u64) -> io::Result<()> {
    let at = libc::off_t::try_from(at).map_err(io::Error::other)?;
    let length = libc::off_t::try_from(bytes).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open for as long as `file` is borrowed.
    let done = unsafe { libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, at, length) };
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

/// Reports the free blocks of the file system of `folder` to its medium.
///
/// # Errors
/// The kernel's: not every file system or medium supports it, and only root may do it.
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

#[cfg(test)]
mod tests {
    use super::*;

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
