//! A box on a device that gives a voice, or nothing: what its row says.

use std::fs;
use std::path::Path;

use booth::store::row::Row;

use super::speech::{self, lines};
use crate::common::{plugin, run};

const RATE: u32 = 48_000;

/// Records six seconds of `samples`, of two channels of 32 bits; the row.
fn recorded(samples: &[u8], dir: &Path, options: &[&str]) -> Row {
    fs::write(dir.join("samples"), samples).unwrap();
    let protocol = "name = \"one\"\n[[step]]\nname = \"free\"\nkind = \"free\"\nseconds = 6\n\
                    [verdict]\noff = [\"long\"]\n[verdict.throat]\nquiet_dbfs = -60\n";
    fs::write(dir.join("protocol.toml"), protocol).unwrap();
    let script = "until attract\n300 go\nuntil intro\n300 go\n";
    fs::write(dir.join("script"), script).unwrap();
    let mut command = run::booth();
    plugin().apply(&mut command);
    command.env("BOOTH_IN", dir.join("samples"));
    command.args(["run", "--board", "sim", "--set", "audio.device=bfile"]);
    command.args(["--set", "audio.channels=[\"headset\", \"throat\"]"]);
    command.args(["--set", "audio.reference=headset"]);
    command.args(options);
    command.arg("--data").arg(dir.join("data"));
    command.arg("--protocol").arg(dir.join("protocol.toml"));
    command.arg("--script").arg(dir.join("script"));
    let run = run::start(&mut command).wait();
    assert_eq!(run.code, Some(0), "{}", run.said());
    run::rows(&run::session(&dir.join("data"))).pop().unwrap()
}

/// A line after each second and a half of silence, and nothing in the second channel.
fn voice() -> Vec<u8> {
    let line = &lines("en", 2)[1];
    let frames = 60 * RATE;
    let period = (1.5 * f64::from(RATE)) as usize + line.samples.len() * 48_000 / 22_050;
    (0..frames as usize)
        .flat_map(|frame| {
            let at = (frame % period) * speech::RATE as usize / RATE as usize;
            let said = line.samples.get(at).copied().unwrap_or_default() * 0.3;
            let hiss = ((frame * 7919) % 101) as f32 / 101.0 * 1e-4;
            let sample = (f64::from(said + hiss) * 2_147_483_648.0) as i32;
            [sample.to_le_bytes(), [0; 4]].concat()
        })
        .collect()
}

#[test]
fn a_row_says_where_the_voice_is_and_which_channel_is_dead() {
    let dir = crate::common::folder();
    let row = recorded(&voice(), dir.path(), &[]);
    assert_eq!(row.reasons, ["throat: dead"]);
    let voice = row.voice.expect("a voice");
    assert!(voice.frames > u64::from(RATE) && voice.frame + voice.frames <= row.frames);
    assert!(row.snr_db[0] > 20.0, "{:?}", row.snr_db);
}

#[test]
fn a_take_of_nothing_is_silent_in_its_row_in_the_list_and_in_the_export() {
    let dir = crate::common::folder();
    let row = recorded(&vec![0; 8 * 60 * RATE as usize], dir.path(), &[]);
    assert_eq!(row.reasons, ["headset: dead", "throat: dead", "silent"]);
    assert_eq!((row.voice, row.snr_db.len()), (None, 0));
    let booth = |args: &[&str]| {
        let mut command = run::booth();
        command
            .args(args)
            .arg("--data")
            .arg(dir.path().join("data"));
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = booth(&["takes", "--problems"]);
    assert!(
        listed.contains("silent") && listed.contains("headset: dead"),
        "{listed}"
    );
    let out = dir.path().join("out");
    booth(&["export", out.to_str().unwrap()]);
    let table = fs::read_to_string(out.join("metadata.csv")).unwrap();
    assert!(table.contains("headset: dead"), "{table}");
}
