//! A capture device through ALSA, opened exactly as asked for or not at all.
//!
//! Guarantees: rate, channels and format are the device's own, behind a `plug` too, read back after
//! they were set; a loss is measured by ALSA's time stamps; what libasound says of a fault stands in
//! the error or in the log, not on stderr. Reading calls only ALSA and the clock.

use std::time::Duration;

use alsa::ValueOr;
use alsa::pcm::{Access, Frames, HwParams, PCM, TstampType};

use super::offer::{Offer, alsa_format};
use super::{Card, Error, Gone, Read, Source};
use crate::rt::{Nanos, libasound};
use crate::words::{Cause, Spec};

/// Longest wait for one period before [`Read::Nothing`].
const WAIT_MS: u32 = 200;
/// The device's buffer holds four periods or this much, whichever is more. It is the first buffer
/// that bridges a busy kernel. It adds no delay, since the reader is woken long before it is full.
pub const BUFFER_MS: u64 = 500;
/// The reader is woken once for as many whole periods as fit into this time. A wake-up costs more
/// than the copying, and a press is placed by its own time stamp, not by when its frames were read.
const WAKE_MS: u64 = 30;
/// SND_PCM_STATE_DISCONNECTED.
const DISCONNECTED: i32 = 8;

/// An open, running capture device.
pub struct AlsaSource {
    pcm: PCM,
    spec: Spec,
    period_frames: u64,
    /// Frames left in the device's buffer after the last read.
    left: u64,
    /// When the last status was taken, and the frames captured by then that were not read yet.
    seen: Nanos,
}

impl AlsaSource {
    /// Opens `device`, sets it to `spec` and starts it.
    ///
    /// # Errors
    /// [`Error`] with the remedy; a refusal lists what the device offers.
    pub fn open(device: &str, spec: Spec, period_frames: u32) -> Result<AlsaSource, Error> {
        let pcm = open_capture(device)?;
        let failed = |doing| move |error: alsa::Error| failed(device, doing, error);
        let (period_frames, buffer_frames) = set_hardware(&pcm, device, spec, period_frames)?;
        let wake_frames = (spec.frames_in_ms(WAKE_MS) as Frames).min(buffer_frames / 4);
        let wake_periods = (wake_frames / period_frames.max(1)).max(1);
        set_software(&pcm, wake_periods * period_frames).map_err(failed("set its time stamps"))?;
        pcm.start().map_err(failed("start"))?;
        Ok(AlsaSource {
            pcm,
            spec,
            period_frames: period_frames as u64,
            left: 0,
            seen: Nanos::now(),
        })
    }

    /// Takes the status, then reads what is there and fits; a negative result is an ALSA error.
    fn take(&mut self, buf: &mut [u8]) -> alsa::Result<Read> {
        if self.left == 0 && !self.pcm.wait(Some(WAIT_MS))? {
            // The crate's `state()` panics on an unknown state.
            if self.pcm.state_raw() == DISCONNECTED {
                return Ok(Read::Gone(Gone::Errno(libc::ENODEV)));
            }
            return Ok(Read::Nothing);
        }
        let status = self.pcm.status()?;
        let available = u64::try_from(status.get_avail()).unwrap_or(0);
        let at = nanos(status.get_htstamp()).unwrap_or_else(Nanos::now);
        let room = (buf.len() / self.spec.frame_bytes()) as u64;
        if available == 0 {
            // Some plug-ins (pulse) wake their reader early, a million times in four seconds.
            std::thread::sleep(Duration::from_millis(1));
        }
        let wanted = available.max(1).min(room) as usize * self.spec.frame_bytes();
        let Some(buf) = buf.get_mut(..wanted) else {
            return Ok(Read::Nothing);
        };
        let frames = self.pcm.io_bytes().readi(buf)? as u64;
        self.left = available.saturating_sub(frames);
        self.seen = at;
        if frames == 0 {
            return Ok(Read::Nothing);
        }
        Ok(Read::Frames {
            frames: frames as u32,
            waiting: self.left,
            at,
        })
    }

    /// After an overrun or a suspend: starts again and measures the loss.
    fn restart(&mut self) -> alsa::Result<Read> {
        self.pcm.prepare()?;
        // Prepare alone never starts a real card, although some plug-ins start.
        self.pcm.start()?;
        let status = self.pcm.status()?;
        let started = nanos(status.get_trigger_htstamp())
            .filter(|&at| at > self.seen)
            .unwrap_or_else(Nanos::now);
        let away = started.since(self.seen).as_nanos() * u128::from(self.spec.rate);
        let lost_frames = self.left + ((away + 500_000_000) / 1_000_000_000) as u64;
        self.left = 0;
        self.seen = started;
        Ok(Read::Overrun {
            lost_frames,
            cause: Cause::Overrun,
        })
    }
}

impl Source for AlsaSource {
    fn spec(&self) -> Spec {
        self.spec
    }

    fn card(&self) -> Option<Card> {
        let index = self.pcm.info().ok()?.get_card();
        // A plug-in has no card.
        let card = alsa::card::Card::new(u32::try_from(index).ok()? as i32);
        let control = alsa::Ctl::from_card(&card, true).ok()?;
        let info = control.card_info().ok()?;
        Some(Card {
            name: info.get_name().ok()?.to_owned(),
            driver: info.get_driver().ok()?.to_owned(),
        })
    }

