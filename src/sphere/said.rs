//! What our own command lines and the gate's print there: one word for what is missing, or a header
//! and lines, so that other output is never taken for an answer.

use std::time::Duration;

use super::ladish::EXCEPTION;
use super::ssh::{Answer, KILLED};
use super::studio::Room;
use super::{SphereError, jack};

/// Whether it is none of the words for what is missing there.
///
/// # Errors
/// What the word means.
pub(super) fn accepted(answer: &Answer) -> Result<(), SphereError> {
    if answer.is_gone() {
        return Err(SphereError::GateGone);
    }
    let text = String::from_utf8_lossy(&answer.out);
    let text = text.trim_end();
    let after = |word| text.strip_prefix(word).map(str::as_bytes);
    Err(match text {
        "no jack" => SphereError::NoJack,
        "no module dbus" => SphereError::NoModule,
        "another load" => SphereError::AnotherLoad,
        "not armed" => SphereError::NoDeadMan("its folder cannot be written".into()),
        _ => {
            if let Some(tool) = after("no tool ") {
                SphereError::NoTool(SphereError::quoted(tool))
            } else if let Some(folder) = after("no project ") {
                SphereError::NoProject(SphereError::quoted(folder))
            } else if let Some(why) = after("refused: ") {
                SphereError::Refused(SphereError::quoted(why))
            } else {
                return Ok(());
            }
        }
    })
}

/// The one line that a command line printed.
///
/// # Errors
/// What is missing there; other output.
pub(super) fn line<'a>(answer: &'a Answer, doing: &'static str) -> Result<&'a str, SphereError> {
    accepted(answer)?;
    let text = std::str::from_utf8(&answer.out).ok();
    let line = text.and_then(|text| text.strip_suffix('\n'));
    let one = line.filter(|line| answer.status == 0 && !line.contains('\n'));
    one.ok_or_else(|| answer.unclear(doing))
}

/// Whether a command line printed that it is done.
///
/// # Errors
/// What is missing there; other output.
pub(super) fn done(answer: &Answer, doing: &'static str) -> Result<(), SphereError> {
    match line(answer, doing)? {
        "done" => Ok(()),
        _ => Err(answer.unclear(doing)),
    }
}

/// What stands behind the line `--- HEADER`.
///
/// # Errors
/// What is missing there; D-Bus' words; other output.
pub(super) fn under<'a>(
    answer: &'a Answer,
    header: &str,
    doing: &'static str,
) -> Result<&'a str, SphereError> {
    accepted(answer)?;
    if answer.status == KILLED {
        return Err(SphereError::Hangs(doing));
    }
    let text = std::str::from_utf8(&answer.out).map_err(|_| answer.unclear(doing))?;
    if let Some(said) = text.strip_prefix(EXCEPTION) {
        return Err(SphereError::Ladish(SphereError::quoted(said.as_bytes())));
    }
    if text.is_empty() && answer.status == 1 {
        return Err(SphereError::NoDbus);
    }
    let body = text
        .strip_prefix("--- ")
        .and_then(|text| text.strip_prefix(header));
    let body = body.and_then(|text| text.strip_prefix('\n'));
    body.filter(|_| answer.status == 0)
        .ok_or_else(|| answer.unclear(doing))
}

/// The mark of a load, as `loading` prints it: its age and the track.
///
/// # Errors
/// Those of [`under`].
pub(super) fn outstanding(
    answer: &Answer,
    doing: &'static str,
) -> Result<Option<(Duration, String)>, SphereError> {
    let body = under(answer, "loading", doing)?;
    if body.is_empty() {
        return Ok(None);
    }
    let mark = body.strip_suffix('\n').and_then(|line| {
        let (age_s, track) = line.split_once(' ')?;
        Some((Duration::from_secs(jack::number(age_s)?), track.to_owned()))
    });
    mark.map(Some).ok_or_else(|| answer.unclear(doing))
}

/// Whether a jackd runs there beside ladish, as `stray` prints it.
///
/// # Errors
/// Those of [`under`].
pub(super) fn stray(answer: &Answer, doing: &'static str) -> Result<bool, SphereError> {
    match under(answer, "stray", doing)? {
        "yes\n" => Ok(true),
        "no\n" => Ok(false),
        _ => Err(answer.unclear(doing)),
    }
}

/// The rooms as the gate prints them, in JSON.
///
/// # Errors
/// Those of [`under`].
pub(super) fn rooms(answer: &Answer, doing: &'static str) -> Result<Vec<Room>, SphereError> {
    let body = under(answer, "rooms", doing)?;
    let rooms: Result<Vec<(String, Option<String>)>, _> = serde_json::from_str(body);
    let rooms = rooms.map_err(|_| answer.unclear(doing))?;
    let room = |(name, project)| Room { name, project };
    Ok(rooms.into_iter().map(room).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_has_a_word_of_its_own() {
        let error = |out, status| accepted(&Answer::new(out, status)).expect_err("refused");
        assert_eq!(error("", 127), SphereError::GateGone);
        assert_eq!(error("no jack\n", 0), SphereError::NoJack);
        assert_eq!(error("no module dbus\n", 0), SphereError::NoModule);
        let folder = SphereError::NoProject("/srv/a b".into());
        assert_eq!(error("no project /srv/a b\n", 0), folder);
        let tool = SphereError::NoTool("jack_lsp".into());
        assert_eq!(error("no tool jack_lsp\n", 0), tool);
        let refused = error("refused: not listed\n", 126);
        assert_eq!(refused, SphereError::Refused("not listed".into()));
        accepted(&Answer::new("--- tracks\nno jack\n", 0)).expect("a track of that name");
        accepted(&Answer::new("", 0)).expect("nothing is missing");
    }

    #[test]
    fn a_mark_is_its_age_and_the_exact_track() {
        let read = |out| outstanding(&Answer::new(out, 0), "ask");
        assert_eq!(read("--- loading\n"), Ok(None));
        let mark = (Duration::from_secs(7), "a \" b ".to_owned());
        assert_eq!(read("--- loading\n7 a \" b \n"), Ok(Some(mark)));
        for other in ["", "--- loading\n7\n", "--- loading\nx y\n", "7 noise\n"] {
            assert!(read(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn rooms_and_their_projects_are_read_exactly() {
        let said =
            "--- rooms\n[[\"hall\", \"/srv/no'ise \\u00e9\"], [\"\\u00e9'\\\"\\\\ :x\", null]]\n";
        let read = rooms(&Answer::new(said, 0), "ask").expect("read");
        assert_eq!(read[0].project.as_deref(), Some("/srv/no'ise é"));
        assert_eq!((&*read[1].name, &read[1].project), ("é'\"\\ :x", &None));
        let error = |out, status| rooms(&Answer::new(out, status), "ask").expect_err("refused");
        assert_eq!(error("", 1), SphereError::NoDbus);
        assert_eq!(error("", 137), SphereError::Hangs("ask"));
        let gone = error("DBus exception: org.freedesktop.DBus.Error: no\n\n", 0);
        assert!(matches!(gone, SphereError::Ladish(_)), "{gone}");
        assert!(matches!(
            error("--- rooms\n7\n", 0),
            SphereError::Unclear { .. }
        ));
    }

    #[test]
    fn a_stray_jackd_is_a_yes() {
        assert_eq!(stray(&Answer::new("--- stray\nyes\n", 0), "ask"), Ok(true));
        assert_eq!(stray(&Answer::new("--- stray\nno\n", 0), "ask"), Ok(false));
        assert!(stray(&Answer::new("yes\n", 0), "ask").is_err());
    }
}
