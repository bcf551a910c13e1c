//! Configuration, protocols, board profiles and languages: any text is taken or refused by name.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use booth::board::profile::{Driver, Profile};
use booth::config::Config;
use booth::corpus::order::Shard;
use booth::embedded::CONFIG;
use booth::lang::Lang;
use booth::session::protocol::{Locate, Protocol};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::text::{any_text, edited};
use super::{config, folder, memory};

const VIBRAVOX: &str = include_str!("../../deploy/protocol/vibravox.toml");
const EXHIBITION: &str = include_str!("../../deploy/protocol/exhibition.toml");
const HAT: &str = include_str!("../../board/display-hat-mini.toml");
const BREADBOARD: &str = include_str!("../../board/breadboard-st7789.toml");
const SIM: &str = include_str!("../../board/sim.toml");
const FRENCH: &str = include_str!("../../deploy/lang/fr.toml");

/// Bytes that reading a small text may need at once.
const ENOUGH_BYTES: usize = 1 << 20;

/// Holds for every configuration that is taken.
fn assert_sound(config: &Config) {
    assert_eq!(config.audio.check(), Ok(()));
    let shard: Result<Shard, _> = config.corpus.shard.parse();
    assert!(shard.is_ok(), "{shard:?}");
}

/// What `read` says of a file of `bytes`, called `t-1.toml`.
fn of_file<T, E: std::fmt::Display>(
    bytes: &[u8],
    read: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, String> {
    let dir = folder();
    let path = dir.path().join("t-1.toml");
    fs::write(&path, bytes).unwrap();
    let (done, largest) = memory::largest(|| read(&path));
    assert!(
        largest <= ENOUGH_BYTES.max(99 * bytes.len()),
        "asks for {largest} bytes"
    );
    done.map_err(|error| named(&error.to_string(), "t-1.toml"))
}

/// `message`, which names `file`.
#[track_caller]
fn named(message: &str, file: &str) -> String {
    assert!(message.contains(file), "{file} is not in: {message}");
    message.to_owned()
}

fn protocol(text: &str) -> Result<Protocol, String> {
    let parsed = Protocol::parse("p.toml", text);
    let protocol = parsed.map_err(|error| named(&error.to_string(), "p.toml"))?;
    assert!(!protocol.steps.is_empty() && protocol.idle_s > 0);
    let names: BTreeSet<_> = protocol.steps.iter().map(|step| &step.name).collect();
    assert_eq!(names.len(), protocol.steps.len());
    for step in &protocol.steps {
        assert!(step.seconds > 0 && !step.name.trim().is_empty());
        let Some(cue) = &step.sphere else { continue };
        let room = cue
            .length_s
            .map_or(f64::MAX, |l| l - f64::from(step.seconds));
        assert!(room >= 0.0);
        assert!(match cue.locate {
            Locate::At(second) => (0.0..=room).contains(&second),
            Locate::Random => cue.length_s.is_some(),
        });
    }
    for seconds in [0, 1, 40, u32::MAX] {
        let scaled = protocol.scaled_to(seconds);
        assert!(scaled.steps.iter().all(|step| step.seconds > 0));
    }
    Ok(protocol)
}

fn booth_toml(bytes: &[u8]) -> Result<Config, String> {
    let config = of_file(bytes, |path| Config::load(Some(path), &[], None, &[]))?;
    assert_sound(&config);
    Ok(config)
}

fn sets(sets: &[String]) -> Result<Config, String> {
    let dir = folder();
    let path = dir.path().join("b.toml");
    fs::write(&path, CONFIG).unwrap();
    let loaded = Config::load(Some(&path), sets, None, &[]);
    let config = loaded.map_err(|error| {
        let message = error.to_string();
        assert!(
            message.contains("b.toml") || message.contains("--set"),
            "{message}"
        );
        message
    })?;
    assert_sound(&config);
    Ok(config)
}

fn profile(bytes: &[u8]) -> Result<Profile, String> {
    let profile = of_file(bytes, |path| Profile::load(path.to_str().unwrap()))?;
    let panel = &profile.panel;
    assert!(panel.width >= 64 && panel.height >= 64);
    assert!(panel.driver == Driver::Sim || panel.dc.is_some_and(|gpio| gpio <= 27));
    Ok(profile)
}

fn language(bytes: &[u8]) -> Result<Lang, String> {
    of_file(bytes, |path| Lang::load(path.to_str().unwrap()))
}

/// Every dotted key of the embedded configuration, and some that nobody knows.
fn key() -> impl Strategy<Value = String> {
    let mut table = String::new();
    let mut keys = vec![];
    for line in CONFIG.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.split(']').next().unwrap_or_default().to_owned() + ".";
        } else if let Some((key, _)) = line.split_once('=') {
            keys.push(format!("{table}{}", key.trim()));
        }
    }
    let more = [
        "languages",
        "privacy.recipient",
        "sphere.host",
        "audio.mixer.Gain",
        "corpus.de",
    ];
    keys.extend(more.map(String::from));
    prop_oneof![4 => select(keys), 1 => "[a-z.\"= ]{0,12}", 1 => any::<String>()]
}

