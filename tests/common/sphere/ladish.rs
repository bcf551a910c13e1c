//! The stand-in for ladish: a session bus of the sphere's own, `ladish/ladishd`, which it starts when it is
//! called, and `ladish/ladish_control`. The programs are Python and behave as ladish 2.1 was seen to: each
//! says where. This is how tests make studios and projects, and turn the switches.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use super::{Sphere, kill};
use crate::common::shim::program;
use crate::common::wait::wait_for;

/// What can be wrong with ladish, its JACK and its players, from the next time on that it matters.
/// A switch is a file with a number in the sphere's folder `ladish`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// Leaving a studio takes so many seconds longer than its players do; the name stays meanwhile.
    LoadWaits,
    /// Starting JACK takes so many seconds, in which ladishd answers nobody.
    JackStarts,
    /// Stopping JACK takes so many seconds after its end, in which ladishd answers nobody.
    JackStops,
    /// JACK cannot be started.
    NoJack,
    /// Loading leaves JACK as it is, for tests that load often.
    KeepsJack,
    /// Players join JACK so many seconds after their start.
    PlayerComes,
    /// Players end at once instead of joining.
    PlayerFails,
    /// Players end so many seconds after they are asked to.
    PlayerEnds,
    /// Players are connected to nothing. Those that run lose their connections.
    PlayerUnconnected,
    /// Players play digital silence. Those that run fall silent.
    PlayerSilent,
    /// Players are silent for so many seconds after each start of the transport.
    PlayerSilentStart,
    /// RMS at each output, dBFS; -20 otherwise.
    PlayerLevel,
}

impl Switch {
    fn file(self) -> &'static str {
        match self {
            Switch::LoadWaits => "load-waits",
            Switch::JackStarts => "jack-starts",
            Switch::JackStops => "jack-stops",
            Switch::NoJack => "no-jack",
            Switch::KeepsJack => "keeps-jack",
            Switch::PlayerComes => "player-comes",
            Switch::PlayerFails => "player-fails",
            Switch::PlayerEnds => "player-ends",
            Switch::PlayerUnconnected => "player-unconnected",
            Switch::PlayerSilent => "player-silent",
            Switch::PlayerSilentStart => "player-silent-start",
            Switch::PlayerLevel => "player-level",
        }
    }
}

/// The bus, and the daemon that was started with the sphere.
pub(super) struct Ladish {
    bus: Child,
    daemon: Child,
}

impl Ladish {
    /// Starts both in the sphere's folder; the daemon loads `studio` and waits for JACK.
    pub(super) fn start(
        folder: &Path,
        studio: &str,
        environment: &[(&'static str, String)],
    ) -> Ladish {
        fs::copy(source("ladish_control"), folder.join("bin/ladish_control")).unwrap();
        let config = format!(
            "<busconfig><type>session</type><listen>unix:path={0}/bus</listen>\
             <servicedir>{0}/services</servicedir><policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>\
             <allow own=\"*\"/></policy></busconfig>",
            folder.display()
        );
        fs::write(folder.join("bus.conf"), config).unwrap();
        let service = format!(
            "[D-BUS Service]\nName=org.ladish\nExec={} {}\n",
            source("ladishd").display(),
            folder.join("ladish").display()
        );
        fs::write(folder.join("services/org.ladish.service"), service).unwrap();
        let log = fs::File::create(folder.join("ladish.log")).unwrap();
        let begin = |command: &mut Command| {
            command
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log.try_clone().unwrap())
                .current_dir(folder)
                .envs(environment.to_vec())
                .spawn()
                .unwrap()
        };
        let mut bus = Command::new("setpriv");
        bus.args(["--pdeathsig", "KILL", "dbus-daemon", "--nofork"]);
        bus.arg("--config-file").arg(folder.join("bus.conf"));
        let bus = begin(&mut bus);
        wait_for("the session bus", || folder.join("bus").exists());
        std::os::unix::fs::symlink("../bus", folder.join("run/bus")).unwrap();
        let mut daemon = Command::new(source("ladishd"));
        let daemon = begin(daemon.arg(folder.join("ladish")).arg(studio));
        Ladish { bus, daemon }
    }

    /// Ends both, and with them the players.
    pub(super) fn end(&mut self, folder: &Path) {
        for child in [&mut self.bus, &mut self.daemon] {
            let _ = child.kill();
            let _ = child.wait();
        }
        // One that was started by a call has no bus any more, and may be waiting for JACK.
        if let Some(pid) = daemon_pid(folder) {
            kill("KILL", pid);
        }
    }
}

const HALL: &str = "<room name=\"hall\"/>";

/// Saves what there is from the beginning.
pub(super) fn write_studios(folder: &Path) {
    for name in [super::STUDIO, "other"] {
        make_studio(folder, name, "");
    }
    make_studio(folder, super::HOUSE, HALL);
    make_project(folder, super::PROJECT);
}

fn make_studio(folder: &Path, name: &str, rooms: &str) {
    let player = player(folder, "noise");
    let text = format!("<studio>{player}{rooms}</studio>");
    fs::write(studio_file(folder, name), text).unwrap();
}

fn studio_file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("home/.ladish/studios/{}.xml", escaped(name)))
}

