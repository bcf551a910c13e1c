//! JACK on the sphere: jackd with the dummy driver, under the name of ladish's `jackdbus`. Whoever wants
//! it leaves the file `ladish/start` and finds its pid in `ladish/jackd`: ladishd, or a test.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::ladish::Switch;
use super::{Sphere, kill};
use crate::common::wait::wait_for;

/// Starts JACK when asked, and reaps it. A server that was killed keeps its place in JACK's registry, see
/// `places.py`, and may keep others of any name from starting: such places are given back before. In real
/// time where that is allowed, as on any sphere: on a busy machine it dates its periods late by more
/// than one otherwise.
const KEEPER: &str = r#"rt=$(chrt -f 5 true 2>/dev/null && echo chrt -f 5)
while [ ! -e end ]; do
  if [ ! -e ladish/start ]; then sleep 0.02; continue; fi
  rm -f ladish/start
  if [ -e ladish/no-jack ]; then echo 1 >ladish/ended; continue; fi
  python3 "$PLACES"
  $rt setpriv --pdeathsig TERM ladish/jackdbus -n "$JACK_DEFAULT_SERVER" -r -d dummy -r 48000 -p 1024 >jackd.log 2>&1 &
  echo $! >ladish/jackd.new; mv ladish/jackd.new ladish/jackd
  wait $!
  echo $? >ladish/ended.new
  rm -f ladish/start; mv ladish/ended.new ladish/ended; rm -f ladish/jackd
done"#;

/// Gives back the places of dead servers.
const PLACES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/sphere/places.py");

