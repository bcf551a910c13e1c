//! The text of JACK's own tools: what jack_transport reads and what jack_showtime prints.
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

    #[test]
    fn a_locate_is_its_digits() {
        assert_eq!(locate(0), "locate 0");
        assert_eq!(locate(u32::MAX), "locate 4294967295");
        assert!(number("1.5e3").is_none() && number("+1").is_none() && number("").is_none());
    }
}
