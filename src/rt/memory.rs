//! Memory that is there before it is needed, that is never swapped, and that is overwritten before it is
//! given back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;

use zeroize::Zeroize;

/// No page is smaller.
const LEAST_PAGE_BYTES: usize = 4096;

thread_local! {
    static WIPES: Cell<bool> = const { Cell::new(false) };
}

/// What the calling thread frees from now on is overwritten first, whichever library allocated it; where
/// the program's allocator is [`Wiping`].
pub fn wipe_what_is_freed() {
    WIPES.set(true);
}

/// The system's allocator, which overwrites what a thread frees that asked for it.
pub struct Wiping;

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // A thread that is ending has no flag any more.
        if WIPES.try_with(Cell::get).unwrap_or(false) {
            // SAFETY: the caller gives back this many bytes, which nobody uses any more.
            unsafe { std::slice::from_raw_parts_mut(at, layout.size()) }.zeroize();
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

/// One piece of memory for as long as the program lives, all of it there: its pages are not touched for the
/// first time when they are needed. Large pages where the kernel has them.
///
/// # Errors
/// `ENOMEM`.
pub fn populated(bytes: usize) -> io::Result<&'static mut [u8]> {
    if bytes == 0 {
        return Ok(&mut []);
    }
    // SAFETY: a new anonymous mapping, which nobody else knows of and nobody unmaps; all zero, every byte
    // of it is initialized.
    let (memory, is_there) = unsafe {
        let at = libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // Without large pages, small ones do.
        libc::madvise(at, bytes, libc::MADV_HUGEPAGE);
        let populated = libc::madvise(at, bytes, libc::MADV_POPULATE_WRITE);
        (
            std::slice::from_raw_parts_mut(at.cast::<u8>(), bytes),
            populated == 0,
        )
    };
    if !is_there {
        // Before Linux 5.14. Written, for a page that was only read may still be one that all share.
        for page in memory.chunks_mut(LEAST_PAGE_BYTES) {
            std::hint::black_box(page)[0] = 0;
        }
    }
    Ok(memory)
}

/// Keeps `bytes` out of swap.
///
/// # Errors
/// `ENOMEM` or `EPERM` where neither privilege nor RLIMIT_MEMLOCK allows it.
pub fn lock_pages(bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the range is that of a slice; the call changes no byte of it.
    match unsafe { libc::mlock(bytes.as_ptr().cast(), bytes.len()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
