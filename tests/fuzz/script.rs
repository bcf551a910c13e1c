//! Scripts: any text is taken or refused by line, and what is taken plays to its end.

use std::path::Path;

use booth::board::Edge;
use booth::board::sim::script::{Player, Script};
use booth::rt::Nanos;
use booth::words::{Button, ScreenName};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::config;

/// Nanoseconds of a day, longer than any wait or hold of a script.
const DAY: u64 = 86_400_000_001_000;

fn parse(text: &str) -> Option<Script> {
    match Script::parse(Path::new("visit.script"), text) {
        Ok(script) => Some(script),
        Err(error) => {
            let message = error.to_string();
            assert!(
                (1..=text.lines().count()).contains(&error.line),
                "{message}"
            );
            assert!(
                message.starts_with("script visit.script, line "),
                "{message}"
            );
            None
        }
    }
}

/// Polls once; what every poll must keep.
fn poll(
    player: &mut Player,
    at: u64,
    shown: ScreenName,
    over: bool,
    edges: &mut Vec<Edge>,
) -> bool {
    let before = edges.len();
    let met = player.poll(Nanos(at), shown, Nanos(at / 2), over, edges);
    let new = &edges[before..];
    assert!(
        new.iter().filter(|edge| edge.down).count() <= 1,
        "one press a poll"
    );
    assert!(
        new.iter().all(|edge| edge.at <= Nanos(at)),
        "no press from the future"
    );
    met.is_ok()
}

/// Plays through `screens`, then with the session over until nothing is left to press.
fn play(script: Script, screens: &[(ScreenName, u64)], lines: usize) {
    let (mut player, mut edges, mut at) = (Player::new(script), vec![], 0);
    for &(shown, wait) in screens {
        at += wait;
        if !poll(&mut player, at, shown, false, &mut edges) {
            return;
        }
    }
    let mut polls = 0;
    while !player.pressed_out() {
        // Each line gives a press, a release or a screen that does not come.
        assert!(polls <= 2 * lines, "does not end with the session");
        polls += 1;
        at += DAY;
        if !poll(&mut player, at, ScreenName::Thanks, true, &mut edges) {
            return;
        }
    }
    let downs = edges.iter().filter(|edge| edge.down).count();
    assert_eq!(edges.len(), 2 * downs, "every press is released");
    assert!(edges.is_sorted_by_key(|edge| edge.at));
}

fn word() -> impl Strategy<Value = String> {
    let buttons = select(Button::ALL.map(Button::word).to_vec());
    let screens = select(ScreenName::ALL.map(ScreenName::word).to_vec());
    let other = select(vec![
        "until", "repeat", "end", "hold", "#", "\t", "\u{feff}", "é", "-1",
    ]);
    let number = prop_oneof![0u64..3, Just(86_400_000), Just(86_400_001), any::<u64>()];
    prop_oneof![
        buttons.prop_map(String::from),
        screens.prop_map(String::from),
        other.prop_map(String::from),
        number.prop_map(|n| n.to_string()),
    ]
}

/// One line that is right by itself.
fn line() -> impl Strategy<Value = String> {
    let button = || select(Button::ALL.map(Button::word).to_vec());
    let screen = select(ScreenName::ALL.map(ScreenName::word).to_vec());
    let wait = || prop_oneof![9 => 0u64..3000, 1 => Just(86_400_000)];
    let times = prop_oneof![0u64..4, Just(86_400_000)];
    prop_oneof![
        3 => screen.prop_map(|screen| format!("until {screen}")),
        4 => (wait(), button()).prop_map(|(wait, button)| format!("{wait} {button}")),
        2 => (wait(), button(), wait())
            .prop_map(|(wait, button, hold)| format!("{wait} {button} hold {hold}")),
        3 => times.prop_map(|times| format!("repeat {times}")),
        3 => Just("end".to_owned()),
    ]
}

/// Lines with every `repeat` ended and no `end` too many.
fn balanced(lines: Vec<String>) -> Vec<String> {
    let mut open = 0;
    let mut kept: Vec<String> = vec![];
    for line in lines {
        match line.split(' ').next() {
            Some("repeat") => open += 1,
            Some("end") if open == 0 => continue,
            Some("end") => open -= 1,
            _ => {}
        }
        kept.push(line);
    }
    kept.extend(vec!["end".to_owned(); open]);
    kept
}

fn screens() -> impl Strategy<Value = Vec<(ScreenName, u64)>> {
    vec(
        (select(ScreenName::ALL.to_vec()), 0u64..5_000_000_000),
        0..40,
    )
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn any_text_is_a_script_or_refused_by_line(
        text in prop_oneof![any::<String>(), "[a-z0-9#\\- \n\r\t]{0,60}"], seen in screens(),
    ) {
        if let Some(script) = parse(&text) {
            play(script, &seen, text.lines().count());
        }
    }

    #[test]
    fn any_words_are_a_script_or_refused_by_line(
        lines in vec(vec(word(), 0..5), 0..6), seen in screens(),
    ) {
        let text = lines.iter().map(|words| words.join(" ") + "\r\n").collect::<String>();
        if let Some(script) = parse(&text) {
            play(script, &seen, lines.len());
        }
    }

    #[test]
    fn every_right_script_plays_to_its_end(
        lines in vec(line(), 0..12).prop_map(balanced), seen in screens(),
    ) {
        let script = parse(&lines.join("\n")).expect("every line is right");
        play(script, &seen, lines.len());
    }
}

#[test]
fn repeats_nested_without_end_are_played() {
    let n = 20_000;
    let text = "repeat 86400000\n".repeat(n) + "1 go\n" + &"end\n".repeat(n);
    let mut player = Player::new(parse(&text).unwrap());
    let mut edges = vec![];
    for at in 0..9 {
        poll(
            &mut player,
            at * DAY,
            ScreenName::Reading,
            false,
            &mut edges,
        );
    }
    assert!(!edges.is_empty());
}
