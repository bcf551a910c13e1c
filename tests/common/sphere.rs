//! A sphere on this machine: OpenSSH's sshd with keys of its own, jackd with the dummy driver, and a
//! stand-in for ladish_control; all of it started and stopped here, without systemd.

pub mod clock;
pub mod disk;
pub mod wire;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use booth::config;

use super::lateness::Lateness;
use super::wait::wait_for;

/// The name of the one studio that is there from the beginning.
pub const STUDIO: &str = "noise";

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
    /// Of all that runs there.
    environment: Vec<(&'static str, String)>,
    jack: Child,
    sshd: Option<Child>,
}

/// JACK, started anew whenever it ends, but while the file `no-jack` is there. A server that was killed
/// keeps one of eight places in JACK's registry until one of its name comes again; where they are all
/// taken by the dead, the registry goes. In real time where that is allowed, as on any sphere: on a busy
/// machine it dates its periods late by more than one otherwise.
const KEEPER: &str = r#"rt=$(chrt -f 5 true 2>/dev/null && echo chrt -f 5)
while [ ! -e end ]; do
  if [ -e no-jack ]; then rm -f ladish/jackd; sleep 0.02; continue; fi
  $rt setpriv --pdeathsig TERM jackd -n "$JACK_DEFAULT_SERVER" -r -d dummy -r 48000 -p 1024 >jackd.log 2>&1 &
  echo $! >ladish/jackd; wait $!
  if grep -q 'Too many servers' jackd.log && ! pgrep -x jackd >/dev/null; then
    rm -f /dev/shm/jack-shm-registry /dev/shm/jack-0-* /dev/shm/jack_booth-* /dev/shm/jack_sem.0_booth-*
  fi
done"#;

