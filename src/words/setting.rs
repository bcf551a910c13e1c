//! The value of a mixer control.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A control's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// A switch.
    Switch(bool),
    /// A volume or gain, in the control's own steps.
    Level(i64),
    /// An enumeration's item.
    Item(String),
}

/// Values by control, named as `amixer` prints it; `NAME,1` is the second of that name.
pub type Settings = BTreeMap<String, Setting>;

impl Setting {
    /// The setting of a TOML value; `None` if no control could have it.
    #[must_use]
    pub fn read(value: &toml::Value) -> Option<Setting> {
        match value {
            toml::Value::Boolean(on) => Some(Setting::Switch(*on)),
            toml::Value::Integer(level) => Some(Setting::Level(*level)),
            toml::Value::String(item) => Some(Setting::Item(item.clone())),
            _ => None,
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Setting::Switch(on) => write!(f, "{on}"),
            Setting::Level(level) => write!(f, "{level}"),
            Setting::Item(item) => write!(f, "{item:?}"),
        }
    }
}
