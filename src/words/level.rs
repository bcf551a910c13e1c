//! The level of a channel.

/// Levels of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// Largest magnitude.
    pub peak: f64,
    /// Root of the mean square.
    pub rms: f64,
    /// Mean.
    pub dc: f64,
    /// Samples at full scale.
    pub clipped: u64,
}

/// `value` of full scale in dBFS; silence is -200, so that JSON can hold it.
#[must_use]
pub fn dbfs(value: f64) -> f64 {
    if value > 1e-10 {
        20.0 * value.log10()
    } else {
        -200.0
    }
}
