//! Which lines of a text were read, known by the line: a text that is corrected, sorted, renamed or
//! continued goes on where it was, and what is new in it comes in the same round.
//!
//! Guarantees: of lines with the same text as many are left as were not read. After the start it
//! holds one byte a line. Texts of more than [`MOST_LINES`] are known by the file alone, see
//! [`super::progress`].

mod find;
mod survey;

use std::collections::BTreeSet;
use std::path::Path;

use super::order::{Order, Shard};
use super::progress::{Key, Progress, ProgressError, Reached};
use super::read_file::{ReadFile, Round, begin, hash};
use super::{Corpus, CorpusError};
use crate::files::data::Data;
pub use survey::{Survey, survey};

/// Lines of the longest text that is known by its lines.
pub const MOST_LINES: u64 = 1_000_000;
/// The count of a line that is never shown.
const NEVER: u8 = u8::MAX;

/// Why it is not known what was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The text cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// Its progress cannot.
    #[error(transparent)]
    Progress(#[from] ProgressError),
}

/// What is read of a text.
#[derive(Debug)]
pub struct ReadLines {
    file: ReadFile,
    round: u64,
    /// How often each line was read since the round began.
    counts: Vec<u8>,
    /// Lines found to be never shown.
    never: u64,
    /// Lines read in this round that are not in the text any more.
    gone: u64,
    /// Records that are written with the next: what a version wrote that knew the file alone.
    unwritten: Vec<u64>,
}

impl ReadLines {
    /// What was read of `corpus`, by the file of its name in DATA, or by that of another name most of
    /// which is of this text; `None` for a text that is too long. Where there is none, what `progress`
    /// knows of `key`, as version 0.1 wrote it. Nothing is written.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn open(
        corpus: &Corpus,
        data: &Path,
        key: &Key,
        progress: &Progress,
    ) -> Result<Option<ReadLines>, ReadError> {
        if corpus.len() > MOST_LINES {
            return Ok(None);
        }
        let mut texts = Vec::with_capacity(corpus.len() as usize);
        corpus.each_line(|line| {
            texts.extend(line.text.as_ref().map(|text| (hash(text), line.number)));
            true
        })?;
        texts.sort_unstable();
        let (file, round) = find::find(corpus, &Data(data).read_lines(), &texts)?;
        let mut read = ReadLines {
            file,
            round: round.number,
            counts: vec![0; corpus.len() as usize],
            never: 0,
            gone: 0,
            unwritten: Vec::new(),
        };
        if round == Round::default() {
            read.go_on(key, &progress.reached(key), &texts);
        } else {
            read.count(&round.lines, &texts, key.shard);
        }
        Ok(Some(read))
    }

    /// Counts what the file says. Lines of the same text share what was read of it.
    fn count(&mut self, read: &[u64], texts: &[(u64, u64)], shard: Shard) {
        for run in read.chunk_by(|a, b| a == b) {
            let from = texts.partition_point(|(hash, _)| *hash < run[0]);
            let same = texts[from..].iter().take_while(|(hash, _)| *hash == run[0]);
            let numbers: Vec<u64> = same.map(|(_, number)| *number).collect();
            if numbers.is_empty() {
                self.gone += run.len() as u64;
            }
            let own = || numbers.iter().filter(|number| shard.owns(**number));
            let among = own().count();
            for (at, number) in own().enumerate() {
                let times = (run.len() + among - 1 - at) / among;
                self.counts[*number as usize - 1] = times.min(usize::from(NEVER - 1)) as u8;
            }
        }
    }

    /// Counts what version 0.1 knew by the file: every line up to a place of the order, but for the
    /// owed. Those owed from rounds before come with the others.
    fn go_on(&mut self, key: &Key, reached: &Reached, texts: &[(u64, u64)]) {
        self.round = reached.next.round;
        if self.round > 0 {
            self.unwritten.push(begin(self.round));
        }
        let owed = reached.owed.iter().filter(|owed| owed.round == self.round);
        let owed: BTreeSet<u64> = owed.map(|owed| owed.position).collect();
        let order = Order::new(key.seed, key.shard, self.counts.len() as u64, self.round);
        let positions = 0..reached.next.position.min(order.len());
        for position in positions.filter(|position| !owed.contains(position)) {
            if let Some(number) = order.line_at(position) {
                self.counts[number as usize - 1] = 1;
            }
        }
        let read = texts
            .iter()
            .filter(|(_, number)| self.counts[*number as usize - 1] > 0);
        self.unwritten.extend(read.map(|(hash, _)| hash));
    }

    /// The round, from 0.
    #[must_use]
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Lines found to be never shown.
    pub(super) fn never(&self) -> u64 {
        self.never
    }

    /// Whether line `number` is still to be read in `round`.
    #[must_use]
    pub fn is_due(&self, number: u64, round: u64) -> bool {
        let count = self.counts.get(number as usize - 1).copied();
        let ahead = round.checked_sub(self.round);
        let due = count.zip(ahead);
        due.is_some_and(|(count, ahead)| count != NEVER && u64::from(count) <= ahead)
    }

    /// Line `number` is never shown.
    pub(super) fn pass(&mut self, number: u64) {
        if let Some(count) = self
            .counts
            .get_mut(number as usize - 1)
            .filter(|it| **it != NEVER)
        {
            *count = NEVER;
            self.never += 1;
        }
    }

    /// Line `number`, which has this hash, was read: on the disk once this returns Ok.
    pub(super) fn note(&mut self, number: u64, hash: u64) -> Result<(), ProgressError> {
        self.unwritten.push(hash);
        let written = self.file.append(&self.unwritten);
        if written.is_err() {
            self.unwritten.pop();
            return written;
        }
        self.unwritten.clear();
        if let Some(count) = self.counts.get_mut(number as usize - 1) {
            *count = count.saturating_add(1).min(NEVER - 1);
        }
        Ok(())
    }

    /// Every line was read: the next round begins. Lines that were read in it already are noted anew;
    /// `text` tells what they are.
    pub(super) fn begin_round(
        &mut self,
        mut text: impl FnMut(u64) -> Option<String>,
    ) -> Result<(), ProgressError> {
        let mut records = vec![begin(self.round + 1)];
        for (number, count) in (1..).zip(&self.counts) {
            if (2..NEVER).contains(count)
                && let Some(text) = text(number)
            {
                records.extend((1..*count).map(|_| hash(&text)));
            }
        }
        self.file.append(&records)?;
        self.unwritten.clear();
        self.round += 1;
        self.gone = 0;
        for count in self.counts.iter_mut().filter(|count| **count != NEVER) {
            *count = count.saturating_sub(1);
        }
        Ok(())
    }
}
