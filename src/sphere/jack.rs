//! The text of JACK's own tools: what jack_transport reads, and what jack_showtime and jack_lsp print.
//!
//! Guarantees: only digits of a valid frame are sent to `locate`, because jack_transport takes any
//! word for a number (`abc` is 0, `-5` is 4294967291). A line that is not exactly jack_showtime's
//! gives nothing, never half an answer.

/// What the transport does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is stopped.
    Stopped,
    /// It plays.
    Rolling,
    /// It waits for slow clients, and stands still until they are ready.
    Starting,
}

/// A line of jack_showtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Transport frame at the beginning of JACK's period.
    pub frame: u64,
    /// JACK's own count of frames now.
    pub frame_time: u64,
    /// What the transport does.
    pub state: State,
}

/// Reads `frame = N  frame_time = N usecs = N<TAB>state: Word`, as jack_showtime 1.9.21 prints it.
/// If there is a time base master, further fields may follow after white space.
#[must_use]
pub fn shown(line: &str) -> Option<Shown> {
    let rest = line.strip_prefix("frame = ")?;
    let (frame, rest) = rest.split_once("  frame_time = ")?;
    let (frame_time, rest) = rest.split_once(" usecs = ")?;
    let (usecs, rest) = rest.split_once("\tstate: ")?;
    number(usecs)?;
    let word = rest.split_whitespace().next()?;
    let state = match word {
        "Stopped" => State::Stopped,
        "Rolling" => State::Rolling,
        "Starting" => State::Starting,
        _ => return None,
    };
    Some(Shown {
        frame: number(frame)?,
        frame_time: number(frame_time)?,
        state,
    })
}

/// Counts the connections into the ports that the card plays from, in what `jack_lsp -c -p -t`
/// 1.9.21 prints. For each port that is its name, a line of three spaces and a name for each
/// connection, a line of a tab and its properties, and one of a tab and its type. A name may begin
/// with spaces too; the first line of a port is its own. An end that is cut off counts for nothing.
#[must_use]
pub fn connections(list: &str) -> Option<u32> {
    let (mut all, mut lines) = (0, list.lines().filter(|line| !line.is_empty()));
    while let Some(port) = lines.next() {
        if port.starts_with('\t') {
            return None;
        }
        let mut connected = 0;
        let properties = loop {
            match lines.next().map(|line| (line, line.strip_prefix('\t'))) {
                None => return Some(all),
                Some((_, Some(properties))) => break properties.strip_prefix("properties: ")?,
                Some((line, None)) if line.starts_with("   ") => connected += 1,
                Some(_) => return None,
            }
        };
        let Some(kind) = lines.next() else { break };
        let has = |wanted| properties.split(',').any(|property| property == wanted);
        if kind.strip_prefix('\t')? == AUDIO && has("input") && has("physical") {
            all += connected;
        }
    }
    Some(all)
}

/// JACK's name for its one type of audio.
const AUDIO: &str = "32 bit float mono audio";

/// Decimal digits and nothing else.
#[must_use]
pub fn number(digits: &str) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| digits.parse().ok()).flatten()
}

/// The verb that goes to a frame.
#[must_use]
pub fn locate(frame: u32) -> String {
    format!("locate {frame}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_real_tool_is_read() {
        let line = "frame = 49024  frame_time = 83054 usecs = 2507404858\tstate: Rolling";
        let read = shown(line).expect("read");
        assert_eq!((read.frame, read.frame_time), (49_024, 83_054));
        assert_eq!(read.state, State::Rolling);
        let other = line.replace("Rolling", "Stopped\tBBT:   1|  1|0000");
        assert_eq!(shown(&other).expect("read").state, State::Stopped);
    }

    #[test]
    fn anything_else_is_nothing() {
        for line in [
            "",
            "frame = 1",
            "frame = -1  frame_time = 1 usecs = 1\tstate: Rolling",
            "frame = 1  frame_time = 1 usecs = 1\tstate: [unknown]",
            "frame = 1  frame_time = 1 usecs = 1\tstate:",
            "frame = 1  frame_time = 1 usecs =\tstate: Rolling",
            "frame = 99999999999999999999  frame_time = 1 usecs = 1\tstate: Rolling",
            " frame = 1  frame_time = 1 usecs = 1\tstate: Rolling",
        ] {
            assert_eq!(shown(line), None, "{line:?}");
        }
    }

    /// A port as jack_lsp lists it.
    fn port(name: &str, connected: &[&str], properties: &str, kind: &str) -> String {
        let connected: String = connected.iter().map(|to| format!("   {to}\n")).collect();
        format!("{name}\n{connected}\tproperties: {properties}\n\t{kind}\n")
    }

    /// As the real tool printed it, with a client whose name begins with spaces.
    fn listed() -> String {
        let (card, audio) = ("input,physical,terminal,", "32 bit float mono audio");
        [
            port(
                "system:capture_1",
                &["rec:in 1"],
                "output,physical,terminal,",
                audio,
            ),
            port(
                "system:playback_1",
                &["noise:out 1:x", "   odd:\"cli  :out 1:x"],
                card,
                audio,
            ),
            port("system:playback_2", &[], card, audio),
            port("midi:playback_1", &["keys:out"], card, "8 bit raw midi"),
            port(
                "noise:out 1:x",
                &["system:playback_1", "rec:in 2"],
                "output,",
                audio,
            ),
            port(
                "   odd:\"cli  :out 1:x",
                &["system:playback_1"],
                "output,",
                audio,
            ),
            port("rec:in 1", &["system:capture_1"], "input,", audio),
            port(
                "a\u{e9} properties: input:in",
                &["noise:out 1:x"],
                "input,terminal,",
                audio,
            ),
        ]
        .concat()
    }

    #[test]
    fn only_what_goes_into_the_card_counts_as_connected() {
        assert_eq!(connections(&listed()), Some(2));
        assert_eq!(connections(""), Some(0));
        assert_eq!(connections("\n"), Some(0));
    }

    #[test]
    fn a_list_of_ports_that_is_cut_off_or_something_else_never_counts_more() {
        let whole = listed();
        for (end, _) in whole.char_indices() {
            let part = connections(&whole[..end]);
            assert!(
                part.is_none_or(|count| count <= 2),
                "{part:?} to byte {end}"
            );
        }
        for other in ["\tproperties: input,\n", "Error: no JACK\nhello\n"] {
            assert_eq!(connections(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_locate_is_its_digits() {
        assert_eq!(locate(0), "locate 0");
        assert_eq!(locate(u32::MAX), "locate 4294967295");
        assert!(number("1.5e3").is_none() && number("+1").is_none() && number("").is_none());
    }
}
