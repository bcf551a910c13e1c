//! A sphere on this machine: OpenSSH's sshd with keys of its own, jackd with the dummy driver, and a
//! stand-in for ladish with players that make sound; all of it started and stopped here, without systemd.

pub mod alone;
pub mod clock;
pub mod disk;
pub mod ear;
pub mod jack;
pub mod ladish;
pub mod wire;
pub mod witness;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use booth::config;

use super::wait::wait_for;

/// The studio that is loaded at the beginning. There are two more, `other`, and [`HOUSE`].
pub const STUDIO: &str = "noise";
/// The studio that has a room, `hall`. ladish 2.1 aborts when it is left with a project in the room, and
/// when it is left after JACK has ended under it.
pub const HOUSE: &str = "house";
/// The project that there is from the beginning, see [`Sphere::project_track`].
pub const PROJECT: &str = "noise";

/// How the sphere is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing of ours there.
    Plain,
    /// `deploy/sphere/setup` was run there.
    Helper,
}

/// The sphere.
pub struct Sphere {
    folder: tempfile::TempDir,
    pub kind: Kind,
    port: u16,
    server: String,
    /// The server's name is ours while it is locked.
    _named: fs::File,
    /// Of what runs in its desktop session.
    ladish_environment: Vec<(&'static str, String)>,
    /// Of all that runs there.
    environment: Vec<(&'static str, String)>,
    keeper: Child,
    ladish: ladish::Ladish,
    sshd: Option<Child>,
}

impl Sphere {
    /// Starts it; all that runs there has `environment`. Its studio is loaded and its player in JACK.
    pub fn start(kind: Kind, environment: Vec<(&'static str, String)>) -> Sphere {
        let (server, named) = jack::free_name();
        let folder = super::folder();
        let path = folder.path().canonicalize().unwrap();
        for name in [
            "bin",
            "ladish/players",
            "run",
            "home/.ssh",
            "home/.ladish/studios",
            "projects",
            "services",
        ] {
            fs::create_dir_all(path.join(name)).unwrap();
        }
        let mut ladish_environment = desktop(&path, &server);
        ladish_environment.extend(environment.clone());
        let keeper = jack::keep(&path, &ladish_environment);
        ladish::write_studios(&path);
        let ladish = ladish::Ladish::start(&path, STUDIO, &ladish_environment);
        for key in ["host_key", "key", "stranger"] {
            keygen(&path.join(key));
        }
        let mut sphere = Sphere {
            folder,
            kind,
            port: 0,
            server,
            _named: named,
            ladish_environment,
            environment,
            keeper,
            ladish,
            sshd: None,
        };
        match kind {
            Kind::Plain => {
                fs::copy(path.join("key.pub"), path.join("home/.ssh/authorized_keys")).unwrap();
            }
            Kind::Helper => {
                sphere.set_up(&[STUDIO, "other", HOUSE, &sphere.project_track(PROJECT)]);
            }
        }
        // Just before it is used: what runs beside this takes free ports too.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        sphere.port = free.local_addr().unwrap().port();
        drop(free);
        sphere.write_sshd_config();
        sphere.pin("host_key");
        sphere.sshd_up();
        wait_for("the player", || !sphere.players().is_empty());
        sphere
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// Runs `deploy/sphere/setup` there, with these tracks.
    pub fn set_up(&self, tracks: &[&str]) {
        let setup = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/sphere/setup");
        let mut command = Command::new(setup);
        command.arg(self.path("key.pub")).args(tracks);
        command
            .env("HOME", self.path("home"))
            .env("PATH", self.paths());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Puts a program there in the place of a real one, or of one of ours.
    pub fn put(&self, name: &str, text: &str) {
        let new = self.path(name).with_extension("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    fn paths(&self) -> String {
        format!("{}:/usr/bin:/bin", self.path("bin").display())
    }

    fn write_sshd_config(&self) {
        let at = |name: &str| self.path(name).display().to_string();
        let own = self.environment.iter();
        let own: String = own
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        let text = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
             UsePAM no\nStrictModes no\nPasswordAuthentication no\nUseDNS no\nPidFile none\n\
             PermitRootLogin prohibit-password\nPermitUserRC no\nSubsystem sftp internal-sftp\n\
             SetEnv JACK_DEFAULT_SERVER={} PYTHONPATH={} XDG_RUNTIME_DIR={} HOME={} PATH={}{own}\n",
            self.port,
            at("host_key"),
            at("home/.ssh/authorized_keys"),
            self.server,
            at("python"),
            at("run"),
            at("home"),
            self.paths(),
        );
        fs::write(self.path("sshd_config"), text).unwrap();
    }

    /// Starts sshd, and waits until it listens.
    pub fn sshd_up(&mut self) {
        fs::create_dir_all("/run/sshd").unwrap();
        let mut command = Command::new("/usr/sbin/sshd");
        command.arg("-D").arg("-f").arg(self.path("sshd_config"));
        command.arg("-E").arg(self.path("sshd.log"));
        command.envs(self.environment.clone());
        let mut sshd = command.spawn().unwrap();
        let address = format!("127.0.0.1:{}", self.port);
        wait_for("sshd", || {
            // Else it may be another's that answers.
            let end = sshd.try_wait().unwrap();
            assert!(end.is_none(), "sshd ends: is port {} taken?", self.port);
            std::net::TcpStream::connect(&address).is_ok()
        });
        self.sshd = Some(sshd);
    }

    /// Ends the listener; open sessions go on.
    pub fn sshd_down(&mut self) {
        let mut sshd = self.sshd.take().unwrap();
        sshd.kill().unwrap();
        sshd.wait().unwrap();
    }

    /// Sends a signal to sshd: its open sessions and the listener.
    pub fn signal_sshd(&self, signal: &str) {
        self.signal_sessions(signal);
        kill(signal, self.sshd.as_ref().unwrap().id());
    }

    /// Sends a signal to the open sessions of sshd, and to nothing that they run.
    pub fn signal_sessions(&self, signal: &str) {
        for pid in children(self.sshd.as_ref().unwrap().id()) {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.trim() == "sshd" {
                kill(signal, pid);
            }
        }
    }

    /// Sends a signal to what the open sessions run.
    pub fn signal_programs(&self, signal: &str) {
        for pid in children(self.sshd.as_ref().unwrap().id()) {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.trim() != "sshd" {
                kill(signal, pid);
            }
        }
    }

    /// Pins that host key in known_hosts.
    pub fn pin(&self, key: &str) {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).unwrap();
        let line = format!("[127.0.0.1]:{} {public}", self.port);
        fs::write(self.path("known_hosts"), line).unwrap();
    }

    /// The configuration that leads here.
    pub fn config(&self) -> config::Sphere {
        config::Sphere {
            host: "127.0.0.1".into(),
            port: self.port,
            user: user(),
            key: self.path("key"),
            known_hosts: self.path("known_hosts"),
            ..config::Sphere::default()
        }
    }

    /// The options of `booth` that lead here.
    pub fn options(&self) -> Vec<String> {
        let config = self.config();
        [
            format!("sphere.host={}", config.host),
            format!("sphere.port={}", config.port),
            format!("sphere.user={}", config.user),
            format!("sphere.key={}", config.key.display()),
            format!("sphere.known_hosts={}", config.known_hosts.display()),
        ]
        .into_iter()
        .flat_map(|set| ["--set".to_owned(), set])
        .collect()
    }

    /// A network in between that can be made worse, and the way through it.
    pub fn behind_a_wire(&self) -> (wire::Wire, booth::config::Sphere) {
        let wire = wire::Wire::to(self.port);
        let mut config = self.config();
        config.port = wire.port;
        let key = fs::read_to_string(self.path("host_key.pub")).unwrap();
        fs::write(&config.known_hosts, format!("127.0.0.1 {key}")).unwrap();
        (wire, config)
    }

    /// Runs `booth`, led here.
    pub fn booth(&self, args: &[&str]) -> Output {
        super::run::booth()
            .args(args)
            .args(self.options())
            .output()
            .unwrap()
    }

    /// Runs OpenSSH's own client with a command line and options.
    pub fn ssh(&self, options: &[&str], command: &str) -> Output {
        let mut ssh = Command::new("ssh");
        ssh.arg("-F").arg("none").arg("-i").arg(self.path("key"));
        ssh.arg("-o").arg(format!(
            "UserKnownHostsFile={}",
            self.path("known_hosts").display()
        ));
        ssh.args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-p"]);
        ssh.arg(self.port.to_string()).args(options);
        ssh.arg(format!("{}@127.0.0.1", user()));
        if !command.is_empty() {
            ssh.arg(command);
        }
        ssh.stdin(Stdio::null()).output().unwrap()
    }
}

/// The environment of a desktop session there. The bus is found by its own address, so that a test may
/// take it away from who looks for it at the usual place.
fn desktop(path: &Path, server: &str) -> Vec<(&'static str, String)> {
    let at = |name: &str| path.join(name).display().to_string();
    vec![
        ("HOME", at("home")),
        ("XDG_RUNTIME_DIR", at("run")),
        (
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", at("bus")),
        ),
        ("JACK_DEFAULT_SERVER", server.to_owned()),
        ("JACK_NO_START_SERVER", "1".to_owned()),
        ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
    ]
}

impl Sphere {
    /// Ends what the sessions left running: a job that stops what plays would do so to the next JACK of
    /// this name.
    fn end_jobs(&self) {
        let home = format!("HOME={}", self.path("home").display());
        for process in fs::read_dir("/proc").unwrap().map_while(Result::ok) {
            let pid = process.file_name().to_string_lossy().parse();
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            let is_ours = environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == home.as_bytes());
            if let (Ok(pid), true) = (pid, is_ours) {
                kill("KILL", pid);
            }
        }
    }
}

impl Drop for Sphere {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in ["ladish.log", "jackd.log", "sshd.log"] {
                let text = fs::read_to_string(self.path(log)).unwrap_or_default();
                let from = text.len().saturating_sub(2000);
                println!("{log}: {}", text.get(from..).unwrap_or_default());
            }
        }
        if let Some(sshd) = &mut self.sshd {
            for pid in children(sshd.id()) {
                kill("KILL", pid);
            }
            let _ = sshd.kill();
            let _ = sshd.wait();
        }
        let folder = self.path("");
        self.ladish.end(&folder);
        self.end_jack();
        self.end_jobs();
    }
}

/// Sends a signal by name.
pub fn kill(signal: &str, pid: u32) {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -s $0 $1 2>/dev/null", signal, &pid.to_string()]);
    // It may be gone already.
    let _ = command.status();
}

/// Whether a process is there and has not ended.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    !stat.is_empty() && !state.starts_with('Z')
}

fn children(of: u32) -> Vec<u32> {
    let mut all = Vec::new();
    let list = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    for pid in list.split_whitespace().filter_map(|pid| pid.parse().ok()) {
        all.extend(children(pid));
        all.push(pid);
    }
    all
}

/// Makes an ed25519 key without a passphrase.
pub fn keygen(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(path);
    assert!(command.status().unwrap().success(), "ssh-keygen");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
