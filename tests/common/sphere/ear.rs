//! The referee: an independent JACK client that hears what the physical playback ports get, all the time:
//! see `ear.c`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use booth::rt::Nanos;

use super::{Sphere, kill};
use crate::common::lateness::Lateness;
use crate::common::shim::program;
use crate::common::wait::wait_for;

/// What is louder than this counts as sound, dBFS.
pub const SOUND_DBFS: f32 = -80.0;
/// One that hears for this long tells what it heard.
const LINE: Duration = Duration::from_millis(50);

/// What it heard in about 50 ms, and in no JACK at all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard {
    /// The end of that time.
    pub until: Nanos,
    /// The greatest sample at any physical playback port, dBFS; -200 for digital silence.
    pub peak_dbfs: f32,
    /// JACK's periods in that time; none while there is no JACK or it hangs.
    pub periods: u32,
    /// Whether the transport rolled in one of them.
    pub rolls: bool,
}

impl Heard {
    /// Whether that was sound.
    pub fn sounds(&self) -> bool {
        self.peak_dbfs > SOUND_DBFS
    }
}

/// The listener. It joins each JACK that comes.
pub struct Ear {
    child: Child,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Sphere {
    /// Listens from now on.
    pub fn ear(&self) -> Ear {
        let mut child = Command::new(program("tests/common/sphere/ear.c"))
            .env("JACK_DEFAULT_SERVER", &self.server)
            .env("JACK_NO_START_SERVER", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let into = heard.clone();
        std::thread::spawn(move || {
            for heard in lines.map_while(Result::ok).filter_map(|line| read(&line)) {
                into.lock().unwrap().push(heard);
            }
        });
        wait_for("the listener", || !heard.lock().unwrap().is_empty());
        Ear { child, heard }
    }
}

fn read(line: &str) -> Option<Heard> {
    // libjack prints on stdout too.
    let words: Vec<&str> = line.strip_prefix("ear ")?.split(' ').collect();
    let [until, peak, periods, rolls] = words[..] else {
        panic!("the listener: {line:?}")
    };
    let peak: f32 = peak.parse().unwrap();
    Some(Heard {
        until: Nanos(until.parse().unwrap()),
        peak_dbfs: (20.0 * peak.log10()).max(-200.0),
        periods: periods.parse().unwrap(),
        rolls: rolls == "1",
    })
}

impl Ear {
    /// All that it heard so far.
    pub fn record(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// What it heard in this time; what lies partly in it is left out.
    pub fn between(&self, from: Nanos, until: Nanos) -> Vec<Heard> {
        let mut all = self.record();
        // The first line that ends after `from` began before it.
        let first = all.partition_point(|heard| heard.until < from) + 1;
        all.truncate(all.partition_point(|heard| heard.until <= until));
        all.split_off(first.min(all.len()))
    }

    /// Listens for so long from now on; the greatest sample, dBFS.
    pub fn peak(&self, time: Duration) -> f32 {
        let from = Nanos::now();
        std::thread::sleep(time + 2 * LINE);
        let until = Nanos(from.0 + (time + 2 * LINE).as_nanos() as u64);
        let heard = self.between(from, until);
        heard
            .iter()
            .map(|heard| heard.peak_dbfs)
            .fold(-200.0, f32::max)
    }

    /// Whether it hears anything in the time from now on.
    pub fn hears(&self, time: Duration) -> bool {
        self.peak(time) > SOUND_DBFS
    }

    /// Waits for sound, `limit` at most; how long that took.
    #[track_caller]
    pub fn hears_within(&self, limit: Duration) -> Duration {
        self.waits("nothing sounds", limit, |heard| heard.sounds())
    }

    /// Waits for silence, `limit` at most; how long that took.
    #[track_caller]
    pub fn hears_nothing_within(&self, limit: Duration) -> Duration {
        self.waits("it sounds", limit, |heard| !heard.sounds())
    }

    #[track_caller]
    fn waits(&self, wrong: &str, limit: Duration, is_so: impl Fn(&Heard) -> bool) -> Duration {
        let late = Lateness::watch();
        let since = Nanos::now();
        while !self.between(since, Nanos::now()).last().is_some_and(&is_so) {
            late.within(wrong, limit);
            std::thread::sleep(Duration::from_millis(10));
        }
        late.elapsed()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // A client that is killed holds JACK's end up.
        kill("TERM", self.child.id());
        let _ = self.child.wait();
    }
}
