//! What the session asks of the sphere, and what it makes of a sphere that fails.

use super::*;
use crate::sphere::Start;
use crate::words::{Kind, Resumption};

/// The sphere's thread as the session sees it: it does what was asked last as soon as it can.
#[derive(Default)]
pub(super) struct Loudspeakers {
    /// Nothing can be had of it.
    pub(super) fails: bool,
    /// What is to play.
    wanted: Option<(u32, Start<CaptureFrame>)>,
    pub(super) rolls: bool,
    /// Silence was asked for and not confirmed.
    silencing: bool,
    told: bool,
    due: CaptureFrame,
    pub(super) plays: Vec<(Start<CaptureFrame>, u64)>,
}

impl Loudspeakers {
    /// At the program's start: what played before is being stopped.
    pub(super) fn playing() -> Loudspeakers {
        Loudspeakers {
            silencing: true,
            ..Loudspeakers::default()
        }
    }

    pub(super) fn play(
        &mut self,
        play: u32,
        start: Start<CaptureFrame>,
        rest: u64,
        frame: CaptureFrame,
    ) {
        self.wanted = Some((play, start));
        (self.rolls, self.told, self.due) = (false, false, frame + 40);
        self.plays.push((start, rest));
    }

    pub(super) fn silence(&mut self, frame: CaptureFrame) {
        self.wanted = None;
        (self.silencing, self.told, self.due) = (true, false, frame + 20);
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.is_some()
    }

    /// What it has to say at `now`.
    pub(super) fn turn(&mut self, now: CaptureFrame) -> Option<Event> {
        let reason = || "no answer".into();
        match self.wanted {
            Some((play, _)) if self.rolls && self.fails => {
                (self.wanted, self.rolls) = (None, false);
                Some(Event::SphereFailed(play, reason()))
            }
            Some((play, _)) if !self.rolls && now >= self.due => {
                self.rolls = !self.fails;
                if self.rolls {
                    return Some(Event::Rolling(play));
                }
                let told = std::mem::replace(&mut self.told, true);
                (!told).then(|| Event::SphereFailed(play, reason()))
            }
            None if self.silencing && now >= self.due => {
                self.silencing = self.fails;
                if !self.fails {
                    self.rolls = false;
                    return Some(Event::Silenced(Ok(())));
                }
                let told = std::mem::replace(&mut self.told, true);
                (!told).then(|| Event::Silenced(Err(reason())))
            }
            _ => None,
        }
    }
}

/// A visitor on the intro of the step `noise`, which has a cue of 5 s.
fn before_noise() -> Room {
    let mut room = Room::new(config::Mode::Auto);
    room.go_to_reading();
    for _ in 0..10 {
        if room.session.screen_name() == ScreenName::Reading {
            room.press(Button::Go, 0);
        }
        room.wait(2700);
    }
    assert_eq!(room.session.screen_name(), ScreenName::Intro);
    assert_eq!(room.session.plan().name, "noise");
    room
}

fn in_noise() -> Room {
    let mut room = before_noise();
    room.press(Button::Go, 0);
    room.wait(100);
    assert_eq!(room.session.screen_name(), ScreenName::Quiet);
    room
}

fn noise_takes(room: &Room) -> Vec<&End> {
    let of_noise = |end: &&End| end.of.kind == Kind::Quiet;
    room.ended.values().filter(of_noise).collect()
}

#[test]
fn what_played_before_the_program_started_is_silent_before_the_first_take() {
    let mut room = Room::new(config::Mode::Auto);
    room.sphere.fails = true;
    room.press(Button::Go, 0);
    room.wait(1000);
    room.press(Button::Go, 0);
    room.wait(100);
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    assert!(room.begun.is_empty());
    room.sphere.fails = false;
    room.wait(100);
    assert_eq!(room.session.screen_name(), ScreenName::Reading);
}

#[test]
fn a_step_that_a_crash_cut_goes_on_in_its_track() {
    let mut room = Room::new(config::Mode::Auto);
    room.send(Event::News(News::Offer(Box::new(Resumption {
        folder: "cut".into(),
        step: "noise".into(),
        used_frames: 2000,
        start_s: Some(31.5),
        next_frame: 1_000_000,
        takes: 7,
        line: None,
    }))));
    room.wait(1000);
    room.press(Button::Go, 0);
    room.wait(100);
    room.press(Button::Go, 0);
    let (start, _) = room.sphere.plays[0];
    assert_eq!(start, Start::Second(33.5));
}

#[test]
fn no_take_runs_before_the_sphere_rolls() {
    let mut room = before_noise();
    room.press(Button::Go, 0);
    room.wait(30);
    assert_eq!(room.session.screen_name(), ScreenName::Intro);
    room.wait(30);
    assert_eq!(room.session.screen_name(), ScreenName::Quiet);
    room.wait(6000);
    let [take] = noise_takes(&room)[..] else {
        panic!("one take")
    };
    assert_eq!(take.judged.verdict, Verdict::Kept);
    assert_eq!(take.of.track.as_deref(), Some("noise"));
    assert!(!room.sphere.rolls, "silent after the step");
}

