//! What `[sphere]` may contain.

use std::net::Ipv6Addr;

use crate::config::Sphere;
use crate::config::load::{Reason, check};

/// Refuses values that allow no connection.
///
/// # Errors
/// The key and what is wrong with its value.
pub fn check_settings(sphere: &Sphere) -> Result<(), Reason> {
    if !sphere.is_remote() {
        return Ok(());
    }
    let is_word = |text: &str| {
        let fits = |c: char| !c.is_control() && !c.is_whitespace() && !"/@'\"[]".contains(c);
        !text.is_empty() && text.len() <= 255 && !text.starts_with('-') && text.chars().all(fits)
    };
    // An IPv6 address may name its interface: fe80::1%eth0.
    let is_ip = |host: &str| {
        let ip = host.split_once('%').map_or(host, |(ip, _)| ip);
        ip.parse::<Ipv6Addr>().is_ok()
    };
    check(
        is_word(&sphere.host) && (!sphere.host.contains(':') || is_ip(&sphere.host)),
        "sphere.host",
        "must be a host name or an address alone, such as \"sphere.local\"; a port and a user are \
         sphere.port and sphere.user, in booth.toml or as --set sphere.port=2222",
    )?;
    check(
        sphere.port != 0,
        "sphere.port",
        "must be 1 .. 65535, mostly 22",
    )?;
    check(
        is_word(&sphere.user),
        "sphere.user",
        "must be the name of a user there",
    )?;
    check(
        !sphere.key.as_os_str().is_empty(),
        "sphere.key",
        "must name the file of an ed25519 private key",
    )?;
    check(
        !sphere.known_hosts.as_os_str().is_empty(),
        "sphere.known_hosts",
        "must name the file of pinned host keys that `booth sphere pair` writes",
    )?;
    check(
        (5..=600).contains(&sphere.change_s),
        "sphere.change_s",
        "must be 5 .. 600 seconds",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_and_never_a_port_with_it() {
        for (host, is_good) in [
            ("sphere.local", true),
            ("10.0.0.2", true),
            ("::1", true),
            ("fe80::1%eth0", true),
            ("sphere:22", false),
            ("[::1]", false),
            ("user@sphere", false),
            ("-oProxyCommand", false),
        ] {
            let sphere = Sphere {
                host: host.into(),
                ..Sphere::default()
            };
            assert_eq!(check_settings(&sphere).is_ok(), is_good, "{host}");
        }
    }
}
