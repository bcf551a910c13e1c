//! How late the system wakes a thread, and what on this machine may be the cause.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Finding;
use super::interrupts::{self, Interrupt};
use crate::audio::capture;
use crate::audio::source::alsa::BUFFER_MS;
use crate::config::Config;
use crate::rt;

/// Between two wake-ups: a tenth of the usual period.
const TURN: Duration = Duration::from_millis(1);

/// What a thread at capture's priority measured.
#[derive(Debug)]
pub struct Wakes {
    lasted: Duration,
    longest: Duration,
    /// Whether it had capture's priority.
    real_time: bool,
    /// The interrupt that came most often, and on which processor.
    busiest: Option<Interrupt>,
}

/// Sleeps a millisecond again and again for `length`, as cyclictest(8) does. It needs a thread of
/// its own, because it changes its priority.
pub fn measure(length: Duration) -> Wakes {
    let before = interrupts::all();
    let real_time = rt::schedule(capture::PRIORITY).is_ok();
    let (begun, mut longest) = (Instant::now(), Duration::ZERO);
    while begun.elapsed() < length {
        let asleep = Instant::now();
        std::thread::sleep(TURN);
        longest = longest.max(asleep.elapsed().saturating_sub(TURN));
    }
    Wakes {
        lasted: begun.elapsed(),
        longest,
        real_time,
        busiest: interrupts::busiest(&before, &interrupts::all(), begun.elapsed()),
    }
}

/// The longest delay, compared with how long the card can wait to be read.
pub fn finding(config: &Config, wakes: &Wakes) -> Finding {
    let rate = f64::from(config.audio.rate);
    let period = Duration::from_secs_f64(f64::from(config.audio.period_frames) / rate);
    let card = Duration::from_millis(BUFFER_MS).max(period * 4);
    let priority = if wakes.real_time {
        "capture's priority"
    } else {
        "normal priority"
    };
    let text = format!(
        "the longest delay in {:.0} s was {:.2} ms, at {priority}; the card holds {} ms",
        wakes.lasted.as_secs_f64(),
        wakes.longest.as_secs_f64() * 1e3,
        card.as_millis(),
    );
    if wakes.longest < period {
        return Finding::ok("wake-up", text);
    }
    let remedy = advice(Path::new("/sys"), wakes);
    if wakes.longest < card / 2 {
        Finding::warn("wake-up", text, remedy)
    } else {
        Finding::fail("wake-up", text, remedy)
    }
}

/// What to change, only for things that are not as they should be.
fn advice(sys: &Path, wakes: &Wakes) -> String {
    let mut found = Vec::new();
    if !wakes.real_time {
        found.push("set LimitRTPRIO in the unit".to_owned());
    }
    if let Some(governor) = slow_governor(sys) {
        found.push(format!(
            "the CPU governor is {governor}: write `performance` into \
             /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        ));
    }
    if let Some(name) = wireless(sys) {
        found.push(format!(
            "{name} is up: if `iw dev {name} get power_save` says on, `iw dev {name} set \
             power_save off`, or use a cable"
        ));
    }
    if let Some(busiest) = &wakes.busiest {
        found.push(format!(
            "interrupt {busiest}: keep the box off that CPU (CPUAffinity= in the unit)"
        ));
    }
    if found.is_empty() {
        found.push("see what else runs here (`top`)".to_owned());
    }
    found.join("; ")
}

/// The first governor that lets a processor sleep or slow down; `None` also where there is no
/// governor.
fn slow_governor(sys: &Path) -> Option<String> {
    let policies = fs::read_dir(sys.join("devices/system/cpu/cpufreq")).ok()?;
    let governors = policies
        .flatten()
        .filter_map(|policy| fs::read_to_string(policy.path().join("scaling_governor")).ok());
    let mut slow: Vec<String> = governors
        .map(|governor| governor.trim().to_owned())
        .filter(|governor| governor != "performance")
        .collect();
    slow.sort();
    slow.into_iter().next()
}

/// A wireless interface that is up.
fn wireless(sys: &Path) -> Option<String> {
    let interfaces = fs::read_dir(sys.join("class/net")).ok()?;
    let mut up = interfaces.flatten().filter(|interface| {
        let state = fs::read_to_string(interface.path().join("operstate")).unwrap_or_default();
        interface.path().join("phy80211").exists() && state.trim() == "up"
    });
    up.next()
        .map(|interface| interface.file_name().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_only_what_is_not_as_it_should_be() {
        let sys = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| {
            let path = sys.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        let governor = "devices/system/cpu/cpufreq/policy0/scaling_governor";
        put(governor, "performance\n");
        put("class/net/wlan0/operstate", "down\n");
        put("class/net/wlan0/phy80211/index", "0\n");
        let mut wakes = Wakes {
            lasted: Duration::from_secs(10),
            longest: Duration::from_millis(20),
            real_time: true,
            busiest: None,
        };
        assert!(advice(sys.path(), &wakes).contains("what else runs"));
        put(governor, "ondemand\n");
        put("class/net/wlan0/operstate", "up\n");
        wakes.real_time = false;
        let said = advice(sys.path(), &wakes);
        for word in [
            "LimitRTPRIO",
            "ondemand",
            "if `iw dev wlan0 get power_save` says on",
        ] {
            assert!(said.contains(word), "{said}");
        }
    }

    #[test]
    fn a_delay_is_judged_against_what_the_card_holds() {
        let config = crate::config::Config::default();
        let of = |ms| Wakes {
            lasted: Duration::from_secs(10),
            longest: Duration::from_millis(ms),
            real_time: true,
            busiest: None,
        };
        let state = |ms| finding(&config, &of(ms)).state;
        use crate::cli::check::State;
        assert_eq!(state(1), State::Ok);
        assert_eq!(state(20), State::Warn);
        assert_eq!(state(400), State::Fail);
    }
}
