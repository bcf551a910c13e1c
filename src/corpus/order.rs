//! The order in which lines are shown: a permutation that is computed, not stored.
//!
//! Guarantees: within a round every line of the shard has exactly one position; shards of the same
//! count share no line, whatever their seeds; the same arguments give the same order on every
//! machine and in every version (progress on disk counts positions of it). Memory is constant for
//! any number of lines.
//!
//! A Feistel network over the smallest even number of bits that holds the shard, with cycle
//! walking: a value outside is permuted again until it is inside, four times on average at most
//! (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002).

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Rounds of the network. Four make a pseudo-random permutation (Luby and Rackoff); small corpora
/// have halves of few bits and need more to look shuffled.
const FEISTEL_ROUNDS: usize = 12;

/// In which sequence a step shows its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sequence {
    /// Drawn from the corpus seed; see [`Order`].
    #[default]
    Shuffled,
    /// The file's order, from its first line, for every visitor.
    SameForAll,
}

/// `i/n`: this booth owns the lines with number mod n = i mod n.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    index: u32,
    count: u32,
}

/// Why a text is not a shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "shard {0:?} is not i/n with 1 <= i <= n: write \"1/1\" for one booth, \"1/2\" and \"2/2\" for two"
)]
pub struct ShardError(String);

impl Shard {
    /// The only booth: all lines.
    pub const WHOLE: Shard = Shard { index: 1, count: 1 };

    /// Lines of a corpus of `lines` lines that belong to this shard.
    #[must_use]
    pub fn lines_of(self, lines: u64) -> u64 {
        match lines.checked_sub(u64::from(self.index)) {
            Some(rest) => rest / u64::from(self.count) + 1,
            None => 0,
        }
    }

    /// Whether this shard owns `line`, counted from 1.
    #[must_use]
    pub fn owns(self, line: u64) -> bool {
        line > 0 && line % u64::from(self.count) == u64::from(self.index % self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let refuse = || ShardError(text.to_owned());
        let digits = |s: &str| -> Option<u32> {
            s.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| s.parse().ok())
                .flatten()
        };
        let (i, n) = text.trim().split_once('/').ok_or_else(refuse)?;
        match (digits(i), digits(n)) {
            (Some(index), Some(count)) if (1..=count).contains(&index) => {
                Ok(Shard { index, count })
            }
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// One round through the lines of a shard.
#[derive(Clone, Debug)]
pub struct Order {
    shard: Shard,
    round: u64,
    /// Lines of the shard.
    len: u64,
    /// Bits of each half; the network permutes 0 .. 4^half_bits.
    half_bits: u32,
    keys: [u64; FEISTEL_ROUNDS],
}

impl Order {
    /// The order of round `round` (from 0) through `shard` of a corpus of `lines` lines.
    #[must_use]
    pub fn new(seed: u64, shard: Shard, lines: u64, round: u64) -> Order {
        let len = shard.lines_of(lines);
        let bits = u64::BITS - len.saturating_sub(1).leading_zeros();
        let mut keys = [0; FEISTEL_ROUNDS];
        for (number, key) in keys.iter_mut().enumerate() {
            let mut hash = Sha256::new();
            hash.update(b"booth/order/1");
            hash.update(seed.to_le_bytes());
            hash.update(round.to_le_bytes());
            hash.update([number as u8]);
            let digest = hash.finalize();
            *key = digest
                .iter()
                .take(8)
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        }
        Order {
            shard,
            round,
            len,
            half_bits: bits.div_ceil(2).max(1),
            keys,
        }
    }

    /// Its round, from 0.
    #[must_use]
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Positions in this round: the lines of the shard.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True if the shard owns no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The line, counted from 1, at `position`, counted from 0; `None` after the last.
    #[must_use]
    pub fn line_at(&self, position: u64) -> Option<u64> {
        if position >= self.len {
            return None;
        }
        let mut value = self.permute(position);
        // Ends: the permutation's cycle through `position` comes back inside, at `position` at last.
        while value >= self.len {
            value = self.permute(value);
        }
        Some(u64::from(self.shard.index) + u64::from(self.shard.count) * value)
    }

    fn permute(&self, value: u64) -> u64 {
        let mask = (1u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        left << self.half_bits | right
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), on a keyed input.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(order: &Order) -> Vec<u64> {
        (0..order.len())
            .filter_map(|position| order.line_at(position))
            .collect()
    }

    fn shard(i: u32, n: u32) -> Shard {
        format!("{i}/{n}").parse().expect("shard")
    }

    proptest! {
        #[test]
        fn every_line_of_the_shard_once(
            seed: u64, round: u64, lines in 0u64..3000, n in 1u32..9, i in 0u32..8
        ) {
            let own = shard(i % n + 1, n);
            let mut shown = all(&Order::new(seed, own, lines, round));
            shown.sort_unstable();
            let owned: Vec<u64> = (1..=lines).filter(|line| own.owns(*line)).collect();
            prop_assert_eq!(shown, owned);
        }

        #[test]
        fn booths_with_different_seeds_share_no_line(a: u64, b: u64, lines in 0u64..2000) {
            let one = all(&Order::new(a, shard(1, 2), lines, 0));
            let two = all(&Order::new(b, shard(2, 2), lines, 3));
            prop_assert!(one.iter().all(|line| !two.contains(line)));
            prop_assert_eq!(one.len() + two.len(), lines as usize);
        }

        #[test]
        fn any_size_and_position_gives_a_line_of_the_corpus(
            seed: u64, lines in 1u64.., position: u64
        ) {
            let order = Order::new(seed, Shard::WHOLE, lines, 0);
            match order.line_at(position) {
                Some(line) => prop_assert!((1..=lines).contains(&line)),
                None => prop_assert!(position >= lines),
            }
        }
    }

    #[test]
    fn seeds_and_rounds_give_other_orders() {
        let order = |seed, round| all(&Order::new(seed, Shard::WHOLE, 100, round));
        assert_ne!(order(1, 0), order(2, 0));
        assert_ne!(order(1, 0), order(1, 1));
        assert_eq!(order(1, 1), order(1, 1));
    }

    #[test]
    fn neighbours_in_the_file_are_torn_apart() {
        let lines = all(&Order::new(7, Shard::WHOLE, 10_000, 0));
        let near = lines
            .windows(2)
            .filter(|pair| pair[0].abs_diff(pair[1]) < 100)
            .count();
        // A random order has 2 % of such pairs.
        assert!(near < 300, "{near}");
    }

    #[test]
    fn the_order_is_the_same_in_every_version() {
        let lines = all(&Order::new(1, Shard::WHOLE, 8, 0));
        // Changing this makes booths in the field repeat lines: progress.json counts positions.
        assert_eq!(lines, [4, 5, 8, 1, 2, 3, 7, 6]);
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in [
            "",
            "1",
            "0/2",
            "3/2",
            "1/0",
            "-1/2",
            "+1/2",
            "a/b",
            "1/2/3",
            "1/99999999999",
        ] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("2/2".parse::<Shard>().expect("shard").to_string(), "2/2");
    }
}
