//! deploy/keeper.md quotes the screens as they are.

use std::fs;

/// Screens that a keeper must act upon, or knows the box by.
const SCREENS: [&str; 12] = [
    "attract_title",
    "device_lost",
    "storage_slow",
    "disk_lost",
    "storage_full",
    "storage_failed",
    "sphere_failed",
    "no_lines",
    "erasing_waits",
    "fault_text",
    "withdraw_title",
    "erased_title",
];

/// Of a screen of several sentences the last or the first is quoted.
#[test]
fn every_fault_screen_stands_in_the_keepers_page_in_both_languages() {
    let read = |file: &str| {
        let path = format!("{}/deploy/{file}", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(path).unwrap()
    };
    let page = read("keeper.md")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for language in ["en", "fr"] {
        let words: toml::Table = read(&format!("lang/{language}.toml")).parse().unwrap();
        for screen in SCREENS {
            let text = words[screen].as_str().unwrap();
            let mut sentences = text.split_inclusive(". ").map(str::trim);
            assert!(
                sentences.any(|sentence| page.contains(sentence)),
                "{language}: {screen} is not in keeper.md: {text}"
            );
        }
    }
}
