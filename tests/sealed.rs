//! Whatever a disk does, what lies on it of a sealed take is a prefix of one age file.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use booth::audio::rf64::Meta;
use booth::identity::operator::PrivateKey;
use booth::identity::seal;
use booth::recorder::Begin;
use booth::recorder::memory::Memory;
use booth::recorder::sink::{SealedSink, Sink};
use booth::words::{CaptureFrame, Format, Spec};
use common::lab::samples as samples_of;
use common::random::Random;
use common::shim::Shim;

const SPEC: Spec = Spec {
    rate: 48_000,
    channels: 3,
    format: Format::S24Packed,
};
const FRAME: usize = 9;
/// Takes that are written.
const TAKES: usize = 200;

/// The folder of the takes, in the process whose disk misbehaves; `None` in the one that starts it.
fn folder(test: &str) -> Option<PathBuf> {
    if let Some(below) = std::env::var_os("FAULT_BELOW") {
        return Some(below.into());
    }
    let dir = common::folder();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let shim = Shim::over(dir.path());
    shim.apply(&mut child);
    common::run_again(&mut child, test);
    None
}

/// What the disk does from now on.
fn behave(how: &str) {
    let file = |name: &str| PathBuf::from(std::env::var_os(name).unwrap());
    for name in ["FAULT_FAIL", "FAULT_SHORT"] {
        let _ = fs::remove_file(file(name));
    }
    match how {
        "well" => {}
        "short" => fs::write(file("FAULT_SHORT"), "").unwrap(),
        error => fs::write(file("FAULT_FAIL"), error).unwrap(),
    }
}

/// What was on the disk after each call.
#[derive(Default)]
struct Seen {
    prefixes: Vec<Vec<u8>>,
    refusals: usize,
}

impl Seen {
    fn look(&mut self, path: &Path) {
        // Under its temporary name before.
        let temporary = PathBuf::from(format!("{}.new", path.display()));
        let bytes = fs::read(path).or_else(|_| fs::read(temporary));
        self.prefixes.push(bytes.unwrap_or_default());
    }
}

/// Writes a take through a disk that behaves by chance; its samples, and whether it was cut.
fn write(
    sink: &mut dyn Sink,
    path: &Path,
    random: &mut Random,
    seen: &mut Seen,
) -> (Vec<u8>, bool) {
    let (mut samples, mut is_full) = (Vec::new(), false);
    for _ in 0..2 + random.below(8) {
        behave(["well", "short", "EIO", "EROFS", "ENOSPC"][random.below(5) as usize]);
        let frames = 1 + random.below(30_000) as usize;
        let seed = random.below(251) as usize;
        let bytes: Vec<u8> = (0..frames * FRAME)
            .map(|n| ((n + seed) * 7 % 251) as u8)
            .collect();
        let mut buffer = Memory::with(bytes.len(), 1).buffer();
        buffer.as_mut().unwrap().extend(&bytes);
        // What was not taken in is brought again, as the writer does.
        while buffer.is_some() {
            match sink.append(&mut buffer) {
                Ok(()) => samples.extend(&bytes),
                Err(error) if error.may_pass() => behave("well"),
                Err(_) => {
                    is_full = true;
                    break;
                }
            }
        }
        let synced = sync(sink);
        seen.look(path);
        if let Err(may_pass) = synced {
            seen.refusals += 1;
            is_full |= !may_pass;
        }
        if is_full {
            // Perhaps nothing more can be written, not even what closes it.
            behave(["well", "ENOSPC"][random.below(2) as usize]);
            sink.cut().unwrap();
            behave("well");
            return (samples, true);
        }
        if synced.is_err() {
            behave("well");
            sink.reopen().unwrap();
        }
        seen.look(path);
    }
    behave("well");
    (samples, false)
}

/// Whether it may pass, where the disk refuses.
fn sync(sink: &mut dyn Sink) -> Result<(), bool> {
    let mut all = || {
        if !sink.is_placed() && sink.prepare()? {
            sink.place()?;
        }
        sink.checkpoint()
    };
    all().map_err(|error| error.may_pass())
}

#[test]
fn what_lies_on_the_disk_is_a_prefix_of_one_stream_whatever_it_refused() {
    let test = "what_lies_on_the_disk_is_a_prefix_of_one_stream_whatever_it_refused";
    let Some(folder) = folder(test) else {
        return;
    };
    let mut random = Random::new();
    let (mut refusals, mut cut) = (0, 0);
    for take in 0..TAKES {
        let key = PrivateKey::generate();
        let begin = Begin {
            take: 1,
            path: folder.join(format!("take-{take:04}.rf64")),
            start_frame: CaptureFrame(0),
            start_mark: CaptureFrame(0),
            expected_frames: random.below(2) * 100_000,
            behind_frames: 0,
            meta: Meta::default(),
            sealed: None,
        };
        let path = seal::sealed_name(&begin.path);
        behave("well");
        let mut sink = SealedSink::create(SPEC, &begin, &key.to_public()).unwrap();
        let mut seen = Seen::default();
        let (samples, is_cut) = write(&mut sink, &path, &mut random, &mut seen);
        if !is_cut {
            sync(&mut sink).unwrap();
        }
        let held = sink.finish(&[]).unwrap();
        sink.close().unwrap();
        refusals += seen.refusals;
        cut += usize::from(is_cut);
        let whole = fs::read(&path).unwrap_or_default();
        for prefix in &seen.prefixes {
            // One that was cut before it had its name leaves no file.
            assert!(whole.starts_with(prefix) || !path.exists(), "take {take}");
        }
        assert_eq!(held.sealed_bytes.unwrap_or(0), whole.len() as u64);
        let opened = if path.exists() {
            samples_of(&path, &key)
        } else {
            Vec::new()
        };
        assert_eq!(opened.len() / FRAME, held.frames as usize, "take {take}");
        assert!(samples.starts_with(&opened));
        assert!(is_cut || opened.len() == samples.len(), "take {take}");
    }
    println!("{TAKES} takes, {refusals} refusals, {cut} cut by a full disk");
    assert!(refusals > TAKES / 4 && cut > 0);
}
