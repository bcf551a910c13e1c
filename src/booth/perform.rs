//! What the session asks for, handed to the thread that does it.

use std::time::Duration;

use super::{Booth, session_record};
use crate::audio::rf64::Meta;
use crate::clerk::{Arrival, Enrolled, Job};
use crate::files::data::Data;
use crate::identity::participant::Participant;
use crate::recorder::{Amendment, Command};
use crate::screen::card::Card;
use crate::session::event::Subject;
use crate::session::{Action, Begin, End, Stamp};
use crate::sphere::{self, Play};
use crate::store::draft;
use crate::store::row::{Row, take_name};
use crate::words::{CaptureFrame, Verdict};
use crate::{recorder, rt};

/// How late after its frame a take's end may reach the recorder: turns of the main loop.
const LATE_MS: u64 = 100;

impl Booth {
    pub(super) fn perform(&mut self, action: Action, now: Stamp) {
        match action {
            Action::Open => self.open(),
            Action::Resume(folder) => {
                self.visit.folder.clone_from(&folder);
                self.threads.sphere.forget_takes();
                let session = folder.clone();
                self.threads
                    .chain
                    .send(Command::NewSession { folder: session });
                self.threads.clerk.ask(Job::Resume(folder));
            }
            Action::Begin(begin) => {
                let command = self.begin(*begin, now);
                self.threads.chain.send(command);
            }
            Action::MayEnd(take, end_frame) => {
                self.threads.chain.send(Command::MayEnd { take, end_frame });
            }
            Action::End(end) => {
                let command = self.end(*end, now);
                self.threads.chain.send(command);
            }
            Action::Amend(take, judged) => {
                let amendment = Amendment::Judged(judged);
                self.threads.chain.send(Command::Amend { take, amendment });
            }
            Action::Ask(ask) => self.threads.clerk.ask(ask),
            Action::Expect(number) => {
                let mut pending = std::mem::take(&mut self.visit.pending).into_iter();
                self.visit.expected =
                    number.and_then(|number| pending.find(|(pending, _)| **pending == *number));
            }
            Action::Play {
                play,
                track,
                start,
                rest,
                silent_s,
            } => {
                let play = Play {
                    number: play,
                    track,
                    start: start.map(|frame| self.time_of(frame, now)),
                    rest: Duration::from_secs(rest) / self.config.audio.rate,
                    silent: Duration::from_secs_f64(silent_s),
                };
                self.ask_sphere(sphere::Command::Play(play), now);
            }
            Action::Silence => self.silence_sphere(now),
            Action::Forget(by) => {
                self.visit.forgetting = Some(by);
                self.threads.chain.send(Command::Forget);
            }
        }
    }

    fn open(&mut self) {
        let mut arrival = Arrival {
            consent: self
                .visit
                .consent
                .as_ref()
                .map(|consent| consent.text.clone()),
            ..Arrival::default()
        };
        let expected = self.visit.expected.take();
        let session = if let Some((number, pending)) = &expected {
            arrival.enrolled = Some(Enrolled {
                number: number.clone(),
                answers: pending.answers.clone(),
            });
            pending.session.clone()
        } else {
            let drawn = self.visit.next.take();
            let participant = match drawn.map_or_else(|| Participant::draw().map(Box::new), Ok) {
                Ok(participant) => participant,
                Err(error) => return self.fail(error.into()),
            };
            let privacy = &self.config.privacy;
            let (letters, url) = (participant.code.grouped(), &privacy.withdraw_url);
            self.visit.card = Some(Card::of(letters, url, &privacy.contact));
            let session = participant.session.clone();
            arrival.drawn = Some(participant);
            session
        };
        self.visit.folder = Data(&self.config.data).session(&session);
        let card = self.threads.chain.status.card();
        let mut record = session_record::of(
            session,
            &self.config,
            self.session.locale(),
            &self.protocol,
            card,
        );
        record.consent = self
            .visit
            .consent
            .as_ref()
            .map(|consent| consent.record.clone());
        if let Some(participant) = &arrival.drawn
            && let Err(error) = session_record::identify(&mut record, participant, &self.config)
        {
            log::error!("the session has no token: {error}");
        }
        if let Some((_, pending)) = expected {
            record.participant = Some(pending.token);
            record.recipient = Some(pending.recipient);
        }
        let folder = self.visit.folder.clone();
        self.threads.sphere.forget_takes();
        self.threads
            .clerk
            .ask(Job::Open(folder, Box::new(record), arrival));
        self.threads.chain.send(Command::NewSession {
            folder: self.visit.folder.clone(),
        });
    }

