//! Standard output that never makes its writer wait.
//!
//! Guarantees: what is queued is written in order, each time as much as the reader accepts at once;
//! a reader that is gone for good is not an error, since the box goes on when no one watches.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::Duration;

use crate::rt::{self, Nanos};

/// What a pipe or socket that counts as writable takes without waiting (PIPE_BUF of Linux).
const PIECE_BYTES: usize = 4096;
/// Between two tries at the end.
const TRY: Duration = Duration::from_millis(50);

/// The queue before standard output.
#[derive(Debug)]
pub(super) struct Output {
    /// A non-blocking handle of our own: on the inherited one, non-blocking mode would affect the
    /// shell too. Only a terminal or a pipe has one.
    own: Option<File>,
    queued: Vec<u8>,
}

impl Output {
    pub(super) fn standard() -> Output {
        Output {
            own: rt::reopen_unwaiting(&io::stdout()).ok(),
            queued: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn over(pipe: &io::PipeWriter) -> Output {
        Output {
            own: Some(rt::reopen_unwaiting(pipe).expect("a pipe")),
            queued: Vec::new(),
        }
    }

    /// Bytes that are not written yet.
    pub(super) fn behind(&self) -> usize {
        self.queued.len()
    }

    pub(super) fn queue(&mut self, text: &str) {
        self.queued.extend_from_slice(text.as_bytes());
        self.push();
    }

    /// Writes what is accepted at once; true if nothing is left.
    pub(super) fn push(&mut self) -> bool {
        while !self.queued.is_empty() {
            match self.write() {
                Ok(bytes) => drop(self.queued.drain(..bytes)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => self.queued.clear(),
            }
        }
        true
    }

    fn write(&mut self) -> io::Result<usize> {
        if let Some(own) = &mut self.own {
            return own.write(&self.queued);
        }
        let mut out = io::stdout().lock();
        if !rt::writable(&out, Duration::ZERO)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let piece = &self.queued[..self.queued.len().min(PIECE_BYTES)];
        out.write_all(piece).and_then(|()| out.flush())?;
        Ok(piece.len())
    }

    /// Writes what is left, waiting for `wait` at most.
    pub(super) fn finish(&mut self, wait: Duration) {
        let until = Nanos::now() + wait;
        while !self.push() && Nanos::now() < until {
            std::thread::sleep(TRY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_full_pipe_is_not_waited_for_and_everything_arrives_in_order() {
        let (mut reader, writer) = io::pipe().expect("pipe");
        let mut output = Output::over(&writer);
        let text: String = (0..100_000).map(|n| format!("{n}\n")).collect();
        output.queue(&text);
        assert!(output.behind() > 0 && output.behind() < text.len());
        drop(writer);
        let read = std::thread::spawn(move || {
            let mut all = String::new();
            reader.read_to_string(&mut all).map(|_| all)
        });
        output.finish(Duration::from_secs(20));
        drop(output);
        assert!(read.join().expect("reader").expect("UTF-8") == text);
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let (reader, writer) = io::pipe().expect("pipe");
        let mut output = Output::over(&writer);
        drop(reader);
        output.queue("unread\n");
        assert_eq!(output.behind(), 0);
    }
}
