//! The disk's free space, looked at once a second.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::rt;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);

/// The free space of the data folder's disk.
pub(super) struct Space {
    data: PathBuf,
    looked: Option<Instant>,
    free_bytes: Arc<AtomicU64>,
}

impl Space {
    pub(super) fn of(data: &Path, free_bytes: Arc<AtomicU64>) -> Space {
        Space {
            data: data.to_owned(),
            looked: None,
            free_bytes,
        }
    }

    pub(super) fn look(&mut self) {
        if self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            self.looked = Some(Instant::now());
            // A disk that is gone shows at the first write.
            if let Ok(free) = rt::free_bytes(&self.data) {
                self.free_bytes.store(free, Ordering::Relaxed);
            }
        }
    }
}
