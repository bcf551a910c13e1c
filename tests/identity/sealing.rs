//! Takes are sealed as they are written: no moment, and no kill, leaves a plain one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use booth::audio::rf64::read;
use booth::files::data::Data;
use booth::identity::{keyring, operator, seal};
use booth::store::row::Row;
use booth::words::Verdict;
use sha2::{Digest, Sha256};

use crate::common::lab::{Lab, age_decrypt, copy};
use crate::common::random::Random;
use crate::common::run;
use crate::common::tools::tool;
use crate::common::wait::wait_for;

/// Nobody comes.
const WAITS: &str = "until attract\n60000 go\n";
/// Readings of more than a second: after three short ones no take begins for a while.
const READS: &str = "until attract\n300 go\nuntil intro\n900 go\nuntil reading\n1200 go\n1200 go\n\
                     1200 go\n60000 go\n";

/// The takes of a session: those that lie plain, and those that are sealed.
fn takes(session: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let entries = fs::read_dir(session).unwrap();
    let all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let ending = |wanted: &str| {
        let has = |path: &&PathBuf| path.to_str().unwrap().ends_with(wanted);
        all.iter().filter(has).cloned().collect()
    };
    (ending(".rf64"), ending(".rf64.age"))
}

/// The samples of a take's bytes.
fn samples(bytes: &[u8]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("take.rf64");
    fs::write(&path, bytes).unwrap();
    let info = read::info(&fs::File::open(&path).unwrap(), &path).unwrap();
    bytes[info.data_start as usize..][..info.held_bytes() as usize].to_vec()
}

fn sha256(samples: &[u8]) -> Option<String> {
    Some(booth::words::hex::encode(Sha256::digest(samples).into()))
}

/// The key of a session, for stock `age`: the operator's opens it.
fn own_key(lab: &Lab, session: &str) -> String {
    let sealed = lab.data().join(format!("keys/{session}.age"));
    let text = String::from_utf8(age_decrypt(&lab.key(), &sealed)).unwrap();
    let own = lab.path("session.key");
    fs::write(&own, text.lines().nth(1).unwrap()).unwrap();
    own.to_str().unwrap().to_owned()
}

#[test]
fn a_session_leaves_sealed_takes_alone_and_stock_age_opens_them() {
    let lab = Lab::new();
    let session = lab.record();
    let folder = lab.data().join("sessions").join(&session);
    let rows = run::rows(&folder);
    let (plain, sealed) = takes(&folder);
    assert_eq!((plain.len(), sealed.len()), (0, rows.len()));
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("session.json")).unwrap()).unwrap();
    assert_eq!(record["sealed"], true);
    let key = own_key(&lab, &session);
    for row in &rows {
        let file = folder.join(format!("{}.age", row.file));
        assert_eq!(row.sealed_bytes, Some(file.metadata().unwrap().len()));
        let bytes = age_decrypt(&key, &file);
        let samples = samples(&bytes);
        assert_eq!(sha256(&samples), row.samples_sha256, "{}", row.file);
        // `age -d`, then `booth repair`, as the documents say: a file of exact sizes. Before that other
        // programs read it to its end all the same.
        let opened = lab.path("opened.rf64");
        fs::write(&opened, &bytes).unwrap();
        assert_reads(&opened, row, &samples);
        let before = opened.metadata().unwrap().len();
        let repair = run::booth().arg("repair").arg(&opened).status().unwrap();
        assert!(repair.success());
        assert_eq!(opened.metadata().unwrap().len(), before);
        let info = read::info(&fs::File::open(&opened).unwrap(), &opened).unwrap();
        assert!(info.healthy() && info.frames() == row.frames);
        assert_reads(&opened, row, &samples);
    }
}

