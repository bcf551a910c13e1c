//! What the helper hears.

use super::Helper;
use crate::sphere::sound::Sound;
use crate::sphere::ssh::Link;
use crate::sphere::{SphereError, jack};

impl Helper {
    /// What the card plays from, and how loud.
    ///
    /// # Errors
    /// No JACK, the connection's.
    pub fn sound(&mut self, link: &mut Link) -> Result<Sound, SphereError> {
        let doing = "ask for the sound";
        let (text, _) = self.ask(link, doing, "sound")?;
        heard(&text).ok_or_else(|| SphereError::Unclear {
            doing,
            said: SphereError::quoted(text.as_bytes()),
        })
    }
}

/// Reads `CONNECTIONS PEAK RMS...`.
fn heard(text: &str) -> Option<Sound> {
    let mut words = text.split(' ');
    let connections = u32::try_from(jack::number(words.next()?)?).ok()?;
    let level = |word: &str| word.parse().ok().filter(|level: &f32| level.is_finite());
    let peak_dbfs = Some(level(words.next()?)?);
    Some(Sound {
        connections,
        peak_dbfs,
        rms_dbfs: words.map(level).collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_is_read_whole_or_not_at_all() {
        let sound = heard("3 -12.5 -30.1 -200.0").expect("read");
        assert_eq!((sound.connections, sound.peak_dbfs), (3, Some(-12.5)));
        assert_eq!(sound.rms_dbfs, [-30.1, -200.0]);
        assert!(heard("0 -200.0").expect("read").rms_dbfs.is_empty());
        for text in [
            "",
            "3",
            "-1 -2.0",
            "3 nan",
            "3 -2.0 inf",
            "3 -2.0 ",
            "3  -2.0",
        ] {
            assert_eq!(heard(text), None, "{text:?}");
        }
    }
}
