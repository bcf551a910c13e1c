//! Reaching the machine: its name, and a TCP connection.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::address;
use crate::sphere::SphereError;
use crate::{config, rt};

/// Looking up a name: a resolver that does not answer waits as long as it likes.
const RESOLVE: Duration = Duration::from_secs(2);
/// The TCP connection, all addresses of a name together.
const CONNECT: Duration = Duration::from_secs(2);
/// If sent bytes are not acknowledged for this long, the connection breaks: the cable is out.
const UNACKNOWLEDGED: Duration = Duration::from_millis(1500);

/// The TCP connection, without Nagle's delay, because questions are short and single; until `until`
/// at most.
pub(super) fn dial(config: &config::Sphere, until: Instant) -> Result<TcpStream, SphereError> {
    let unreachable = |reason: String| SphereError::Unreachable {
        address: address(config),
        reason,
    };
    let left = |limit: Duration| limit.min(until.saturating_duration_since(Instant::now()));
    let mut last = "the name leads nowhere".to_owned();
    // A name may have several addresses; the first may belong to a network that is down.
    let found = resolve(config, left(RESOLVE)).map_err(unreachable)?;
    for address in found.iter().take(2) {
        let limit = left(CONNECT / 2);
        if limit.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, limit) {
            Ok(socket) => {
                let set = socket
                    .set_nodelay(true)
                    .and_then(|()| rt::give_up_unacknowledged(&socket, UNACKNOWLEDGED));
                set.map_err(|error| unreachable(error.to_string()))?;
                return Ok(socket);
            }
            Err(error) => last = error.to_string(),
        }
    }
    Err(unreachable(last))
}

/// Looks the name up on a thread of its own, because the system's resolver cannot be interrupted.
fn resolve(config: &config::Sphere, limit: Duration) -> Result<Vec<SocketAddr>, String> {
    let (host, port) = (config.host.clone(), config.port);
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let look = move || {
        let found = (host.as_str(), port).to_socket_addrs();
        let _ = sender.send(
            found
                .map(Iterator::collect)
                .map_err(|error| error.to_string()),
        );
    };
    let thread = std::thread::Builder::new()
        .name("sphere name".into())
        .spawn(look);
    thread.map_err(|error| error.to_string())?;
    receiver
        .recv_timeout(limit)
        .unwrap_or_else(|_| Err("no answer from the name server".into()))
}
