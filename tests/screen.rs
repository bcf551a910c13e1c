//! Screens as a visitor sees them, in every script and on every panel size.

use booth::screen::card::Card;
use booth::screen::paint::Painter;
use booth::screen::{Body, Line, Place, Progress, Screen};
use booth::words::{ScreenName, Undrawable};
use embedded_graphics::geometry::Size;
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};

const SIZES: [(u32, u32); 3] = [(320, 240), (240, 240), (240, 320)];

const LINES: [&str; 6] = [
    "« L’œuvre est là », dit-elle — où ça ?",
    "مرحبا بكم في المتحف، اقرأ هذه الجملة بصوت عال",
    "कृपया इस वाक्य को ज़ोर से पढ़ें।",
    "请大声朗读这句话，谢谢您的合作。",
    "Le mot « 你好 » et le mot « مرحبا » ensemble.",
    "Le vent du nord souffla de toute sa force, mais plus il soufflait, plus le voyageur serrait \
     son manteau autour de lui.",
];

fn screens() -> Vec<Screen> {
    let reading = |line: &&str| Screen {
        name: ScreenName::Reading,
        title: "Lire en silence".into(),
        body: Body::Line(Line {
            text: (*line).into(),
            progress: Progress {
                permille: 380,
                seconds_left: 558,
            },
            recording: true,
            level: Some(72),
        }),
        hint: "GO : suivante · REDO : refaire".into(),
        session_permille: 0,
    };
    let mut all: Vec<Screen> = LINES.iter().map(reading).collect();
    let words = booth::lang::Lang::load("fr").expect("embedded");
    for (name, title, text, hint) in [
        (
            ScreenName::Attract,
            &words.attract_title,
            &words.attract_text,
            &words.attract_hint,
        ),
        (
            ScreenName::Thanks,
            &words.thanks_title,
            &words.thanks_text,
            &words.thanks_hint,
        ),
        (
            ScreenName::Menu,
            &words.menu_title,
            &words.menu_nobody,
            &words.menu_hint,
        ),
        (
            ScreenName::Fault,
            &words.fault_title,
            &words.device_lost,
            &words.quiet_hint,
        ),
        (
            ScreenName::Paused,
            &words.paused_title,
            &words.paused_text,
            &words.paused_hint,
        ),
    ] {
        all.push(Screen {
            name,
            title: title.as_str().into(),
            body: Body::Message {
                text: text.as_str().into(),
            },
            hint: hint.as_str().into(),
            session_permille: 0,
        });
    }
    all
}

/// Where no font is installed the bitmap font draws, and this test has nothing to say.
#[test]
fn every_script_has_its_glyphs() {
    let mut painter = Painter::new(Size::new(320, 240), &[]);
    if painter.warning().is_some() {
        return;
    }
    for line in LINES {
        assert_eq!(painter.undrawable(line, Place::Line), None, "{line}");
    }
    let missing = painter.undrawable("\u{e000}", Place::Line);
    assert_eq!(missing, Some(Undrawable::NoGlyph(1)));
}

#[test]
fn every_screen_is_drawn_inside_every_panel() {
    for (w, h) in SIZES {
        let mut painter = Painter::new(Size::new(w, h), &[]);
        for screen in &screens() {
            let picture = painter.paint(screen);
            // Nothing bright touches the sides: no glyph is cut off.
            for y in 0..h {
                for x in [0, w - 1] {
                    assert!(
                        picture.pixel(x, y).g() < 20,
                        "{w}x{h} {:?} row {y}",
                        screen.body.text()
                    );
                }
            }
            let text = picture.pixels().iter().filter(|p| bright(**p)).count();
            assert!(
                text > 200,
                "{w}x{h} {:?}: {text} bright pixels",
                screen.body.text()
            );
        }
    }
}

#[test]
fn code_and_consent_are_legible_inside_every_panel() {
    let words = booth::lang::Lang::load("fr").expect("embedded");
    let letters = zeroize::Zeroizing::new("WWWW-MMMM-WWWW-M".to_owned());
    let card = Card::of(
        letters,
        "https://example.org/voices/withdraw",
        "voix@example.org",
    );
    let long = "Une phrase que chacun peut lire sans peine, même un peu longue. ".repeat(20);
    for (w, h) in SIZES {
        let mut painter = Painter::new(Size::new(w, h), &[]);
        let screen = |name, body, hint: &str| Screen {
            name,
            title: words.consent_title.as_str().into(),
            body,
            hint: hint.into(),
            session_permille: 0,
        };
        let text = words.code_text.as_str().into();
        let code = screen(ScreenName::Code, Body::Card { text }, &words.code_hint);
        let mut pictures = vec![painter.paint_with(&code, Some(&card)).clone()];
        for text in painter.pages(&long) {
            let page = screen(
                ScreenName::Consent,
                Body::Page { text },
                &words.consent_next,
            );
            pictures.push(painter.paint(&page).clone());
        }
        for (n, picture) in pictures.iter().enumerate() {
            for y in 0..h {
                for x in [0, w - 1] {
                    assert!(picture.pixel(x, y).g() < 20, "{w}x{h} picture {n} row {y}");
                }
            }
            let text = picture.pixels().iter().filter(|p| bright(**p)).count();
            assert!(text > 500, "{w}x{h} picture {n}: {text} bright pixels");
        }
    }
}

fn bright(pixel: Rgb565) -> bool {
    pixel.r() > 24 && pixel.g() > 48
}
