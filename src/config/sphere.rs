//! What `[sphere]` may say.

use super::Sphere;
use super::load::{Reason, check};

impl Sphere {
    /// Whether there is one over the network.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        !matches!(self.host.as_str(), "" | "sim")
    }

    /// Refuses what no connection could be made with.
    ///
    /// # Errors
    /// The key and what is wrong with its value.
    pub fn check(&self) -> Result<(), Reason> {
        if !self.is_remote() {
            return Ok(());
        }
        let is_word = |text: &str| {
            let fits = |c: char| !c.is_control() && !c.is_whitespace() && !"/@'\"[]".contains(c);
            !text.is_empty()
                && text.len() <= 255
                && !text.starts_with('-')
                && text.chars().all(fits)
        };
        check(
            is_word(&self.host),
            "sphere.host",
            "must be a host name or an address alone, as \"sphere.local\"; port and user have keys \
             of their own",
        )?;
        check(
            self.port != 0,
            "sphere.port",
            "must be 1 .. 65535, mostly 22",
        )?;
        check(
            is_word(&self.user),
            "sphere.user",
            "must be the name of a user there",
        )?;
        check(
            !self.key.as_os_str().is_empty(),
            "sphere.key",
            "must name the file of an ed25519 private key",
        )?;
        check(
            !self.known_hosts.as_os_str().is_empty(),
            "sphere.known_hosts",
            "must name the file of pinned host keys that `booth sphere pair` writes",
        )
    }
}