fn make_project(folder: &Path, name: &str) {
    let project = folder.join("projects").join(name);
    fs::create_dir_all(&project).unwrap();
    let player = player(folder, "project");
    let text = format!("<project name=\"{name}\">{player}</project>");
    fs::write(project.join("ladish-project.xml"), text).unwrap();
}

fn player(folder: &Path, client: &str) -> String {
    let program = program("tests/common/sphere/player.c");
    let (program, switches) = (program.display(), folder.join("ladish"));
    let switches = switches.display();
    format!("<application autorun=\"true\">{program} {switches} {client}</application>")
}

fn source(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/sphere/ladish");
    here.join(name)
}

fn daemon_pid(folder: &Path) -> Option<u32> {
    let pid = fs::read_to_string(folder.join("ladish/ladishd")).ok()?;
    let pid = pid.trim().parse().ok()?;
    super::is_alive(pid).then_some(pid)
}

impl Sphere {
    /// Turns a switch without a number on.
    pub fn switch(&self, switch: Switch) {
        self.switch_to(switch, 1.0);
    }

    /// Turns a switch to a number.
    pub fn switch_to(&self, switch: Switch, number: f64) {
        let file = self.path("ladish").join(switch.file());
        fs::write(file.with_extension("new"), number.to_string()).unwrap();
        fs::rename(file.with_extension("new"), file).unwrap();
    }

    /// Turns a switch off, if it is on.
    pub fn switch_off(&self, switch: Switch) {
        let _ = fs::remove_file(self.path("ladish").join(switch.file()));
    }

    /// Saves a studio with one player.
    pub fn make_studio(&self, name: &str) {
        make_studio(&self.path(""), name, "");
    }

    /// Saves a studio with one player and the room `hall`, see [`super::HOUSE`].
    pub fn make_house(&self, name: &str) {
        make_studio(&self.path(""), name, HALL);
    }

    /// Saves a studio that nothing plays in.
    pub fn make_empty_studio(&self, name: &str) {
        fs::write(studio_file(&self.path(""), name), "<studio/>").unwrap();
    }

    /// Saves a studio whose file cannot be read.
    pub fn make_broken_studio(&self, name: &str) {
        fs::write(studio_file(&self.path(""), name), "<studio><application").unwrap();
    }

    /// Deletes the files of all studios.
    pub fn remove_studios(&self) {
        for file in fs::read_dir(self.path("home/.ladish/studios")).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
    }

    /// Saves a project with a player of its own in a folder of that name; its track.
    pub fn make_project(&self, name: &str) -> String {
        make_project(&self.path(""), name);
        self.project_track(name)
    }

    /// The folder of a project.
    pub fn project_folder(&self, name: &str) -> String {
        self.path("projects").join(name).display().to_string()
    }

    /// The track that is this project in the room `hall`.
    pub fn project_track(&self, name: &str) -> String {
        format!("project:hall:{}", self.project_folder(name))
    }

    /// Runs ladish_control by hand.
    pub fn ladish(&self, words: &[&str]) -> Output {
        let mut control = Command::new(self.path("bin/ladish_control"));
        control.args(words).envs(self.ladish_environment.clone());
        control.stdin(Stdio::null()).output().unwrap()
    }

    /// Whether ladish_control ends in time.
    pub fn answers_within(&self, limit: Duration, words: &[&str]) -> bool {
        let mut timeout = Command::new("timeout");
        timeout.arg(limit.as_secs_f64().to_string());
        timeout.arg(self.path("bin/ladish_control")).args(words);
        timeout.envs(self.ladish_environment.clone());
        timeout.output().unwrap().status.code() != Some(124)
    }

