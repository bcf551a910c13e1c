//! The connection: one SSH session, which runs command lines and keeps one channel.
//!
//! Guarantees: connect, authenticate, run, read and close each end within their stated limit, and
//! together within the call's limit, whatever the peer does. At most 64 KiB of an answer are kept.
//! A connection that failed once is never used again, so a late answer cannot be taken for the
//! answer to the next question. Closing does not wait.
//!
//! Must never: flush a channel (libssh2 discards what was not read yet); trust an exit status
//! before the channel's end was read.

mod channel;
mod dial;
mod watchdog;

pub use channel::{Answer, KILLED, Kept, Line, MOST_BYTES, NOT_FOUND};

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use ssh2::{ErrorCode, MethodType, Session};

use self::channel::{exec, lost, read_all};
use self::dial::dial;
use self::watchdog::Watchdog;
use super::known_hosts::{self, HostKey, Pinned};
use super::{SphereError, private_key};
use crate::config;
use crate::rt::Nanos;

/// The time that one call of ours may take in all. With a little time for its caller, a sphere that
/// does not answer or is slow is reported within 5 s.
pub const CALL: Duration = Duration::from_millis(4500);
/// Banner and key exchange; 30 ms on a local network, a few hundred on a small machine.
const HANDSHAKE: Duration = Duration::from_secs(3);
/// Authentication with our key.
const AUTHENTICATE: Duration = Duration::from_secs(2);
/// Closing a kept channel.
const CLOSE: Duration = Duration::from_secs(1);
/// libssh2's code for a key that the server does not accept.
const NOT_AUTHENTICATED: ErrorCode = ErrorCode::Session(-18);

/// A connection.
pub struct Link {
    session: Session,
    socket: TcpStream,
    watchdog: Watchdog,
    /// When the current call must end.
    until: Instant,
    is_broken: bool,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("is_broken", &self.is_broken)
            .finish_non_exhaustive()
    }
}

/// `host:port`, for messages.
#[must_use]
pub fn address(config: &config::Sphere) -> String {
    if config.host.contains(':') {
        return format!("[{}]:{}", config.host, config.port);
    }
    format!("{}:{}", config.host, config.port)
}

/// Why a machine with this key is not trusted.
#[must_use]
pub fn distrust(found: Pinned, key: &HostKey, config: &config::Sphere) -> Option<SphereError> {
    let (address, fingerprint) = (address(config), key.fingerprint());
    let file = config.known_hosts.display().to_string();
    match found {
        Pinned::Same => None,
        Pinned::Unknown => Some(SphereError::UnknownHostKey {
            address,
            fingerprint,
            file,
        }),
        Pinned::Changed => Some(SphereError::ChangedHostKey {
            address,
            fingerprint,
            file,
        }),
        Pinned::Revoked => Some(SphereError::RevokedHostKey {
            address,
            fingerprint,
            file,
        }),
    }
}

impl Link {
    /// Connects and authenticates, until `until` at most.
    ///
    /// # Errors
    /// Unreachable, not trusted, our key refused.
    pub fn open(config: &config::Sphere, until: Instant) -> Result<Link, SphereError> {
        let secret = private_key::read(&config.key)?;
        let mut link = Link::shake_hands(config, until)?;
        let key = link.host_key(config)?;
        let found = link.pinned(&key, config)?;
        if let Some(refused) = distrust(found, &key, config) {
            return Err(refused);
        }
        let address = address(config);
        link.within("authenticate", AUTHENTICATE, |session, _| {
            let shown = session.userauth_pubkey_memory(&config.user, None, &secret, None);
            shown.map_err(|error| match error.code() {
                NOT_AUTHENTICATED => SphereError::KeyRefused {
                    address: address.clone(),
                    user: config.user.clone(),
                    file: config.key.display().to_string(),
                },
                _ => lost("authenticate", &error),
            })
        })?;
        Ok(link)
    }

    /// Connects up to the point where the machine has shown its host key, and sends nothing more;
    /// until `until` at most.
    ///
    /// # Errors
    /// Unreachable; no SSH server.
    pub fn shake_hands(config: &config::Sphere, until: Instant) -> Result<Link, SphereError> {
        let socket = dial(config, until)?;
        let system = |error: io::Error| SphereError::NoSsh {
            address: address(config),
            reason: error.to_string(),
        };
        let broken = |error: ssh2::Error| SphereError::NoSsh {
            address: address(config),
            reason: SphereError::quoted(error.message().as_bytes()),
        };
        let mut session = Session::new().map_err(broken)?;
        let kinds =
            known_hosts::wanted_kinds(&session, &config.host, config.port, &config.known_hosts)?;
        session
            .method_pref(MethodType::HostKey, &kinds)
            .map_err(broken)?;
        session.set_tcp_stream(socket.try_clone().map_err(system)?);
        let mut link = Link {
            session,
            watchdog: Watchdog::over(socket.try_clone().map_err(system)?).map_err(system)?,
            socket,
            until,
            is_broken: false,
        };
        let mut session = link.session.clone();
        link.within("SSH handshake", HANDSHAKE, |_, _| {
            session.handshake().map_err(broken)
        })?;
        Ok(link)
    }

    /// The key that the machine has shown.
    ///
    /// # Errors
    /// None was shown.
    pub fn host_key(&self, config: &config::Sphere) -> Result<HostKey, SphereError> {
        let (blob, _) = self.session.host_key().ok_or_else(|| SphereError::NoSsh {
            address: address(config),
            reason: "it shows no host key".into(),
        })?;
        Ok(HostKey {
            host: config.host.clone(),
            port: config.port,
            blob: blob.to_vec(),
        })
    }

