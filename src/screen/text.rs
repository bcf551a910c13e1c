//! Text: shaped by cosmic-text from named font files, or drawn in a bitmap font without any.
//!
//! Guarantees: the same files give the same picture on every machine, because the system's font
//! database is never asked; text is fitted to the largest size that holds it without breaking a
//! word; what cannot be drawn or would be cut is named, never hidden.

mod advance;
mod hyphen;
mod shaper;

use std::path::{Path, PathBuf};

use cosmic_text::fontdb;
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::primitives::Rectangle;

use super::bitmap;
use super::picture::Picture;
use super::style::Style;
use crate::words::Undrawable;
use shaper::Shaper;

/// Where Debian's fonts-noto-core, fonts-noto-cjk and fonts-dejavu-core put their files.
const INSTALLED: [&str; 13] = [
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Bold.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansHebrew-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansBengali-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansTamil-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansThai-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansEthiopic-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansGeorgian-Regular.ttf",
    "/usr/share/fonts/truetype/noto/NotoSansArmenian-Regular.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
];

/// The fonts, and what was laid out with them.
pub struct Type {
    shaper: Option<Box<Shaper>>,
    warning: Option<String>,
}

impl std::fmt::Debug for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let family = self.shaper.as_ref().map(|s| s.family());
        f.debug_struct("Type").field("family", &family).finish()
    }
}

impl Type {
    /// Loads font files; an empty list means the installed defaults.
    #[must_use]
    pub fn load(files: &[PathBuf]) -> Type {
        let mut db = fontdb::Database::new();
        let mut failed = Vec::new();
        if files.is_empty() {
            for path in INSTALLED.iter().map(Path::new).filter(|p| p.exists()) {
                if let Err(e) = db.load_font_file(path) {
                    failed.push(format!("{}: {e}", path.display()));
                }
            }
        }
        for path in files {
            // Opening a pipe would wait for its other end.
            if path.metadata().is_ok_and(|found| !found.is_file()) {
                failed.push(format!("{}: not a regular file", path.display()));
                continue;
            }
            let before = db.len();
            match db.load_font_file(path) {
                Ok(()) if db.len() == before => {
                    failed.push(format!("{}: not a font file", path.display()));
                }
                Ok(()) => {}
                Err(e) => failed.push(format!("{}: {e}", path.display())),
            }
        }
        let family = db
            .faces()
            .next()
            .and_then(|face| face.families.first())
            .map(|(name, _)| name.clone());
        let mut warning = (!failed.is_empty()).then(|| format!("fonts: {}", failed.join("; ")));
        let shaper = family.map(|family| {
            db.set_sans_serif_family(&family);
            Box::new(Shaper::new(family, db))
        });
        if shaper.is_none() {
            let what = warning.unwrap_or_else(|| "fonts: no font file found".into());
            warning = Some(format!(
                "{what}; screens are drawn in a small Latin bitmap font: install fonts-noto-core \
                 (and fonts-noto-cjk for Chinese, Japanese and Korean), or name font files in \
                 `fonts` of booth.toml"
            ));
        }
        Type { shaper, warning }
    }

    /// What is wrong with the fonts and what to do about it.
    #[must_use]
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Characters or glyphs of `text` that no font has; such a line must not be shown.
    #[must_use]
    pub fn missing_glyphs(&mut self, text: &str) -> usize {
        let Some(shaper) = &mut self.shaper else {
            return bitmap::missing(text);
        };
        shaper.missing_glyphs(text)
    }

    /// Why `text` is not to be shown in `area`.
    #[must_use]
    pub fn undrawable(&mut self, text: &str, area: Size, style: Style) -> Option<Undrawable> {
        let missing = self.missing_glyphs(text);
        if missing > 0 {
            return Some(Undrawable::NoGlyph(missing));
        }
        let holds = match &mut self.shaper {
            None => bitmap::holds(text, area),
            Some(shaper) => shaper.holds(text, area, style),
        };
        (!holds).then_some(Undrawable::NoRoom)
    }

