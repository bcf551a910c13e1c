//! `booth record`: only the recorder, used like arecord.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Done, Failure};
use crate::audio::block::PoolSize;
use crate::audio::capture::State;
use crate::audio::rf64::Meta;
use crate::audio::source;
use crate::config::Audio;
use crate::recorder::chain::{Chain, Setup};
use crate::recorder::{Begin, Command, End, Report};
use crate::rt;
use crate::store::draft;
use crate::store::row::Row;
use crate::words::{CaptureFrame, Format, Frame0, Kind, Verdict, dbfs};

/// Between two checks of what the recorder did.
const TURN: Duration = Duration::from_millis(100);
/// The longest length that can be asked for. A longer one is more likely a typing error than a
/// take, and far beyond it the frames of a file cannot be counted in bytes.
const MOST_DAYS: u64 = 31;
/// The only take.
const TAKE: u32 = 1;

/// Records one file until its length is reached or a signal comes; the last line is its JSON.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The ALSA PCM, for example hw:CARD=F8n; `sim` is the simulated source
    #[arg(long, value_name = "PCM")]
    device: String,
    /// Channel count, exact
    #[arg(long, value_name = "N")]
    channels: u16,
    /// Frames per second, exact
    #[arg(long, default_value_t = 48_000, value_name = "HZ")]
    rate: u32,
    /// Sample format, exact: S16_LE S24_3LE S24_LE S32_LE FLOAT_LE
    #[arg(long, default_value_t = Format::S32Le)]
    format: Format,
    /// Frames of an ALSA period
    #[arg(long, default_value_t = 480, value_name = "FRAMES")]
    period_frames: u32,
    /// Seconds that the disk may stall
    #[arg(long, default_value_t = 30, value_name = "S")]
    buffer_s: u32,
    /// Ends after so many seconds, 31 days at most
    #[arg(
        long,
        conflicts_with = "frames",
        value_name = "S",
        allow_hyphen_values = true
    )]
    seconds: Option<f64>,
    /// Ends after so many frames, 31 days at most
    #[arg(long, value_name = "N")]
    frames: Option<u64>,
    /// The file; must not be there yet
    out: PathBuf,
}

/// Runs `booth record`.
///
/// # Errors
/// Wrong options, a file that is already there or does not stay there, a device or folder that is
/// not available.
pub fn run(args: &Args) -> Result<Done, Failure> {
    let audio = args.audio()?;
    let wanted = args.wanted_frames()?;
    if args.out.symlink_metadata().is_ok() {
        let out = args.out.display();
        return Err(Failure::CouldNot(format!(
            "{out}: is there already and is never overwritten; name another file"
        )));
    }
    let stop =
        rt::stop_on_signals().map_err(|error| Failure::CouldNot(format!("signals: {error}")))?;
    let spec = audio.spec();
    let take = Take {
        args,
        audio: &audio,
    };
    let begin = Command::Begin(Box::new(take.begin(wanted)));
    let end = wanted.map(|frames| take.end(frames, Verdict::Kept));
    let history_frames = u64::from(spec.rate);
    let mut chain = Chain::start(Setup {
        spec,
        open: source::opener(&audio.device, spec, audio.period_frames),
        pool: PoolSize::of(spec, audio.period_frames, audio.buffer_s, history_frames),
        history_frames,
        wake: audio.device == source::SIMULATED,
        patient: false,
        first: std::iter::once(begin).chain(end).collect(),
        seals: None,
        judge: None,
    })
    .map_err(|error| Failure::CouldNot(error.to_string()))?;
    let stored = take.wait(&mut chain, wanted, &stop);
    chain.stop();
    let (row, disk_lost) = stored?;
    if args.out.symlink_metadata().is_err() {
        let (out, frames) = (args.out.display(), row.frames);
        return Err(Failure::CouldNot(format!(
            "{out}: is gone: someone removed it while it was written, and its {frames} frames with it"
        )));
    }
    let json = serde_json::to_string(&row)
        .map_err(|error| Failure::CouldNot(format!("the take's JSON: {error}")))?;
    super::print(&format!("{json}\n"))?;
    let whole = row.gaps.is_empty() && row.verdict == Verdict::Kept && !disk_lost;
    Ok(if whole { Done::Well } else { Done::WithFaults })
}

