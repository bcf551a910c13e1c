//! Where the box is and which sensors it has, as written into each session.

use serde::{Deserialize, Serialize};

/// `[site]`
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// House or town.
    pub place: String,
    /// Room.
    pub room: String,
    /// Anything else.
    pub note: String,
}

/// `[audio.sensor.NAME]`
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sensor {
    /// Maker's name of the sensor.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Where it sits.
    pub position: Option<String>,
    /// Gain before the converter, dB.
    pub gain_db: Option<f64>,
    /// The band its level is judged in, Hz.
    pub band_hz: Option<[f64; 2]>,
}
