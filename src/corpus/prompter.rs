//! Which line comes next: corpus, order and progress together, unusable lines passed over.
//!
//! A ticket is a line's place in the order as one number. A line is done once its take is on the
//! disk; what was handed out but never done is handed out again by the next [`Prompter::rewind`],
//! also after a restart and also if later lines were done meanwhile. What is done is known by the line
//! ([`ReadLines`]); of a text too long for that, by its place in the order ([`Progress`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::order::{Order, Sequence, Shard};
use super::progress::{Key, Place, Progress, ProgressError};
use super::read_file::hash;
use super::read_lines::{ReadError, ReadLines};
use super::{Corpus, CorpusError, Unusable};
use crate::words::Undrawable;

/// Tickets remembered because they may be done once more: a redo is of the line before.
const MOST_SETTLED: usize = 64;
/// Lines that are named in the log because they are never shown.
const MOST_NAMED: usize = 1000;

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

impl From<ReadError> for PromptError {
    fn from(error: ReadError) -> PromptError {
        match error {
            ReadError::Corpus(error) => PromptError::Corpus(error),
            ReadError::Progress(error) => PromptError::Progress(error),
        }
    }
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

/// Says why a text is not to be shown.
pub type Look = Arc<Mutex<dyn FnMut(&str) -> Option<Undrawable> + Send>>;

/// The ticket of a line that has no place in the order.
const NO_TICKET: u64 = u64::MAX;

/// Hands out lines.
pub struct Prompter {
    corpus: Corpus,
    progress: Progress,
    /// `None` for a text that is too long.
    read: Option<ReadLines>,
    key: Key,
    look: Look,
    sequence: Sequence,
    order: Order,
    /// Lines that were passed by but are not done; they are handed out before all others.
    owed: VecDeque<u64>,
    /// A line repeated before all others; it does not count as progress.
    first: Option<u64>,
    /// The ticket of the next line tried.
    next: u64,
    /// Positions of the round before this one are known to be done.
    floor: u64,
    /// Handed out and not done yet: the lines read ahead, and those whose take failed; with the hash of
    /// each.
    outstanding: BTreeMap<u64, u64>,
    /// The last that were done.
    settled: VecDeque<u64>,
    /// Lines that were named in the log.
    named: BTreeSet<u64>,
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
        look: Look,
    ) -> Result<Prompter, PromptError> {
        let mut corpus = Corpus::open(path, Some(data))?;
        let key = Key {
            corpus_sha256: corpus.learn_sha256()?,
            seed,
            shard,
        };
        let order = Order::new(seed, shard, corpus.len(), 0);
        let progress = Progress::open(data)?;
        let mut prompter = Prompter {
            read: ReadLines::open(&corpus, data, &key, &progress)?,
            corpus,
            progress,
            key,
            look,
            sequence: Sequence::Shuffled,
            order,
            owed: VecDeque::new(),
            first: None,
            next: 0,
            floor: 0,
            outstanding: BTreeMap::new(),
            settled: VecDeque::new(),
            named: BTreeSet::new(),
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
        if sequence == Sequence::SameForAll {
            return;
        }
        let lines = self.order.len();
        if let Some(read) = &self.read {
            let first = read.round().saturating_mul(lines);
            while self.floor < lines && !self.is_due(first + self.floor, lines) {
                self.floor += 1;
            }
            self.next = first + self.floor;
        } else {
            let reached = self.progress.reached(&self.key);
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
            && self.undrawable(&text).is_none()
        {
            return Ok(prompt(NO_TICKET, number, line.id, text));
        }
        let lines = self.lines();
        // The only usable line may be the first of one round and the last of the next.
        let mut tries = lines.saturating_mul(2);
        while tries > 0 && !self.is_nothing_left() {
            let ticket = self.owed.pop_front().unwrap_or_else(|| {
                self.next += 1;
                self.next - 1
            });
            if !self.is_due(ticket, lines) {
                continue;
            }
            tries -= 1;
            let number = self.number_of(ticket, lines);
            let line = self.corpus.line(number)?;
            match line.text {
                Ok(text) => match self.undrawable(&text) {
                    None => {
                        self.outstanding.insert(ticket, hash(&text));
                        return Ok(prompt(ticket, number, line.id, text));
                    }
                    Some(why) => self.pass_over(number, &why),
                },
                // It was left empty on purpose.
                Err(Unusable::Empty) => self.pass(number),
                Err(why) => self.pass_over(number, &why),
            }
        }
        Err(PromptError::Corpus(CorpusError::NothingToShow {
            path: self.corpus.path().to_owned(),
            shard: self.key.shard,
        }))
    }

    fn undrawable(&self, text: &str) -> Option<Undrawable> {
        let mut look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        look(text)
    }

    /// Line `number` is not shown, and the log says so once.
    fn pass_over(&mut self, number: u64, why: &dyn fmt::Display) {
        if self.named.len() < MOST_NAMED && self.named.insert(number) {
            let path = self.corpus.path().display();
            log::warn!("corpus {path}: line {number} {why}, so it is not shown");
            if self.named.len() == MOST_NAMED {
                log::warn!("corpus {path}: `booth corpus check` names further such lines");
            }
        }
        self.pass(number);
    }

    fn pass(&mut self, number: u64) {
        if self.sequence == Sequence::Shuffled
            && let Some(read) = &mut self.read
        {
            read.pass(number);
        }
    }

    /// Whether every line of the shard was found to be never shown.
    fn is_nothing_left(&self) -> bool {
        let read = self.read.as_ref();
        self.sequence == Sequence::Shuffled
            && read.is_some_and(|read| read.never() == self.order.len())
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

    /// Whether the line of this ticket is still to be read in its round, as far as is known by the
    /// line.
    fn is_due(&mut self, ticket: u64, lines: u64) -> bool {
        let number = self.number_of(ticket, lines);
        let read = self
            .read
            .as_ref()
            .filter(|_| self.sequence == Sequence::Shuffled);
        read.is_none_or(|read| read.is_due(number, ticket / lines))
    }

    /// The line with this ticket is on the disk: it is not shown again in its round.
    ///
    /// # Errors
    /// The disk's; the next call writes this place too.
    pub fn done(&mut self, ticket: u64) -> Result<(), PromptError> {
        if self.sequence == Sequence::SameForAll || ticket == NO_TICKET {
            self.outstanding.remove(&ticket);
            return Ok(());
        }
        let lines = self.order.len();
        if self.read.is_none() {
            return self.reach(ticket, lines);
        }
        // A line taken twice, by a redo after the fact, is done twice.
        if self.settled.contains(&ticket) {
            return Ok(());
        }
        let number = self.number_of(ticket, lines);
        let hash = match self.outstanding.get(&ticket) {
            Some(hash) => *hash,
            None => hash(&self.corpus.line(number)?.text.unwrap_or_default()),
        };
        if let Some(read) = &mut self.read {
            read.note(number, hash)?;
        }
        self.outstanding.remove(&ticket);
        self.settled.push_back(ticket);
        if self.settled.len() > MOST_SETTLED {
            self.settled.pop_front();
        }
        self.begin_rounds(lines)
    }

    /// Begins the next round once every line of this one is done.
    fn begin_rounds(&mut self, lines: u64) -> Result<(), PromptError> {
        while !self.is_nothing_left() {
            let round = self.read.as_ref().map_or(0, ReadLines::round);
            let end = (round + 1).saturating_mul(lines);
            while self.next < end && !self.is_due(self.next, lines) {
                self.next += 1;
            }
            let waiting = self.outstanding.range(..end).next();
            if self.next < end || waiting.is_some() {
                break;
            }
            let corpus = &self.corpus;
            if let Some(read) = &mut self.read {
                read.begin_round(|number| corpus.line(number).ok()?.text.ok())?;
            }
            self.floor = 0;
        }
        Ok(())
    }

    /// Records a place that was reached in the order, and what is owed before it.
    fn reach(&mut self, ticket: u64, lines: u64) -> Result<(), PromptError> {
        self.outstanding.remove(&ticket);
        let reached = self.progress.reached(&self.key).next.ticket(lines);
        let next = reached.max(ticket + 1);
        let waiting = self.owed.iter().chain(self.outstanding.keys()).copied();
        let mut owed: Vec<u64> = waiting.filter(|&waiting| waiting < next).collect();
        owed.sort_unstable();
        let place = |ticket| Place::of(ticket, lines);
        let owed = owed.into_iter().map(place).collect();
        Ok(self.progress.reach(&self.key, place(next), owed)?)
    }
}

fn prompt(ticket: u64, number: u64, id: Option<String>, text: String) -> Prompt {
    Prompt {
        ticket,
        number,
        id: id.map(Into::into),
        text: text.into(),
    }
}

#[cfg(test)]
mod tests;
