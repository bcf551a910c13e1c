//! takes.jsonl: rows read back as they were written, and what is torn or damaged costs no other.

use std::fs;

use booth::store::row::{Row, SphereAt};
use booth::store::takes;
use booth::words::{Cause, Format, Gap, Heard, Kind, Verdict, Voice};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::take::filling;
use super::{config, folder};

/// The rows that `bytes` hold as a takes.jsonl.
fn read(bytes: &[u8]) -> Vec<Row> {
    let dir = folder();
    fs::write(dir.path().join("takes.jsonl"), bytes).unwrap();
    takes::read(dir.path()).unwrap()
}

fn number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z \"\\\\/]{0,9}", any::<String>()]
}

fn gap() -> impl Strategy<Value = Gap> {
    let cause = select(vec![Cause::Overrun, Cause::Storage, Cause::Device]);
    (any::<u64>(), any::<u64>(), cause).prop_map(|(frame, frames, cause)| Gap {
        frame,
        frames,
        cause,
    })
}

fn sphere() -> impl Strategy<Value = SphereAt> {
    let frame = || option::of(any::<u64>());
    let (place, end) = ((frame(), frame(), frame()), (frame(), frame()));
    let heard = option::of(select(vec![Heard::Level, Heard::Connections]));
    let all = (words(), option::of(any::<u32>()), place, end, heard);
    all.prop_map(|(track, rate, place, end, heard)| SphereAt {
        track,
        frame: place.0,
        rate,
        at_frame: place.1,
        uncertainty_frames: place.2,
        end_frame: end.0,
        end_uncertainty_frames: end.1,
        heard,
        ..SphereAt::default()
    })
}

prop_compose! {
    fn what()(
        file in words(),
        kind in select(vec![Kind::Read, Kind::Quiet, Kind::Free]),
        step in words(),
        line in option::of(any::<u64>()),
        line_id in option::of(words()),
        text in option::of(words()),
        language in words(),
        version in any::<u32>(),
        reasons in vec(words(), 0..3),
        utc in option::of(words()),
    ) -> Row {
        let spec = booth::words::Spec { rate: 0, channels: 0, format: Format::S16Le };
        Row {
            step, line, line_id, text, language, version, reasons, utc,
            ..Row::of(0, file, kind, spec)
        }
    }
}

prop_compose! {
    fn levels()(
        row in what(),
        peak_dbfs in vec(number(), 0..4),
        rms_dbfs in vec(number(), 0..4),
        dc in vec(number(), 0..4),
        snr_db in vec(number(), 0..4),
        clipped in vec(any::<u64>(), 0..4),
        gaps in vec(gap(), 0..3),
        sphere in option::of(sphere()),
        samples_sha256 in option::of("[0-9a-f]{0,64}"),
        sealed_bytes in option::of(any::<u64>()),
    ) -> Row {
        Row {
            peak_dbfs, rms_dbfs, dc, snr_db, clipped, gaps, sphere, samples_sha256, sealed_bytes, ..row
        }
    }
}

fn verdict() -> impl Strategy<Value = Verdict> {
    use Verdict::{Aborted, Kept, Paused, Recovered, Redone, Skipped};
    select(vec![Kept, Redone, Skipped, Paused, Aborted, Recovered])
}

prop_compose! {
    fn row()(
        row in levels(),
        take in any::<u32>(),
        verdict in verdict(),
        frames in any::<[u64; 4]>(),
        shown_frame in option::of(any::<u64>()),
        press_frames in vec(any::<u64>(), 0..3),
        voice in option::of(any::<[u64; 2]>()),
        rate in any::<u32>(),
        channels in any::<u16>(),
        format in select(Format::ALL.to_vec()),
    ) -> Row {
        let [start_frame, frames, lead_frames, tail_frames] = frames;
        let voice = voice.map(|[frame, frames]| Voice { frame, frames });
        Row {
            take, verdict, start_frame, frames, lead_frames, tail_frames, shown_frame,
            press_frames, voice, rate, channels, format, ..row
        }
    }
}

/// Rows of different takes, in order.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    vec(row(), 1..5).prop_map(|mut rows| {
        (1..).zip(&mut rows).for_each(|(take, row)| row.take = take);
        rows
    })
}

/// Each row as its line.
fn lines(rows: &[Row]) -> Vec<Vec<u8>> {
    let line = |row| [serde_json::to_vec(row).unwrap(), b"\n".to_vec()].concat();
    rows.iter().map(line).collect()
}

proptest! {
    #![proptest_config(config(1500))]

    #[test]
    fn a_row_reads_back_as_it_was(row in row()) {
        let text = serde_json::to_string(&row).unwrap();
        assert!(!text.contains('\n'));
        assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row);
    }

    #[test]
    fn a_later_row_of_a_take_replaces_the_earlier(rows in rows(), again in verdict()) {
        let mut amended = rows.clone();
        amended[0].verdict = again;
        let text = [lines(&rows), lines(&amended[..1])].concat().concat();
        assert_eq!(read(&text), amended);
    }

    #[test]
    fn a_torn_last_row_costs_no_other(rows in rows(), cut in any::<Index>()) {
        let lines = lines(&rows);
        let (last, before) = lines.split_last().unwrap();
        // Without its newline alone the last row is whole.
        let torn = &last[..cut.index(last.len() - 1)];
        assert_eq!(read(&[&before.concat(), torn].concat()), rows[..before.len()]);
        // As the recorder goes on after a torn row.
        let mut next = rows[0].clone();
        next.take = u32::MAX;
        let line = serde_json::to_vec(&next).unwrap();
        let went_on = [&before.concat(), torn, b"\n", &line, b"\n"].concat();
        assert_eq!(read(&went_on), [&rows[..before.len()], &[next]].concat());
    }

    #[test]
    fn a_damaged_row_costs_no_other(
        rows in rows(), which in any::<Index>(), at in any::<Index>(), new in filling(),
    ) {
        let mut lines = lines(&rows);
        let which = which.index(rows.len());
        let line = &mut lines[which];
        let at = at.index(line.len() - 1);
        let spoilt = new.into_iter().filter(|byte| *byte != b'\n');
        line.splice(at..at + 1, spoilt);
        let found = read(&lines.concat());
        let others = rows.iter().enumerate().filter(|(n, _)| *n != which);
        for (_, row) in others {
            let damage_made_it_this_take = serde_json::from_slice::<Row>(&lines[which])
                .is_ok_and(|damaged| damaged.take == row.take);
            assert!(found.contains(row) || damage_made_it_this_take, "take {}", row.take);
        }
    }

    #[test]
    fn any_bytes_are_rows_or_ignored(bytes in vec(any::<u8>(), 0..400)) {
        let whole = [bytes.as_slice(), b"\n"].concat();
        assert!(read(&whole).is_empty());
    }
}

#[test]
fn rows_nested_without_end_are_ignored() {
    for open in ["[", "{\"take\":"] {
        assert!(read(open.repeat(100_000).as_bytes()).is_empty());
    }
}
