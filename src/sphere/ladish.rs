//! The text of ladish_control: its commands, and what its answers mean.
//!
//! It prints its failures on stdout and exits with 0, so an answer is read as a whole: the header
//! of the verb, then exactly what the verb prints. A track is a studio by its exact name, or
//! `project:ROOM:FOLDER`, a project to load into a room of the loaded studio. A studio whose own
//! name begins like that is written `studio:NAME`.
//!
//! Guarantees: a name is passed on exactly or refused; output that no version of the tool prints is
//! an error that quotes it.

use super::SphereError;
use super::ssh::{Answer, KILLED};

/// The longest name that is passed on; ladish keeps studios as files, whose names have at most 255
/// bytes.
const MOST_BYTES: usize = 1024;

/// A track to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Track<'a> {
    /// A studio.
    Studio(&'a str),
    /// A project, into a room of the studio that is loaded.
    Project {
        /// The room's name.
        room: &'a str,
        /// The project's folder there.
        folder: &'a str,
    },
}

impl<'a> Track<'a> {
    /// Reads a track's name.
    ///
    /// # Errors
    /// A name that no track can have, or that could not be passed on exactly.
    pub fn read(name: &'a str) -> Result<Track<'a>, SphereError> {
        let bad = |reason| SphereError::BadTrack {
            track: SphereError::quoted(name.as_bytes()),
            reason,
        };
        if name.chars().any(char::is_control) {
            return Err(bad(
                "a name with control characters cannot be passed on exactly",
            ));
        }
        if name.len() > MOST_BYTES {
            return Err(bad("is longer than 1024 bytes"));
        }
        let track = match name.strip_prefix("project:") {
            Some(project) => match project.split_once(':') {
                Some((room, folder)) if !room.is_empty() && folder.starts_with('/') => {
                    Track::Project { room, folder }
                }
                _ => return Err(bad("a project is written project:ROOM:/FOLDER")),
            },
            None => Track::Studio(name.strip_prefix("studio:").unwrap_or(name)),
        };
        if track == Track::Studio("") {
            return Err(bad("is empty"));
        }
        Ok(track)
    }
}

/// A command for ladish_control.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// The names of all studios.
    List,
    /// The name of the studio that is loaded.
    Name,
    /// Starts the studio that is loaded.
    Start,
    /// Ends the project that runs in a room.
    Unload {
        /// The room's name.
        room: &'a str,
    },
    /// Loads a track; `name` is its name as given.
    Load {
        /// The track that the name means.
        track: Track<'a>,
        /// The whole name.
        name: &'a str,
    },
}

impl<'a> Order<'a> {
    /// The words of its command line.
    #[must_use]
    pub fn words(self) -> Vec<&'a str> {
        match self {
            Order::List => vec!["slist"],
            Order::Name => vec!["sname"],
            Order::Start => vec!["sstart"],
            Order::Unload { room } => vec!["punload", room],
            Order::Load { track, .. } => match track {
                Track::Studio(name) => vec!["sload", name],
                Track::Project { room, folder } => vec!["pload", room, folder],
            },
        }
    }

    /// What is being done, for messages.
    #[must_use]
    pub fn doing(self) -> &'static str {
        match self {
            Order::List => "ladish_control slist",
            Order::Name => "ladish_control sname",
            Order::Start => "ladish_control sstart",
            Order::Unload { .. } => "ladish_control punload",
            Order::Load {
                track: Track::Studio(_),
                ..
            } => "ladish_control sload",
            Order::Load { .. } => "ladish_control pload",
        }
    }

    fn header(self) -> &'static str {
        match self {
            Order::List => "--- studio list",
            Order::Name => "--- studio get name",
            Order::Start => "--- studio start",
            Order::Unload { .. } => "--- unload project",
            Order::Load {
                track: Track::Studio(_),
                ..
            } => "--- studio load",
            Order::Load { .. } => "--- load project",
        }
    }

    /// The lines after the header.
    fn lines(self, answer: &Answer) -> Result<Vec<&str>, SphereError> {
        if answer.status == KILLED {
            return Err(SphereError::Hangs("ladish_control"));
        }
        let unclear = || answer.unclear(self.doing());
        let text = std::str::from_utf8(&answer.out).map_err(|_| unclear())?;
        let mut lines = text.lines();
        let first = lines.next();
        let rest: Vec<&str> = match first {
            Some(header) if header == self.header() => lines.collect(),
            Some(line) if line.starts_with(EXCEPTION) => vec![line],
            // Without a session bus it prints only a traceback on stderr.
            None if answer.status == 1 => return Err(SphereError::NoDbus),
            _ => return Err(unclear()),
        };
        let exception = rest.iter().find_map(|line| line.strip_prefix(EXCEPTION));
        match exception {
            Some(said) => Err(self.refused(said)),
            None if answer.status == 0 => Ok(rest),
            None => match self {
                // Its traceback for a room that does not exist.
                Order::Load {
                    track: Track::Project { room, .. },
                    ..
                }
                | Order::Unload { room }
                    if rest.is_empty() =>
                {
                    Err(SphereError::NoRoom {
                        room: SphereError::quoted(room.as_bytes()),
                        known: Vec::new(),
                    })
                }
                _ => Err(unclear()),
            },
        }
    }

    fn refused(self, said: &str) -> SphereError {
        let text = SphereError::quoted(said.as_bytes());
        match self {
            Order::Load { name, .. } if said.contains("already") => SphereError::AlreadyLoaded {
                track: name.into(),
                said: text,
            },
            _ => SphereError::Ladish(text),
        }
    }

    /// Reads the answer of a verb that prints nothing.
    ///
    /// # Errors
    /// What ladish_control printed instead.
    pub fn done(self, answer: &Answer) -> Result<(), SphereError> {
        if self.lines(answer)?.is_empty() {
            Ok(())
        } else {
            Err(answer.unclear(self.doing()))
        }
    }
}

