//! As much as a booth may be asked for: 64 channels, 96 kHz, 32 bit; 24.6 MB/s.

use std::time::Duration;

use booth::words::{Format, Spec};

use super::alone;
use super::take::{Audio, assert_opens, device_now, lost};
use crate::common::run::{self, record, row};
use crate::common::{folder, plugin};

const SPEC: Spec = Spec {
    rate: 96_000,
    channels: 64,
    format: Format::S32Le,
};

/// Records for `seconds` with a pool of 10 s and checks every sample.
fn records_all(seconds: u64) {
    let _machine = alone();
    let (env, dir) = (plugin(), folder());
    let out = dir.path().join("load.rf64");
    let mut command = record(&env, "bpaced", SPEC, &out);
    command.args(["--buffer-s", "10", "--seconds", &seconds.to_string()]);
    let about = device_now(&env, SPEC.rate);
    let began = std::time::Instant::now();
    let done = run::start(&mut command).wait();
    let late = began.elapsed().saturating_sub(Duration::from_secs(seconds));
    let row = row(&done, 0);
    println!(
        "64 channels at 96 kHz: {} frames wanted, {} written, {} lost; ended {:.2} s after the last",
        seconds * u64::from(SPEC.rate),
        row.frames,
        lost(&row),
        late.as_secs_f64()
    );
    assert_eq!(row.frames, seconds * u64::from(SPEC.rate));
    assert_opens(&out, row.frames);
    Audio::open(&out).check(&row.gaps, about);
}

#[test]
fn sixty_four_channels_at_96_khz_lose_nothing_in_10_s() {
    records_all(10);
}

#[test]
#[ignore = "writes 1.5 GB; run by tests/faults/run"]
fn sixty_four_channels_at_96_khz_lose_nothing_in_60_s() {
    records_all(60);
}
