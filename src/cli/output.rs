//! What commands print. Names, prompts and messages come out of files that anybody may have made,
//! and control characters in them could steer a terminal.
//!
//! Guarantees: no control character but the end of a line reaches a terminal, standard error or the
//! log; a file or a pipe gets a result byte for byte.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use super::{Done, Failure};
use crate::words::visible::spelt;

/// Text of one line for people to read: its control characters are spelt out, ends of lines too.
pub(crate) fn printable(text: &str) -> String {
    spelt(text, |c| c.is_control()).into_owned()
}

/// The same for text of several lines.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    spelt(text, |c| c.is_control() && c != '\n')
}

/// Prints a result. If the reader closed the pipe, it has seen enough; that is no failure.
pub(crate) fn print(text: &str) -> Result<Done, Failure> {
    let mut out = Out::standard();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(Done::Well)
}

/// The outcome of printing. If the reader closed the pipe, it has seen enough.
pub(crate) fn printed(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::CouldNot(format!(
            "standard output: cannot be written: {e}; check where it leads"
        ))),
        _ => Ok(()),
    }
}

/// Standard output for a long result, written in whole texts.
pub(crate) struct Out<W> {
    to: W,
    is_terminal: bool,
}

impl Out<io::BufWriter<io::StdoutLock<'static>>> {
    pub(crate) fn standard() -> Self {
        let to = io::stdout().lock();
        Out {
            is_terminal: to.is_terminal(),
            to: io::BufWriter::new(to),
        }
    }
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_terminal {
            let text = String::from_utf8_lossy(bytes);
            self.to.write_all(lines(&text).as_bytes())?;
        } else {
            self.to.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Says on standard error why a command failed.
pub(super) fn complain(failure: &Failure) {
    let text = failure.to_string();
    // If standard error is on a full disk, that must not become a panic.
    let _ = writeln!(io::stderr(), "booth: {}", lines(&text));
}

/// Begins the log on standard error.
pub(super) fn log() {
    let environment = env_logger::Env::default().default_filter_or("warn");
    let mut log = env_logger::Builder::from_env(environment);
    log.format(|out, record| {
        let (time, level) = (out.timestamp(), record.level());
        let text = record.args().to_string();
        let target = record.target();
        writeln!(out, "[{time} {level:<5} {target}] {}", lines(&text))
    });
    log.init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_character_and_a_pipe_gets_every_byte() {
        let text = "name\u{1b}[2J\u{9b}1m\r\u{7f} é\nline 2\n";
        for (is_terminal, expected) in [
            (true, "name\\u{1b}[2J\\u{9b}1m\\r\\u{7f} é\nline 2\n"),
            (false, text),
        ] {
            let mut out = Out {
                to: Vec::new(),
                is_terminal,
            };
            write!(out, "{text}").expect("written");
            assert_eq!(String::from_utf8_lossy(&out.to), expected);
        }
        assert_eq!(printable("a\nb\t"), "a\\nb\\t");
    }
}
