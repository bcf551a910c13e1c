//! The data folder's disk: room for sessions, and how long it keeps a synced write waiting.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Finding, running, setup};
use crate::config::Config;
use crate::session::protocol::Protocol;
use crate::{recorder, rt};

/// Between two synced writes; each writes as much sound as that time brings.
const TURN: Duration = recorder::CHECKPOINT;
/// A write that takes this long is worth a warning.
const LONG: Duration = Duration::from_secs(1);
/// Per cent of the time. The recorder also syncs a second take and the rows, and the clerk its
/// files.
const BUSY: u128 = 70;
/// Sessions for which there should be room.
const SESSIONS: u64 = 10;

const ON_DISK: &str = "check the medium and how it is mounted (`findmnt`)";

/// Free space in minutes of sound, against the minutes of the protocol.
pub fn space(config: &Config, protocol: Option<&Protocol>) -> Finding {
    let folder = nearest(&config.data);
    let disk = match rt::disk(folder) {
        Ok(disk) => disk,
        Err(error) => {
            return Finding::fail("disk", format!("{}: {error}", folder.display()), ON_DISK);
        }
    };
    if disk.read_only {
        let text = format!("{}: is mounted read-only", folder.display());
        return Finding::fail("disk", text, "mount it for writing");
    }
    let spec = config.audio.spec().stored();
    let second = (spec.frame_bytes() as u64 * u64::from(spec.rate)).max(1);
    let reserve = config.storage.reserve_mb.saturating_mul(1_000_000);
    let room_s = disk.free_bytes.saturating_sub(reserve) / second;
    let needed_s = protocol.map_or(0, setup::seconds);
    let text = format!(
        "{}: room for {} min of sound, a session takes {} min at most",
        folder.display(),
        room_s / 60,
        needed_s.div_ceil(60)
    );
    let remedy = "remove what was exported and copied, or use a larger medium";
    if room_s == 0 || room_s < needed_s {
        Finding::fail("disk", text, remedy)
    } else if room_s < needed_s * SESSIONS {
        Finding::warn("disk", text, remedy)
    } else {
        Finding::ok("disk", text)
    }
}

/// Writes sound for `length`, synced as the recorder does, into a file without a name.
pub fn stalls(config: &Config, length: Duration) -> Finding {
    let folder = nearest(&config.data);
    let spec = config.audio.spec().stored();
    let bytes = spec.frames_in_ms(TURN.as_millis() as u64) as usize * spec.frame_bytes();
    let buffer = Duration::from_secs(config.audio.buffer_s.into());
    match measure(folder, &vec![0x5a; bytes], length) {
        Ok((busy, longest)) => judge(busy, longest, length, buffer),
        Err(error) => unwritable(folder, &error),
    }
}

fn unwritable(folder: &Path, error: &io::Error) -> Finding {
    let text = format!("{}: cannot be written: {error}", folder.display());
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => running::AS_ITS_USER,
        _ => ON_DISK,
    };
    Finding::fail("disk writes", text, remedy)
}

/// Judges synced writes of `length` of sound, which took `busy` together, by how long the buffer
/// lasts.
fn judge(busy: Duration, longest: Duration, length: Duration, buffer: Duration) -> Finding {
    let part = 100 * busy.as_millis() / length.as_millis().max(1);
    let text = format!(
        "the longest synced write in {} s took {} ms, all of them {} ms",
        length.as_secs(),
        longest.as_millis(),
        busy.as_millis()
    );
    let faster = "use a faster medium";
    if longest >= buffer {
        let text = format!("{text}; the buffer holds {} s", buffer.as_secs());
        let remedy = "use a faster medium, or raise audio.buffer_s";
        Finding::fail("disk writes", text, remedy)
    } else if busy >= length {
        let text = format!("{text}; the disk takes less than the microphones give");
        Finding::fail("disk writes", text, faster)
    } else if part >= BUSY {
        let text = format!("{text}; the disk is busy for {part} % of the time");
        Finding::warn("disk writes", text, faster)
    } else if longest >= LONG {
        Finding::warn("disk writes", text, faster)
    } else {
        Finding::ok("disk writes", text)
    }
}

/// How long all synced writes took, and the longest; stops early once they took longer than the
/// sound.
fn measure(folder: &Path, sound: &[u8], length: Duration) -> io::Result<(Duration, Duration)> {
    let mut file = unnamed(folder)?;
    let turns = (length.as_millis() / TURN.as_millis()) as u32;
    let begun = Instant::now();
    let (mut busy, mut longest) = (Duration::ZERO, Duration::ZERO);
    for turn in 1..=turns {
        std::thread::sleep((TURN * turn).saturating_sub(begun.elapsed()));
        let before = Instant::now();
        file.write_all(sound)?;
        file.sync_data()?;
        let took = before.elapsed();
        busy += took;
        longest = longest.max(took);
        if busy >= length {
            break;
        }
    }
    Ok((busy, longest))
}

/// A file that disappears when it is closed, whatever happens.
fn unnamed(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    let file = options.clone().custom_flags(libc::O_TMPFILE).open(folder);
    if file.is_ok() {
        return file;
    }
    // FAT and some others have no files without a name.
    let path = folder.join(format!(".check-{}", std::process::id()));
    let file = options.create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// The folder, or the nearest one above it that exists: the first run makes the rest.
fn nearest(folder: &Path) -> &Path {
    let mut above = folder.ancestors().filter(|it| !it.as_os_str().is_empty());
    above.find(|it| it.is_dir()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::State;

    const LENGTH: Duration = Duration::from_secs(10);
    const BUFFER: Duration = Duration::from_secs(30);

    #[track_caller]
    fn judged(busy_ms: u64, longest_ms: u64, state: State, words: &str) {
        let [busy, longest] = [busy_ms, longest_ms].map(Duration::from_millis);
        let finding = judge(busy, longest, LENGTH, BUFFER);
        assert_eq!(finding.state, state, "{}", finding.text);
        assert!(finding.text.contains(words), "{}", finding.text);
    }

    #[test]
    fn a_disk_that_takes_as_long_as_the_sound_lasts_fails() {
        judged(6_999, 500, State::Ok, "took 500 ms, all of them 6999 ms");
        judged(7_000, 500, State::Warn, "busy for 70 %");
        judged(9_999, 500, State::Warn, "busy for 99 %");
        judged(10_000, 500, State::Fail, "less than the microphones give");
    }

    #[test]
    fn a_user_who_may_not_write_is_given_the_user_to_check_as() {
        let remedy = |kind: ErrorKind| unwritable(Path::new("data"), &kind.into()).remedy;
        let advice = remedy(ErrorKind::PermissionDenied).expect("a remedy");
        assert!(advice.contains("sudo -u booth"), "{advice}");
        assert_eq!(
            remedy(ErrorKind::ReadOnlyFilesystem).as_deref(),
            Some(ON_DISK)
        );
    }

    #[test]
    fn a_stall_is_judged_by_what_the_buffer_holds() {
        judged(1_100, 999, State::Ok, "999 ms");
        judged(1_100, 1_000, State::Warn, "1000 ms");
        judged(
            29_999,
            29_999,
            State::Fail,
            "less than the microphones give",
        );
        judged(30_000, 30_000, State::Fail, "the buffer holds 30 s");
    }
}
