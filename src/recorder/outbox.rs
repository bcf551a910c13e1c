//! The recorder's way to the writer: never waits, and counts what was sent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;

use super::Live;
use super::memory::Memory;
use super::op::Op;

/// Where the recorder sends what is to be written.
pub struct Outbox {
    /// Buffers for samples.
    pub memory: Arc<Memory>,
    ops: Sender<Op>,
    live: Arc<Live>,
}

impl Outbox {
    /// Into the writer's inbox.
    #[must_use]
    pub fn of(ops: Sender<Op>, memory: Arc<Memory>, live: Arc<Live>) -> Outbox {
        Outbox { memory, ops, live }
    }

    /// Sends, and never waits.
    pub fn send(&mut self, op: Op) {
        let bytes = op.bytes();
        // Without a writer the program is ending.
        if self.ops.send(op).is_ok() {
            self.live.ordered_bytes.fetch_add(bytes, Ordering::Relaxed);
            self.live.ordered.fetch_add(1, Ordering::Release);
        }
    }
}
