//! The next line to show: the order, less the lines that cannot be shown.
//!
//! Guarantees: ends, also in a corpus without a single usable line and for a shard that owns none.

use super::order::Order;
use super::progress::{Key, Place};
use super::{Corpus, CorpusError, Line};

impl Corpus {
    /// The first line from `place` on that can be shown and that `accept` takes (glyphs), with its
    /// place; give [`Place::next`] of it to the next call, and to
    /// [`advance`](super::progress::Progress::advance) once the take is stored.
    ///
    /// # Errors
    /// [`CorpusError::NothingToShow`] if the shard has no such line, or what [`Corpus::line`] says.
    pub fn next_usable(
        &self,
        key: &Key,
        mut place: Place,
        accept: impl Fn(&str) -> bool,
    ) -> Result<(Place, Line), CorpusError> {
        let mut order = Order::new(key.seed, key.shard, self.len(), place.round);
        // One whole round and the rest of this one.
        let tries = order.len().saturating_mul(2);
        for _ in 0..tries {
            // A position behind the end cannot come from here, but from an edited progress.json.
            if let Some(number) = order.line_at(place.position) {
                let line = self.line(number)?;
                if line.text.as_ref().is_ok_and(|text| accept(text)) {
                    return Ok((place, line));
                }
            }
            let next = place.next(order.len());
            if next.round != place.round {
                order = Order::new(key.seed, key.shard, self.len(), next.round);
            }
            place = next;
        }
        Err(CorpusError::NothingToShow {
            path: self.path.clone(),
            shard: key.shard,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(body: &str) -> (tempfile::TempDir, Corpus) {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join("c.txt");
        std::fs::write(&path, body).expect("write");
        let corpus = Corpus::open(&path, None).expect("corpus");
        (dir, corpus)
    }

    fn key(shard: &str) -> Key {
        Key {
            corpus_sha256: String::new(),
            seed: 5,
            shard: shard.parse().expect("shard"),
        }
    }

    #[test]
    fn unusable_lines_are_passed_over_and_every_other_comes_once_a_round() {
        let (_dir, corpus) = corpus("a\n\nb\nbad\n\nc\n");
        let mut place = Place {
            round: 0,
            position: u64::MAX,
        };
        for _ in 0..4 {
            let mut round = Vec::new();
            for _ in 0..3 {
                let (at, line) = corpus
                    .next_usable(&key("1/1"), place, |text| text != "bad")
                    .expect("line");
                round.push(line.number);
                place = at.next(6);
            }
            round.sort_unstable();
            assert_eq!(round, [1, 3, 6]);
        }
    }

    #[test]
    fn a_shard_with_nothing_to_show_is_an_error() {
        let (_dir, corpus) = corpus("a\n\n");
        for shard in ["2/2", "3/3"] {
            let refused = corpus.next_usable(&key(shard), Place::default(), |_| true);
            assert!(
                matches!(refused, Err(CorpusError::NothingToShow { .. })),
                "{shard}"
            );
        }
    }
}
