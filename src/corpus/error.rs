//! Why a corpus is refused, in words an operator can act on: object, place, reason, remedy.

use std::io;
use std::path::PathBuf;

use super::line::Unusable;
use super::order::Shard;

/// Why a corpus or one of its lines cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// Missing, no permission, or the disk's trouble.
    #[error("corpus {path}: cannot be opened: {source}; {remedy}")]
    Open {
        /// The corpus.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// A folder or a device.
    #[error("corpus {0}: is {1}, not a file; name a text file with one line per reading")]
    NotAFile(PathBuf, &'static str),
    /// No bytes, or a byte order mark only.
    #[error("corpus {0}: is empty; write one line per reading into it")]
    Empty(PathBuf),
    /// UTF-16 or UTF-32, by its byte order mark.
    #[error(
        "corpus {0}: is {1} by its first bytes; save it as UTF-8 (`iconv -f {1} -t UTF-8 FILE > NEW`)"
    )]
    Encoding(PathBuf, &'static str),
    /// Every line is empty, too long or no text.
    #[error(
        "corpus {path}: none of its {lines} lines can be shown (line {number} {why}); {}", why.remedy()
    )]
    NoUsableLine {
        /// The corpus.
        path: PathBuf,
        /// Lines it has.
        lines: u64,
        /// The first that is not empty, or the first.
        number: u64,
        /// What is wrong with it.
        why: Unusable,
    },
    /// Most lines are no text, so the others are luck.
    #[error(
        "corpus {path}: {bad} of its first {lines} lines are no lines of text (line {number} {why}); {}",
        why.remedy()
    )]
    NoText {
        /// The corpus.
        path: PathBuf,
        /// How many.
        bad: u64,
        /// Lines looked at that are not empty.
        lines: u64,
        /// The first of them.
        number: u64,
        /// What is wrong with it.
        why: Unusable,
    },
    /// The shard's part of the corpus has no usable line.
    #[error(
        "corpus {path}: no line of shard {shard} can be shown; run `booth corpus check {path}`"
    )]
    NothingToShow {
        /// The corpus.
        path: PathBuf,
        /// The booth's shard.
        shard: Shard,
    },
    /// The corpus is shorter than the shard's number.
    #[error(
        "corpus {path}: has {lines} lines, and none of them is of shard {shard}; count in corpus.shard \
         the booths that share this text, or give it more lines"
    )]
    EmptyShard {
        /// The corpus.
        path: PathBuf,
        /// Lines it has.
        lines: u64,
        /// The booth's shard.
        shard: Shard,
    },
    /// The index's name is taken by another file.
    #[error(
        "corpus {path}: {} is there and is no index of it, so it is not overwritten; rename it, or the corpus", index.display()
    )]
    NotAnIndex {
        /// The corpus.
        path: PathBuf,
        /// What has the name.
        index: PathBuf,
    },
    /// There is no such line.
    #[error("corpus {path}: there is no line {number}; it has lines 1 to {lines}")]
    NoSuchLine {
        /// The corpus.
        path: PathBuf,
        /// The line asked for.
        number: u64,
        /// Lines it has.
        lines: u64,
    },
    /// It was changed since it was opened.
    #[error("corpus {0}: was changed while it was open; open it again when the writing is done")]
    Changed(PathBuf),
    /// The disk's trouble.
    #[error("corpus {path}: cannot be read: {source}; check the medium it is on")]
    Read {
        /// The corpus.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
}
