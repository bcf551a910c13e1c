//! Which line comes next: corpus, order and progress together, unusable lines passed over.
//!
//! A ticket is a line's place in the order as one number. A line is done once its take is on the
//! disk; what was handed out but never done is handed out again by the next [`Prompter::rewind`].

use std::path::Path;
use std::sync::Arc;

use super::order::{Order, Shard};
use super::progress::{Key, Place, Progress, ProgressError};
use super::{Corpus, CorpusError};
use crate::session::protocol::Order as Sequence;

/// Why there is no next line.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The corpus cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The progress cannot be kept.
    #[error(transparent)]
    Progress(#[from] ProgressError),
    /// Every line was tried.
    #[error("corpus {0}: no line of this booth's shard can be shown; run `booth corpus check`")]
    NothingToShow(String),
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

/// Says whether a text can be drawn.
pub type Drawable = Box<dyn FnMut(&str) -> bool + Send>;

/// Hands out lines.
pub struct Prompter {
    corpus: Corpus,
    progress: Progress,
    key: Key,
    drawable: Drawable,
    sequence: Sequence,
    order: Order,
    /// The ticket of the next line tried.
    next: u64,
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
        let corpus_sha256 = match corpus.sha256() {
            Some(known) => known,
            None => corpus.learn_sha256()?,
        };
        let key = Key {
            corpus_sha256,
            seed,
            shard,
        };
        let progress = Progress::open(data)?;
        let (order, _) = progress.order(&key, corpus.len());
        let sequence = Sequence::Shuffled;
        let mut prompter = Prompter {
            corpus,
            progress,
            key,
            drawable,
            sequence,
            order,
            next: 0,
        };
        prompter.rewind(sequence);
        Ok(prompter)
    }

    /// SHA-256 of the corpus, hexadecimal.
    #[must_use]
    pub fn corpus_sha256(&self) -> &str {
        &self.key.corpus_sha256
    }

    /// Hands out from the first line that is not done yet.
    pub fn rewind(&mut self, sequence: Sequence) {
        self.sequence = sequence;
        self.next = match sequence {
            Sequence::Shuffled => {
                let place = self.progress.place(&self.key);
                place.round * self.order.len() + place.position
            }
            Sequence::SameForAll => 0,
        };
    }

    /// The next line that can be shown.
    ///
    /// # Errors
    /// [`PromptError::NothingToShow`] after a whole round without one, or the corpus's.
    pub fn next_prompt(&mut self) -> Result<Prompt, PromptError> {
        let lines = match self.sequence {
            Sequence::Shuffled => self.order.len(),
            Sequence::SameForAll => self.corpus.len(),
        };
        for _ in 0..lines {
            let ticket = self.next;
            self.next += 1;
            let number = self.number_of(ticket, lines);
            let line = self.corpus.line(number)?;
            if let Ok(text) = line.text
                && (self.drawable)(&text)
            {
                let id = line.id.map(Into::into);
                return Ok(Prompt {
                    ticket,
                    number,
                    id,
                    text: text.into(),
                });
            }
        }
        Err(PromptError::NothingToShow(
            self.corpus.path().display().to_string(),
        ))
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
        if self.sequence == Sequence::SameForAll {
            return Ok(());
        }
        let lines = self.order.len().max(1);
        let place = Place {
            round: ticket / lines,
            position: ticket % lines,
        }
        .next(lines);
        Ok(self.progress.advance(&self.key, place)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path, text: &str) -> Prompter {
        let path = folder.join("corpus.txt");
        std::fs::write(&path, text).expect("a corpus");
        let drawable = Box::new(|text: &str| !text.contains('#'));
        Prompter::open(&path, folder, 3, Shard::WHOLE, drawable).expect("a prompter")
    }

    #[test]
    fn every_line_comes_once_before_any_comes_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prompter = open(folder.path(), "a\nb\nc\nd\ne\n");
        for _ in 0..3 {
            let mut round: Vec<_> = (0..5)
                .map(|_| prompter.next_prompt().expect("a line").number)
                .collect();
            round.sort_unstable();
            assert_eq!(round, [1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn a_line_not_done_is_shown_again_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prompter = open(folder.path(), "a\nb\nc\nd\ne\n");
        let first = prompter.next_prompt().expect("a line");
        let second = prompter.next_prompt().expect("a line");
        prompter.done(first.ticket).expect("progress");
        let mut again = open(folder.path(), "a\nb\nc\nd\ne\n");
        assert_eq!(again.next_prompt().expect("a line"), second);
    }

    #[test]
    fn what_cannot_be_drawn_is_never_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prompter = open(folder.path(), "a\n#\n\nd\n");
        let mut round: Vec<_> = (0..4)
            .map(|_| prompter.next_prompt().expect("a line").number)
            .collect();
        round.sort_unstable();
        assert_eq!(round, [1, 1, 4, 4]);
        let mut none = open(folder.path(), "#\n#\n");
        assert!(matches!(
            none.next_prompt(),
            Err(PromptError::NothingToShow(_))
        ));
    }

    #[test]
    fn same_for_all_is_the_order_of_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut prompter = open(folder.path(), "a\nb\nc\n");
        prompter.rewind(Sequence::SameForAll);
        let numbers: Vec<_> = (0..4)
            .map(|_| prompter.next_prompt().expect("a line").number)
            .collect();
        assert_eq!(numbers, [1, 2, 3, 1]);
    }
}
