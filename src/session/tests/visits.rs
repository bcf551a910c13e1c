//! Visitors who leave, and sessions that are taken up again.

use super::*;

#[test]
fn an_abandoned_booth_returns_to_attract() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.press(Button::Pause, 0);
    room.wait(1000);
    room.press(Button::Pause, 0);
    room.wait(130_000);
    assert!(room.session.is_idle());
}

#[test]
fn what_waits_for_a_visitor_does_not_linger_once_nobody_will_press() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Stop, 0);
    room.send(Event::NoMorePresses);
    room.wait(5000);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
}

fn cut_session() -> Event {
    Event::News(News::Offer(Box::new(crate::words::Resumption {
        folder: "cut".into(),
        step: "read".into(),
        used_frames: 15_000,
        start_s: None,
        next_frame: 1_000_000,
        takes: 7,
        line: Some((1, 2)),
    })))
}

#[test]
fn a_session_cut_by_a_crash_goes_on_where_it_stopped() {
    let mut room = Room::new(config::Mode::Auto);
    room.send(cut_session());
    assert_eq!(room.session.screen_name(), ScreenName::Resume);
    room.wait(1000);
    let taken_up = room.frame;
    room.press(Button::Go, 0);
    assert_eq!(room.session.in_session(taken_up), SessionFrame(1_000_000));
    assert_eq!(room.session.steps.timer.left_at(room.frame), 5000);
    room.wait(100);
    room.press(Button::Go, 0);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.begun[&8].start_frame, taken_up);
    assert_eq!(
        (room.ended[&8].of.version, room.begun[&9].of.version),
        (3, 1)
    );
}

#[test]
fn an_offer_is_made_at_once_and_once_more_to_who_comes() {
    let mut room = Room::new(config::Mode::Auto);
    room.send(cut_session());
    room.wait(31_000);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    room.press(Button::Go, 0);
    assert_eq!(room.session.screen_name(), ScreenName::Resume);
    room.wait(31_000);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    room.go_to_reading();
    assert_eq!(room.sessions, 1);
}

#[test]
fn an_offer_ends_with_stop_and_with_its_time() {
    let mut room = Room::new(config::Mode::Auto);
    room.send(cut_session());
    room.press(Button::Stop, 0);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    assert!(room.session.offer.is_none());
    room.send(cut_session());
    room.wait(600_000);
    assert!(room.session.offer.is_none());
}