    fn period(&self) -> Duration {
        Duration::from_nanos(self.period_frames * 1_000_000_000 / u64::from(self.spec.rate.max(1)))
    }

    fn read(&mut self, buf: &mut [u8]) -> Read {
        let result = match self.take(buf) {
            Err(e) if matches!(e.errno(), libc::EPIPE | libc::ESTRPIPE) => self.restart(),
            Err(e) if matches!(e.errno(), libc::EAGAIN | libc::EINTR) => Ok(Read::Nothing),
            other => other,
        };
        result.unwrap_or_else(|e| Read::Gone(Gone::Errno(e.errno())))
    }
}

impl std::fmt::Debug for AlsaSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (spec, period) = (self.spec, self.period_frames);
        write!(f, "AlsaSource({spec}, period {period} frames)")
    }
}

/// Opens a device to query it or to capture.
///
/// # Errors
/// Missing, busy, no permission, or ALSA's own message.
pub fn open_capture(device: &str) -> Result<PCM, Error> {
    let name = || device.to_string();
    libasound::open_capture(device).map_err(|e| {
        let said = libasound::said();
        log::debug!("{device}: libasound says: {said}");
        match e.errno() {
            libc::ENOENT | libc::ENODEV | libc::ENXIO => Error::Missing { device: name() },
            libc::EBUSY | libc::EAGAIN => Error::Busy { device: name() },
            libc::EACCES | libc::EPERM => Error::Permission { device: name() },
            _ => with_words(failed(device, "open", e), &said),
        }
    })
}

/// An error with what libasound said of it, which often names the line of a file.
fn with_words(mut error: Error, said: &str) -> Error {
    if let Error::Failed { reason, .. } = &mut error
        && !said.is_empty()
    {
        *reason += &format!(" (libasound: {said})");
    }
    error
}

fn failed(device: &str, doing: &'static str, error: alsa::Error) -> Error {
    let reason = std::io::Error::from_raw_os_error(error.errno()).to_string();
    Error::Failed {
        device: device.to_string(),
        doing,
        reason,
    }
}

/// Sets rate, channels and format exactly; returns the period and the buffer, in frames.
fn set_hardware(
    pcm: &PCM,
    device: &str,
    spec: Spec,
    period: u32,
) -> Result<(Frames, Frames), Error> {
    let failed = |doing| move |error: alsa::Error| failed(device, doing, error);
    let offer = Offer::of(pcm).map_err(failed("ask what it offers"))?;
    let refused = |what: String| Error::Refused {
        device: device.to_string(),
        what,
        offer: Box::new(offer.clone()),
    };
    let hw = HwParams::any(pcm).map_err(failed("ask what it offers"))?;
    hw.set_rate_resample(false)
        .map_err(failed("switch resampling off"))?;
    hw.set_access(Access::RWInterleaved)
        .map_err(|_| refused("interleaved access".into()))?;
    hw.set_format(alsa_format(spec.format))
        .map_err(|_| refused(format!("format {}", spec.format)))?;
    hw.set_channels(u32::from(spec.channels))
        .map_err(|_| refused(format!("{} channels", spec.channels)))?;
    hw.set_rate(spec.rate, ValueOr::Nearest)
        .map_err(|_| refused(format!("{} Hz", spec.rate)))?;
    let period = hw
        .set_period_size_near(period as Frames, ValueOr::Nearest)
        .map_err(failed("set the period"))?;
    let buffer = (period * 4).max(spec.frames_in_ms(BUFFER_MS) as Frames);
    hw.set_buffer_size_near(buffer)
        .map_err(failed("set the buffer"))?;
    pcm.hw_params(&hw).map_err(failed("set its parameters"))?;
    drop(hw);
    let set = pcm
        .hw_params_current()
        .map_err(failed("read back its parameters"))?;
    let rate = set.get_rate().map_err(failed("read back its rate"))?;
    if rate != spec.rate {
        return Err(refused(format!("{} Hz (it set {rate} Hz)", spec.rate)));
    }
    let channels = set.get_channels().map_err(failed("read back channels"))?;
    if channels != u32::from(spec.channels) {
        return Err(refused(format!("{} channels", spec.channels)));
    }
    if set.get_format().map_err(failed("read back format"))? != alsa_format(spec.format) {
        return Err(refused(format!("format {}", spec.format)));
    }
    let period = set.get_period_size();
    let buffer = set.get_buffer_size();
    period
        .and_then(|period| Ok((period, buffer?)))
        .map_err(failed("read back its period"))
}

/// Wakes the reader every `wake_frames` and stamps by CLOCK_MONOTONIC; the device starts only on an
/// explicit call.
fn set_software(pcm: &PCM, wake_frames: Frames) -> alsa::Result<()> {
    let sw = pcm.sw_params_current()?;
    sw.set_avail_min(wake_frames)?;
    sw.set_start_threshold(i64::from(i32::MAX) as _)?;
    sw.set_tstamp_mode(true)?;
    sw.set_tstamp_type(TstampType::Monotonic)?;
    pcm.sw_params(&sw)
}

/// ALSA's time stamp; `None` if a plug-in left it zero.
fn nanos(stamp: alsa::timespec) -> Option<Nanos> {
    let nanos = stamp.tv_sec as u64 * 1_000_000_000 + stamp.tv_nsec as u64;
    (nanos > 0).then_some(Nanos(nanos))
}
