//! The remote loudspeakers: commands go in without waiting, verified replies come back as values.
//!
//! One thread owns the peer and asks it; each verb is believed only once it was read back. The main
//! loop never waits for it. Every way out of a step, and the end of the thread itself, is a STOP.

pub mod clock;
pub mod helper;
pub mod jack;
pub mod known_hosts;
pub mod ladish;
pub mod own_key;
pub mod plain;
pub mod remote;
pub mod settings;
pub mod shell;
pub mod sim;
pub mod ssh;
mod start;
pub mod studio;
mod thread;
pub mod timeline;

pub use remote::remote;
pub use start::Start;

use std::time::Duration;

use crate::rt::Nanos;
pub use thread::{Command, Play, Reply, Snapshot, Sphere};

/// Where the transport stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Whether it plays.
    pub rolling: bool,
    /// Transport frame.
    pub frame: u64,
    /// Frames per second.
    pub rate: u32,
    /// When the transport stood there, on this machine's clock.
    pub at: Nanos,
    /// How far the true frame at `at` may lie from `frame`, as a time: half the round trip of the
    /// question, and what the answer itself leaves open.
    pub uncertainty: Duration,
}

/// Why the sphere does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SphereError {
    /// It has no such track.
    #[error("sphere: unknown track `{0}`; `booth sphere track` takes the exact name")]
    UnknownTrack(String),
    /// A name that no track can have, or that could not be passed on exactly.
    #[error("sphere: track `{track}`: {reason}")]
    BadTrack {
        /// The name, bounded.
        track: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// ladish has something loaded and does not let go of it.
    #[error("sphere: track `{track}`: ladish says it is already loaded: {said}; unload it there")]
    AlreadyLoaded {
        /// What was to be loaded.
        track: String,
        /// ladish's words.
        said: String,
    },
    /// The track was accepted and is not there.
    #[error(
        "sphere: track `{track}` is not there {waited_ms} ms after it was asked for: {found}; load it in ladish by hand and see what it says"
    )]
    TrackNotThere {
        /// The track.
        track: String,
        /// How long it was waited for.
        waited_ms: u64,
        /// What was there instead.
        found: String,
    },
    /// It was asked to go where no frame is.
    #[error("sphere: {0} s is no position in 0 .. 2^32 frames")]
    BadPosition(String),
    /// It says that it plays but does not.
    #[error("sphere: still stopped {0} ms after play")]
    NotRolling(u64),
    /// It says that it stopped but plays.
    #[error("sphere: still rolling {0} ms after stop; stop it there by hand: jack_transport")]
    StillRolling(u64),
    /// It went elsewhere.
    #[error(
        "sphere: at frame {found} and not {wanted}, {waited_ms} ms after locate; does a slow client there hold the transport?"
    )]
    NotLocated {
        /// The frame asked for.
        wanted: u32,
        /// Where it stands.
        found: u64,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// It does not play because nothing would stop it if the network were cut.
    #[error(
        "sphere: the job that stops it without us cannot be left there: {0}; is its disk full?"
    )]
    NoDeadMan(String),
    /// Nothing answers there.
    #[error("sphere: {address}: {reason}; check sphere.host, sphere.port, cable and power")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The system's reason.
        reason: String,
    },
    /// What answers is no SSH server, or one that we cannot talk to.
    #[error("sphere: {address}: no SSH connection: {reason}; does sphere.port lead to its sshd?")]
    NoSsh {
        /// Host and port.
        address: String,
        /// What was wrong.
        reason: String,
    },
    /// Its host key was never pinned.
    #[error(
        "sphere: {address}: its host key {fingerprint} is not in {file}; compare it with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there, then pin it with `booth sphere pair`"
    )]
    UnknownHostKey {
        /// Host and port.
        address: String,
        /// SHA256 of the key it shows.
        fingerprint: String,
        /// The file of pinned keys.
        file: String,
    },
    /// Its host key is another one than the pinned.
    #[error(
        "sphere: {address}: its host key has changed to {fingerprint}, {file} has another: a new machine, or somebody in between; if you know why, `booth sphere pair` pins the new one"
    )]
    ChangedHostKey {
        /// Host and port.
        address: String,
        /// SHA256 of the key it shows.
        fingerprint: String,
        /// The file of pinned keys.
        file: String,
    },
    /// Its host key is one that must not be trusted any more.
    #[error(
        "sphere: {address}: its host key {fingerprint} is revoked in {file}; give the sphere a new one (there: remove /etc/ssh/ssh_host_*, then ssh-keygen -A), or take the @revoked line out if it is wrong"
    )]
    RevokedHostKey {
        /// Host and port.
        address: String,
        /// SHA256 of the key it shows.
        fingerprint: String,
        /// The file of pinned keys.
        file: String,
    },
    /// The file of pinned host keys cannot be used.
    #[error("sphere.known_hosts: {file}: {reason}")]
    KnownHosts {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// Our key cannot be used.
    #[error("sphere.key: {file}: {reason}")]
    Key {
        /// The file.
        file: String,
        /// Why, and what to do.
        reason: String,
    },
    /// It does not know our key.
    #[error(
        "sphere: {address}: user `{user}` does not accept the key {file}; put its public half into ~{user}/.ssh/authorized_keys there, best by `setup` (in deploy/sphere/, installed in /usr/share/doc/booth/examples/sphere/)"
    )]
    KeyRefused {
        /// Host and port.
        address: String,
        /// Whom it was tried as.
        user: String,
        /// The key file.
        file: String,
    },
    /// The connection broke.
    #[error("sphere: connection lost: {doing}: {reason}")]
    Lost {
        /// What was being done.
        doing: &'static str,
        /// The reason.
        reason: String,
    },
    /// It is there and silent.
    #[error("sphere: no answer in {limit_ms} ms: {doing}; the connection is given up")]
    TimedOut {
        /// What was being done.
        doing: &'static str,
        /// What it was given.
        limit_ms: u64,
    },
    /// It does not stop talking.
    #[error("sphere: more than {most_bytes} bytes of answer: {doing}; it begins `{begins}`")]
    TooLong {
        /// What was being done.
        doing: &'static str,
        /// What is read at most.
        most_bytes: usize,
        /// Its first characters.
        begins: String,
    },
    /// JACK does not run there.
    #[error("sphere: JACK is not running there, or hangs; load a studio or start jackd")]
    NoJack,
    /// A tool does not come back.
    #[error("sphere: {0} does not end there within 2 s; does what it asks hang?")]
    Hangs(&'static str),
    /// There is no D-Bus session for ladish.
    #[error(
        "sphere: ladish_control has no D-Bus session there; is the sphere's user logged in, or lingering (loginctl enable-linger)?"
    )]
    NoDbus,
    /// ladish refuses.
    #[error("sphere: ladish: {0}; is ladishd running there?")]
    Ladish(String),
    /// A tool is missing there.
    #[error("sphere: there is no {0} there; install jackd2 and ladish")]
    NoTool(String),
    /// The wrapper there does not let us.
    #[error(
        "sphere: refused by the wrapper there: {0}; see README.md in deploy/sphere/, installed in /usr/share/doc/booth/examples/sphere/"
    )]
    Refused(String),
    /// Something else comes first, so that no answer can be told from it.
    #[error(
        "sphere: `{0}` comes before any answer; does a shell profile there print something? It must not where nobody is at a terminal"
    )]
    Talks(String),
    /// An answer that no version of the tool gives.
    #[error("sphere: {doing}: cannot understand `{said}`")]
    Unclear {
        /// What was being done.
        doing: &'static str,
        /// The answer, bounded.
        said: String,
    },
    /// Somebody stopped it, or its JACK was started anew.
    #[error(
        "sphere: the transport stopped by itself; somebody at the sphere, or JACK started anew"
    )]
    StoppedByItself,
    /// Its thread hangs.
    #[error("sphere: no answer")]
    NoAnswer,
    /// The simulated one was told to fail.
    #[error("sphere: simulated: {0}")]
    Simulated(&'static str),
}

