//! What JACK's card plays from.

/// One look at what JACK's card plays from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sound {
    /// Connections into the physical playback ports.
    pub connections: u32,
    /// The highest peak of what is connected there, since the last look, dBFS; -200 for digital
    /// silence, `None` where only connections can be seen.
    pub peak_dbfs: Option<f32>,
    /// RMS at each physical playback port since play was asked for, dBFS, in JACK's order; empty
    /// where only connections can be seen.
    pub rms_dbfs: Vec<f32>,
}
