//! What a press makes of takes, lines and the step's time.

use super::*;

#[test]
fn a_take_starts_a_pre_roll_before_its_press_and_ends_a_post_roll_after() {
    let mut room = Room::new(config::Mode::Auto);
    room.press(Button::Go, 0);
    room.wait(1000);
    room.press(Button::Go, 0);
    let pressed = room.frame;
    room.wait(2000);
    room.press(Button::Go, 0);
    let end = &room.ended[&1];
    assert_eq!(room.begun[&1].start_frame, pressed.back(250));
    assert_eq!((end.start_mark, end.end_mark), (pressed, pressed + 2000));
    assert_eq!(end.end_frame, pressed + 2250);
    assert_eq!(room.begun[&2].start_frame, pressed + 1750);
}

#[test]
fn nothing_before_frame_0_is_recorded() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    assert_eq!(begins_at(room.begun[&1].start_frame), room.session.frame0());
}

#[test]
fn a_redo_keeps_the_old_take_and_shows_the_same_line() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Redo, 100);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Redone);
    assert_eq!(room.ended[&1].of.line, room.ended[&2].of.line);
    assert_eq!(
        (room.ended[&1].of.version, room.ended[&2].of.version),
        (1, 2)
    );
}

#[test]
fn a_held_redo_skips_the_line() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Redo, 1500);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Skipped);
    assert_ne!(room.ended[&1].of.line, room.ended[&2].of.line);
}

#[test]
fn a_redo_held_while_its_take_reaches_its_limit_begins_where_that_ended() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    let mark = room.begun[&1].start_mark;
    room.wait(3600);
    room.press(Button::Redo, 800);
    assert_eq!(room.ended[&1].end_mark, mark + 4 * u64::from(RATE));
    assert_eq!(room.begun[&2].start_mark, room.ended[&1].end_mark);
    assert_eq!(room.begun[&2].of.line, room.begun[&1].of.line);
}

#[test]
fn the_step_ends_at_its_exact_frame_and_its_take_with_it() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    let start = room.begun[&1].of.take;
    let mark = room.frame.back(10);
    for _ in 0..9 {
        room.wait(2000);
        room.press(Button::Go, 0);
    }
    room.wait(5000);
    let last = room.ended.values().last().expect("takes");
    assert_eq!(start, 1);
    assert_eq!(last.end_mark, mark + 20 * u64::from(RATE));
}

#[test]
fn a_pause_holds_timer_and_line() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Pause, 0);
    let left = room.session.steps.timer.left_at(room.frame);
    room.wait(10_000);
    assert_eq!(room.session.steps.timer.left_at(room.frame), left);
    room.press(Button::Pause, 0);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Paused);
    assert_eq!(room.ended[&1].of.line, room.ended[&2].of.line);
}

#[test]
fn presses_sooner_than_min_ms_are_ignored() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(100);
    for button in Button::ALL {
        room.press(button, 0);
    }
    assert_eq!((room.begun.len(), room.ended.len()), (1, 0));
}

#[test]
fn manual_starts_and_ends_each_take_by_its_own_press() {
    let mut room = Room::new(config::Mode::Manual);
    room.go_to_reading();
    assert!(room.begun.is_empty());
    room.press(Button::Go, 0);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!((room.begun.len(), room.ended.len()), (1, 1));
    room.wait(500);
    room.press(Button::Go, 0);
    assert_eq!(room.begun.len(), 2);
}

#[test]
fn a_line_of_an_aborted_or_paused_take_is_not_done() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Pause, 0);
    room.wait(1000);
    room.press(Button::Stop, 0);
    room.wait(1000);
    assert!(room.ended.contains_key(&1) && room.done.is_empty());
}
