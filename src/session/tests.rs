//! Properties of the session over random events; the booth around it is played by [`Room`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::rt::Nanos;

const RATE: u32 = 1000;
const PROTOCOL: &str = r#"
name = "test"
idle_s = 60
[[step]]
name = "read"
kind = "read"
seconds = 20
[[step]]
name = "noise"
kind = "quiet"
seconds = 5
sphere = { track = "noise", length_s = 100, locate_s = "random" }
[[step]]
name = "talk"
kind = "free"
seconds = 8
"#;

fn session(mode: config::Mode, sphere: bool) -> Session {
    let protocol = Protocol::parse("test.toml", PROTOCOL).expect("a valid protocol");
    let take = config::Take {
        mode,
        max_s: 4,
        segment_s: 3,
        ..config::Take::default()
    };
    let rules = Rules {
        rate: RATE,
        take,
        language: "fr".into(),
        sphere,
        seed: 7,
        device_grace_s: 2,
        resume_min: 10,
    };
    Session::new(Arc::new(protocol), rules)
}

/// Recorder, clerk and sphere as the session sees them; checks each action as it comes.
struct Room {
    session: Session,
    frame: u64,
    begun: BTreeMap<u32, Begin>,
    ended: BTreeMap<u32, End>,
    due: Vec<(u64, Event)>,
    next_ticket: u64,
    done: BTreeSet<u64>,
    request: u32,
    sessions: u32,
    sphere_fails: bool,
    /// No line can be had.
    dry: bool,
}

impl Room {
    fn new(mode: config::Mode) -> Room {
        Room {
            session: session(mode, true),
            frame: 5000,
            begun: BTreeMap::new(),
            ended: BTreeMap::new(),
            due: Vec::new(),
            next_ticket: 0,
            done: BTreeSet::new(),
            request: 0,
            sessions: 0,
            sphere_fails: false,
            dry: false,
        }
    }

    fn send(&mut self, event: Event) {
        let mut actions = Vec::new();
        let at = Nanos(self.frame * 1_000_000);
        self.session.step(
            Stamp {
                at,
                frame: self.frame,
            },
            event,
            &mut actions,
        );
        for action in actions {
            self.perform(action);
        }
        let deaf = self.session.faults.contains_key(&FaultKind::Device);
        assert!(
            !deaf || !self.session.timer.is_running(),
            "time runs without a device"
        );
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Open => {
                assert!(
                    self.begun.len() == self.ended.len(),
                    "a session begins with a take open"
                );
                assert!(self.session.frame0() <= self.frame as i64);
                self.begun.clear();
                self.ended.clear();
                self.sessions += 1;
            }
            Action::Begin(begin) => {
                assert_eq!(self.begun.len(), self.ended.len(), "two takes run at once");
                assert!(begin.start_frame as i64 >= self.session.frame0());
                let ended = self.ended.values().map(|end| end.end_mark);
                assert!(
                    ended.max().is_none_or(|end| begin.start_mark >= end),
                    "a take begins before the end of the one before it"
                );
                assert!(
                    self.begun.insert(begin.of.take, *begin).is_none(),
                    "a number given twice"
                );
            }
            Action::End(end) => {
                assert!(
                    self.begun.contains_key(&end.of.take),
                    "a take ended that never began"
                );
                assert!(end.start_mark <= end.end_mark && end.end_mark <= end.end_frame);
                self.due.push((
                    end.end_frame.max(self.frame) + 5,
                    Event::Stored(end.of.take),
                ));
                assert!(
                    self.ended.insert(end.of.take, *end).is_none(),
                    "a take ended twice"
                );
            }
            Action::WantLines { request, .. } => {
                self.request = request;
                self.next_ticket = self.done.last().map_or(0, |ticket| ticket + 1);
                for _ in 0..16 {
                    self.give_line();
                }
            }
            Action::WantLine => self.give_line(),
            Action::LineDone(ticket) => {
                self.done.insert(ticket);
            }
            Action::Play { track, .. } => {
                let at = SphereAt {
                    track: track.to_string(),
                    frame: 0,
                    at_frame: self.frame,
                    uncertainty_frames: 1,
                };
                let answer = if self.sphere_fails {
                    Err("no answer".into())
                } else {
                    Ok(at)
                };
                self.due.push((self.frame + 40, Event::Rolling(answer)));
            }
            Action::Close(_) => assert_eq!(self.begun.len(), self.ended.len()),
            Action::Amend(take, _) => assert!(self.ended.contains_key(&take)),
            Action::Resume(_)
            | Action::Decline
            | Action::MayEnd(..)
            | Action::Silence
            | Action::Note(..) => {}
        }
    }

    fn give_line(&mut self) {
        if self.dry {
            self.due.push((self.frame + 1, Event::NoLine("dry".into())));
            return;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let text = format!("line {ticket}").into();
        let line = Prompt {
            ticket,
            number: ticket + 1,
            id: None,
            text,
        };
        self.due
            .push((self.frame + 1, Event::Line(self.request, line)));
    }

    /// Lets `frames` go by in ticks of ten.
    fn wait(&mut self, frames: u64) {
        let end = self.frame + frames;
        while self.frame < end {
            self.frame = (self.frame + 10).min(end);
            let now = self.frame;
            let due: Vec<_> = self
                .due
                .extract_if(.., |(frame, _)| *frame <= now)
                .collect();
            for (_, event) in due {
                self.send(event);
            }
            self.send(Event::Tick);
        }
    }

    fn press(&mut self, button: Button, held: u64) {
        let paused = self.session.screen_name() == Name::Paused;
        let left = self.session.timer.left_at(self.frame);
        self.send(Event::Edge(button, true));
        if held > 0 {
            self.wait(held);
        }
        self.send(Event::Edge(button, false));
        if paused && self.session.screen_name() == Name::Paused {
            assert_eq!(
                self.session.timer.left_at(self.frame),
                left,
                "the timer ran in a pause"
            );
        }
    }

    fn go_to_reading(&mut self) {
        self.press(Button::Go, 0);
        self.wait(20);
        self.press(Button::Go, 0);
        self.wait(10);
        assert_eq!(self.session.screen_name(), Name::Reading);
    }
}

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
    assert_eq!(room.begun[&1].start_frame, pressed - 250);
    assert_eq!((end.start_mark, end.end_mark), (pressed, pressed + 2000));
    assert_eq!(end.end_frame, pressed + 2250);
    assert_eq!(room.begun[&2].start_frame, pressed + 1750);
}

