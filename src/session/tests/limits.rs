//! What happens to a reading that no press ended, to hands that hammer, and to those who left.

use super::*;
use crate::screen::Body;
use crate::words::Judged;

#[test]
fn a_reading_cut_by_its_limit_is_aborted_and_its_line_is_read_once_more() {
    for mode in [config::Mode::Auto, config::Mode::Manual] {
        let mut room = Room::new(mode);
        room.go_to_reading();
        if mode == config::Mode::Manual {
            room.press(Button::Go, 0);
        }
        room.wait(4500);
        assert_eq!(room.ended[&1].judged, Judged::CUT);
        assert_eq!(room.begun.len(), 1, "no take begins without a press");
        room.press(Button::Go, 0);
        room.wait(1500);
        room.press(Button::Go, 0);
        room.wait(300);
        assert_eq!(room.ended[&2].judged, Verdict::Kept.into());
        assert_eq!(room.readings()[..2], [(1, 1), (1, 2)]);
        assert_eq!(room.done.first(), Some(&0), "read at last");
    }
}

#[test]
fn a_line_that_is_cut_twice_is_left_for_somebody_else() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    for _ in 0..2 {
        room.wait(4500);
        room.press(Button::Go, 0);
    }
    room.wait(1500);
    room.press(Button::Go, 0);
    room.wait(300);
    assert_eq!(room.readings()[..3], [(1, 1), (1, 2), (2, 1)]);
    assert_eq!(room.ended[&2].judged, Judged::CUT);
    assert!(!room.done.contains(&0) && room.done.contains(&1));
}

#[test]
fn a_reading_cut_by_the_steps_end_is_aborted_and_free_speech_is_not() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    for _ in 0..9 {
        room.wait(2000);
        room.press(Button::Go, 0);
    }
    room.wait(4990);
    let last = room.ended.values().last().expect("takes");
    assert_eq!(last.judged, Judged::CUT);
    let line = last.of.line.as_ref().map(|line| line.number);
    assert_eq!(room.session.lines.first, line, "it comes first again");
    assert_eq!(room.done.len(), 9);
    for _ in 0..2 {
        room.wait(10_000);
        room.press(Button::Go, 0);
    }
    room.wait(20_000);
    let spoken = room.ended.values().filter(|end| end.of.line.is_none());
    assert!(
        spoken
            .into_iter()
            .all(|end| end.judged == Verdict::Kept.into())
    );
}

#[test]
fn the_take_of_a_reader_who_left_is_cut() {
    let mut room = Room::new(config::Mode::Auto);
    room.session.rules.take.max_s = 100;
    room.session.steps.timer = timer::Timer::new(1);
    room.go_to_reading();
    room.session.steps.timer = timer::Timer::new(200_000);
    room.wait(122_000);
    assert_eq!(room.ended[&1].judged, Judged::CUT);
    assert_eq!(room.closed, 1);
}

#[test]
fn no_step_that_reads_outlasts_idle_s_without_a_press() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.session.steps.timer = timer::Timer::new(1_000_000);
    room.session.steps.timer.run(room.frame);
    room.wait(30_000);
    assert_eq!(room.session.screen_name(), ScreenName::Reading);
    room.wait(31_000);
    assert_eq!(room.session.screen_name(), ScreenName::Thanks);
    for _ in 0..2 {
        room.press(Button::Go, 0);
    }
    assert_eq!(
        room.sessions, 2,
        "who comes later has a session of their own"
    );
}

#[test]
fn consent_and_code_wait_for_a_minute_at_most() {
    let mut room = Room::asking();
    let patient = Protocol {
        idle_s: 600,
        ..(*room.session.protocol).clone()
    };
    room.session.protocol = Arc::new(patient);
    room.press(Button::Go, 0);
    room.wait(59_000);
    assert_eq!(room.session.screen_name(), ScreenName::Consent);
    room.wait(1100);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    room.consent();
    assert_eq!(room.session.screen_name(), ScreenName::Code);
    room.wait(61_000);
    assert_eq!(room.forgotten, [By::Abandoned], "nobody has its code");
}

