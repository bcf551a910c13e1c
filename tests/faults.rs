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

    /// Random numbers, the same for the same `FAULT_SEED`; the seed is printed.
    struct Random(u64);

    impl Random {
        fn new() -> Random {
            let given = std::env::var("FAULT_SEED").ok();
            let seed = given.and_then(|seed| seed.parse().ok());
            let seed = seed.unwrap_or_else(|| booth::rt::Nanos::now().0);
            println!("FAULT_SEED={seed}");
            Random(seed)
        }

        /// Below `limit`, by splitmix64.
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % limit
        }
    }
}
