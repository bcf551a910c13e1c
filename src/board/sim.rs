//! The simulated board: keys, a picture on the terminal, PNG files, a script.
//!
//! Guarantees: a new screen is shown at once; without a terminal it is one line of text. It never
//! waits for a key longer than the caller asked. A withdrawal code is seen on the terminal only.

pub mod keys;
mod output;
pub mod png;
pub mod script;
pub mod terminal;

use std::path::PathBuf;
use std::sync::Arc;

use super::profile::Profile;
use super::{BoardError, Open, Options, Panel};
use crate::screen::Screen;
use crate::screen::card::Card;
use crate::screen::paint::Painter;
use crate::screen::test_card::TestCard;
use crate::words::ScreenName;
use terminal::Terminal;

/// Opens the simulated board.
///
/// # Errors
/// The folder of the PNG files cannot be made, or the terminal refuses single keys.
pub fn open(profile: &Profile, options: &Options) -> Result<Open, BoardError> {
    let size = profile.panel.size();
    if let Some(dir) = &options.screens {
        std::fs::create_dir_all(dir).map_err(|e| BoardError {
            object: format!("folder of screens {}", dir.display()),
            reason: e.to_string(),
        })?;
    }
    let panel = SimPanel {
        painter: Painter::new(size, &options.fonts),
        terminal: Terminal::open(options.keys),
        screens: options.screens.clone(),
        written: 0,
        last: None,
    };
    let keys = keys::Keys::open(options.keys, options.hold)?;
    Ok((Box::new(keys), Box::new(panel)))
}

/// What makes a screen a new one: not its level, nor its time.
type Face = (ScreenName, Arc<str>, Arc<str>, Arc<str>);

#[derive(Debug)]
struct SimPanel {
    painter: Painter,
    terminal: Terminal,
    screens: Option<PathBuf>,
    written: u32,
    last: Option<Face>,
}

impl Panel for SimPanel {
    fn show(&mut self, screen: &Screen, card: Option<&Card>) -> Result<(), BoardError> {
        let face = (
            screen.name,
            screen.title.clone(),
            screen.body.text().clone(),
            screen.hint.clone(),
        );
        let new = self.last.as_ref() != Some(&face);
        self.last = Some(face);
        if !new && !self.terminal.is_picture() {
            return Ok(());
        }
        if let (Some(dir), true) = (&self.screens, new) {
            self.written += 1;
            let path = png::path(dir, self.written, screen.name.word());
            // A file outlives its visitor: no code is in it.
            let masked = card.map(Card::masked);
            png::save(self.painter.paint_with(screen, masked.as_ref()), &path)?;
        }
        if self.terminal.is_picture() {
            self.painter.paint_with(screen, card);
        }
        self.terminal
            .show(screen, card, self.painter.picture(), new);
        Ok(())
    }

    fn show_test(&mut self, card: &TestCard) -> Result<(), BoardError> {
        let picture = self.painter.paint_test_card(card);
        if let Some(dir) = &self.screens {
            self.written += 1;
            png::save(picture, &png::path(dir, self.written, "test-card"))?;
        }
        self.terminal.show_words(&card.words(), picture, true);
        Ok(())
    }

    fn send(&mut self) -> Result<bool, BoardError> {
        self.terminal.send();
        Ok(false)
    }

    fn prepare(&mut self, text: &str) {
        self.painter.prepare(text);
    }

    fn painter(&mut self) -> &mut Painter {
        &mut self.painter
    }

    fn warning(&self) -> Option<&str> {
        self.painter.warning()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::{Body, Line, Progress};

    #[test]
    fn a_png_is_written_for_each_new_screen_only() {
        let dir = tempfile::tempdir().expect("folder");
        let profile = Profile::load("sim-240x320").expect("embedded");
        let options = Options {
            fonts: Vec::new(),
            screens: Some(dir.path().join("deep/screens")),
            hold: std::time::Duration::from_secs(1),
            keys: false,
        };
        let (_, mut panel) = open(&profile, &options).expect("open");
        let mut screen = Screen {
            name: ScreenName::Attract,
            title: "Titre".into(),
            body: Body::Message {
                text: "Texte".into(),
            },
            hint: "".into(),
            session_permille: 0,
        };
        panel.show(&screen, None).expect("show");
        screen.name = ScreenName::Reading;
        for (permille, level) in [(1, None), (1, Some(3)), (2, Some(3))] {
            screen.body = Body::Line(Line {
                text: "Texte".into(),
                progress: Progress {
                    permille,
                    seconds_left: 9,
                },
                recording: level.is_some(),
                level,
            });
            panel.show(&screen, None).expect("show");
        }
        let mut names: Vec<_> = std::fs::read_dir(dir.path().join("deep/screens"))
            .expect("folder")
            .map(|e| e.expect("entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        assert_eq!(names, ["0001-attract.png", "0002-reading.png"]);
    }
}
