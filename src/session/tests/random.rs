//! Properties over random presses and faults.

use proptest::prelude::*;

use super::*;

#[test]
fn a_million_random_presses_leave_no_dead_end() {
    let mut room = Room::asking();
    let mut random = 1u64;
    for _ in 0..1_000_000 / 4 {
        // Knuth's MMIX generator: any would do.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let draw = random >> 33;
        for n in 0..4 {
            let draw = draw >> (8 * n) & 0xff;
            let button = Button::ALL[draw as usize % 4];
            room.press(button, if draw < 16 { 1100 } else { 0 });
        }
        room.wait(draw % 700);
    }
    assert!(room.sessions > 100, "{} sessions", room.sessions);
    assert!(room.closed > 10 && room.forgotten.len() > 10);
    room.wait(200_000);
    assert!(room.session.is_idle(), "stuck in {:?}", room.session.state);
}

#[derive(Clone, Debug)]
enum Input {
    Press(Button, u64),
    Wait(u64),
    Fault(FaultKind),
    Clear(FaultKind),
    FailTake,
    Slow(bool),
    Room(u64),
    Sphere { fails: bool },
}

fn input() -> impl Strategy<Value = Input> {
    let button = prop::sample::select(Button::ALL.to_vec());
    let kind = prop::sample::select(vec![FaultKind::Device, FaultKind::Storage]);
    prop_oneof![
        8 => (button, prop_oneof![4 => Just(0u64), 1 => 0..2000u64])
            .prop_map(|(button, held)| Input::Press(button, held)),
        8 => (0..6000u64).prop_map(Input::Wait),
        1 => kind.clone().prop_map(Input::Fault),
        1 => kind.prop_map(Input::Clear),
        1 => Just(Input::FailTake),
        1 => any::<bool>().prop_map(Input::Slow),
        1 => (0..200u64).prop_map(Input::Room),
        2 => any::<bool>().prop_map(|fails| Input::Sphere { fails }),
    ]
}

fn give(room: &mut Room, input: Input) {
    match input {
        Input::Press(button, held) => room.press(button, held),
        Input::Wait(frames) => room.wait(frames),
        Input::Fault(kind) => room.send(Event::Fault(kind, "test".into())),
        Input::Clear(kind) => room.send(Event::Cleared(kind)),
        Input::Room(seconds) => room.send(Event::Room(seconds)),
        Input::Slow(slow) => room.send(Event::Slow(slow)),
        Input::Sphere { fails } => room.sphere.fails = fails,
        Input::FailTake => {
            let take = room.begun.len() as u32;
            let failed = Event::Failed(take, "disk".into());
            room.due.retain(|(_, event)| *event != Event::Stored(take));
            room.send(failed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_take_begun_ends_once_and_every_state_has_a_way_out(
        manual in any::<bool>(),
        asks in any::<bool>(),
        inputs in prop::collection::vec(input(), 1..120),
    ) {
        let mode = if manual { config::Mode::Manual } else { config::Mode::Auto };
        let mut room = Room::new(mode);
        if asks {
            room.session.rules.pages = vec!["one".into(), "two".into()];
        }
        for input in inputs {
            give(&mut room, input);
        }
        room.send(Event::Cleared(FaultKind::Device));
        room.send(Event::Cleared(FaultKind::Storage));
        room.send(Event::Room(10_000));
        room.wait(300_000);
        prop_assert!(room.session.is_idle(), "stuck in {:?}", room.session.state);
        prop_assert_eq!(room.begun.len(), room.ended.len());
    }

    #[test]
    fn until_something_is_due_ticks_change_nothing(
        asks in any::<bool>(),
        inputs in prop::collection::vec(input(), 1..60),
    ) {
        let mut room = if asks { Room::asking() } else { Room::new(config::Mode::Auto) };
        room.send(Event::Tick);
        for input in inputs {
            give(&mut room, input);
            let before = format!("{:?}", room.session);
            let due = room.session.next_due().unwrap_or(CaptureFrame(u64::MAX / 2));
            let middle = CaptureFrame(room.frame.0.midpoint(due.0));
            for frame in [room.frame, middle, due.back(1)] {
                let mut actions = Vec::new();
                let at = Nanos(frame.0.saturating_mul(1_000_000));
                room.session.step(Stamp { at, frame }, Event::Tick, &mut actions);
                prop_assert!(actions.is_empty(), "{:?}", actions);
                prop_assert_eq!(&before, &format!("{:?}", room.session));
            }
        }
    }

    #[test]
    fn lines_follow_each_other_unless_a_press_says_otherwise(
        waits in prop::collection::vec(1000..3000u64, 1..12),
    ) {
        let mut room = Room::new(config::Mode::Auto);
        room.go_to_reading();
        for wait in waits {
            room.wait(wait);
            if room.session.screen_name() != ScreenName::Reading {
                break;
            }
            room.press(Button::Go, 0);
        }
        let numbers: Vec<_> = room.ended.values().filter_map(|end| end.of.line.as_ref())
            .map(|line| line.number).collect();
        let expected: Vec<_> = (1..=numbers.len() as u64).collect();
        prop_assert_eq!(numbers, expected);
    }
}
