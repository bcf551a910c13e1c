//! deploy/booth.service, as systemd would read it.

use std::fs;

pub const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/booth.service");

/// The values of a key of the unit, in order.
pub fn values(key: &str) -> Vec<String> {
    let text = fs::read_to_string(UNIT).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let own = pairs.filter(|(name, _)| *name == key);
    own.map(|(_, value)| value.to_owned()).collect()
}
