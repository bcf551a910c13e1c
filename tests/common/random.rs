//! Moments and choices of tests that try many.

/// Random numbers, the same for the same `FAULT_SEED`; the seed is printed.
pub struct Random(u64);

impl Random {
    pub fn new() -> Random {
        let given = std::env::var("FAULT_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| booth::rt::Nanos::now().0);
        println!("FAULT_SEED={seed}");
        Random(seed)
    }

    /// Below `limit`, by splitmix64.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
