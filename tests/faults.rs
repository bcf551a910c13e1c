//! Faults of disk, device, power and process, on the real binary and a real file system: what was
//! lost is known to the frame, and every file opens.
//!
//! Each test prints its figures. `tests/faults/run` runs the long ones too.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod faults {
    mod device;
    mod disk;
    mod kill;
    mod load;
    mod power;
    mod session;
    mod soak;
    mod stall;
    mod take;

    use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

    /// Tests that a busy machine disturbs share it; the one that makes it busy has it alone.
    static MACHINE: RwLock<()> = RwLock::new(());

    /// The machine, with other paced tests.
    fn shared() -> RwLockReadGuard<'static, ()> {
        MACHINE.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine without any other test.
    fn alone() -> RwLockWriteGuard<'static, ()> {
        MACHINE.write().unwrap_or_else(PoisonError::into_inner)
    }
}