#[test]
fn three_takes_in_a_row_below_a_second_are_no_readings_and_their_lines_come_again() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    for _ in 0..3 {
        room.wait(400);
        room.press(Button::Go, 0);
    }
    room.wait(300);
    for take in 1..=3 {
        assert_eq!(room.ended[&take].judged, Judged::SHORT, "take {take}");
    }
    assert_eq!((room.begun.len(), room.done.len()), (3, 0));
    // Presses mean nothing for two seconds.
    for _ in 0..4 {
        room.press(Button::Go, 0);
        room.wait(400);
    }
    assert_eq!(room.begun.len(), 3);
    room.wait(200);
    room.press(Button::Go, 0);
    for _ in 0..3 {
        room.wait(1500);
        room.press(Button::Go, 0);
    }
    room.wait(300);
    let expected = [(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (3, 2), (4, 1)];
    assert_eq!(room.readings(), expected);
    assert_eq!(room.done, BTreeSet::from([0, 1, 2]));
}

#[test]
fn one_or_two_short_readings_are_kept_and_the_corpus_hears_of_them() {
    for ended_by in [Button::Go, Button::Stop, Button::Pause] {
        let mut room = Room::new(config::Mode::Auto);
        room.go_to_reading();
        for _ in 0..2 {
            room.wait(400);
            room.press(Button::Go, 0);
        }
        room.wait(300);
        assert!(room.done.is_empty(), "a third may follow");
        room.wait(1500);
        room.press(ended_by, 0);
        room.wait(300);
        assert_eq!(room.ended[&1].judged, Verdict::Kept.into());
        assert_eq!(room.ended[&2].judged, Verdict::Kept.into());
        assert!(
            room.done.contains(&0) && room.done.contains(&1),
            "{ended_by:?}"
        );
    }
}

#[test]
fn a_hand_that_hammers_for_minutes_reads_nothing_and_nothing_piles_up() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.session.steps.timer = timer::Timer::new(1_000_000);
    room.session.steps.timer.run(room.frame);
    for _ in 0..540 {
        room.wait(330);
        room.press(Button::Go, 0);
    }
    assert!(room.done.is_empty(), "{:?}", room.done);
    let kept = |end: &&End| end.judged == Verdict::Kept.into();
    assert!(room.ended.values().filter(kept).count() <= 2);
    assert!(
        room.session.lines.ahead.len() < 24,
        "{}",
        room.session.lines.ahead.len()
    );
}

#[test]
fn a_text_replaced_under_its_reader_ends_the_step_and_the_session_shows_its_code() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.dry = Some(dry("replaced", true));
    room.send(Event::News(News::NoLine(dry("replaced", true))));
    for _ in 0..17 {
        assert_eq!(room.session.screen_name(), ScreenName::Reading);
        room.wait(1000);
        room.press(Button::Go, 0);
    }
    assert_eq!(room.session.screen_name(), ScreenName::Over);
    assert!(
        room.ended
            .values()
            .all(|end| end.judged == Verdict::Kept.into())
    );
    room.wait(2500);
    assert_eq!(
        room.session.screen_name(),
        ScreenName::Intro,
        "the next step"
    );
}

#[test]
fn a_code_that_was_never_shown_is_shown_for_a_minute_to_whoever_left() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Pause, 0);
    room.wait(60_500);
    assert_eq!(room.session.screen_name(), ScreenName::Thanks);
    assert!(room.session.shows_code());
    room.wait(59_000);
    assert_eq!(room.session.screen_name(), ScreenName::Thanks);
    room.wait(1500);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    // One that was shown at the beginning is not shown to an empty room.
    let mut room = Room::asking();
    room.consent();
    room.press(Button::Go, 0);
    room.wait(60_500);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
}

#[test]
fn a_press_before_the_first_line_is_answered_and_the_step_begins_with_the_line() {
    let mut room = Room::new(config::Mode::Auto);
    room.press(Button::Go, 0);
    room.press(Button::Go, 0);
    let screen = room.session.screen(room.frame);
    let coming = &room.session.rules.locale.words.lines_coming;
    assert_eq!(
        screen.body,
        Body::Message {
            text: coming.as_str().into()
        }
    );
    room.wait(20);
    assert_eq!(room.session.screen_name(), ScreenName::Reading);
    assert_eq!(room.begun.len(), 1);
}

#[test]
fn an_enrolled_person_who_left_before_a_take_is_not_erased_where_others_are() {
    let mut room = Room::asking();
    let erasing = Protocol {
        abandoned: protocol::Abandoned::Erase,
        ..(*room.session.protocol).clone()
    };
    room.session.protocol = Arc::new(erasing);
    room.session.visitor = Visitor::expected(Some("123".into()));
    room.consent();
    assert_eq!(room.session.screen_name(), ScreenName::Intro);
    room.wait(61_000);
    assert_eq!((room.closed, room.forgotten.len()), (1, 0));
}
