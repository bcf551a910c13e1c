//! A visitor who takes their voice back in mid-session.

use super::*;

#[test]
fn a_held_stop_ends_the_take_at_the_press_and_asks() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    let pressed = room.frame;
    room.press(Button::Stop, 1500);
    assert_eq!(room.session.screen_name(), ScreenName::Withdraw);
    assert_eq!(room.ended[&1].end_mark, pressed);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Aborted);
    let left = room.session.steps.timer.left_at(room.frame);
    room.wait(5000);
    assert_eq!(room.session.steps.timer.left_at(room.frame), left);
    room.press(Button::Go, 1100);
    assert_eq!(room.session.screen_name(), ScreenName::Thanks);
    room.wait(1000);
    assert_eq!(room.forgotten, [By::Visitor]);
    assert!(!room.session.shows_code());
    room.wait(40_000);
    assert!(room.session.is_idle());
    assert_eq!((room.begun.len(), room.ended.len(), room.closed), (1, 1, 0));
}

#[test]
fn a_question_answered_by_stop_redo_or_nothing_erases_nothing() {
    let answers: [fn(&mut Room); 4] = [
        |room| room.press(Button::Stop, 0),
        |room| room.press(Button::Redo, 100),
        |room| room.wait(31_000),
        |room| room.press(Button::Go, 500),
    ];
    for (n, answer) in answers.iter().enumerate() {
        let mut room = Room::new(config::Mode::Auto);
        room.go_to_reading();
        room.wait(1000);
        room.press(Button::Stop, 1500);
        answer(&mut room);
        let expected = if n == 3 {
            ScreenName::Withdraw
        } else {
            ScreenName::Paused
        };
        assert_eq!(room.session.screen_name(), expected);
        assert!(room.forgotten.is_empty());
        if n == 3 {
            continue;
        }
        room.press(Button::Go, 0);
        room.wait(1000);
        assert_eq!(room.session.screen_name(), ScreenName::Reading);
        assert_eq!(room.begun[&2].of.line, room.begun[&1].of.line);
    }
}

#[test]
fn the_question_returns_to_where_it_was_put() {
    type Place = (fn(&mut Room), ScreenName);
    let places: [Place; 5] = [
        (|_| {}, ScreenName::Code),
        (|room| room.press(Button::Go, 0), ScreenName::Intro),
        (
            |room| {
                room.press(Button::Go, 0);
                room.wait(20);
                room.press(Button::Go, 0);
                room.wait(500);
                room.press(Button::Pause, 0);
            },
            ScreenName::Paused,
        ),
        (
            |room| {
                room.press(Button::Go, 0);
                room.wait(20);
                room.press(Button::Go, 0);
                room.wait(20_000);
            },
            ScreenName::Over,
        ),
        (
            |room| {
                room.press(Button::Go, 0);
                room.wait(20);
                room.press(Button::Stop, 0);
                room.wait(29_500);
            },
            ScreenName::Thanks,
        ),
    ];
    for (go_there, name) in places {
        let mut room = Room::asking();
        room.consent();
        go_there(&mut room);
        assert_eq!(room.session.screen_name(), name);
        room.press(Button::Stop, 1000);
        assert_eq!(room.session.screen_name(), ScreenName::Withdraw, "{name}");
        room.press(Button::Stop, 0);
        assert_eq!(room.session.screen_name(), name);
        room.press(Button::Stop, 1000);
        room.press(Button::Go, 1000);
        room.wait(100);
        assert_eq!(room.forgotten, [By::Visitor], "{name}");
    }
}

#[test]
fn a_sphere_that_starts_while_the_question_stands_falls_silent() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Redo, 100);
    while room.session.screen_name() != ScreenName::Intro {
        room.wait(3000);
        room.press(Button::Go, 0);
    }
    room.press(Button::Go, 0);
    room.press(Button::Stop, 1000);
    assert_eq!(
        room.session.screen_name(),
        ScreenName::Quiet,
        "{:?}",
        room.session.state
    );
}

#[test]
fn a_session_forgotten_from_elsewhere_is_aborted_and_erased() {
    let mut room = Room::new(config::Mode::Auto);
    room.send(Event::News(News::Withdrawn));
    assert!(room.forgotten.is_empty());
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::News(News::Withdrawn));
    room.send(Event::News(News::Withdrawn));
    room.wait(100);
    assert_eq!(room.forgotten, [By::Code]);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Aborted);
    room.press(Button::Go, 0);
    room.go_to_reading();
    assert_eq!(room.sessions, 2);
}

#[test]
fn an_erasure_is_waited_for_by_visitors_and_by_the_end() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::News(News::Withdrawn));
    room.due.clear();
    room.send(Event::Fault(FaultKind::Disk, "away".into()));
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    for button in Button::ALL {
        room.press(button, 1500);
    }
    room.send(Event::Shutdown);
    room.wait(100_000);
    assert!(!room.session.is_idle());
    room.send(Event::Cleared(FaultKind::Disk));
    room.send(Event::News(News::Forgotten));
    room.wait(40_000);
    assert!(room.session.is_idle());
}
