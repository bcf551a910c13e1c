//! Memory that held what was said, overwritten before it is given back.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io;

use zeroize::Zeroize;

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
