//! The stand-in for ladish in what ladish 2.1 does not survive, or only half: JACK's end, its own, loads
//! that meet.

use std::time::{Duration, Instant};

use super::start;
use crate::common::sphere::ladish::Switch;
use crate::common::sphere::{HOUSE, Kind, STUDIO};
use crate::common::wait::wait_for;

const SOON: Duration = Duration::from_secs(3);
const WINDOW: Duration = Duration::from_millis(500);

#[test]
fn jack_that_ends_under_its_studio_comes_back_without_players() {
    let (_alone, sphere) = start(Kind::Plain);
    let ear = sphere.ear();
    sphere.transport("play");
    ear.hears_within(SOON);
    sphere.jack_ends();
    wait_for("the players' end", || sphere.players().is_empty());
    assert_eq!(sphere.studio().as_deref(), Some(STUDIO), "the name stays");
    assert_eq!(sphere.ladish_says(&["sstart"]), "--- studio start\n");
    wait_for("JACK", || sphere.has_jack());
    sphere.jack_up();
    sphere.transport("play");
    assert!(!ear.hears(WINDOW));
    assert!(sphere.witness().look().rolling && sphere.connections() == 0);
    let graph = sphere.ladish_says(&["sgdump"]);
    assert!(graph.ends_with("0 connections.\n"), "{graph}");
    sphere.load(STUDIO);
    sphere.transport("play");
    ear.hears_within(SOON);
}

#[test]
fn a_studio_that_was_stopped_starts_with_its_players() {
    let (_alone, sphere) = start(Kind::Plain);
    assert_eq!(sphere.ladish_says(&["sstop"]), "--- studio stop\n");
    wait_for("JACK's end", || !sphere.has_jack());
    sphere.ladish(&["sstart"]);
    wait_for("its player", || !sphere.players().is_empty());
}

#[test]
fn jack_that_was_killed_makes_a_start_abort_ladishd_and_a_load_bring_all() {
    let (_alone, sphere) = start(Kind::Plain);
    sphere.jack_is_killed();
    wait_for("the players' end", || sphere.players().is_empty());
    std::thread::sleep(Duration::from_millis(200));
    sphere.ladish(&["sstart"]);
    wait_for("ladishd's end", || !sphere.has_daemon());
    sphere.jack_up();
    assert_eq!(sphere.connections(), 0, "JACK came");
    let name = sphere.studio().expect("an invented one");
    assert!(name.starts_with("Studio 1"), "{name}");
    sphere.load(STUDIO);

    sphere.jack_is_killed();
    std::thread::sleep(Duration::from_millis(200));
    sphere.load(STUDIO);
    assert!(sphere.has_daemon());
}

#[test]
fn a_studio_with_rooms_under_which_jack_ended_cannot_be_left() {
    let (_alone, sphere) = start(Kind::Plain);
    sphere.load(HOUSE);
    sphere.jack_ends();
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(sphere.ladish_says(&["sload", HOUSE]), "--- studio load\n");
    wait_for("ladishd's end", || !sphere.has_daemon());
    assert_eq!(sphere.studio(), None, "and nothing is loaded");
    sphere.load(HOUSE);
}

#[test]
fn players_end_with_ladishd_and_jack_goes_on_in_silence() {
    let (_alone, sphere) = start(Kind::Plain);
    let ear = sphere.ear();
    sphere.transport("play");
    ear.hears_within(SOON);
    sphere.daemon_is_killed();
    let took = ear.hears_nothing_within(SOON);
    println!("silent {took:.2?} after ladishd was killed");
    wait_for("the players' end", || sphere.players().is_empty());
    assert!(!ear.hears(WINDOW));
    assert!(sphere.witness().look().rolling);
    let name = sphere.studio().expect("an invented one");
    assert!(name.starts_with("Studio 1"), "{name}");
}

#[test]
fn a_stray_jackd_rolls_in_silence_and_ladish_knows_nothing_of_it() {
    let (_alone, sphere) = start(Kind::Plain);
    let ear = sphere.ear();
    let stray = sphere.stray_jackd();
    sphere.transport("play");
    assert!(!ear.hears(WINDOW) && sphere.witness().look().rolling);
    sphere.ladish(&["sload", "other"]);
    wait_for("the name", || sphere.studio().as_deref() == Some("other"));
    assert!(sphere.witness().look().rolling && sphere.players().is_empty());
    assert!(!sphere.has_jack());
    drop(stray);
    sphere.load(STUDIO);
    sphere.transport("play");
    ear.hears_within(SOON);
}

#[test]
fn a_player_that_does_not_end_keeps_the_old_studio_and_its_sound() {
    let (_alone, sphere) = start(Kind::Plain);
    let ear = sphere.ear();
    sphere.transport("play");
    ear.hears_within(SOON);
    sphere.switch_to(Switch::PlayerEnds, 3.0);
    let ordered = Instant::now();
    sphere.ladish(&["sload", "other"]);
    assert!(ear.hears(Duration::from_secs(1)));
    assert_eq!(sphere.studio().as_deref(), Some(STUDIO));
    sphere.switch_off(Switch::PlayerEnds);
    wait_for("the name", || sphere.studio().as_deref() == Some("other"));
    assert!(ordered.elapsed() > Duration::from_secs(3));
    ear.hears_nothing_within(SOON);
}

#[test]
fn two_loads_in_a_row_are_stuck_until_the_player_is_killed_by_hand() {
    let (_alone, sphere) = start(Kind::Plain);
    let said = sphere.ladish_says(&["sload", "other", "sload", STUDIO]);
    assert_eq!(said, "--- studio load\n--- studio load\n");
    wait_for("the first", || sphere.studio().as_deref() == Some("other"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(sphere.studio().as_deref(), Some("other"));
    wait_for("its player", || !sphere.players().is_empty());
    sphere.signal_players("TERM");
    wait_for("the second", || sphere.studio().as_deref() == Some(STUDIO));
}

#[test]
fn a_load_that_is_ordered_while_a_player_ends_late_is_stuck_behind_the_first() {
    let (_alone, sphere) = start(Kind::Plain);
    sphere.switch_to(Switch::PlayerEnds, 2.0);
    sphere.ladish(&["sload", "other"]);
    sphere.ladish(&["sload", HOUSE]);
    assert_eq!(sphere.studio().as_deref(), Some(STUDIO));
    sphere.switch_off(Switch::PlayerEnds);
    wait_for("the first", || sphere.studio().as_deref() == Some("other"));
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(sphere.studio().as_deref(), Some("other"));
    sphere.signal_players("KILL");
    wait_for("the second", || sphere.studio().as_deref() == Some(HOUSE));
}

#[test]
fn the_switch_for_a_slow_load_keeps_the_name_and_takes_the_players() {
    let (_alone, sphere) = start(Kind::Plain);
    sphere.switch_to(Switch::LoadWaits, 1.5);
    sphere.ladish(&["sload", "other"]);
    wait_for("the players' end", || sphere.players().is_empty());
    assert_eq!(sphere.studio().as_deref(), Some(STUDIO));
    assert!(sphere.has_jack());
    wait_for("the name", || sphere.studio().as_deref() == Some("other"));
    wait_for("its player", || !sphere.players().is_empty());
}