/// Starts the keeper in the sphere's folder, and with it JACK.
pub(super) fn keep(folder: &Path, environment: &[(&'static str, String)]) -> Child {
    fs::write(folder.join("ladish/start"), "").unwrap();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let jackd = std::env::split_paths(&paths).map(|folder| folder.join("jackd"));
    let jackd = jackd
        .into_iter()
        .find(|file| file.exists())
        .expect("jackd2");
    // A process has the name that it was called by.
    std::os::unix::fs::symlink(jackd, folder.join("ladish/jackdbus")).unwrap();
    // A test that is killed must not leave a server whose name the next one takes.
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "sh", "-c", KEEPER])
        .current_dir(folder)
        .envs(environment.to_vec())
        .env("PLACES", PLACES)
        // It tells of each end that a test makes.
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A name for a JACK server that no other test has now, and the lock on it, in all programs of tests on the
/// machine. They are few: JACK's registry has eight places. Whatever still serves that name was left by a
/// test that was killed, and is ended.
pub(super) fn free_name() -> (String, fs::File) {
    loop {
        for number in 0..6 {
            let name = format!("booth-{number}");
            let path = std::env::temp_dir().join(format!("{name}.lock"));
            let file = fs::File::create(path).unwrap();
            if file.try_lock().is_ok() {
                let tidied = Command::new("python3").args([PLACES, &name]).status();
                assert!(tidied.unwrap().success(), "{PLACES} {name}");
                return (name, file);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Sphere {
    /// Its pid while it runs.
    fn jack_pid(&self) -> Option<u32> {
        let pid = fs::read_to_string(self.path("ladish/jackd")).ok()?;
        pid.trim().parse().ok()
    }

    /// Whether ladish's JACK runs.
    pub fn has_jack(&self) -> bool {
        self.jack_pid().is_some()
    }

    /// Sends a signal to JACK, if it runs.
    pub fn signal_jack(&self, signal: &str) {
        if let Some(pid) = self.jack_pid() {
            kill(signal, pid);
        }
    }

    /// Whether JACK, woken late on a loaded machine, has lost periods, for which a transport that rolls
    /// stood still.
    pub fn jack_lost_periods(&self) -> bool {
        let log = fs::read_to_string(self.path("jackd.log"));
        // Of a client that was late it says `JackEngine::XRun`, and the transport rolls on.
        log.unwrap_or_default().contains("Driver::Process XRun")
    }

    /// Ends JACK as `jack_control stop` does, under the studio; it may be started again.
    pub fn jack_ends(&self) {
        self.signal_jack("TERM");
        wait_for("JACK's end", || !self.has_jack());
    }

    /// Kills JACK, and jackdbus with it; it may be started again.
    pub fn jack_is_killed(&self) {
        self.signal_jack("KILL");
        wait_for("JACK's end", || !self.has_jack());
    }

    /// Kills JACK and keeps it from coming back, as a sound card that is out does.
    pub fn jack_down(&self) {
        self.switch(Switch::NoJack);
        self.jack_is_killed();
    }

    /// Starts JACK by hand if it does not run, and waits until it answers. Who plays in it is another
    /// matter.
    pub fn jack_up(&self) {
        self.switch_off(Switch::NoJack);
        if !self.has_jack() {
            fs::write(self.path("ladish/start"), "").unwrap();
        }
        wait_for("JACK", || self.has_jack());
        self.jack_ready();
    }

    /// Ends ladish's JACK and starts one that ladish does not know, a plain `jackd`, which runs until this
    /// is dropped.
    pub fn stray_jackd(&self) -> Stray {
        if self.has_jack() {
            self.jack_ends();
        }
        let mut jackd = Command::new("setpriv");
        jackd.args(["--pdeathsig", "TERM", "jackd", "-n", &self.server, "-r"]);
        jackd.args(["-d", "dummy", "-r", "48000", "-p", "1024"]);
        let output = fs::File::create(self.path("stray.log")).unwrap();
        let jackd = jackd.stdout(output).stderr(Stdio::null()).spawn().unwrap();
        self.jack_ready();
        Stray(jackd)
    }

    /// Kills so many servers of other names that their places are all there are.
    pub fn fill_places(&self) {
        for number in 0..8 {
            let name = format!("booth-dead-{number}");
            let mut jackd = Command::new("jackd");
            jackd.args(["-n", &name, "-r", "-d", "dummy"]);
            let mut jackd = jackd
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            // It ends by itself where there is no place any more.
            wait_for("JACK or its end", || {
                let mut asked = Command::new("jack_lsp");
                asked.args(["-s", &name]).env("JACK_NO_START_SERVER", "1");
                let asked = asked.stdout(Stdio::null()).stderr(Stdio::null()).status();
                asked.unwrap().success() || jackd.try_wait().unwrap().is_some()
            });
            let _ = jackd.kill();
            jackd.wait().unwrap();
        }
    }

    /// What one of JACK's tools prints there; `None` if it fails.
    pub fn jack_tool(&self, command: &[&str]) -> Option<String> {
        let mut tool = Command::new(command[0]);
        tool.args(&command[1..])
            .env("JACK_DEFAULT_SERVER", &self.server)
            .env("JACK_NO_START_SERVER", "1");
        let output = tool.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some(text)
    }

    /// Sends a verb to the transport by hand.
    pub fn transport(&self, verb: &str) {
        let line = format!("printf '{verb}\nexit\n' | jack_transport");
        self.jack_tool(&["sh", "-c", &line]).expect("JACK answers");
    }

    /// How many connections lead to the physical playback ports.
    pub fn connections(&self) -> usize {
        let all = self.jack_tool(&["jack_lsp", "-c"]).expect("JACK answers");
        let mut lines = all
            .lines()
            .skip_while(|line| !line.starts_with("system:playback_"));
        lines.next();
        let ours = lines
            .take_while(|line| line.starts_with("   ") || line.starts_with("system:playback_"));
        ours.filter(|line| line.starts_with("   ")).count()
    }

    pub(super) fn jack_ready(&self) {
        wait_for("JACK", || self.jack_tool(&["jack_lsp"]).is_some());
    }

    /// Ends the keeper and JACK.
    pub(super) fn end_jack(&mut self) {
        let _ = fs::write(self.path("end"), "");
        let start = Instant::now();
        while self.keeper.try_wait().is_ok_and(|end| end.is_none()) {
            // Asked first: it gives its place in JACK's registry back, unless a client that was
            // killed keeps it waiting.
            let is_late = start.elapsed() > Duration::from_millis(500);
            if let Some(pid) = self.jack_pid() {
                kill(if is_late { "KILL" } else { "TERM" }, pid);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.keeper.wait();
    }
}

/// A `jackd` beside ladish.
pub struct Stray(Child);

impl Drop for Stray {
    fn drop(&mut self) {
        kill("TERM", self.0.id());
        let _ = self.0.wait();
    }
}
