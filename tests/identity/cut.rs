//! A kill at any moment of a whole visit: no block of the card holds a piece of the voice, and each take
//! opens as far as it was written.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use booth::files::data::Data;
use booth::identity::operator::PrivateKey;
use booth::identity::{keyring, operator};
use booth::store::row::Row;
use booth::words::Verdict;

use super::medium::{Card, PLANTED_BYTES, Secrets};
use crate::common::lab::{Lab, samples};
use crate::common::random::Random;
use crate::common::{run, tree};

const PROTOCOL: &str = "name = \"whole\"\n[consent.en]\nversion = \"1\"\ntext = \"May we?\"\n\
    [[step]]\nname = \"read\"\nkind = \"read\"\nseconds = 14\n\
    [[step]]\nname = \"quiet\"\nkind = \"quiet\"\nseconds = 3\n";
/// Everything that a visit may have.
pub const VISITOR: &str = "until attract\n500 go\nuntil consent\n1500 go hold 1200\nuntil code\n1500 go\n\
    until intro\n1500 go\nuntil reading\n1500 go\n1500 go\n900 redo\n1500 pause\nuntil paused\n\
    800 pause\nuntil reading\n1200 go\nuntil intro\n900 go\nuntil thanks\n3000 go\n";
/// One channel of 16 bits: a chunk is 0.68 s.
const FRAME: usize = 2;
/// Of a sealed file.
pub const CHUNK_BYTES: usize = 65_536;

/// A box in session time.
fn booth(lab: &Lab, data: &Path, script: &str) -> Command {
    let mut command = paced(lab, data, script);
    command.arg("--fast");
    command
}

/// A box in real time.
pub fn paced(lab: &Lab, data: &Path, script: &str) -> Command {
    fs::write(lab.path("protocol.toml"), PROTOCOL).unwrap();
    fs::write(lab.path("script"), script).unwrap();
    let mut command = lab.command(&["run", "--board", "sim"]);
    for set in [
        "audio.device=sim",
        "audio.format=S16_LE",
        "audio.channels=[\"voice\"]",
        "audio.reference=voice",
        "audio.buffer_s=2",
        "language=en",
        "storage.reserve_mb=1",
    ] {
        command.args(["--set", set]);
    }
    command.arg("--data").arg(data);
    command.arg("--protocol").arg(lab.path("protocol.toml"));
    command.arg("--script").arg(lab.path("script"));
    command
}

/// The key that opens the only session's takes, and its rows.
pub fn only_session(lab: &Lab, data: &Path) -> Option<(PrivateKey, std::path::PathBuf, Vec<Row>)> {
    let session = booth::store::takes::sessions(data).unwrap().pop()?;
    let operator = operator::read_keys(Path::new(&lab.key())).unwrap();
    let keys = keyring::open(&Data(data).keys(), &session, &operator).ok()?;
    let folder = Data(data).session(&session);
    let rows = run::rows(&folder);
    Some((keys.private().clone(), folder, rows))
}

/// What the undisturbed visit says, by take.
fn whole_visit(lab: &Lab) -> (Vec<Vec<u8>>, Duration) {
    let data = lab.path("reference");
    let begun = Instant::now();
    let run = run::start(&mut booth(lab, &data, VISITOR)).wait();
    let lasts = begun.elapsed();
    assert_eq!(run.code, Some(0), "{}", run.said());
    let (key, folder, rows) = only_session(lab, &data).unwrap();
    let verdicts: Vec<Verdict> = rows.iter().map(|row| row.verdict).collect();
    for verdict in [Verdict::Kept, Verdict::Redone, Verdict::Paused] {
        assert!(verdicts.contains(&verdict), "{verdicts:?}");
    }
    let take = |row: &Row| samples(&folder.join(format!("{}.age", row.file)), &key);
    (rows.iter().map(take).collect(), lasts)
}

/// Kills a visit at `moments` random moments, each on what the one before left free.
fn kill_at(moments: u32) {
    let lab = Lab::new();
    let (voice, lasts) = whole_visit(&lab);
    let mut secrets = Secrets::new();
    for (number, samples) in voice.iter().enumerate() {
        // Silence is nobody's.
        for part in 0..6 {
            let at = samples.len() / 6 * part / FRAME * FRAME;
            let piece = &samples[at..at + PLANTED_BYTES];
            if piece.iter().any(|byte| *byte != 0) {
                secrets.plant(&format!("take {}", number + 1), piece);
            }
        }
    }
    let card = Card::insert(&lab);
    let mut random = Random::new();
    let mut cut = 0;
    for moment in 0..moments {
        let after = Duration::from_micros(random.below(lasts.as_micros() as u64));
        let running = run::start(&mut booth(&lab, &lab.data(), VISITOR));
        std::thread::sleep(after);
        running.signal("KILL");
        running.wait();
        for (path, bytes) in tree(&lab.data()) {
            assert!(secrets.found_in(&bytes).is_empty(), "{}", path.display());
        }
        let found = secrets.found_in(&card.blocks());
        assert_eq!(
            found,
            Vec::<&str>::new(),
            "moment {moment}, after {after:?}"
        );
        cut += u32::from(is_made_whole(&lab, &voice));
        for entry in fs::read_dir(lab.data()).unwrap() {
            let path = entry.unwrap().path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
    println!(
        "{moments} kills within {lasts:?}: {} forms of the voice nowhere in 128 MB; {cut} takes were cut",
        secrets.len()
    );
}

/// A row of a session, and the samples of its take; none where there is no file.
pub struct Opened {
    pub row: Row,
    pub samples: Vec<u8>,
}

/// The takes of the only session after the next start, which completes the rows: each row is right of what
/// its file holds.
pub fn made_whole(lab: &Lab) -> Vec<Opened> {
    let started = run::start(&mut booth(lab, &lab.data(), "until attract\n")).wait();
    assert_eq!(started.code, Some(0), "{}", started.said());
    let Some((key, folder, rows)) = only_session(lab, &lab.data()) else {
        return Vec::new();
    };
    let open = |row: Row| {
        let sealed = folder.join(format!("{}.age", row.file));
        if !sealed.exists() {
            assert_eq!((row.frames, row.verdict), (0, Verdict::Aborted));
            let samples = Vec::new();
            return Opened { row, samples };
        }
        let samples = samples(&sealed, &key);
        let frame = row.spec().frame_bytes();
        let frames = (samples.len() / frame) as u64;
        if row.samples_sha256.is_some() {
            assert_eq!(frames, row.frames);
        } else {
            assert_eq!(row.verdict, Verdict::Recovered);
            // Its last chunk may be the closing one, which only the key tells.
            let may = row.frames..row.frames + (CHUNK_BYTES / frame) as u64;
            assert!(may.contains(&frames), "{frames} frames of {row:?}");
        }
        Opened { row, samples }
    };
    rows.into_iter().map(open).collect()
}

/// Whether the next start completed the row of a take that was cut.
fn is_made_whole(lab: &Lab, voice: &[Vec<u8>]) -> bool {
    let takes = made_whole(lab);
    for Opened { row, samples } in &takes {
        assert!(voice[row.take as usize - 1].starts_with(samples));
    }
    takes.iter().any(|take| take.row.samples_sha256.is_none())
}

#[test]
fn a_kill_at_any_moment_of_a_visit_leaves_no_voice_on_the_card_and_takes_that_open() {
    kill_at(8);
}

#[test]
#[ignore = "takes minutes; run by tests/faults/run"]
fn two_hundred_kills_of_a_visit_leave_no_voice_on_the_card_and_takes_that_open() {
    kill_at(200);
}