impl Sphere {
    /// Starts it; all that runs there has `environment`.
    pub fn start(kind: Kind, environment: Vec<(&'static str, String)>) -> Sphere {
        let (server, named) = free_name();
        let folder = super::folder();
        let path = folder.path().canonicalize().unwrap();
        for name in ["bin", "ladish", "run", "home/.ssh"] {
            fs::create_dir_all(path.join(name)).unwrap();
        }
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/sphere");
        fs::copy(here.join("ladish_control"), path.join("bin/ladish_control")).unwrap();
        fs::write(path.join("ladish/studios"), format!("{STUDIO}\nother\n")).unwrap();
        fs::write(path.join("ladish/rooms"), "hall\n").unwrap();
        fs::write(path.join("ladish/loaded"), STUDIO).unwrap();
        for key in ["host_key", "key", "stranger"] {
            keygen(&path.join(key));
        }
        // A test that is killed must not leave a server whose name the next one takes.
        let jack = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "sh", "-c", KEEPER])
            .current_dir(&path)
            .env("JACK_DEFAULT_SERVER", &server)
            .envs(environment.clone())
            // It tells of each end that a test makes.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut sphere = Sphere {
            folder,
            kind,
            port,
            server,
            _named: named,
            environment,
            jack,
            sshd: None,
        };
        match kind {
            Kind::Plain => {
                fs::copy(path.join("key.pub"), path.join("home/.ssh/authorized_keys")).unwrap();
            }
            Kind::Helper => sphere.set_up(&[STUDIO, "other", "project:hall:/srv/noise"]),
        }
        sphere.write_sshd_config();
        sphere.pin("host_key");
        sphere.sshd_up();
        sphere.jack_ready();
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
             SetEnv JACK_DEFAULT_SERVER={} LADISH={} XDG_RUNTIME_DIR={} HOME={} PATH={}{own}\n",
            self.port,
            at("host_key"),
            at("home/.ssh/authorized_keys"),
            self.server,
            at("ladish"),
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
        self.sshd = Some(command.spawn().unwrap());
        let address = format!("127.0.0.1:{}", self.port);
        wait_for("sshd", || std::net::TcpStream::connect(&address).is_ok());
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

    /// Sends a signal to JACK.
    pub fn signal_jack(&self, signal: &str) {
        let pid = fs::read_to_string(self.path("ladish/jackd")).unwrap();
        kill(signal, pid.trim().parse().unwrap());
    }

    /// Whether JACK, woken late on a loaded machine, has lost periods, for which a transport that rolls
    /// stood still.
    pub fn jack_lost_periods(&self) -> bool {
        let log = fs::read_to_string(self.path("jackd.log"));
        log.unwrap_or_default().contains("XRun")
    }

    /// Ends JACK and keeps it from coming back.
    pub fn jack_down(&self) {
        fs::write(self.path("no-jack"), "").unwrap();
        self.signal_jack("KILL");
        wait_for("JACK's end", || !self.path("ladish/jackd").exists());
    }

    /// Lets JACK come back, and waits until it answers.
    pub fn jack_up(&self) {
        fs::remove_file(self.path("no-jack")).unwrap();
        self.jack_ready();
    }

    fn jack_ready(&self) {
        wait_for("JACK", || {
            let mut wait = Command::new("jack_wait");
            wait.args(["-w", "-t", "1"])
                .env("JACK_DEFAULT_SERVER", &self.server);
            wait.env("JACK_NO_START_SERVER", "1")
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            wait.status().unwrap().success()
        });
    }

    /// A JACK client that is not ours.
    pub fn witness(&self) -> Witness {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/sphere");
        let mut child = Command::new("/usr/bin/python3")
            .arg(here.join("client.py"))
            .env("JACK_DEFAULT_SERVER", &self.server)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        // libjack prints on stdout too.
        while line.trim() != "ready" {
            line.clear();
            assert!(
                stdout.read_line(&mut line).unwrap() > 0,
                "the JACK client starts"
            );
        }
        Witness {
            child,
            stdin,
            stdout,
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

/// A name for a JACK server that no other test has now, and the lock on it. They are few: JACK's registry
/// has eight places for all that were ever killed and did not come again.
fn free_name() -> (String, fs::File) {
    loop {
        for number in 0..6 {
            let name = format!("booth-{number}");
            let path = std::env::temp_dir().join(format!("{name}.lock"));
            let file = fs::File::create(path).unwrap();
            if file.try_lock().is_ok() {
                return (name, file);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Drop for Sphere {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for log in ["jackd.log", "sshd.log"] {
                let text = fs::read_to_string(self.path(log)).unwrap_or_default();
                let from = text.len().saturating_sub(2000);
                println!("{log}: {}", text.get(from..).unwrap_or_default());
            }
        }
        let _ = fs::write(self.path("end"), "");
        if let Some(sshd) = &mut self.sshd {
            for pid in children(sshd.id()) {
                kill("KILL", pid);
            }
            let _ = sshd.kill();
            let _ = sshd.wait();
        }
        let pid = fs::read_to_string(self.path("ladish/jackd")).unwrap_or_default();
        if let Ok(pid) = pid.trim().parse() {
            // Asked first: it gives its place in JACK's registry back, unless a client that was
            // killed keeps it waiting.
            kill("TERM", pid);
            let start = Instant::now();
            while self.jack.try_wait().is_ok_and(|end| end.is_none()) {
                if start.elapsed() > Duration::from_millis(500) {
                    kill("KILL", pid);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        let _ = self.jack.wait();
    }
}

/// An independent JACK client.
pub struct Witness {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What it saw.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    pub rolling: bool,
    pub frame: f64,
    /// CLOCK_MONOTONIC.
    pub at_ns: u64,
    pub error_ns: u64,
}

impl Witness {
    pub fn look(&mut self) -> Sight {
        self.stdin.write_all(b"\n").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let [state, frame, at, error] = words[..] else {
            panic!("the JACK client: {line:?}")
        };
        Sight {
            rolling: state == "1",
            frame: frame.parse().unwrap(),
            at_ns: at.parse().unwrap(),
            error_ns: error.parse().unwrap(),
        }
    }

    /// Waits until it stands, `limit` at most; how long that took.
    #[track_caller]
    pub fn stands_within(&mut self, limit: Duration) -> Duration {
        let late = Lateness::watch();
        while self.look().rolling {
            late.within("it still rolls", limit);
            std::thread::sleep(Duration::from_millis(10));
        }
        late.elapsed()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name.
pub fn kill(signal: &str, pid: u32) {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -s $0 $1 2>/dev/null", signal, &pid.to_string()]);
    // It may be gone already.
    let _ = command.status();
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
