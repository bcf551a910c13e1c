//! Blocks of captured frames and the two queues they travel in: filled blocks go one way, free
//! blocks the other.
//!
//! Every block is allocated and touched before capture starts; nothing here allocates after that.

use std::io;

use heapless::spsc::{Consumer, Producer, Queue};

use crate::rt;
use crate::words::{Cause, Spec};

/// A run of consecutive frames, numbered on the capture clock.
///
/// After a loss `first_frame` lies beyond the end of the previous block, and `lost_before` has the
/// cause.
#[derive(Debug)]
pub struct Block {
    /// Number of the first frame since capture started.
    pub first_frame: u64,
    /// Frames filled; 0 if there was no device and only time went by.
    pub frames: u32,
    /// Why frames are missing between the previous block and this one.
    pub lost_before: Option<Cause>,
    /// Space for whole frames, interleaved, as the device delivers them.
    pub bytes: &'static mut [u8],
}

impl Block {
    /// The number of the frame after the last one.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first_frame + u64::from(self.frames)
    }
}

/// Entries of each queue; it holds one less than this.
pub const QUEUE_LENGTH: usize = 4096;
/// The largest number of blocks in a pool. It is below the queue's length, so pushing one of the
/// pool's blocks cannot fail.
pub const MOST_BLOCKS: u64 = 4000;
type BlockQueue = Queue<Box<Block>, QUEUE_LENGTH>;

/// Capture's side of the pool.
pub struct CaptureEnd {
    /// Blocks to fill.
    pub free: Consumer<'static, Box<Block>>,
    /// Blocks filled.
    pub filled: Producer<'static, Box<Block>>,
}

/// The recorder's side of the pool.
pub struct RecorderEnd {
    /// Blocks filled.
    pub filled: Consumer<'static, Box<Block>>,
    /// Blocks to give back.
    pub free: Producer<'static, Box<Block>>,
}

/// The size of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// Frames in a block: `max(period, ceil(pool frames / 4000))`.
    pub block_frames: u32,
    /// Number of blocks.
    pub blocks: usize,
    /// Bytes of all blocks.
    pub bytes: u64,
}

impl PoolSize {
    /// The pool of a stream whose disk may stall for `buffer_s`, plus the recorder's history and 2
    /// s for blocks in transit.
    #[must_use]
    pub fn of(spec: Spec, period_frames: u32, buffer_s: u32, history_frames: u64) -> PoolSize {
        let frames = u64::from(spec.rate) * (u64::from(buffer_s) + 2) + history_frames;
        PoolSize::new(spec, period_frames, frames)
    }

    /// The pool that holds `pool_frames` in blocks of at least one period.
    #[must_use]
    pub fn new(spec: Spec, period_frames: u32, pool_frames: u64) -> PoolSize {
        let block_frames = u64::from(period_frames)
            .max(pool_frames.div_ceil(MOST_BLOCKS))
            .max(1);
        let blocks = pool_frames.div_ceil(block_frames).max(4);
        PoolSize {
            block_frames: block_frames as u32,
            blocks: blocks as usize,
            bytes: blocks * block_frames * spec.frame_bytes() as u64,
        }
    }

    /// Allocates and touches every block, all in one piece. Blocks and queues live as long as the program.
    ///
    /// # Errors
    /// There is not so much memory.
    pub fn allocate(self, spec: Spec) -> io::Result<(CaptureEnd, RecorderEnd)> {
        let (mut give, free) = Box::leak(Box::new(BlockQueue::new())).split();
        let (filled_in, filled_out) = Box::leak(Box::new(BlockQueue::new())).split();
        let block_bytes = self.block_frames as usize * spec.frame_bytes();
        // Touching a page for the first time while capturing is a page fault.
        let memory = rt::populated(self.blocks * block_bytes)?;
        for bytes in memory.chunks_exact_mut(block_bytes) {
            let block = Block {
                first_frame: 0,
                frames: 0,
                lost_before: None,
                bytes,
            };
            assert!(
                give.enqueue(Box::new(block)).is_ok(),
                "a pool fits its queue"
            );
        }
        Ok((
            CaptureEnd {
                free,
                filled: filled_in,
            },
            RecorderEnd {
                filled: filled_out,
                free: give,
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Format;

    const SPEC: Spec = Spec {
        rate: 48_000,
        channels: 6,
        format: Format::S32Le,
    };

    #[test]
    fn a_block_holds_a_period_or_a_4000th_of_the_pool() {
        assert_eq!(PoolSize::new(SPEC, 480, 480 * 3000).block_frames, 480);
        assert_eq!(PoolSize::new(SPEC, 64, 64 * 40_000).block_frames, 640);
    }

    #[test]
    fn every_block_of_the_largest_pool_fits_the_queue() {
        let size = PoolSize::new(
            Spec {
                channels: 1,
                ..SPEC
            },
            1,
            4_000_000,
        );
        let spec = Spec {
            channels: 1,
            ..SPEC
        };
        let (capture, _recorder) = size.allocate(spec).expect("memory");
        assert_eq!(capture.free.len(), size.blocks);
    }
}
