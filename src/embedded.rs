//! Every text that the program carries inside: configuration, protocols, boards, languages, corpora.
//!
//! Guarantees: no other file includes a text; a list here is the only one of its kind, so a new
//! board, language or protocol is its file and a line here.

/// A text by its name: a language code, a board's name, a path below `deploy/`.
pub type Named = (&'static str, &'static str);

/// The configuration of a box without one.
pub const CONFIG: &str = include_str!("../deploy/booth.toml");

/// The protocols.
pub const PROTOCOLS: &[Named] = &[
    ("vibravox", include_str!("../deploy/protocol/vibravox.toml")),
    (
        "exhibition",
        include_str!("../deploy/protocol/exhibition.toml"),
    ),
];

/// The boards.
pub const BOARDS: &[Named] = &[
    ("sim", include_str!("../board/sim.toml")),
    ("sim-240x240", include_str!("../board/sim-240x240.toml")),
    ("sim-240x320", include_str!("../board/sim-240x320.toml")),
    (
        "display-hat-mini",
        include_str!("../board/display-hat-mini.toml"),
    ),
    ("pitft-28", include_str!("../board/pitft-28.toml")),
    (
        "breadboard-st7789",
        include_str!("../board/breadboard-st7789.toml"),
    ),
    ("one-button", include_str!("../board/one-button.toml")),
];

/// The words of the screens, by the language's code.
pub const LANGUAGES: &[Named] = &[
    ("fr", include_str!("../deploy/lang/fr.toml")),
    ("en", include_str!("../deploy/lang/en.toml")),
];

/// The sample corpora, by the path that the configuration gives them.
pub const CORPORA: &[Named] = &[
    ("corpus/fr.txt", include_str!("../deploy/corpus/fr.txt")),
    ("corpus/en.txt", include_str!("../deploy/corpus/en.txt")),
];

/// The README of an export.
pub const EXPORT_README: &str = include_str!("dataset/readme.md");

/// The text of that name in `list`.
#[must_use]
pub fn find(list: &[Named], name: &str) -> Option<&'static str> {
    let found = list.iter().find(|(known, _)| *known == name);
    found.map(|(_, text)| *text)
}

/// The names of `list` for a message: `fr, en`.
#[must_use]
pub fn names(list: &[Named]) -> String {
    let names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}