#[test]
fn a_sphere_that_cannot_be_had_can_be_asked_again_or_passed_over() {
    for button in [Button::Go, Button::Redo] {
        let mut room = before_noise();
        room.sphere.fails = true;
        room.press(Button::Go, 0);
        room.wait(100);
        assert_eq!(room.session.screen_name(), ScreenName::Fault);
        if button == Button::Redo {
            room.press(Button::Redo, 0);
            assert_eq!(
                room.session.screen_name(),
                ScreenName::Intro,
                "it is asked again"
            );
            room.wait(100);
            assert_eq!(room.session.screen_name(), ScreenName::Fault, "in vain");
            room.sphere.fails = false;
        }
        room.press(button, 0);
        room.wait(100);
        assert_eq!(room.session.screen_name(), ScreenName::Quiet);
        room.sphere.fails = false;
        room.wait(2000);
        assert_eq!(room.sphere.rolls, button == Button::Redo, "gone on without");
        room.wait(7000);
        let [take] = noise_takes(&room)[..] else {
            panic!("one take")
        };
        assert_eq!(take.of.track.is_some(), button == Button::Redo);
        let starts: BTreeSet<String> = room.sphere.plays.iter().map(|p| format!("{p:?}")).collect();
        assert_eq!(
            starts.len(),
            1,
            "asked again, it begins at the same place: {starts:?}"
        );
    }
}

#[test]
fn a_step_begins_by_itself_once_its_sphere_can_be_had() {
    let mut room = before_noise();
    room.sphere.fails = true;
    room.press(Button::Go, 0);
    room.wait(8000);
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    room.sphere.fails = false;
    room.wait(100);
    assert_eq!(room.session.screen_name(), ScreenName::Quiet);
    assert!(room.session.faults.standing.is_empty());
}

#[test]
fn a_sphere_lost_in_a_step_cuts_the_take_and_the_step_goes_on_from_there_by_itself() {
    let mut room = in_noise();
    room.wait(2000);
    let left = room.session.steps.timer.left_at(room.frame);
    room.sphere.fails = true;
    room.wait(10);
    let lost = room.frame;
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    room.wait(9000);
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    room.sphere.fails = false;
    room.wait(110);
    assert_eq!(room.session.screen_name(), ScreenName::Quiet);
    let (start, rest) = room.sphere.plays[room.sphere.plays.len() - 1];
    assert_eq!(start, Start::Stood(lost), "from where it stood");
    assert_eq!(rest, left - 10, "for what is left");
    room.wait(left + 3000);
    let takes = noise_takes(&room);
    let verdicts: Vec<Verdict> = takes.iter().map(|end| end.judged.verdict).collect();
    assert_eq!(verdicts, [Verdict::Aborted, Verdict::Kept]);
    let frames: u64 = takes.iter().map(|t| t.end_mark - t.start_mark).sum();
    assert_eq!(
        frames,
        5 * u64::from(RATE),
        "no frame of the step twice or left out"
    );
}

#[test]
fn a_visitor_may_go_on_without_a_sphere_that_was_lost_and_it_stays_silent() {
    let mut room = in_noise();
    room.wait(2000);
    room.sphere.fails = true;
    room.wait(500);
    room.press(Button::Go, 0);
    room.wait(10);
    assert_eq!(room.session.screen_name(), ScreenName::Quiet);
    room.sphere.fails = false;
    room.wait(1000);
    assert!(!room.sphere.rolls && !room.sphere.is_wanted());
    room.wait(5000);
    let tracks: Vec<bool> = noise_takes(&room)
        .iter()
        .map(|t| t.of.track.is_some())
        .collect();
    assert_eq!(tracks, [true, false]);
}

#[test]
fn a_pause_silences_and_a_press_goes_on_where_it_stopped() {
    let mut room = in_noise();
    room.wait(1000);
    room.press(Button::Pause, 0);
    let stood = room.frame;
    room.wait(2000);
    assert!(!room.sphere.rolls);
    room.press(Button::Pause, 0);
    let pressed = room.frame;
    room.wait(100);
    assert_eq!(room.session.screen_name(), ScreenName::Quiet);
    assert_eq!(
        room.sphere.plays.last().expect("asked").0,
        Start::Stood(stood)
    );
    let last = room.begun.values().next_back().expect("a take");
    assert_eq!(
        last.of.pressed,
        Some(pressed),
        "the press, not the answer to it"
    );
}

#[test]
fn an_answer_to_an_older_request_means_nothing() {
    let mut room = in_noise();
    room.wait(1000);
    room.send(Event::SphereFailed(0, "old".into()));
    assert_eq!(room.session.screen_name(), ScreenName::Quiet);
    room.press(Button::Pause, 0);
    room.press(Button::Pause, 0);
    room.send(Event::Rolling(1));
    assert_eq!(room.session.screen_name(), ScreenName::Paused);
    room.send(Event::Silenced(Ok(())));
    room.wait(1000);
    room.press(Button::Stop, 0);
    room.wait(100);
    assert!(!room.sphere.rolls && !room.sphere.is_wanted());
}

#[test]
fn a_step_without_a_cue_waits_until_what_played_before_is_known_to_be_silent() {
    let mut room = in_noise();
    room.wait(4900);
    // Lost in the moment at which the step ends.
    room.sphere.wanted = None;
    room.sphere.fails = true;
    room.wait(3000);
    assert_eq!(room.session.screen_name(), ScreenName::Intro);
    room.press(Button::Go, 0);
    room.wait(10);
    assert_eq!(room.session.screen_name(), ScreenName::Fault);
    room.sphere.fails = false;
    room.wait(100);
    assert_eq!(room.session.screen_name(), ScreenName::Reading);
    assert_eq!(
        room.begun.values().next_back().expect("a take").of.kind,
        Kind::Free
    );
}

#[test]
fn a_device_lost_while_the_sphere_is_awaited_does_not_let_it_play_to_nobody() {
    let mut room = in_noise();
    room.wait(1000);
    room.sphere.fails = true;
    room.wait(100);
    room.send(Event::Fault(FaultKind::Device, "gone".into()));
    room.sphere.fails = false;
    room.wait(1000);
    assert!(!room.sphere.is_wanted() && !room.sphere.rolls);
    room.send(Event::Cleared(FaultKind::Device));
    room.wait(100);
    assert_eq!(room.session.screen_name(), ScreenName::Quiet);
}