    /// Lays `text` out for `area` and keeps the result.
    pub fn prepare(&mut self, text: &str, area: Size, style: Style) {
        if let Some(shaper) = &mut self.shaper {
            shaper.lay(text, area, style);
        }
    }

    /// Whether `area` holds `text` at the style's largest size.
    #[must_use]
    pub fn fits(&mut self, text: &str, area: Size, style: Style) -> bool {
        match &mut self.shaper {
            None => bitmap::fits(text, area, style),
            Some(shaper) => shaper.fits(text, area, style),
        }
    }

    /// Keeps no layout of `text`.
    pub fn drop_layout(&mut self, text: &str) {
        if let Some(shaper) = &mut self.shaper {
            shaper.drop_layout(text);
        }
    }

    #[cfg(test)]
    pub(super) fn has_layout(&self, text: &str) -> bool {
        let shaper = self.shaper.as_ref();
        shaper.is_some_and(|shaper| shaper.has_layout(text))
    }

    /// Draws `text` in the middle of the height of `area`.
    pub fn draw(
        &mut self,
        picture: &mut Picture,
        text: &str,
        area: Rectangle,
        style: Style,
        colour: Rgb565,
    ) {
        match &mut self.shaper {
            _ if text.trim().is_empty() => {}
            None => bitmap::draw(picture, text, area, style, colour),
            Some(shaper) => shaper.draw(picture, text, area, style, colour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::LANGUAGES;
    use crate::screen::style::Side;
    use embedded_graphics::geometry::Point;

    const STYLE: Style = Style {
        bold: false,
        side: Side::Middle,
        largest: 96,
    };

    #[test]
    fn every_embedded_language_can_be_drawn() {
        let mut set = Type::load(&[]);
        for (code, text) in LANGUAGES {
            assert_eq!(set.missing_glyphs(text), 0, "{code}");
        }
    }

    #[test]
    fn a_pipe_named_as_a_font_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("folder");
        let pipe = dir.path().join("font.ttf");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        let (done, loaded) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let loaded = Type::load(&[pipe]);
            done.send(loaded.warning().map(str::to_owned))
        });
        let warning = loaded.recv_timeout(std::time::Duration::from_secs(10));
        let warning = warning.expect("loaded").expect("warned");
        assert!(
            warning.contains("font.ttf: not a regular file"),
            "{warning}"
        );
    }

    #[test]
    fn without_fonts_the_remedy_is_named_and_latin_is_drawn() {
        let mut set = Type::load(&["/nonexistent/font.ttf".into()]);
        assert!(set.warning().expect("warning").contains("fonts-noto-core"));
        assert_eq!(set.missing_glyphs("« L’œuf coûte 3 € »"), 0);
        assert_eq!(set.missing_glyphs("中文"), 2);
        let mut picture = Picture::new(Size::new(320, 240));
        let area = Rectangle::new(Point::zero(), Size::new(320, 240));
        set.draw(
            &mut picture,
            "Bonjour",
            area,
            STYLE,
            Rgb565::new(31, 63, 31),
        );
        assert_ne!(picture, Picture::new(Size::new(320, 240)));
    }

    #[test]
    fn any_text_is_laid_out_without_panic() {
        let mut set = Type::load(&[]);
        let mut picture = Picture::new(Size::new(240, 240));
        let long = "mot ".repeat(3000);
        let unbroken = "x".repeat(5000);
        for text in [
            "",
            " ",
            "\n\n\n",
            "\u{200d}\u{301}",
            "\0\u{1b}[2J",
            &long,
            &unbroken,
            "🎤",
            "\u{ad}",
            "a\u{ad}\u{ad}\n\u{ad}",
            &"Donau\u{ad}dampf\u{ad}مرحبا\u{ad}12".repeat(40),
        ] {
            for size in [Size::new(0, 0), Size::new(1, 1), Size::new(216, 150)] {
                let area = Rectangle::new(Point::zero(), size);
                set.draw(&mut picture, text, area, STYLE, Rgb565::new(31, 63, 31));
                let _ = set.undrawable(text, size, STYLE);
            }
        }
    }
}
