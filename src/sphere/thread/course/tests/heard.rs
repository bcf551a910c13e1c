//! What rolls must be heard.

use super::*;
use crate::words::Heard;

#[test]
fn what_rolls_and_is_not_heard_does_not_play() {
    let mut stage = Stage::new(Simulated::on);
    stage.peer.trouble(Trouble::Unconnected);
    stage.play(1, Start::Second(0.0));
    assert_eq!(stage.fails(1), SphereError::Unconnected);
    stage.peer.trouble(Trouble::Silent);
    stage.play(2, Start::Second(0.0));
    assert_eq!(stage.fails(2), SphereError::Silent(2));
    stage.peer.trouble(Trouble::None);
    stage.rolls(2);
    let (from, to) = (stage.clock.now(), stage.clock.now());
    assert_eq!(
        stage.course.known().looks.between(from, to),
        Some(Heard::Level)
    );
}

#[test]
fn a_track_may_begin_silent_for_as_long_as_its_cue_says() {
    let play = |stage: &mut Stage| {
        stage.peer.trouble(Trouble::Silent);
        stage.ask(Command::Play(Play {
            number: 1,
            track: "noise".into(),
            start: Start::Second(0.0),
            rest: Duration::from_secs(60),
            silent: Duration::from_secs(10),
        }));
        stage.rolls(1);
        stage.pass(Duration::from_secs(9));
    };
    let mut stage = Stage::new(Simulated::on);
    play(&mut stage);
    stage.peer.trouble(Trouble::None);
    stage.pass(Duration::from_secs(20));
    assert!(
        stage
            .heard
            .iter()
            .all(|reply| !matches!(reply, Reply::Failed(..)))
    );
    let mut stage = Stage::new(Simulated::on);
    play(&mut stage);
    assert_eq!(stage.fails(1), SphereError::Silent(12));
}

#[test]
fn players_that_go_while_it_plays_are_found_and_what_was_heard_ends_with_the_last_look() {
    let mut stage = Stage::new(Simulated::on);
    stage.play(1, Start::Second(0.0));
    stage.rolls(1);
    stage.pass(Duration::from_secs(7));
    let gone = stage.clock.now();
    stage.peer.trouble(Trouble::Unconnected);
    assert_eq!(stage.fails(1), SphereError::Unconnected);
    assert!(stage.clock.now().since(gone) < Duration::from_secs(4));
    let looks = stage.course.known().looks;
    assert!(looks.are_lost());
    let until = looks.known_until().expect("it was heard");
    assert!(until <= gone && gone.since(until) < Duration::from_secs(3));
    assert_eq!(looks.between(until, gone), None);
}

#[test]
fn a_play_without_a_stop_before_it_looks_once_more_too() {
    for trouble in [Trouble::Unconnected, Trouble::Away] {
        let mut stage = Stage::new(Simulated::on);
        stage.play(1, Start::Second(0.0));
        stage.rolls(1);
        stage.pass(Duration::from_millis(500));
        let ended = stage.clock.now();
        stage.peer.trouble(trouble);
        stage.play(2, Start::Second(0.0));
        stage.fails(2);
        assert_eq!(stage.course.known().looks.between(ended, ended), None);
    }
}

#[test]
fn a_stop_looks_once_more_so_that_the_last_take_is_proven_or_not() {
    for (trouble, heard) in [
        (Trouble::None, Some(Heard::Connections)),
        (Trouble::Unconnected, None),
    ] {
        let mut stage = Stage::new(Simulated::on);
        stage.play(1, Start::Second(0.0));
        stage.rolls(1);
        stage.pass(Duration::from_millis(500));
        stage.peer.trouble(trouble);
        let stopped_at = stage.clock.now();
        stage.ask(Command::Stop);
        stage.stopped().expect("silent");
        let looks = stage.course.known().looks;
        assert_eq!(looks.are_lost(), heard.is_none());
        let end = looks.between(stopped_at, stage.clock.now());
        assert_eq!(end.is_some(), heard.is_some());
    }
}
