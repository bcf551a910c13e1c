//! What is recorded and not on the disk yet: buffers of 0.2 s that the recorder fills and the writer drops.
//!
//! Guarantees: what waits to be written is never more than three seconds of sound; a buffer is used again,
//! so that a long take allocates as little as a short one.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroize;

use crate::rt;
use crate::words::Spec;

/// Sound in a buffer, milliseconds. What is not written yet is lost by a kill.
const STAGED_MS: u64 = 200;
/// Sound that waits for a slow disk, milliseconds; what is beyond waits in its blocks.
const WAITING_MS: u64 = 3000;

/// The buffers.
#[derive(Debug)]
pub struct Memory {
    buffer_bytes: usize,
    most: usize,
    /// What they held is overwritten, and never swapped.
    is_secret: bool,
    used: AtomicUsize,
    free: Mutex<Vec<Vec<u8>>>,
}

/// Whole frames as stored; its memory is used again once it is dropped.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    of: Arc<Memory>,
    waits: bool,
}

impl Memory {
    /// Buffers for takes of `spec`. What secret ones held is overwritten once it is dropped, and never
    /// swapped where the limits allow that.
    #[must_use]
    pub fn of(spec: Spec, is_secret: bool) -> Arc<Memory> {
        let spec = spec.stored();
        let bytes = |ms| spec.frames_in_ms(ms).max(1) as usize * spec.frame_bytes();
        let buffer_bytes = bytes(STAGED_MS);
        Arc::new(Memory {
            buffer_bytes,
            most: bytes(WAITING_MS) / buffer_bytes,
            is_secret,
            used: AtomicUsize::new(0),
            free: Mutex::default(),
        })
    }

    /// So many buffers of whole frames.
    #[must_use]
    pub fn with(buffer_bytes: usize, most: usize) -> Arc<Memory> {
        Arc::new(Memory {
            buffer_bytes,
            most,
            is_secret: false,
            used: AtomicUsize::new(0),
            free: Mutex::default(),
        })
    }

    /// An empty buffer, if not all of them wait for the disk.
    #[must_use]
    pub fn buffer(self: &Arc<Memory>) -> Option<Buffer> {
        // Only the recorder takes any.
        if self.used.load(Ordering::Acquire) >= self.most {
            return None;
        }
        self.used.fetch_add(1, Ordering::AcqRel);
        let bytes = self.free().pop();
        Some(Buffer {
            bytes: bytes.unwrap_or_else(|| self.allocate()),
            of: self.clone(),
            waits: true,
        })
    }

    fn allocate(&self) -> Vec<u8> {
        if !self.is_secret {
            return Vec::with_capacity(self.buffer_bytes);
        }
        let mut bytes = vec![0; self.buffer_bytes];
        if let Err(error) = rt::lock_pages(&bytes) {
            log::debug!("a buffer of {} bytes is not locked: {error}", bytes.len());
        }
        bytes.clear();
        bytes
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    /// Bytes that it has room for: a multiple of the frame's.
    #[must_use]
    pub fn room(&self) -> usize {
        self.of.buffer_bytes - self.bytes.len()
    }

    /// It was written, and is kept for as long as that is not synced.
    pub fn set_written(&mut self) {
        if std::mem::take(&mut self.waits) {
            self.of.used.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if self.of.is_secret {
            bytes.zeroize();
        }
        bytes.clear();
        self.of.free().push(bytes);
        self.set_written();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Format;

    #[test]
    fn a_slow_disk_costs_no_more_memory_than_is_said_and_what_was_used_is_used_again() {
        let spec = Spec {
            rate: 48_000,
            channels: 6,
            format: Format::S24Le,
        };
        let memory = Memory::of(spec, true);
        let mut held: Vec<Buffer> = std::iter::from_fn(|| memory.buffer()).collect();
        assert_eq!(held[0].room(), 9600 * 18);
        assert_eq!(held.len(), 15);
        let first = held.remove(0);
        let place = first.as_ptr();
        drop(first);
        let again = memory.buffer().expect("one is free");
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        assert!(memory.buffer().is_none());
        held[0].set_written();
        assert!(memory.buffer().is_some());
    }
}