    fn utc(&self) -> Option<String> {
        if self.time.is_fast() {
            None
        } else {
            rt::utc_now()
        }
    }

    fn begin(&mut self, begin: Begin, now: Stamp) -> Command {
        let sphere = self.sphere_at_begin(&begin, now);
        let (of, start_frame, start_mark) = (begin.of, begin.start_frame, begin.start_mark);
        let take_s = u64::from(begin.take_s);
        let audio = &self.config.audio;
        let rules = &self.config.take;
        let spec = audio.spec();
        let rolls = spec.frames_in_ms(u64::from(rules.pre_roll_ms + rules.post_roll_ms));
        let row = Row {
            verdict: Verdict::Recovered,
            start_frame: self.session.in_session(start_frame).0,
            lead_frames: start_mark - start_frame,
            sphere,
            ..self.row(&of, None)
        };
        let text = row.text.clone().unwrap_or_default();
        let ixml = vec![
            ("PROJECT".into(), self.protocol.name.clone()),
            ("SCENE".into(), of.step.to_string()),
            ("TAKE".into(), of.take.to_string()),
            ("NOTE".into(), text.clone()),
        ];
        let session = self
            .visit
            .folder
            .file_name()
            .map(|name| name.to_string_lossy());
        Command::Begin(Box::new(recorder::Begin {
            take: of.take,
            path: self.visit.folder.join(take_name(of.take)),
            start_frame,
            start_mark,
            expected_frames: take_s * u64::from(audio.rate) + rolls,
            behind_frames: spec.frames_in_ms(LATE_MS.saturating_sub(rules.post_roll_ms.into())),
            meta: Meta {
                description: text,
                originator: self.config.box_name.clone(),
                time_reference: row.start_frame,
                utc: self.utc(),
                channel_names: audio.channels.clone(),
                booth: draft::text(session.as_deref(), &row),
                ixml,
            },
            sealed: session_record::is_sealed(&self.config).then(|| Box::new(row)),
        }))
    }

    fn end(&mut self, end: End, now: Stamp) -> Command {
        if self.time.is_fast() {
            self.ahead.ends.push(end.end_frame);
        }
        let row = Row {
            verdict: end.judged.verdict,
            reasons: end.judged.words(),
            sphere: self.sphere_at_end(&end, now),
            ..self.row(&end.of, end.pressed)
        };
        Command::End(Box::new(recorder::End {
            take: end.of.take,
            start_mark: end.start_mark,
            end_mark: end.end_mark,
            end_frame: end.end_frame,
            frame0: self.session.frame0(),
            row,
        }))
    }

    /// The row as far as the session knows it; the recorder fills in the rest.
    fn row(&self, of: &Subject, ended_by: Option<CaptureFrame>) -> Row {
        let spec = self.config.audio.spec();
        let line = of.line.as_ref();
        let presses = of.pressed.into_iter().chain(ended_by);
        Row {
            step: of.step.to_string(),
            line: line.map(|line| line.number),
            line_id: line.and_then(|line| line.id.as_ref().map(ToString::to_string)),
            text: line.map(|line| line.text.to_string()),
            language: self.session.locale().name.clone(),
            version: of.version,
            shown_frame: Some(self.session.in_session(of.shown_frame).0),
            press_frames: presses
                .map(|frame| self.session.in_session(frame).0)
                .collect(),
            utc: self.utc(),
            ..Row::of(of.take, take_name(of.take), of.kind, spec)
        }
    }
}
