//! The data folder's disk: room for sessions, and how long it keeps a synced write waiting.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Finding, setup};
use crate::config::Config;
use crate::rt;
use crate::session::protocol::Protocol;

/// Between two writes, of as much sound as that time brings.
const TURN: Duration = Duration::from_millis(250);
/// A write that waits for so long is worth knowing.
const LONG: Duration = Duration::from_secs(1);
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

/// Writes sound for `length`, synced four times a second, into a file without a name.
pub fn stalls(config: &Config, length: Duration) -> Finding {
    let folder = nearest(&config.data);
    let spec = config.audio.spec().stored();
    let bytes = spec.frames_in_ms(TURN.as_millis() as u64) as usize * spec.frame_bytes();
    let (longest, behind) = match measure(folder, &vec![0x5a; bytes], length) {
        Ok(measured) => measured,
        Err(error) => {
            let text = format!("{}: cannot be written: {error}", folder.display());
            return Finding::fail("disk writes", text, ON_DISK);
        }
    };
    let text = format!(
        "the longest synced write in {} s took {} ms",
        length.as_secs(),
        longest.as_millis()
    );
    let buffer = Duration::from_secs(config.audio.buffer_s.into());
    if longest >= buffer {
        let text = format!("{text}, the buffer holds {} s", buffer.as_secs());
        Finding::fail(
            "disk writes",
            text,
            "use a faster medium, or raise audio.buffer_s",
        )
    } else if behind > length {
        let text = format!("{text}; the disk takes less than the microphones give");
        Finding::fail("disk writes", text, "use a faster medium")
    } else if longest >= LONG {
        Finding::warn("disk writes", text, "use a faster medium")
    } else {
        Finding::ok("disk writes", text)
    }
}

/// The longest write, and how late the last one came to its end.
fn measure(folder: &Path, sound: &[u8], length: Duration) -> io::Result<(Duration, Duration)> {
    let mut file = unnamed(folder)?;
    let turns = (length.as_millis() / TURN.as_millis()) as u32;
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    for turn in 0..turns {
        std::thread::sleep((TURN * turn).saturating_sub(begun.elapsed()));
        let before = Instant::now();
        file.write_all(sound)?;
        file.sync_data()?;
        longest = longest.max(before.elapsed());
    }
    Ok((longest, begun.elapsed().saturating_sub(TURN * turns)))
}

/// A file that is gone when it is closed, whatever happens.
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

/// The folder, or the nearest above it that is there: the first run makes the rest.
fn nearest(folder: &Path) -> &Path {
    let mut above = folder.ancestors().filter(|it| !it.as_os_str().is_empty());
    above.find(|it| it.is_dir()).unwrap_or(Path::new("."))
}