#[test]
fn nothing_before_frame_0_is_recorded() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    assert_eq!(room.begun[&1].start_frame as i64, room.session.frame0());
}

#[test]
fn a_redo_keeps_the_old_take_and_shows_the_same_line() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Redo, 100);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].verdict, Verdict::Redone);
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
    assert_eq!(room.ended[&1].verdict, Verdict::Skipped);
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
    let mark = room.frame - 10;
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
    let left = room.session.timer.left_at(room.frame);
    room.wait(10_000);
    assert_eq!(room.session.timer.left_at(room.frame), left);
    room.press(Button::Pause, 0);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].verdict, Verdict::Paused);
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
fn an_abandoned_booth_returns_to_attract() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.press(Button::Pause, 0);
    room.wait(1000);
    room.press(Button::Pause, 0);
    room.wait(70_000);
    assert!(room.session.is_idle());
}

#[test]
fn a_lost_device_interrupts_the_take_which_goes_on_by_itself_when_it_is_back() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::Fault(FaultKind::Device, "gone".into()));
    assert_eq!(room.session.screen_name(), Name::Fault);
    let left = room.session.timer.left_at(room.frame);
    room.wait(1500);
    assert!(room.ended.is_empty());
    room.send(Event::Cleared(FaultKind::Device));
    assert_eq!(room.session.screen_name(), Name::Reading);
    assert_eq!(room.session.timer.left_at(room.frame), left);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].verdict, Verdict::Kept);
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
    assert_eq!(room.ended[&1].verdict, Verdict::Aborted);
    assert_eq!(room.ended[&1].end_mark, gone + 2 * u64::from(RATE));
    assert_eq!(room.session.screen_name(), Name::Fault);
    room.send(Event::Cleared(FaultKind::Device));
    assert_eq!(room.session.screen_name(), Name::Reading);
    assert_eq!(room.begun[&2].of.line, room.begun[&1].of.line);
}

#[test]
fn a_take_that_cannot_be_written_leads_to_a_pause_and_its_line_comes_again() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::Failed(1, "disk".into()));
    assert_eq!(room.session.screen_name(), Name::Fault);
    room.press(Button::Go, 0);
    room.wait(1000);
    room.press(Button::Go, 0);
    assert_eq!(room.ended[&1].verdict, Verdict::Aborted);
    assert_eq!(room.begun[&2].of.line, room.begun[&1].of.line);
}

#[test]
fn a_line_that_cannot_be_had_is_a_fault_only_once_it_is_needed() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.dry = true;
    room.send(Event::NoLine("changed".into()));
    for _ in 0..17 {
        assert_eq!(room.session.screen_name(), Name::Reading);
        room.wait(400);
        room.press(Button::Go, 0);
    }
    assert_eq!(room.session.screen_name(), Name::Fault);
    // The visitor leaves; the next one meets a booth that tries again.
    room.press(Button::Stop, 0);
    room.wait(20_000);
    assert_eq!(room.session.screen_name(), Name::Attract);
    room.dry = false;
    room.go_to_reading();
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

#[test]
fn what_waits_for_a_visitor_does_not_linger_once_nobody_will_press() {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    room.wait(1000);
    room.press(Button::Stop, 0);
    room.send(Event::NoMorePresses);
    room.wait(5000);
    assert_eq!(room.session.screen_name(), Name::Attract);
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
    room.go_to_reading();
    room.wait(1000);
    room.send(Event::Room(40));
    assert_eq!(room.session.screen_name(), Name::Reading);
    room.send(Event::Room(0));
    assert_eq!(room.session.screen_name(), Name::Fault);
    assert_eq!(room.ended[&1].verdict, Verdict::Aborted);
    room.wait(30_000);
    assert_eq!(room.session.screen_name(), Name::Fault);
    room.press(Button::Go, 0);
    assert_eq!(room.sessions, 1);
    // Somebody made room.
    room.send(Event::Room(10_000));
    room.go_to_reading();
    assert_eq!(room.sessions, 2);
}

