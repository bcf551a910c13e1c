//! Before anything is kept: consent, and the code.

use super::*;

#[test]
fn nothing_is_asked_for_before_consent_and_takes_reach_no_further_back() {
    let mut room = Room::asking();
    room.press(Button::Go, 0);
    for button in [Button::Go, Button::Redo, Button::Go, Button::Go, Button::Go] {
        room.wait(700);
        assert_eq!(room.session.screen_name(), ScreenName::Consent);
        room.press(button, 0);
    }
    assert_eq!((room.sessions, room.notes), (0, 0));
    let held = room.frame;
    room.press(Button::Go, 1100);
    let consent = held + 1000;
    assert_eq!(
        (room.sessions, room.session.frame0()),
        (1, begins_at(consent))
    );
    assert_eq!(room.session.screen_name(), ScreenName::Code);
    room.press(Button::Go, 0);
    room.wait(20);
    room.press(Button::Go, 0);
    assert_eq!(room.begun[&1].start_frame, consent);
}

#[test]
fn only_a_go_held_on_the_last_page_consents() {
    let pages = |count: usize| vec![Arc::from("page"); count];
    for (count, presses, consents) in [
        (1, vec![(Button::Go, 0), (Button::Go, 999)], false),
        (1, vec![(Button::Go, 0), (Button::Go, 1000)], true),
        // Held from the screen before, or on a page before the last.
        (1, vec![(Button::Go, 3000)], false),
        (2, vec![(Button::Go, 0), (Button::Go, 3000)], false),
        (
            2,
            vec![(Button::Go, 0), (Button::Go, 3000), (Button::Go, 1000)],
            true,
        ),
        (1, vec![(Button::Go, 0), (Button::Redo, 3000)], false),
        (1, vec![(Button::Go, 0), (Button::Pause, 3000)], false),
        (1, vec![(Button::Go, 0), (Button::Stop, 3000)], false),
    ] {
        let mut room = Room::asking();
        room.session.rules.pages = pages(count);
        for (button, held) in &presses {
            room.press(*button, *held);
        }
        assert_eq!(room.sessions == 1, consents, "{count} pages, {presses:?}");
    }
}

#[test]
fn who_does_not_consent_leaves_no_trace() {
    let mut room = Room::asking();
    room.press(Button::Go, 0);
    room.wait(1000);
    room.press(Button::Stop, 50);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    room.press(Button::Go, 0);
    room.wait(70_000);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    // Held as the time runs out: the page is gone.
    room.press(Button::Go, 0);
    room.send(Event::Shutdown);
    assert!(room.session.is_idle());
    assert_eq!((room.sessions, room.notes), (0, 0));
}

#[test]
fn a_code_that_nobody_confirms_keeps_nothing() {
    for end in [None, Some(Event::Shutdown), Some(Event::Room(0))] {
        let mut room = Room::asking();
        room.consent();
        room.wait(500);
        assert!(room.session.shows_code());
        match end {
            Some(event) => room.send(event),
            None => room.wait(70_000),
        }
        room.wait(60_000);
        assert_eq!(room.forgotten, [By::Abandoned]);
        assert!(room.session.is_vacant() && !room.session.shows_code());
    }
}

#[test]
fn a_stop_on_the_code_ends_the_session_and_says_that_nothing_is_kept() {
    let mut room = Room::asking();
    room.consent();
    room.press(Button::Stop, 100);
    room.wait(100);
    assert_eq!(room.session.screen_name(), ScreenName::Thanks);
    assert!(!room.session.shows_code());
    assert_eq!(room.forgotten, [By::Abandoned]);
    room.press(Button::Go, 0);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
}

#[test]
fn a_confirmed_code_is_shown_again_at_the_end_and_gone_at_attract() {
    let mut room = Room::asking();
    room.consent();
    room.press(Button::Go, 0);
    room.wait(20);
    assert!(!room.session.shows_code());
    room.press(Button::Stop, 100);
    room.wait(1000);
    assert_eq!(room.session.screen_name(), ScreenName::Thanks);
    assert!(room.session.shows_code());
    room.press(Button::Go, 0);
    assert!(room.session.is_idle() && !room.session.shows_code());
    assert!(room.forgotten.is_empty());
}

#[test]
fn without_a_consent_text_the_code_is_shown_at_the_end() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Stop, 100);
    assert!(room.session.shows_code());
}

#[test]
fn an_enrolled_person_sees_no_code_and_the_next_visitor_sees_theirs() {
    let mut room = Room::asking();
    room.session.visitor.expected = Some(Expected {
        number: "123".into(),
        until: None,
    });
    room.press(Button::Go, 0);
    room.press(Button::Stop, 0);
    room.consent();
    assert_eq!(room.session.screen_name(), ScreenName::Intro);
    room.press(Button::Stop, 100);
    assert!(!room.session.shows_code());
    room.press(Button::Go, 0);
    room.consent();
    assert!(room.session.shows_code());
}

#[test]
fn an_abandoned_session_is_kept_or_erased_as_the_protocol_says() {
    for (erase, expected) in [(false, vec![]), (true, vec![By::Abandoned])] {
        let mut room = Room::new(config::Mode::Auto);
        if erase {
            let mut protocol = (*room.session.protocol).clone();
            protocol.abandoned = protocol::Abandoned::Erase;
            room.session.protocol = Arc::new(protocol);
        }
        room.go_to_reading();
        room.wait(200_000);
        assert!(room.session.is_idle());
        assert_eq!(room.forgotten, expected);
    }
}