    /// What ladish_control prints.
    pub fn ladish_says(&self, words: &[&str]) -> String {
        String::from_utf8(self.ladish(words).stdout).unwrap()
    }

    /// The studio that is loaded, as ladish says.
    pub fn studio(&self) -> Option<String> {
        let said = self.ladish_says(&["sname"]);
        let name = said.strip_prefix("--- studio get name\n\"")?;
        Some(name.strip_suffix("\"\n")?.to_owned())
    }

    /// The folder of the project in a room of the studio, as ladish says.
    pub fn project(&self, room: &str) -> Option<String> {
        let call = |path: &str, method: &str| {
            let mut gdbus = Command::new("gdbus");
            gdbus.args(["call", "--session", "--dest", "org.ladish"]);
            gdbus.args(["--object-path", path, "--method", method]);
            let output = gdbus
                .envs(self.ladish_environment.clone())
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let rooms = call("/org/ladish/Studio", "org.ladish.Studio.GetRoomList");
        let (before, _) = rooms.split_once(&format!("{{'name': <'{room}'>}}"))?;
        let path = before.rsplit('\'').nth(1)?;
        let found = call(path, "org.ladish.Room.GetProjectProperties");
        let (_, folder) = found.split_once("'dir': <'")?;
        Some(folder.split_once('\'')?.0.to_owned())
    }

    /// Loads a studio by hand, and waits until its players play.
    pub fn load(&self, studio: &str) {
        let before = self.players();
        self.ladish(&["sload", studio]);
        wait_for(studio, || self.studio().as_deref() == Some(studio));
        wait_for("its players", || {
            let now = self.players();
            !now.is_empty() && now.iter().all(|pid| !before.contains(pid))
        });
    }

    /// The players that are in JACK.
    pub fn players(&self) -> Vec<u32> {
        let all = fs::read_dir(self.path("ladish/players")).unwrap();
        let pid = |entry: fs::DirEntry| entry.file_name().to_string_lossy().parse().ok();
        let mut all: Vec<u32> = all.map_while(Result::ok).filter_map(pid).collect();
        all.retain(|pid| super::is_alive(*pid));
        all
    }

    /// Sends a signal to all of them.
    pub fn signal_players(&self, signal: &str) {
        for pid in self.players() {
            kill(signal, pid);
        }
    }

    /// Kills ladishd, if it runs; the next call starts another.
    pub fn daemon_is_killed(&self) {
        if let Some(pid) = daemon_pid(&self.path("")) {
            kill("KILL", pid);
            wait_for("ladishd's end", || !super::is_alive(pid));
        }
    }

    /// Whether ladishd runs.
    pub fn has_daemon(&self) -> bool {
        daemon_pid(&self.path("")).is_some()
    }

    /// From now on nobody finds the session bus; who has found it keeps it.
    pub fn bus_away(&self) {
        fs::remove_file(self.path("run/bus")).unwrap();
    }

    /// The session bus is where it belongs; also after something was mounted over its folder.
    pub fn bus_back(&self) {
        std::os::unix::fs::symlink(self.path("bus"), self.path("run/bus")).unwrap();
    }

    /// Ends ladishd, and from now on nothing starts it.
    pub fn daemon_away(&self) {
        fs::remove_file(self.path("services/org.ladish.service")).unwrap();
        self.daemon_is_killed();
        let is_away = || self.ladish_says(&["sisloaded"]).contains("ServiceUnknown");
        wait_for("ladishd's absence", is_away);
    }

    /// Python there has no module `dbus` from now on, as without the package python3-dbus.
    pub fn module_away(&self) {
        let module = self.path("python/dbus");
        fs::create_dir_all(&module).unwrap();
        let text = "raise ModuleNotFoundError(\"No module named 'dbus'\")\n";
        fs::write(module.join("__init__.py"), text).unwrap();
    }

    /// It has it again.
    pub fn module_back(&self) {
        fs::remove_dir_all(self.path("python/dbus")).unwrap();
    }

    /// Waits until ladishd answers; how long that took.
    pub fn daemon_answers(&self) -> Duration {
        wait_for("ladishd", || {
            self.ladish_says(&["sisloaded"]).lines().count() == 2
        })
    }
}

/// As ladish escapes the names of files (daemon/escape.c:32).
fn escaped(name: &str) -> String {
    let escape = |sign: char| match sign {
        '/' | '\'' | '>' | '%' | '<' | '&' | '"' => format!("%{:02X}", u32::from(sign)),
        _ => sign.to_string(),
    };
    name.chars().map(escape).collect()
}
