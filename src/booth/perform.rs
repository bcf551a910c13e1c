//! What the session asks for, handed to the thread that does it.

use super::time::Time;
use super::{Booth, record};
use crate::audio::recorder::{self, Command};
use crate::audio::rf64::Meta;
use crate::rt;
use crate::screen::lang;
use crate::session::{Action, Begin, End, Stamp};
use crate::sphere::{self, Position};
use crate::store::clerk::{self, Job};
use crate::store::row::{Kind, Row, SphereAt};

/// How late after its frame the recorder may be told a take's end: turns of the main loop.
const LATE_MS: u64 = 100;

impl Booth {
    pub(super) fn perform(&mut self, action: Action, now: Stamp) {
        match action {
            Action::Open => self.open(),
            Action::Begin(begin) => {
                let command = self.begin(begin);
                self.chain.send(command);
            }
            Action::MayEnd(take, end_frame) => {
                self.chain.send(Command::MayEnd { take, end_frame });
            }
            Action::End(end) => {
                let command = self.end(*end);
                self.chain.send(command);
            }
            Action::Amend(take, verdict) => self.chain.send(Command::Amend { take, verdict }),
            Action::WantLines(order, stream) => self.clerk.ask(Job::WantLines(order, stream)),
            Action::WantLine => self.clerk.ask(Job::WantLine),
            Action::LineDone(ticket) => self.clerk.ask(Job::LineDone(ticket)),
            Action::Play { track, locate_s } => {
                self.sphere_wanted_at = now.frame;
                self.ask_sphere(sphere::Command::Play { track, locate_s });
            }
            Action::Silence => self.ask_sphere(sphere::Command::Stop),
            Action::Note(frame, note) => self.clerk.ask(Job::Note(frame, note)),
            Action::Close(ended) => self.clerk.ask(Job::Close(ended)),
        }
    }

    fn ask_sphere(&mut self, command: sphere::Command) {
        if let Some(sphere) = &mut self.sphere {
            sphere.ask(command);
        }
    }

    fn open(&mut self) {
        let session = self.next_name.take().unwrap_or_else(clerk::draw_name);
        self.folder = self.config.data.join("sessions").join(&session);
        let record = record::of(
            session,
            &self.config,
            &self.protocol,
            self.chain.status.card(),
        );
        self.clerk
            .ask(Job::Open(self.folder.clone(), Box::new(record)));
        self.chain.send(Command::NewSession {
            folder: self.folder.clone(),
        });
    }

    fn utc(&self) -> Option<String> {
        if self.time.is_fast() {
            None
        } else {
            rt::utc_now()
        }
    }

    fn begin(&self, begin: Begin) -> Command {
        let audio = &self.config.audio;
        let rules = &self.config.take;
        let seconds = match begin.kind {
            Kind::Read => rules.max_s,
            Kind::Free => rules.segment_s,
            Kind::Quiet => {
                let mut steps = self.protocol.steps.iter();
                steps
                    .find(|step| *step.name == *begin.step)
                    .map_or(0, |step| step.seconds)
            }
        };
        let spec = audio.spec();
        let rolls = spec.frames_in_ms(u64::from(rules.pre_roll_ms + rules.post_roll_ms));
        let text = begin.text.as_deref().unwrap_or("");
        Command::Begin(Box::new(recorder::Begin {
            take: begin.take,
            path: self.folder.join(file_name(begin.take)),
            start_frame: begin.start_frame,
            start_mark: begin.start_mark,
            expected_frames: u64::from(seconds) * u64::from(audio.rate) + rolls,
            behind_frames: spec.frames_in_ms(LATE_MS.saturating_sub(rules.post_roll_ms.into())),
            meta: Meta {
                description: text.to_owned(),
                originator: self.config.box_name.clone(),
                time_reference: begin.start_frame - self.session.frame0(),
                utc: self.utc(),
                channel_names: audio.channels.clone(),
                ixml: vec![
                    ("PROJECT".into(), self.protocol.name.clone()),
                    ("SCENE".into(), begin.step.to_string()),
                    ("TAKE".into(), begin.take.to_string()),
                    ("NOTE".into(), text.to_owned()),
                ],
            },
        }))
    }

    fn end(&self, end: End) -> Command {
        let audio = &self.config.audio;
        let frame0 = self.session.frame0();
        let in_session = |frame: u64| frame.saturating_sub(frame0);
        let (text, line_id) = match &end.line {
            Some(line) => (
                Some(line.text.to_string()),
                line.id.as_ref().map(|id| id.to_string()),
            ),
            None => (None, None),
        };
        // What the recorder knows better it fills in.
        let row = Row {
            step: end.step.to_string(),
            line: end.line.map(|line| line.number),
            line_id,
            text,
            language: lang::name(&self.config.language).to_owned(),
            version: end.version,
            verdict: end.verdict,
            shown_frame: Some(in_session(end.shown_frame)),
            press_frames: end.press_frames.into_iter().map(in_session).collect(),
            sphere: end.sphere,
            utc: self.utc(),
            ..Row::of(end.take, file_name(end.take), end.kind, audio.spec())
        };
        Command::End(Box::new(recorder::End {
            take: end.take,
            start_mark: end.start_mark,
            end_mark: end.end_mark,
            end_frame: end.end_frame,
            frame0,
            row,
        }))
    }

    /// The sphere's position on the capture clock; a fast run has no clock to compare with.
    pub(super) fn sphere_at(&self, position: &Position) -> SphereAt {
        let at_frame = match self.time {
            Time::Fast { .. } => self.sphere_wanted_at,
            Time::Real => self.time.stamp(position.at, &self.chain).frame,
        };
        let nanos = position.uncertainty.as_nanos() as u64;
        SphereAt {
            track: position.track.clone(),
            frame: position.frame,
            at_frame,
            uncertainty_frames: (nanos * u64::from(self.config.audio.rate)).div_ceil(1_000_000_000),
        }
    }
}

fn file_name(take: u32) -> String {
    format!("take-{take:04}.rf64")
}