/// libsndfile, ffmpeg and sox find these samples in the file.
#[track_caller]
fn assert_reads(file: &Path, row: &Row, samples: &[u8]) {
    let name = file.to_str().unwrap();
    let frames = "import soundfile,sys;print(len(soundfile.read(sys.argv[1],dtype='int32')[0]))";
    let python = tool(
        "python3-soundfile",
        "/usr/bin/python3",
        &["-c", frames, name],
    );
    let said = String::from_utf8(python.stdout).unwrap();
    assert_eq!(said.trim(), row.frames.to_string(), "libsndfile");
    let raw = [
        "-v",
        "error",
        "-i",
        name,
        "-f",
        "s24le",
        "-c:a",
        "pcm_s24le",
        "-",
    ];
    let ffmpeg = tool("ffmpeg", "ffmpeg", &raw).stdout;
    let sox = ["-V1", name, "-t", "raw", "-e", "signed", "-b", "24", "-"];
    let sox = tool("sox", "sox", &sox).stdout;
    let wanted: Vec<u8> = match row.format {
        booth::words::Format::S32Le => samples
            .chunks_exact(4)
            .flat_map(|sample| [sample[1], sample[2], sample[3]])
            .collect(),
        _ => samples.to_vec(),
    };
    assert!(
        ffmpeg == wanted,
        "ffmpeg: {} {}",
        ffmpeg.len(),
        wanted.len()
    );
    assert_eq!(sox.len(), wanted.len(), "sox");
}

#[test]
fn takes_stay_plain_where_that_is_asked_for_or_nobody_could_open_them() {
    let lab = Lab::new();
    for options in [
        ["--set", "privacy.seal_audio=false"],
        ["--set", "privacy.recipient="],
    ] {
        let session = lab.record_with(&options);
        let folder = lab.data().join("sessions").join(session);
        let (plain, sealed) = takes(&folder);
        assert_eq!((plain.len(), sealed.len()), (run::rows(&folder).len(), 0));
    }
}

fn booth(lab: &Lab, script: &str) -> Command {
    fs::write(lab.path("script"), script).unwrap();
    let mut command = lab.command(&["run", "--board", "sim", "--set", "audio.device=sim"]);
    command.arg("--protocol").arg(lab.path("protocol.toml"));
    command.arg("--script").arg(lab.path("script"));
    command
}

/// A box with a visitor, killed once `until` is over.
fn run_and_kill(lab: &Lab, script: &str, until: impl FnOnce()) {
    let running = run::start(&mut booth(lab, script));
    until();
    running.signal("KILL");
    running.wait();
}

/// The sealed take that is being recorded.
fn open_take(lab: &Lab, older: &[String]) -> Option<PathBuf> {
    let session = lab
        .sessions()
        .into_iter()
        .find(|one| !older.contains(one))?;
    takes(&lab.data().join("sessions").join(session)).1.pop()
}

#[test]
fn a_kill_in_a_take_leaves_it_sealed_and_the_next_start_completes_its_row() {
    let lab = Lab::new();
    lab.record();
    let mut random = Random::new();
    for _ in 0..4 {
        let older = lab.sessions();
        let after = Duration::from_millis(random.below(3000));
        let mut reached = Duration::ZERO;
        run_and_kill(&lab, READS, || {
            wait_for("a take", || open_take(&lab, &older).is_some());
            let begun = Instant::now();
            std::thread::sleep(after);
            reached = begun.elapsed();
        });
        let session = lab.sessions().into_iter().find(|one| !older.contains(one));
        let session = session.unwrap();
        let folder = lab.data().join("sessions").join(&session);
        assert_eq!(
            takes(&folder).0,
            Vec::<PathBuf>::new(),
            "nothing lies plain"
        );
        let before: Vec<u64> = lengths(&lab, &session, &folder);
        resumed_and_stopped(&lab);
        let rows = run::rows(&folder);
        let (plain, sealed) = takes(&folder);
        assert_eq!((plain.len(), sealed.len()), (0, rows.len()));
        let last = rows.iter().rfind(|row| row.samples_sha256.is_none());
        let last = last.expect("a take was cut");
        assert_eq!(last.verdict, Verdict::Recovered);
        let said = run::booth().arg("repair").arg(&folder).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        // A take that ends and the next one may be open at once.
        let cut = rows
            .iter()
            .filter(|row| row.samples_sha256.is_none())
            .count();
        assert!((1..=2).contains(&cut), "{cut} takes were cut");
        assert_eq!(said.matches("sealed, cut").count(), cut, "{said}");
        assert_eq!(
            said.matches("sealed, whole").count(),
            rows.len() - cut,
            "{said}"
        );
        let whole = u64::from(last.rate) * 4 * u64::from(last.channels);
        // A second, and a chunk.
        let seconds: f64 = rows
            .iter()
            .map(|row| row.frames as f64 / f64::from(row.rate))
            .sum();
        let least = reached.as_secs_f64() - 1.0 - 65_536.0 / whole as f64;
        println!("killed {reached:?} after the first frame of a take: {seconds:.3} s are there");
        assert!(seconds >= least, "{seconds} s of {reached:?}");
        // What stock age opened before is what the export has now, and no less.
        let out = lab.path(&format!("out-{session}"));
        let out = out.to_str().unwrap();
        let key = lab.key();
        lab.done(
            &["export", out, "--layout", "multichannel", "--key", &key],
            "",
        );
        let exported = lengths_of_export(Path::new(out), &session);
        assert_eq!(exported, before);
    }
}