impl Args {
    /// The options as a configuration, and checked like one.
    fn audio(&self) -> Result<Audio, Failure> {
        let audio = Audio {
            device: self.device.clone(),
            rate: self.rate,
            format: self.format,
            channels: Audio::numbered(self.channels.into()),
            period_frames: self.period_frames,
            buffer_s: self.buffer_s,
            ..Audio::default()
        };
        match audio.check() {
            Ok(()) => Ok(audio),
            Err((key, reason)) => {
                let option = key.trim_start_matches("audio.").replace('_', "-");
                Err(Failure::Usage(format!("--{option}: {reason}")))
            }
        }
    }

    fn wanted_frames(&self) -> Result<Option<u64>, Failure> {
        let (option, frames) = match (self.frames, self.seconds) {
            (Some(frames), _) => ("--frames", frames),
            (None, Some(seconds)) => ("--seconds", (seconds * f64::from(self.rate)).round() as u64),
            (None, None) => return Ok(None),
        };
        let refused = |reason| Err(Failure::Usage(format!("{option}: {reason}")));
        if frames == 0 || self.seconds.is_some_and(|seconds| !seconds.is_finite()) {
            return refused("must be a number, and mean at least one frame");
        }
        if frames > MOST_DAYS * 24 * 3600 * u64::from(self.rate) {
            return refused(
                "is longer than 31 days; leave it out to record until ^C or SIGTERM, or record \
                 several files",
            );
        }
        Ok(Some(frames))
    }
}

struct Take<'a> {
    args: &'a Args,
    audio: &'a Audio,
}

