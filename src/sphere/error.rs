//! Why the sphere does not do what it was asked to.

use crate::words::visible::spelt;

/// Why the sphere does not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SphereError {
    /// It has no such track.
    #[error("sphere: unknown track `{track}`; {}", these(known))]
    UnknownTrack {
        /// The track.
        track: String,
        /// The names of all studios there.
        known: Vec<String>,
    },
    /// A name that no track can have, or that could not be sent exactly.
    #[error("sphere: track `{track}`: {reason}")]
    BadTrack {
        /// The name, bounded.
        track: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// ladish has something loaded and does not unload it.
    #[error("sphere: track `{track}`: ladish says it is already loaded: {said}; unload it there")]
    AlreadyLoaded {
        /// The track to load.
        track: String,
        /// ladish's words.
        said: String,
    },
    /// The track was accepted but is not there.
    #[error(
        "sphere: track `{track}` is not there {waited_s} s after it was asked for: {found}; see ~/.log/ladish/ladish.log there, or load it by hand"
    )]
    TrackNotThere {
        /// The track.
        track: String,
        /// How long it was waited for.
        waited_s: u64,
        /// What was there instead.
        found: String,
    },
    /// ladish does not get on with what was ordered.
    #[error(
        "sphere: track `{track}`: ladish is stuck since {waited_s} s: {found}; there, end the programs of the studio that do not end (ladish_control sname, ps), then `ladish_control exit`"
    )]
    Stuck {
        /// The track.
        track: String,
        /// How long it was waited for.
        waited_s: u64,
        /// What was found last.
        found: String,
    },
    /// Another booth or a command by hand was quicker.
    #[error("sphere: another track is being loaded there; load this one again when it is there")]
    AnotherLoad,
    /// A project needs a studio.
    #[error("sphere: track `{0}` is a project, and no studio is loaded there that has its room")]
    NoStudio(String),
    /// The studio has no such room.
    #[error(
        "sphere: no room `{room}` in the studio that is loaded; {}",
        these(known)
    )]
    NoRoom {
        /// The room.
        room: String,
        /// The rooms there are.
        known: Vec<String>,
    },
    /// There is no project in that folder.
    #[error("sphere: no project in {0} there: its ladish-project.xml is missing")]
    NoProject(String),
    /// The studio is there, and its JACK is not.
    #[error(
        "sphere: track `{track}` is loaded, and its JACK is not there after {waited_s} s; see ~/.log/jack/jackdbus.log there"
    )]
    NoJackUnder {
        /// The track.
        track: String,
        /// How long it was waited for.
        waited_s: u64,
    },
    /// Nothing would sound.
    #[error(
        "sphere: nothing is connected to the outputs that the card plays from; is the player part of the studio, and connected when it was saved?"
    )]
    Unconnected,
    /// It rolls, and nothing sounds.
    #[error(
        "sphere: it rolls, and its outputs are silent for {0} s; a track that begins with silence says so by silent_start_s"
    )]
    Silent(u64),
    /// A JACK server that is not ladish's.
    #[error(
        "sphere: a jackd that ladish did not start runs there, and nothing plays through it; end it (pkill -x jackd) and load the track again"
    )]
    Stray,
    /// The level cannot be read.
    #[error(
        "sphere.heard: \"level\" needs the helper there; run setup (deploy/sphere/), or write heard = \"connections\""
    )]
    NoLevel,
    /// ladish_control has not all that it needs.
    #[error("sphere: Python has no module dbus there; install python3-dbus")]
    NoModule,
    /// The key leads to a program that is not there.
    #[error(
        "sphere: the program that the booth's key leads to is gone there (see authorized_keys); run setup again"
    )]
    GateGone,
    /// The position is not a frame.
    #[error("sphere: {0} s is no position in 0 .. 2^32 frames")]
    BadPosition(String),
    /// It says that it plays but does not.
    #[error("sphere: still stopped {0} ms after play")]
    NotRolling(u64),
    /// It says that it stopped but plays.
    #[error("sphere: still rolling {0} ms after stop; stop it there by hand: jack_transport")]
    StillRolling(u64),
    /// It went somewhere else.
    #[error(
        "sphere: at frame {found} and not {wanted}, {waited_ms} ms after locate; does a slow client there hold the transport?"
    )]
    NotLocated {
        /// The frame asked for.
        wanted: u32,
        /// Where the transport is.
        found: u64,
        /// How long the thread waited for it.
        waited_ms: u64,
    },
    /// It does not play, because nothing would stop it if the network failed.
    #[error(
        "sphere: the job that stops it without us cannot be left there: {0}; is its disk full?"
    )]
    NoDeadMan(String),
    /// No answer from there.
    #[error("sphere: {address}: {reason}; check sphere.host, sphere.port, cable and power")]
    Unreachable {
        /// Host and port.
        address: String,
        /// The system's reason.
        reason: String,
    },
    /// The answer is not from an SSH server, or from one that this program cannot use.
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
    /// Its host key differs from the pinned one.
    #[error(
        "sphere: {address}: its host key has changed to {fingerprint}, {file} has another: a new machine, or someone in between; if you know why, `booth sphere pair` pins the new one"
    )]
    ChangedHostKey {
        /// Host and port.
        address: String,
        /// SHA256 of the key it shows.
        fingerprint: String,
        /// The file of pinned keys.
        file: String,
    },
    /// Its host key must no longer be trusted.
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
        /// The reason.
        reason: String,
    },
    /// Our key cannot be used.
    #[error("sphere.key: {file}: {reason}")]
    Key {
        /// The file.
        file: String,
        /// The reason, and what to do.
        reason: String,
    },
    /// It does not know our key.
    #[error(
        "sphere: {address}: user `{user}` does not accept the key {file}; put its public half into ~{user}/.ssh/authorized_keys there, best by `setup` (in deploy/sphere/, installed in /usr/share/doc/booth/examples/sphere/)"
    )]
    KeyRefused {
        /// Host and port.
        address: String,
        /// The user that was tried.
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
    /// It is there but does not answer.
    #[error("sphere: no answer in {limit_ms} ms: {doing}; the connection is given up")]
    TimedOut {
        /// What was being done.
        doing: &'static str,
        /// The time it had.
        limit_ms: u64,
    },
    /// It does not stop sending.
    #[error("sphere: more than {most_bytes} bytes of answer: {doing}; it begins `{begins}`")]
    TooLong {
        /// What was being done.
        doing: &'static str,
        /// The most that is read.
        most_bytes: usize,
        /// Its first characters.
        begins: String,
    },
    /// JACK does not run there.
    #[error("sphere: JACK is not running there, or hangs; load a studio or start jackd")]
    NoJack,
    /// A tool does not end.
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
    /// The wrapper on the sphere refuses the command.
    #[error(
        "sphere: refused by the wrapper there: {0}; see README.md in deploy/sphere/, installed in /usr/share/doc/booth/examples/sphere/"
    )]
    Refused(String),
    /// Other output comes first, so that no answer can be recognised.
    #[error(
        "sphere: `{0}` comes before any answer; does a shell profile there print something? It must not without a terminal"
    )]
    Talks(String),
    /// An answer that no known version of the tool gives.
    #[error("sphere: {doing}: cannot understand `{said}`")]
    Unclear {
        /// What was being done.
        doing: &'static str,
        /// The answer, bounded.
        said: String,
    },
    /// Someone stopped it, or its JACK was restarted.
    #[error(
        "sphere: the transport stopped by itself: someone at the sphere stopped it, or JACK was restarted"
    )]
    StoppedByItself,
    /// Its thread hangs.
    #[error("sphere: no answer")]
    NoAnswer,
    /// The simulated sphere was set to fail.
    #[error("sphere: simulated: {0}")]
    Simulated(&'static str),
}

impl SphereError {
    /// Text from another machine, made fit for a message: bounded, its control characters escaped.
    #[must_use]
    pub fn quoted(said: &[u8]) -> String {
        let text = String::from_utf8_lossy(&said[..said.len().min(4 * MOST_QUOTED)]);
        let text = text.trim_end();
        let mut out: String = text.chars().take(MOST_QUOTED).collect();
        if out.len() < text.len() {
            out.push('…');
        }
        spelt(&out, char::is_control).into_owned()
    }
}

/// Names there are, for a message.
fn these(names: &[String]) -> String {
    if names.is_empty() {
        return "there are none".into();
    }
    let names = names.iter().take(MOST_NAMES);
    let quoted = names.map(|name| format!("`{}`", SphereError::quoted(name.as_bytes())));
    format!("there are {}", quoted.collect::<Vec<_>>().join(", "))
}

/// Names that a message lists.
const MOST_NAMES: usize = 12;
/// Characters of an answer that a message quotes.
const MOST_QUOTED: usize = 120;
