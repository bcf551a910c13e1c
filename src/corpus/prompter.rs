//! Which line comes next: corpus, order and progress together, unusable lines passed over.
//!
//! A ticket is a line's place in the order as one number. A line is done once its take is on the
//! disk; what was handed out but never done is handed out again by the next [`Prompter::rewind`],
//! also after a restart and also if later lines were done meanwhile.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::order::{Order, Sequence, Shard};
use super::progress::{Key, Place, Progress, ProgressError};
use super::{Corpus, CorpusError};

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The corpus cannot be read, or has nothing to show.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The progress cannot be kept.
    #[error(transparent)]
    Progress(#[from] ProgressError),
}

/// A line to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its place in the order as one number, rising.
    pub ticket: u64,
    /// Number in the file, from 1.
    pub number: u64,
    /// The id before its tab.
    pub id: Option<Arc<str>>,
    /// What is read.
    pub text: Arc<str>,
}

/// Whether a text can be drawn.
pub type Drawable = Arc<Mutex<dyn FnMut(&str) -> bool + Send>>;

/// The ticket of a line that has no place in the order.
const NO_TICKET: u64 = u64::MAX;

/// Hands out lines.
pub struct Prompter {
    corpus: Corpus,
    progress: Progress,
    key: Key,
    drawable: Drawable,
    sequence: Sequence,
    order: Order,
    /// Lines that were passed by but are not done; they are handed out before all others.
    owed: VecDeque<u64>,
    /// A line repeated before all others; it does not count as progress.
    first: Option<u64>,
    /// The ticket of the next line tried.
    next: u64,
    /// Handed out and not done yet: the lines read ahead, and those whose take failed.
    outstanding: BTreeSet<u64>,
}

impl Prompter {
    /// Opens corpus and progress; learns the corpus's SHA-256 if its index does not know it yet.
    ///
    /// # Errors
    /// [`PromptError`].
    pub fn open(
        path: &Path,
        data: &Path,
        seed: u64,
        shard: Shard,
        drawable: Drawable,
    ) -> Result<Prompter, PromptError> {
        let mut corpus = Corpus::open(path, Some(data))?;
        let key = Key {
            corpus_sha256: corpus.learn_sha256()?,
            seed,
            shard,
        };
        let order = Order::new(seed, shard, corpus.len(), 0);
        let mut prompter = Prompter {
            corpus,
            progress: Progress::open(data)?,
            key,
            drawable,
            sequence: Sequence::Shuffled,
            order,
            owed: VecDeque::new(),
            first: None,
            next: 0,
            outstanding: BTreeSet::new(),
        };
        prompter.rewind(Sequence::Shuffled);
        Ok(prompter)
    }

    /// SHA-256 of the corpus, hexadecimal.
    #[must_use]
    pub fn corpus_sha256(&self) -> &str {
        &self.key.corpus_sha256
    }

    /// Hands out what is not done yet, the first line of all first.
    pub fn rewind(&mut self, sequence: Sequence) {
        self.sequence = sequence;
        self.outstanding.clear();
        self.owed.clear();
        self.first = None;
        self.next = 0;
        if sequence == Sequence::Shuffled {
            let reached = self.progress.reached(&self.key);
            let lines = self.order.len();
            self.next = reached.next.ticket(lines);
            let owed = reached.owed.iter().map(|place| place.ticket(lines));
            self.owed.extend(owed);
        }
    }

    /// The line of this number comes first, unless it is the next one anyway.
    pub fn put_first(&mut self, number: u64) {
        let lines = self.lines();
        let next = self.owed.front().copied().unwrap_or(self.next);
        if lines > 0 && self.number_of(next, lines) != number {
            self.first = Some(number);
        }
    }

    /// The next line that can be shown.
    ///
    /// # Errors
    /// [`CorpusError::NothingToShow`] after two rounds without one, or the corpus's.
    pub fn next_prompt(&mut self) -> Result<Prompt, PromptError> {
        if let Some(number) = self.first.take()
            && let Ok(line) = self.corpus.line(number)
            && let Ok(text) = line.text
        {
            return Ok(Prompt {
                ticket: NO_TICKET,
                number,
                id: line.id.map(Into::into),
                text: text.into(),
            });
        }
        let lines = self.lines();
        // The only usable line may be the first of one round and the last of the next.
        for _ in 0..lines.saturating_mul(2) {
            let ticket = self.owed.pop_front().unwrap_or_else(|| {
                self.next += 1;
                self.next - 1
            });
            let number = self.number_of(ticket, lines);
            let line = self.corpus.line(number)?;
            if let Ok(text) = line.text
                && self.is_drawable(&text)
            {
                self.outstanding.insert(ticket);
                return Ok(Prompt {
                    ticket,
                    number,
                    id: line.id.map(Into::into),
                    text: text.into(),
                });
            }
        }
        Err(PromptError::Corpus(CorpusError::NothingToShow {
            path: self.corpus.path().to_owned(),
            shard: self.key.shard,
        }))
    }

    fn is_drawable(&self, text: &str) -> bool {
        let mut drawable = self.drawable.lock().unwrap_or_else(PoisonError::into_inner);
        drawable(text)
    }