    /// How the machine's key compares with the pinned ones.
    ///
    /// # Errors
    /// A file of pinned keys that cannot be read.
    pub fn pinned(&self, key: &HostKey, config: &config::Sphere) -> Result<Pinned, SphereError> {
        key.pinned(&self.session, &config.known_hosts)
    }

    /// Pins the machine's key.
    ///
    /// # Errors
    /// A file of pinned keys that cannot be read or written.
    pub fn pin(&self, key: &HostKey, config: &config::Sphere) -> Result<(), SphereError> {
        key.pin(&self.session, &config.known_hosts)
    }

    /// Begins a call that must end by `until`.
    pub fn end_by(&mut self, until: Instant) {
        self.until = until;
    }

    /// Whether it failed once; then it is not used again.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Runs a command line to its end, all of it within `limit`.
    ///
    /// # Errors
    /// Lost, timed out, ended by a signal there other than KILL, an answer without end.
    pub fn run(
        &mut self,
        doing: &'static str,
        line: &str,
        limit: Duration,
    ) -> Result<Answer, SphereError> {
        let answer = self.within(doing, limit, |session, socket| {
            let mut channel = exec(session, line).map_err(|error| lost(doing, &error))?;
            channel.send_eof().map_err(|error| lost(doing, &error))?;
            // Closing a channel waits for the peer, which may go on sending.
            let cut = |_: &SphereError| drop(socket.shutdown(Shutdown::Both));
            let out = read_all(&mut channel, doing).inspect_err(cut)?;
            channel.wait_close().map_err(|error| lost(doing, &error))?;
            let signal = channel.exit_signal().map_err(|error| lost(doing, &error))?;
            let status = match signal.exit_signal.as_deref() {
                None => channel.exit_status().map_err(|error| lost(doing, &error))?,
                // As a shell there would tell of a program that its time-out killed.
                Some("KILL") => KILLED,
                Some(signal) => {
                    return Err(SphereError::Unclear {
                        doing,
                        said: format!("killed by {}", SphereError::quoted(signal.as_bytes())),
                    });
                }
            };
            Ok(Answer { out, status })
        })?;
        // What is put there in its place may have to be asked in another way.
        self.is_broken |= answer.is_gone();
        Ok(answer)
    }

    /// Starts a command line whose channel is kept.
    ///
    /// # Errors
    /// Lost, timed out.
    pub fn keep(
        &mut self,
        doing: &'static str,
        line: &str,
        limit: Duration,
    ) -> Result<Kept, SphereError> {
        self.within(doing, limit, |session, _| {
            let channel = exec(session, line).map_err(|error| lost(doing, &error))?;
            let read = Vec::new();
            Ok(Kept { channel, read })
        })
    }

    /// Sends a line on a kept channel, unless the line is empty, and waits for an answer.
    ///
    /// # Errors
    /// Lost, timed out, a line without end.
    pub fn ask(
        &mut self,
        kept: &mut Kept,
        doing: &'static str,
        line: &str,
        limit: Duration,
    ) -> Result<Line, SphereError> {
        self.within(doing, limit, |_, _| {
            let asked = Nanos::now();
            if !line.is_empty() {
                let sent = kept.channel.write_all(line.as_bytes());
                if kept.channel.eof() {
                    return Ok(Line {
                        text: None,
                        asked,
                        had: asked,
                    });
                }
                sent.map_err(|error| lost(doing, &error))?;
            }
            let text = kept.line(doing)?;
            let had = Nanos::now();
            Ok(Line { text, asked, had })
        })
    }

    /// The exit status of a kept channel that ended.
    ///
    /// # Errors
    /// Lost, timed out.
    pub fn status(&mut self, kept: &mut Kept, doing: &'static str) -> Result<i32, SphereError> {
        self.within(doing, CLOSE, |_, _| {
            let closed = kept.channel.wait_close();
            closed.map_err(|error| lost(doing, &error))?;
            kept.channel
                .exit_status()
                .map_err(|error| lost(doing, &error))
        })
    }

    /// Closes a kept channel; the program on the other side reads the end of its input.
    pub fn close(&mut self, kept: Kept) {
        // The channel is gone either way; a connection that broke in the meantime is marked.
        let _ = self.within("close", CLOSE, |_, _| {
            drop(kept);
            Ok(())
        });
    }

    /// Does `work` within `limit` and the call's end. If it is ended by force or the connection
    /// fails, the connection is not used again.
    fn within<T>(
        &mut self,
        doing: &'static str,
        limit: Duration,
        work: impl FnOnce(&Session, &TcpStream) -> Result<T, SphereError>,
    ) -> Result<T, SphereError> {
        if self.is_broken {
            return Err(SphereError::Lost {
                doing,
                reason: "it failed before".into(),
            });
        }
        let left = self.until.saturating_duration_since(Instant::now());
        let given = if left < limit { CALL } else { limit };
        self.watchdog.set(limit.min(left));
        let result = work(&self.session, &self.socket);
        let was_ended = self.watchdog.clear();
        let failed = matches!(
            result,
            Err(SphereError::Lost { .. } | SphereError::NoSsh { .. } | SphereError::TooLong { .. })
        );
        self.is_broken = was_ended || failed;
        match result {
            Err(_) if was_ended => Err(SphereError::TimedOut {
                doing,
                limit_ms: u64::try_from(given.as_millis()).unwrap_or(u64::MAX),
            }),
            result => result,
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // libssh2 says goodbye and would wait for the peer, which may be gone.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}