fn cut_session() -> Event {
    Event::Offer(Box::new(crate::store::resume::Resumption {
        folder: "cut".into(),
        step: "read".into(),
        used_frames: 15_000,
        next_frame: 1_000_000,
        takes: 7,
        line: Some((1, 2)),
    }))
}

#[test]
fn a_session_cut_by_a_crash_goes_on_where_it_stopped() {
    let mut room = Room::new(config::Mode::Auto);
    room.send(cut_session());
    assert_eq!(room.session.screen_name(), Name::Question);
    room.wait(1000);
    let taken_up = room.frame;
    room.press(Button::Go, 0);
    assert_eq!(room.session.in_session(taken_up), 1_000_000);
    assert_eq!(room.session.timer.left_at(room.frame), 5000);
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
    assert_eq!(room.session.screen_name(), Name::Attract);
    room.press(Button::Go, 0);
    assert_eq!(room.session.screen_name(), Name::Question);
    room.wait(31_000);
    assert_eq!(room.session.screen_name(), Name::Attract);
    room.go_to_reading();
    assert_eq!(room.sessions, 1);
}

#[test]
fn an_offer_ends_with_stop_and_with_its_time() {
    let mut room = Room::new(config::Mode::Auto);
    room.send(cut_session());
    room.press(Button::Stop, 0);
    assert_eq!(room.session.screen_name(), Name::Attract);
    assert!(room.session.offer.is_none());
    room.send(cut_session());
    room.wait(600_000);
    assert!(room.session.offer.is_none());
}

#[test]
fn a_sphere_that_fails_can_be_asked_again_or_passed_over() {
    for button in [Button::Go, Button::Redo] {
        let mut room = Room::new(config::Mode::Auto);
        room.go_to_reading();
        room.wait(1000);
        room.press(Button::Redo, 100);
        for _ in 0..7 {
            room.wait(3000);
            room.press(Button::Go, 0);
        }
        assert_eq!(room.session.screen_name(), Name::Intro);
        room.sphere_fails = true;
        room.press(Button::Go, 0);
        room.wait(100);
        assert_eq!(room.session.screen_name(), Name::Fault);
        room.sphere_fails = false;
        room.press(button, 0);
        room.wait(100);
        assert_eq!(room.session.screen_name(), Name::Quiet);
        room.wait(9000);
        let noise = room
            .ended
            .values()
            .find(|end| end.of.kind == Kind::Quiet)
            .expect("a take");
        assert_eq!(noise.of.sphere.is_some(), button == Button::Redo);
    }
}

#[test]
fn a_million_random_presses_leave_no_dead_end() {
    let mut room = Room::new(config::Mode::Auto);
    let mut random = 1u64;
    for _ in 0..1_000_000 / 4 {
        // Knuth's MMIX generator: any would do.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let draw = random >> 33;
        for button in Button::ALL {
            room.press(button, if draw.is_multiple_of(61) { 1100 } else { 0 });
        }
        room.wait(draw % 700);
    }
    assert!(room.sessions > 100, "{} sessions", room.sessions);
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_take_begun_ends_once_and_every_state_has_a_way_out(
        manual in any::<bool>(),
        inputs in prop::collection::vec(input(), 1..120),
    ) {
        let mode = if manual { config::Mode::Manual } else { config::Mode::Auto };
        let mut room = Room::new(mode);
        for input in inputs {
            match input {
                Input::Press(button, held) => room.press(button, held),
                Input::Wait(frames) => room.wait(frames),
                Input::Fault(kind) => room.send(Event::Fault(kind, "test".into())),
                Input::Clear(kind) => room.send(Event::Cleared(kind)),
                Input::Room(seconds) => room.send(Event::Room(seconds)),
                Input::Slow(slow) => room.send(Event::Slow(slow)),
                Input::Sphere { fails } => room.sphere_fails = fails,
                Input::FailTake => {
                    let take = room.begun.len() as u32;
                    let failed = Event::Failed(take, "disk".into());
                    room.due.retain(|(_, event)| *event != Event::Stored(take));
                    room.send(failed);
                }
            }
        }
        room.send(Event::Cleared(FaultKind::Device));
        room.send(Event::Cleared(FaultKind::Storage));
        room.send(Event::Room(10_000));
        room.wait(300_000);
        prop_assert!(room.session.is_idle(), "stuck in {:?}", room.session.state);
        prop_assert_eq!(room.begun.len(), room.ended.len());
    }

    #[test]
    fn lines_follow_each_other_unless_a_press_says_otherwise(
        waits in prop::collection::vec(310..3000u64, 1..12),
    ) {
        let mut room = Room::new(config::Mode::Auto);
        room.go_to_reading();
        for wait in waits {
            room.wait(wait);
            if room.session.screen_name() != Name::Reading {
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
