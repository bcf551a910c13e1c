//! What runs on a connection: a command line with its whole answer, or a channel that stays open.
//!
//! Nothing here is bounded in time; the connection does that. Every length is bounded here.

use std::io::Read;

use ssh2::{Channel, ExtendedData, Session};

use crate::rt::Nanos;
use crate::sphere::SphereError;

/// Bytes of an answer that are kept; the longest is a list of studios.
pub const MOST_BYTES: usize = 64 << 10;

/// sh's exit status for a program that is not there.
pub const NOT_FOUND: i32 = 127;

/// The exit status of `timeout` when it had to use force.
pub const KILLED: i32 = 137;

/// What a command line printed, and its exit status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Standard output.
    pub out: Vec<u8>,
    /// Exit status.
    pub status: i32,
}

impl Answer {
    /// One that printed `out`.
    #[must_use]
    pub fn new(out: impl Into<Vec<u8>>, status: i32) -> Answer {
        let out = out.into();
        Answer { out, status }
    }

    /// Whether a shell found no program there. Command lines of ours always print something; a forced
    /// command that is gone does not.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.out.is_empty() && self.status == NOT_FOUND
    }

    /// The error for an answer that cannot be understood.
    #[must_use]
    pub fn unclear(&self, doing: &'static str) -> SphereError {
        let said = SphereError::quoted(&self.out);
        SphereError::Unclear {
            doing,
            said: if said.is_empty() {
                format!("nothing, exit status {}", self.status)
            } else {
                said
            },
        }
    }
}

/// A channel that stays open, for questions of one line and answers of one line.
pub struct Kept {
    pub(super) channel: Channel,
    pub(super) read: Vec<u8>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

/// A line, with the times of its question and its arrival.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line without its end; `None` if the channel ended.
    pub text: Option<String>,
    /// Just before the question was sent.
    pub asked: Nanos,
    /// Just after the answer was there.
    pub had: Nanos,
}

impl Kept {
    /// The next line, without its end; `None` at the end of the channel.
    pub(super) fn line(&mut self, doing: &'static str) -> Result<Option<String>, SphereError> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).take(end).collect();
                return match String::from_utf8(line) {
                    Ok(line) => Ok(Some(line)),
                    Err(bad) => Err(SphereError::Unclear {
                        doing,
                        said: SphereError::quoted(bad.as_bytes()),
                    }),
                };
            }
            if self.read.len() > MOST_BYTES {
                return Err(too_long(doing, &self.read));
            }
            let mut buffer = [0; 4096];
            match self.channel.read(&mut buffer) {
                Ok(0) if self.channel.eof() => return Ok(None),
                Ok(0) => return Err(lost(doing, &"the peer is gone")),
                Ok(bytes) => self.read.extend_from_slice(&buffer[..bytes]),
                Err(error) => return Err(lost(doing, &error)),
            }
        }
    }
}

pub(super) fn lost(doing: &'static str, reason: &dyn std::fmt::Display) -> SphereError {
    SphereError::Lost {
        doing,
        reason: SphereError::quoted(reason.to_string().as_bytes()),
    }
}

fn too_long(doing: &'static str, read: &[u8]) -> SphereError {
    SphereError::TooLong {
        doing,
        most_bytes: MOST_BYTES,
        begins: SphereError::quoted(&read[..read.len().min(64)]),
    }
}

/// Starts a command line; its stderr, which JACK's tools always write to, is discarded as it
/// arrives.
pub(super) fn exec(session: &Session, line: &str) -> Result<Channel, ssh2::Error> {
    let mut channel = session.channel_session()?;
    channel.handle_extended_data(ExtendedData::Ignore)?;
    channel.exec(line)?;
    Ok(channel)
}

pub(super) fn read_all(channel: &mut Channel, doing: &'static str) -> Result<Vec<u8>, SphereError> {
    let mut out = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match channel.read(&mut buffer) {
            Ok(0) if channel.eof() => return Ok(out),
            Ok(0) => return Err(lost(doing, &"the peer is gone")),
            Ok(bytes) => out.extend_from_slice(&buffer[..bytes]),
            Err(error) => return Err(lost(doing, &error)),
        }
        if out.len() > MOST_BYTES {
            return Err(too_long(doing, &out));
        }
    }
}
