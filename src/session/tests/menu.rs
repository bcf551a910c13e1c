//! A keeper who chooses the enrolled person who comes next.

use super::*;

fn with_menu() -> Room {
    let mut room = Room::asking();
    room.press_all(Button::Stop, 10_000);
    room.wait(10);
    assert_eq!(room.session.screen_name(), ScreenName::Menu);
    assert_eq!(room.listed, 1);
    room.send(Event::Pending(vec!["123".into(), "456".into()]));
    room
}

#[test]
fn the_person_chosen_comes_next_without_a_code_and_the_one_after_is_anybody() {
    let mut room = with_menu();
    room.press(Button::Redo, 0);
    room.press(Button::Go, 0);
    assert_eq!(room.expected, [Some("456".into())]);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    room.session.rules.locale = locale("en");
    let title = room.session.screen(room.frame).title;
    assert_eq!(&*title, "Welcome, number 456");
    room.consent();
    assert_eq!(room.session.screen_name(), ScreenName::Intro);
    assert!(!room.session.visitor.shows_code);
    room.press(Button::Stop, 0);
    room.wait(40_000);
    room.consent();
    assert_eq!(room.session.screen_name(), ScreenName::Code);
}

#[test]
fn a_menu_that_nobody_serves_closes_and_a_person_who_does_not_come_is_not_waited_for() {
    let mut room = with_menu();
    room.press(Button::Redo, 0);
    room.press(Button::Redo, 0);
    assert!(matches!(&room.session.state, State::Menu(menu) if menu.at == 0));
    room.wait(31_000);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    assert!(room.expected.is_empty());
    room.press_all(Button::Stop, 10_000);
    room.send(Event::Pending(vec!["123".into()]));
    room.press(Button::Go, 0);
    room.wait(200_000);
    assert_eq!(room.expected, [Some("123".into()), None]);
    room.consent();
    assert_eq!(room.session.screen_name(), ScreenName::Code);
}

#[test]
fn nobody_can_be_chosen_where_nobody_is_enrolled_and_a_short_hold_opens_nothing() {
    let mut room = Room::asking();
    room.press_all(Button::Stop, 9000);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    room.press_all(Button::Stop, 10_000);
    room.send(Event::Pending(Vec::new()));
    room.press(Button::Go, 0);
    room.press(Button::Redo, 0);
    assert_eq!(room.session.screen_name(), ScreenName::Menu);
    room.press(Button::Stop, 0);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    assert!(room.expected.is_empty());
}

#[test]
fn all_buttons_open_the_menu_whichever_comes_first_and_stop_alone_does_not() {
    let mut room = Room::asking();
    room.press(Button::Stop, 12_000);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    for first in Button::ALL {
        let mut room = Room::asking();
        room.press_all(first, 9500);
        room.wait(61_000);
        assert_eq!((room.listed, room.sessions), (0, 0), "{first:?}");
        room.press_all(first, 10_000);
        assert_eq!(room.session.screen_name(), ScreenName::Menu, "{first:?}");
        room.wait(29_000);
        assert_eq!(room.session.screen_name(), ScreenName::Menu);
        room.wait(2000);
        assert_eq!(room.session.screen_name(), ScreenName::Attract);
    }
}

#[test]
fn the_only_button_of_a_box_opens_it_after_twice_as_long() {
    let mut room = Room::asking();
    room.session.rules.buttons = vec![Button::Go];
    room.press(Button::Go, 19_000);
    assert_eq!(room.session.screen_name(), ScreenName::Consent);
    room.wait(61_000);
    room.press(Button::Go, 20_000);
    assert_eq!(room.session.screen_name(), ScreenName::Menu);
}