pub(super) const EXCEPTION: &str = "DBus exception: ";

/// The name of the studio that is loaded, from the answer to [`Order::Name`].
///
/// # Errors
/// What ladish_control printed instead; if no studio is loaded, [`SphereError::Ladish`].
pub fn name(answer: &Answer) -> Result<String, SphereError> {
    let lines = Order::Name.lines(answer)?;
    let quoted = |line: &str| Some(line.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    match lines[..] {
        [line] => quoted(line).ok_or_else(|| answer.unclear(Order::Name.doing())),
        _ => Err(answer.unclear(Order::Name.doing())),
    }
}

/// The names of all studios, from the answer to [`Order::List`].
///
/// # Errors
/// What ladish_control printed instead.
pub fn names(answer: &Answer) -> Result<Vec<String>, SphereError> {
    let lines = Order::List.lines(answer)?;
    let name = |line: &&str| {
        let (quoted, date) = line
            .strip_prefix('"')?
            .rsplit_once("\" last modified on ")?;
        (!date.is_empty()).then(|| quoted.to_owned())
    };
    let names: Option<Vec<String>> = lines.iter().map(name).collect();
    names.ok_or_else(|| answer.unclear(Order::List.doing()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(name: &str) -> Order<'_> {
        let track = Track::read(name).expect("a track");
        Order::Load { track, name }
    }

    #[test]
    fn what_the_real_tool_prints_is_read() {
        let list = "--- studio list\n\"noise\" last modified on Thu Jan  1 01:00:00 1970\n\
                    \"a \" last modified on b\" last modified on Thu Jan  1 01:00:00 1970\n";
        let read = names(&Answer::new(list, 0)).expect("read");
        assert_eq!(read, ["noise", "a \" last modified on b"]);
        assert!(
            names(&Answer::new("--- studio list\n", 0))
                .expect("read")
                .is_empty()
        );
        let said = name(&Answer::new("--- studio get name\n\"a \"b\"\n", 0)).expect("read");
        assert_eq!(said, "a \"b");
        load("noise")
            .done(&Answer::new("--- studio load\n", 0))
            .expect("queued");
        Order::Start
            .done(&Answer::new("--- studio start\n", 0))
            .expect("queued");
        load("project:hall:/srv/noise")
            .done(&Answer::new("--- load project\n", 0))
            .expect("queued");
    }

    #[test]
    fn each_failure_is_its_own_error() {
        let no_bus = Answer::new("", 1);
        assert_eq!(name(&no_bus), Err(SphereError::NoDbus));
        let gone = "DBus exception: org.freedesktop.DBus.Error.ServiceUnknown: no org.ladish\n";
        let error = name(&Answer::new(gone, 0)).expect_err("refused");
        assert!(error.to_string().contains("ServiceUnknown"), "{error}");
        let busy = "--- studio load\nDBus exception: org.ladish.Error: already loaded\n";
        let error = load("x").done(&Answer::new(busy, 0)).expect_err("refused");
        assert!(
            matches!(error, SphereError::AlreadyLoaded { .. }),
            "{error}"
        );
        assert_eq!(
            name(&Answer::new("", 137)),
            Err(SphereError::Hangs("ladish_control"))
        );
        let room = load("project:no:/srv").done(&Answer::new("--- load project\n", 1));
        assert!(matches!(room, Err(SphereError::NoRoom { .. })));
    }

    #[test]
    fn anything_else_is_an_error_that_quotes_it() {
        for out in [
            "hello\u{1b}[2J\n",
            "",
            "--- studio load\n\"x\"\n",
            "Unknown command 'sname'\n",
        ] {
            let error = name(&Answer::new(out, 0)).expect_err("refused");
            let text = error.to_string();
            assert!(matches!(error, SphereError::Unclear { .. }), "{text}");
            assert!(!text.contains('\u{1b}'), "{text}");
        }
        let two = Answer::new("--- studio get name\n\"a\"\n\"b\"\n", 0);
        assert!(name(&two).is_err());
        assert!(names(&Answer::new("--- studio list\nnoise\n", 0)).is_err());
    }

    #[test]
    fn a_name_that_cannot_be_passed_on_exactly_is_refused() {
        for bad in [
            "",
            "a\nb",
            "a\0",
            "project:",
            "project:hall",
            "project::/x",
            "project:a:b",
        ] {
            let refused = Track::read(bad);
            assert!(
                matches!(refused, Err(SphereError::BadTrack { .. })),
                "{bad:?}"
            );
        }
        assert!(Track::read(&"x".repeat(1025)).is_err());
        assert_eq!(
            Track::read("studio:project:x"),
            Ok(Track::Studio("project:x"))
        );
        assert_eq!(Track::read("-rf"), Ok(Track::Studio("-rf")));
    }

    proptest! {
        #[test]
        fn no_answer_panics(out in prop::collection::vec(any::<u8>(), 0..200), status in -1..256i32) {
            let answer = Answer { out, status };
            let _ = (name(&answer), names(&answer), Order::Start.done(&answer));
        }

        #[test]
        fn a_name_comes_back_as_it_was_printed(text in "[^\\pC\u{2028}\u{2029}\u{85}]{1,20}") {
            let out = format!("--- studio get name\n\"{text}\"\n");
            prop_assert_eq!(name(&Answer::new(out, 0)), Ok(text));
        }
    }
}