    /// Whether the corpus's path still leads to the text that was opened.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.corpus.is_current()
    }

    /// Lines of a round.
    fn lines(&self) -> u64 {
        match self.sequence {
            Sequence::Shuffled => self.order.len(),
            Sequence::SameForAll => self.corpus.len(),
        }
    }

    fn number_of(&mut self, ticket: u64, lines: u64) -> u64 {
        let (round, position) = (ticket / lines, ticket % lines);
        match self.sequence {
            Sequence::SameForAll => position + 1,
            Sequence::Shuffled => {
                let Key { seed, shard, .. } = self.key;
                if self.order.round() != round {
                    self.order = Order::new(seed, shard, self.corpus.len(), round);
                }
                // A position below the order's length has a line.
                self.order.line_at(position).unwrap_or(1)
            }
        }
    }

    /// The line with this ticket is on the disk: it is not shown again in its round.
    ///
    /// # Errors
    /// The disk's; the next call writes this place too.
    pub fn done(&mut self, ticket: u64) -> Result<(), PromptError> {
        self.outstanding.remove(&ticket);
        if self.sequence == Sequence::SameForAll || ticket == NO_TICKET {
            return Ok(());
        }
        let lines = self.order.len();
        let reached = self.progress.reached(&self.key).next.ticket(lines);
        let next = reached.max(ticket + 1);
        let waiting = self.owed.iter().chain(&self.outstanding).copied();
        let mut owed: Vec<u64> = waiting.filter(|&waiting| waiting < next).collect();
        owed.sort_unstable();
        let place = |ticket| Place::of(ticket, lines);
        let owed = owed.into_iter().map(place).collect();
        Ok(self.progress.reach(&self.key, place(next), owed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection;
    use proptest::prelude::*;

    const FIVE: &str = "a\nb\nc\nd\ne\n";

    fn open(folder: &Path, text: &str) -> Prompter {
        let path = folder.join("corpus.txt");
        std::fs::write(&path, text).expect("a corpus");
        let drawable = Arc::new(Mutex::new(|text: &str| !text.contains('#')));
        Prompter::open(&path, folder, 3, Shard::WHOLE, drawable).expect("a prompter")
    }

    fn numbers(prompter: &mut Prompter, count: usize) -> Vec<u64> {
        let mut next = || prompter.next_prompt().expect("a line").number;
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn every_line_comes_once_before_any_comes_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prompter = open(folder.path(), FIVE);
        for _ in 0..3 {
            let mut round = numbers(&mut prompter, 5);
            round.sort_unstable();
            assert_eq!(round, [1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn a_line_not_done_is_shown_again_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prompter = open(folder.path(), FIVE);
        let first = prompter.next_prompt().expect("a line");
        let second = prompter.next_prompt().expect("a line");
        prompter.done(first.ticket).expect("progress");
        let mut again = open(folder.path(), FIVE);
        assert_eq!(again.next_prompt().expect("a line"), second);
    }

    #[test]
    fn a_line_whose_take_failed_comes_first_though_later_ones_are_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prompter = open(folder.path(), FIVE);
        let shown: Vec<_> = (0..4)
            .map(|_| prompter.next_prompt().expect("a line"))
            .collect();
        for at in [0, 2] {
            prompter.done(shown[at].ticket).expect("progress");
        }
        let mut again = open(folder.path(), FIVE);
        let owed = again.next_prompt().expect("a line");
        assert_eq!(owed, shown[1]);
        // Owed twice over: the second restart finds it still not done.
        let mut again = open(folder.path(), FIVE);
        assert_eq!(again.next_prompt().expect("a line"), owed);
        again.done(owed.ticket).expect("progress");
        let mut last = open(folder.path(), FIVE);
        let rest = numbers(&mut last, 2);
        assert_eq!(rest[0], shown[3].number);
        assert!(shown.iter().all(|prompt| prompt.number != rest[1]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Each run shows some lines. The takes of some of them never reach the disk.
        #[test]
        fn every_ticket_is_done_once_and_none_is_left_out_through_restarts_and_failures(
            lines in 1usize..40, runs in collection::vec(collection::vec(any::<bool>(), 1..9), 1..30)
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let text: String = (1..=lines).map(|n| format!("line {n}\n")).collect();
            let mut done = Vec::new();
            // At the end every take is stored: what is owed comes first.
            let last = vec![true; 8 * runs.len()];
            for run in runs.into_iter().chain([last]) {
                let mut prompter = open(folder.path(), &text);
                for stored in run {
                    let ticket = prompter.next_prompt().expect("a line").ticket;
                    if stored {
                        prompter.done(ticket).expect("progress");
                        done.push(ticket);
                    }
                }
            }
            done.sort_unstable();
            prop_assert_eq!(&done, &(0..done.len() as u64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_line_put_first_comes_first_once_and_moves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let order = numbers(&mut open(folder.path(), FIVE), 5);
        for first in [order[0], order[3]] {
            let mut prompter = open(folder.path(), FIVE);
            prompter.put_first(first);
            let came = numbers(&mut prompter, 5);
            let rest = order
                .iter()
                .copied()
                .filter(|n| first != order[0] || *n != first);
            let expected: Vec<_> = std::iter::once(first).chain(rest).take(5).collect();
            assert_eq!(came, expected);
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_never_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut round = numbers(&mut open(folder.path(), "a\n#\n\nd\n"), 4);
        round.sort_unstable();
        assert_eq!(round, [1, 1, 4, 4]);
        let mut single = open(folder.path(), "a\n#\n#\n");
        assert_eq!(numbers(&mut single, 9), [1; 9]);
        let nothing = open(folder.path(), "#\n#\n").next_prompt();
        let Err(PromptError::Corpus(error)) = nothing else {
            panic!("{nothing:?}")
        };
        assert!(error.to_string().contains("no line of shard 1/1"));
    }

    #[test]
    fn same_for_all_is_the_order_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prompter = open(folder.path(), "a\nb\nc\n");
        prompter.rewind(Sequence::SameForAll);
        assert_eq!(numbers(&mut prompter, 4), [1, 2, 3, 1]);
    }
}