impl SphereError {
    /// What somebody else said, fit for a message: bounded, its control characters spelt out.
    #[must_use]
    pub fn quoted(said: &[u8]) -> String {
        let text = String::from_utf8_lossy(&said[..said.len().min(4 * MOST_QUOTED)]);
        let text = text.trim_end();
        let mut out: String = text.chars().take(MOST_QUOTED).collect();
        if out.len() < text.len() {
            out.push('…');
        }
        out.chars().fold(String::new(), |mut out, c| {
            if c.is_control() {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
            out
        })
    }
}

/// Characters of an answer that a message repeats.
const MOST_QUOTED: usize = 120;

/// Between two looks at a track that is being loaded.
pub const LOOK: Duration = Duration::from_millis(150);

/// A sphere as the thread sees it. Each call is bounded in time by its implementation, and believed
/// by it only once it was read back.
pub trait Peer: Send {
    /// Sees to it that the sphere can be asked; at once where it can.
    ///
    /// # Errors
    /// Why it cannot: unreachable, not trusted, no JACK.
    fn connect(&mut self) -> Result<(), SphereError>;
    /// Loads `track`, unless it is loaded, or looks how far it is: whether it is there, and the transport
    /// with it, which stands if it had to be loaded. Until it is there it is called again, each [`LOOK`].
    ///
    /// # Errors
    /// An unknown track; the peer's.
    fn track(&mut self, track: &str) -> Result<bool, SphereError>;
    /// Loads `track` and waits until it is there.
    ///
    /// # Errors
    /// Those of [`Peer::track`].
    fn load(&mut self, track: &str) -> Result<(), SphereError> {
        while !self.track(track)? {
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
    /// Goes to a transport frame.
    ///
    /// # Errors
    /// The peer's.
    fn locate(&mut self, frame: u32) -> Result<(), SphereError>;
    /// Plays, and arms what stops the sphere without us once `rest` is over and some seconds more; a
    /// sphere may also stop after 5 s without a question, so who lets it play asks for the position
    /// every second or two. What rolls already rolls on, armed.
    ///
    /// # Errors
    /// The peer's; still stopped.
    fn play(&mut self, rest: Duration) -> Result<(), SphereError>;
    /// Stops.
    ///
    /// # Errors
    /// The peer's; still rolling.
    fn stop(&mut self) -> Result<(), SphereError>;
    /// One question: where the transport stands. While it plays, an error says that what stops it
    /// without us may be gone.
    ///
    /// # Errors
    /// The peer's.
    fn position(&mut self) -> Result<Position, SphereError>;
}

/// The transport frame nearest to `seconds`; JACK counts them in 32 bits.
///
/// # Errors
/// A position that no frame has.
pub fn frame_of(seconds: f64, rate: u32) -> Result<u32, SphereError> {
    let frame = (seconds * f64::from(rate)).round();
    if (0.0..=f64::from(u32::MAX)).contains(&frame) {
        Ok(frame as u32)
    } else {
        Err(SphereError::BadPosition(format!("{seconds:?}")))
    }
}
