//! Devices, disks, lines and spheres that fail, and what comes after.

use super::*;

#[test]
fn a_lost_device_interrupts_the_take_which_goes_on_by_itself_when_it_is_back() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::Fault(FaultKind::Device, "gone".into()));
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    let left = room.session.steps.timer.left_at(room.frame);
    room.wait(1500);
    assert!(room.ended.is_empty());
    room.send(Event::Cleared(FaultKind::Device));
    assert_eq!(room.session.screen_name(), ScreenName::Reading);
    assert_eq!(room.session.steps.timer.left_at(room.frame), left);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Kept);
    assert_ne!(room.begun[&2].of.line, room.begun[&1].of.line);
}

#[test]
fn a_device_gone_for_longer_than_its_grace_aborts_the_take_and_its_line_comes_again() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    let gone = room.frame;
    room.send(Event::Fault(FaultKind::Device, "gone".into()));
    room.wait(5000);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Aborted);
    assert_eq!(room.ended[&1].end_mark, gone + 2 * u64::from(RATE));
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    room.send(Event::Cleared(FaultKind::Device));
    assert_eq!(room.session.screen_name(), ScreenName::Reading);
    assert_eq!(room.begun[&2].of.line, room.begun[&1].of.line);
}

#[test]
fn a_take_that_cannot_be_written_leads_to_a_pause_and_its_line_comes_again() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::Failed(1, "disk".into()));
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    room.press(Button::Go, 0);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Aborted);
    assert_eq!(room.begun[&2].of.line, room.begun[&1].of.line);
}

#[test]
fn a_line_that_cannot_be_had_is_a_fault_only_once_it_is_needed() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.dry = Some(dry("away", false));
    room.send(Event::News(News::NoLine(dry("away", false))));
    for _ in 0..17 {
        assert_eq!(room.session.screen_name(), ScreenName::Reading);
        room.wait(1000);
        room.press(Button::Go, 0);
    }
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    // The visitor leaves; the next one meets a booth that tries again.
    room.press(Button::Stop, 0);
    room.wait(40_000);
    assert_eq!(room.session.screen_name(), ScreenName::Attract);
    room.dry = None;
    room.go_to_reading();
}

#[test]
fn a_device_that_returns_beside_another_fault_begins_no_take_for_a_visitor_who_left() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::Fault(FaultKind::Device, "gone".into()));
    room.send(Event::Failed(1, "disk".into()));
    room.send(Event::Cleared(FaultKind::Device));
    room.send(Event::Shutdown);
    room.wait(20_000);
    assert!(room.session.is_idle(), "stuck in {:?}", room.session.state);
    assert_eq!(room.begun.len(), room.ended.len());
}

#[test]
fn only_what_fits_is_begun_and_the_reserve_ends_a_session_cleanly() {
    let mut room = Room::new(config::Mode::Auto);
    // Room for the first two steps of three: 25 s and a quarter, and what open takes reserve.
    room.send(Event::Room(65));
    assert_eq!(room.session.steps_that_fit(), 2);
    // While it is sealed, the longest take, of 5 s, is on the disk twice.
    room.session.rules.sealed = true;
    assert_eq!(room.session.steps_that_fit(), 1);
    room.session.rules.sealed = false;
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::Room(40));
    assert_eq!(room.session.screen_name(), ScreenName::Reading);
    room.send(Event::Room(0));
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    assert_eq!(room.ended[&1].judged.verdict, Verdict::Aborted);
    room.wait(30_000);
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    room.press(Button::Go, 0);
    assert_eq!(room.sessions, 1);
    // Somebody made room.
    room.send(Event::Room(10_000));
    room.go_to_reading();
    assert_eq!(room.sessions, 2);
}
