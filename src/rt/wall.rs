//! The wall clock, and whether it is to be trusted.
//!
//! Guarantees: a time is given only while the kernel calls the clock synchronised, or where a clock chip
//! set it at the system's start and it is later than this program's build: an empty chip gives the time
//! of its making.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use jiff::Timestamp;

use super::Nanos;

/// Where the kernel lists its clock chips.
const CHIPS: &str = "/sys/class/rtc";
/// No box is older, in seconds of the Unix epoch: 2026-01-01. A release brings its own date along in
/// SOURCE_DATE_EPOCH, so that the same source gives the same program
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
const OLDEST_S: i64 = 1_767_225_600;
const BUILT: Option<&str> = option_env!("SOURCE_DATE_EPOCH");

/// Which clock is trusted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The kernel calls it synchronised.
    Kernel,
    /// This clock chip set it at the system's start.
    Chip(String),
    /// This chip set it, to a time before the program was built.
    WrongChip(String),
    /// Nothing set it.
    Nothing,
}

impl Trust {
    /// Whether rows carry the time.
    #[must_use]
    pub fn is_given(&self) -> bool {
        match self {
            Trust::Kernel | Trust::Chip(_) => true,
            Trust::WrongChip(_) | Trust::Nothing => false,
        }
    }
}

/// The wall clock as RFC 3339 UTC with milliseconds; `None` while it is not to be trusted, for example
/// on a Pi without network.
#[must_use]
pub fn utc_now() -> Option<String> {
    trust()
        .is_given()
        .then(|| format!("{:.3}", Timestamp::now()))
}

/// Whether the wall clock is trusted, and by how many milliseconds it is ahead of CLOCK_MONOTONIC.
#[must_use]
pub fn wall_clock() -> (bool, i64) {
    let monotonic_ms = (Nanos::now().0 / 1_000_000) as i64;
    let wall_ms = Timestamp::now().as_millisecond();
    (trust().is_given(), wall_ms - monotonic_ms)
}

/// Which clock is trusted now.
#[must_use]
pub fn trust() -> Trust {
    if is_synchronised() {
        return Trust::Kernel;
    }
    // A chip that has set the clock did so once; none may still come, with its driver.
    static SETTER: OnceLock<String> = OnceLock::new();
    let found = || chip_that_set_it(Path::new(CHIPS)).map(|chip| SETTER.get_or_init(|| chip));
    judge(SETTER.get().or_else(found), Timestamp::now().as_second())
}

fn judge(chip: Option<&String>, now_s: i64) -> Trust {
    match chip.cloned() {
        Some(chip) if now_s > built_s() => Trust::Chip(chip),
        Some(chip) => Trust::WrongChip(chip),
        None => Trust::Nothing,
    }
}

/// When this program was built, seconds of the Unix epoch.
fn built_s() -> i64 {
    let built = BUILT.and_then(|built| built.parse().ok());
    built.unwrap_or(OLDEST_S).max(OLDEST_S)
}

/// The chip whose `hctosys` says 1: it set the clock at the system's start (Documentation/ABI/testing/
/// sysfs-class-rtc of Linux).
fn chip_that_set_it(chips: &Path) -> Option<String> {
    let chips = fs::read_dir(chips).ok()?.flatten();
    let mut set = chips.filter(|chip| {
        let said = fs::read_to_string(chip.path().join("hctosys"));
        said.is_ok_and(|said| said.trim() == "1")
    });
    set.next()
        .map(|chip| chip.file_name().to_string_lossy().into_owned())
}

/// STA_UNSYNC of adjtimex(2).
fn is_synchronised() -> bool {
    // SAFETY: an all-zero timex asks for nothing to be changed, so no privilege is needed.
    unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        libc::adjtimex(&raw mut timex) >= 0 && timex.status & libc::STA_UNSYNC == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_that_set_the_clock_is_trusted_if_its_time_is_later_than_the_build() {
        let chips = tempfile::tempdir().expect("a folder");
        let put = |chip: &str, said: &str| {
            fs::create_dir_all(chips.path().join(chip)).expect("made");
            fs::write(chips.path().join(chip).join("hctosys"), said).expect("written");
        };
        assert_eq!(chip_that_set_it(&chips.path().join("none")), None);
        put("rtc0", "0\n");
        assert_eq!(chip_that_set_it(chips.path()), None);
        put("rtc1", "1\n");
        let chip = chip_that_set_it(chips.path());
        assert_eq!(chip.as_deref(), Some("rtc1"));
        let said = |now_s| judge(chip.as_ref(), now_s);
        assert_eq!(said(built_s() + 1), Trust::Chip("rtc1".into()));
        assert_eq!(said(946_684_800), Trust::WrongChip("rtc1".into()));
        assert!(!said(946_684_800).is_given() && said(built_s() + 1).is_given());
        assert_eq!(judge(None, built_s() + 1), Trust::Nothing);
    }

    #[test]
    fn the_build_is_not_in_the_future() {
        assert!(built_s() <= Timestamp::now().as_second());
    }
}
