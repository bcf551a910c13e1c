//! Why the box does not run, or stopped.

use std::io;
use std::path::PathBuf;

use crate::audio::mixer::MixerError;
use crate::board::BoardError;
use crate::board::profile::ProfileError;
use crate::board::sim::script::UntilFailed;
use crate::corpus::CorpusError;
use crate::corpus::order::ShardError;
use crate::forget::ForgetError;
use crate::identity::operator::OperatorError;
use crate::identity::participant::ParticipantError;
use crate::identity::pending::PendingError;
use crate::lang::LangError;
use crate::recorder::chain;
use crate::words::Undrawable;

/// Why the box does not run, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The screens' words cannot be had.
    #[error(transparent)]
    Lang(#[from] LangError),
    /// The enrolled person cannot be had.
    #[error(transparent)]
    Pending(#[from] PendingError),
    /// The board's profile is faulty or unknown.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The shard is none.
    #[error("corpus.shard: {0}")]
    Shard(#[from] ShardError),
    /// A device that keeps its own time cannot run fast.
    #[error("--fast: device `{0}` keeps its own time; add --set audio.device=sim")]
    NotFast(String),
    /// A script, or pictures of the screens, on a board of hardware.
    #[error("--{option}: board `{board}` is no simulated one; add --board sim")]
    NotSimulated {
        /// `script` or `screens`.
        option: &'static str,
        /// The board.
        board: String,
    },
    /// The data folder cannot be made or written.
    #[error("data folder {}: {source}; make it writable or use --data", path.display())]
    Data {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A protocol judges by a channel that there is not.
    #[error("protocol {protocol}: {key}: no channel is called {name:?} in audio.channels{near}")]
    Channel {
        /// The protocol's name.
        protocol: String,
        /// Where it names it.
        key: &'static str,
        /// The name.
        name: String,
        /// What may be meant.
        near: String,
    },
    /// The sessions cannot be read by this version.
    #[error("sessions: {0}")]
    Sessions(#[source] io::Error),
    /// A recipient is none.
    #[error("privacy.recipient: {0}")]
    Recipient(#[from] OperatorError),
    /// A session cannot have a name.
    #[error(transparent)]
    Participant(#[from] ParticipantError),
    /// Tombstones cannot be carried out.
    #[error(transparent)]
    Forget(#[from] ForgetError),
    /// Another booth has it.
    #[error("data folder {}: another booth is running on it; stop it or use --data", .0.display())]
    Held(PathBuf),
    /// The corpus is refused.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The sample corpus cannot be unpacked.
    #[error("sample corpus {}: {source}; make the data folder writable or use --data", path.display())]
    Sample {
        /// Where it would go.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Capture or recorder do not start.
    #[error(transparent)]
    Chain(#[from] chain::Error),
    /// A mixer control is not as configured.
    #[error(transparent)]
    Mixer(#[from] MixerError),
    /// A text of the protocol cannot be shown.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Buttons or panel failed.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// A screen that the script waits for did not come.
    #[error(transparent)]
    Script(#[from] UntilFailed),
    /// The system has no thread or signal left.
    #[error("{what}: {source}")]
    System {
        /// Thread or signal.
        what: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A thread panicked; `repair` makes whole what it left.
    #[error("thread `{0}` ended before its time")]
    Died(&'static str),
}

impl Error {
    /// For `map_err`: the system refused `what`.
    pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::System { what, source }
    }

    /// Whether the configuration is to blame, so that the exit code is 2.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Error::Lang(_)
                | Error::Profile(_)
                | Error::Shard(_)
                | Error::Corpus(CorpusError::EmptyShard { .. })
                | Error::Recipient(_)
                | Error::Text(_)
                | Error::NotFast(_)
                | Error::Channel { .. }
                | Error::NotSimulated { .. }
        )
    }
}

/// Why a text of the protocol cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// Nobody can agree to what they cannot read.
    #[error(
        "protocol {protocol}: it asks for consent in {has} alone, and `language` is {language}; add \
         [consent.{language}] to it, or choose another `language`"
    )]
    ConsentLanguage {
        /// The protocol.
        protocol: String,
        /// The languages it has.
        has: String,
        /// The box's.
        language: String,
    },
    /// A text that is not drawn whole cannot be read.
    #[error("protocol {protocol}: {text}: {}; {}", said(*why), why.remedy())]
    Undrawable {
        /// The protocol.
        protocol: String,
        /// Which text.
        text: String,
        /// What is wrong with it.
        why: Undrawable,
    },
}

fn said(why: Undrawable) -> String {
    match why {
        Undrawable::NoGlyph(missing) => format!("no font has {missing} of its characters"),
        Undrawable::NoRoom => "it does not fit the panel at the smallest size".into(),
    }
}