fn assignment() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("k = 7").prop_flat_map(edited),
        any::<String>(),
        "[a-z0-9\\[\\]{}\"'=., \n#-]{0,12}",
    ];
    let value = value.prop_map(|v| v.strip_prefix("k =").unwrap_or(&v).to_owned());
    prop_oneof![
        9 => (key(), value).prop_map(|(key, value)| format!("{key}={value}")),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(config(2000))]

    #[test]
    fn an_edited_protocol_is_sound_or_refused(
        text in prop_oneof![edited(VIBRAVOX), edited(EXHIBITION), any_text(VIBRAVOX)],
    ) {
        let _ = protocol(&text);
    }

    #[test]
    fn an_edited_configuration_is_sound_or_refused(
        text in prop_oneof![3 => edited(CONFIG), 1 => any_text(CONFIG)],
    ) {
        let _ = booth_toml(text.as_bytes());
    }

    #[test]
    fn what_is_set_is_sound_or_refused(some in vec(assignment(), 1..4)) {
        let _ = sets(&some);
    }

    #[test]
    fn an_edited_board_is_sound_or_refused(
        text in prop_oneof![edited(HAT), edited(BREADBOARD), edited(SIM), any_text(HAT)],
    ) {
        let _ = profile(text.as_bytes());
    }

    #[test]
    fn an_edited_language_is_complete_or_refused(
        text in prop_oneof![3 => edited(FRENCH), 1 => any_text(FRENCH)],
    ) {
        let _ = language(text.as_bytes());
    }

    #[test]
    fn bytes_that_are_no_text_are_refused(bytes in vec(any::<u8>(), 0..99)) {
        let _ = (booth_toml(&bytes), profile(&bytes), language(&bytes));
    }

    #[test]
    fn a_name_of_any_board_or_language_is_answered(name in any::<String>()) {
        let _ = (Profile::load(&name).is_ok(), Lang::load(&name).is_ok());
        let _ = Protocol::load(&name, &[]).is_ok();
    }
}

#[test]
fn most_single_edits_are_judged_by_what_they_say() {
    // The edits would prove nothing if all of them broke the syntax.
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut accepted = |base: &'static str, judge: &dyn Fn(&str) -> bool| {
        let mut text = || edited(base).new_tree(&mut runner).unwrap().current();
        (0..100).filter(|_| judge(&text())).count()
    };
    assert!(accepted(VIBRAVOX, &|text| protocol(text).is_ok()) > 9);
    assert!(accepted(CONFIG, &|text| booth_toml(text.as_bytes()).is_ok()) > 9);
    assert!(accepted(HAT, &|text| profile(text.as_bytes()).is_ok()) > 9);
}

/// Texts nested without end, and one word without end.
fn endless() -> Vec<String> {
    let n = 100_000;
    vec![
        "[".repeat(n),
        format!("a = {}", "[".repeat(n)),
        format!("a = {}", "{a=".repeat(n)),
        format!("{}a = 1", "a.".repeat(n)),
        format!("[{}a]\nb = 1", "a.".repeat(n)),
        format!("{} = 1", "a".repeat(n)),
        format!("a = {}", "9".repeat(n)),
        "[a]\n".repeat(n),
    ]
}

#[test]
fn a_text_nested_without_end_is_refused() {
    for text in endless() {
        protocol(&text).unwrap_err();
        booth_toml(text.as_bytes()).unwrap_err();
        profile(text.as_bytes()).unwrap_err();
        language(text.as_bytes()).unwrap_err();
    }
}

#[test]
fn a_key_nested_without_end_cannot_be_set() {
    for text in endless() {
        sets(std::slice::from_ref(&text)).unwrap_err();
        sets(&[format!("audio.rate={text}")]).unwrap_err();
    }
    sets(&[format!("{}a=1", "a.".repeat(60_000))]).unwrap_err();
}

/// They passed here and were refused later, without file and line.
#[test]
fn a_shard_that_cannot_be_had_is_refused_where_it_stands() {
    for shard in ["+1/+2", "1/4294967296"] {
        let refused = sets(&[format!("corpus.shard={shard}")]).unwrap_err();
        named(&refused, "`corpus.shard`");
    }
}

/// Every session ended as it began.
#[test]
fn a_protocol_that_abandons_every_session_at_once_is_refused() {
    let text = EXHIBITION.replace("idle_s = 60", "idle_s = 0");
    let at = text.lines().position(|line| line == "idle_s = 0").unwrap();
    let refused = protocol(&text).unwrap_err();
    named(&refused, &format!("p.toml:{}: `idle_s`", at + 1));
}

/// `fr-museum.toml` was taken for the French of the program.
#[test]
fn the_path_of_a_language_file_is_no_language_of_the_program() {
    for path in ["fr-museum.toml", "en_US/none.toml", "fr.toml"] {
        let refused = Lang::load(path).expect_err(path).to_string();
        named(&refused, path);
    }
    Lang::load("fr-CA").unwrap();
}