/// Frames that stock `age` opens of each take, however its file was cut.
fn lengths(lab: &Lab, session: &str, folder: &Path) -> Vec<u64> {
    let key = own_key(lab, session);
    let mut files = takes(folder).1;
    files.sort();
    let frames = files.iter().map(|file| {
        let output = tool("age", "age", &["-d", "-i", &key, file.to_str().unwrap()]);
        let rate = run::rows(folder)[0].spec().frame_bytes();
        (samples(&output.stdout).len() / rate) as u64
    });
    frames.collect()
}

fn lengths_of_export(out: &Path, session: &str) -> Vec<u64> {
    let mut files = fs::read_dir(out.join(session))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect::<Vec<_>>();
    files.sort();
    let frames = files.iter().map(|file| {
        let info = read::info(&fs::File::open(file).unwrap(), file).unwrap();
        info.frames()
    });
    frames.collect()
}

fn resumed_and_stopped(lab: &Lab) {
    let done = run::start(&mut booth(lab, "until resume\n300 stop\n")).wait();
    assert_eq!(done.code, Some(0), "{}", done.said());
}

/// Checks that each take is there, plain or sealed and whole; how many are plain.
fn check(lab: &Lab, session: &str, rows: &[Row]) -> usize {
    use std::io::Read;
    let folder = lab.data().join("sessions").join(session);
    let operator = operator::read_keys(Path::new(&lab.key())).unwrap();
    let keys = keyring::open(&Data(&lab.data()).keys(), session, &operator).unwrap();
    let mut plain = 0;
    for row in rows {
        let path = folder.join(&row.file);
        let sealed = seal::sealed_name(&path);
        let mut bytes = Vec::new();
        if sealed.exists() {
            let with = [keys.private().clone()];
            let mut opened = seal::open(&sealed, &with).unwrap();
            opened.read_to_end(&mut bytes).unwrap();
        } else {
            plain += 1;
            bytes = fs::read(&path).unwrap();
        }
        assert_eq!(sha256(&samples(&bytes)), row.samples_sha256, "{}", row.file);
    }
    plain
}

#[test]
fn what_version_0_1_left_plain_is_sealed_at_the_start_and_a_kill_leaves_it_plain_or_sealed() {
    let lab = Lab::new();
    let session = lab.record_with(&["--set", "privacy.seal_audio=false"]);
    let folder = lab.data().join("sessions").join(&session);
    let record = folder.join("session.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(
        &record,
        text.replace("\"sealed\": false", "\"sealed\": true"),
    )
    .unwrap();
    let rows = run::rows(&folder);
    let whole = lab.path("whole");
    copy(&folder, &whole);
    let again = || {
        fs::remove_dir_all(&folder).unwrap();
        copy(&whole, &folder);
    };
    let begun = Instant::now();
    run_and_kill(&lab, WAITS, || {
        wait_for("sealed takes", || takes(&folder).0.is_empty());
    });
    let lasts_us = begun.elapsed().as_micros() as u64;
    again();
    let mut random = Random::new();
    let mut moments = [0; 3];
    for _ in 0..100 {
        let after = Duration::from_micros(random.below(lasts_us * 3 / 2));
        run_and_kill(&lab, WAITS, || std::thread::sleep(after));
        let plain = check(&lab, &session, &rows);
        let at = if plain == rows.len() {
            0
        } else if plain > 0 {
            1
        } else {
            2
        };
        moments[at] += 1;
        if plain == 0 {
            again();
        }
    }
    println!(
        "100 kills: before {}, amid {}, after {}",
        moments[0], moments[1], moments[2]
    );
    assert!(moments[1] + moments[2] > 10, "{moments:?}");
}
