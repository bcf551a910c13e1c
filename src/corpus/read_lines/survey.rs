//! What is read of a text, for people: nothing is written.

use std::fmt;
use std::path::Path;

use super::{MOST_LINES, ReadError, ReadLines};
use crate::corpus::Corpus;
use crate::corpus::order::Shard;
use crate::corpus::progress::{Key, Progress};

/// What was read of a text, in lines of the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The round, from 0.
    pub round: u64,
    /// Read in it.
    pub read: u64,
    /// Still to be read in it.
    pub to_come: u64,
    /// Read in it, and not in the text any more.
    pub gone: u64,
}

impl fmt::Display for Survey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Survey {
            round,
            read,
            to_come,
            gone,
        } = self;
        write!(
            f,
            "{read} lines are read in round {}, {to_come} are to come",
            round + 1
        )?;
        if *gone > 0 {
            write!(
                f,
                "; {gone} that were read are not in it any more: what they were changed to is to come"
            )?;
        }
        Ok(())
    }
}

/// What a box with this data folder has read of `corpus`; `None` if nothing, or if the text is too
/// long.
///
/// # Errors
/// [`ReadError`].
pub fn survey(
    corpus: &mut Corpus,
    data: &Path,
    seed: u64,
    shard: Shard,
) -> Result<Option<Survey>, ReadError> {
    // The hash of a gigabyte takes seconds.
    if corpus.len() > MOST_LINES {
        return Ok(None);
    }
    let key = Key {
        corpus_sha256: corpus.learn_sha256()?,
        seed,
        shard,
    };
    let progress = Progress::read(data)?;
    let Some(lines) = ReadLines::open(corpus, data, &key, &progress)? else {
        return Ok(None);
    };
    let mut survey = Survey {
        round: lines.round(),
        read: 0,
        to_come: 0,
        gone: lines.gone,
    };
    corpus.each_line(|line| {
        if shard.owns(line.number) && line.text.is_ok() {
            let is_due = lines.is_due(line.number, survey.round);
            survey.to_come += u64::from(is_due);
            survey.read += u64::from(!is_due);
        }
        true
    })?;
    let is_begun = (survey.round, survey.read, survey.gone) != (0, 0, 0);
    Ok(is_begun.then_some(survey))
}