impl Take<'_> {
    /// Records, from the first frame captured.
    fn begin(&self, wanted: Option<u64>) -> Begin {
        let row = Row::of(TAKE, self.file(), Kind::Free, self.audio.spec());
        Begin {
            take: TAKE,
            path: self.args.out.clone(),
            start_frame: CaptureFrame(0),
            start_mark: CaptureFrame(0),
            expected_frames: wanted.unwrap_or(0),
            behind_frames: 0,
            meta: Meta {
                originator: "booth record".into(),
                utc: rt::utc_now(),
                channel_names: self.audio.channels.clone(),
                booth: draft::text(None, &row),
                ..Meta::default()
            },
            sealed: None,
        }
    }

    fn file(&self) -> String {
        let name = self.args.out.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn end(&self, end_frame: u64, verdict: Verdict) -> Command {
        let row = Row {
            verdict,
            utc: rt::utc_now(),
            ..Row::of(TAKE, self.file(), Kind::Free, self.audio.spec())
        };
        Command::End(Box::new(End {
            take: TAKE,
            start_mark: CaptureFrame(0),
            end_mark: CaptureFrame(end_frame),
            end_frame: CaptureFrame(end_frame),
            frame0: Frame0::default(),
            row,
        }))
    }

    /// Waits for the row, and returns whether the disk was away. A signal, a lost device, a full
    /// disk or a disk that stays away ends the take early.
    fn wait(
        &self,
        chain: &mut Chain,
        wanted: Option<u64>,
        stop: &AtomicBool,
    ) -> Result<(Row, bool), Failure> {
        let mut course = Course::default();
        let progress = std::io::stderr().is_terminal();
        let row = loop {
            match chain.reports.recv_timeout(TURN) {
                Ok(report) => {
                    if let Some(row) = course.hear(report)? {
                        break row;
                    }
                }
                Err(_) if chain.is_ended() => {
                    let text = "capture or recorder ended before its time";
                    return Err(Failure::CouldNot(text.into()));
                }
                Err(_) => {}
            }
            self.refuse_what_is_away(&course)?;
            if !course.ending {
                self.end_early(chain, &mut course, wanted, stop);
            }
            if progress && !course.ending {
                let peak = chain.live.peak.swap(0, Ordering::Relaxed);
                let frames = chain.live.frames.load(Ordering::Acquire);
                self.show(frames, f32::from_bits(peak));
            }
        };
        if progress {
            let _ = writeln!(std::io::stderr());
        }
        if let Some(reason) = course.failed {
            log::error!("{reason}; what is on the disk is kept");
        }
        Ok((row, course.disk_lost))
    }

    /// Without a file there is nothing to wait for; when the pool is full, frames would be lost.
    fn refuse_what_is_away(&self, course: &Course) -> Result<(), Failure> {
        let patience = Duration::from_secs(self.audio.buffer_s.into());
        match &course.away {
            Some((since, reason))
                if !self.args.out.exists() || rt::Nanos::now().since(*since) > patience =>
            {
                Err(Failure::CouldNot(reason.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Ends the take if something ends it early.
    fn end_early(
        &self,
        chain: &mut Chain,
        course: &mut Course,
        wanted: Option<u64>,
        stop: &AtomicBool,
    ) {
        let lost = chain.status.state() == State::Closed;
        let broken = lost || course.failed.is_some();
        if !broken && !stop.load(Ordering::Acquire) {
            return;
        }
        course.ending = true;
        if lost {
            let reason = chain.status.reason().unwrap_or_default();
            log::error!("audio device `{}`: {reason}", self.audio.device);
        }
        // A signal is the normal end of an endless take.
        let verdict = if broken || wanted.is_some() {
            Verdict::Aborted
        } else {
            Verdict::Kept
        };
        let frames = chain.live.frames.load(Ordering::Acquire);
        let reached = if lost {
            chain.status.reached()
        } else if broken {
            frames
        } else {
            // What was captured so far, though the disk may be far behind.
            let captured = chain.clock.frame_at(rt::Nanos::now());
            captured.unwrap_or(frames).max(frames)
        };
        chain.send(self.end(reached.min(wanted.unwrap_or(u64::MAX)), verdict));
    }

    fn show(&self, frames: u64, peak: f32) {
        let seconds = frames as f64 / f64::from(self.audio.rate);
        let peak = dbfs(peak.into()).max(-99.0);
        let mut out = std::io::stderr().lock();
        // The output may have no reader.
        let _ = write!(out, "\r{seconds:8.1} s  peak {peak:6.1} dBFS ").and_then(|()| out.flush());
    }
}

/// What is known about the take while its row is awaited.
#[derive(Default)]
struct Course {
    /// Its end was ordered.
    ending: bool,
    /// Why the recorder cut it.
    failed: Option<String>,
    /// Since when the disk refuses, and why.
    away: Option<(rt::Nanos, String)>,
    /// The disk refused at least once.
    disk_lost: bool,
}

impl Course {
    /// Takes a report; returns the row, once it is there.
    fn hear(&mut self, report: Report) -> Result<Option<Row>, Failure> {
        match report {
            Report::Stored { row, .. } => return Ok(Some(*row)),
            // A second one means that nothing could be kept.
            Report::Failed { reason, .. } => match self.failed.take() {
                Some(first) => return Err(Failure::CouldNot(first)),
                None => self.failed = Some(reason),
            },
            Report::Refused { reason } => {
                log::warn!("{reason}; what is recorded waits in memory");
                self.away = Some((rt::Nanos::now(), reason));
                self.disk_lost = true;
            }
            Report::Returned => {
                log::warn!("the disk is back, and has what waited");
                self.away = None;
            }
            Report::Measured { .. } | Report::Lost { .. } | Report::Forgotten => {}
        }
        Ok(None)
    }
}
