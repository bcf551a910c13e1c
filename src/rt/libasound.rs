//! Two things of libasound that the crate `alsa` leaves to unsafe code: a PCM that converts nothing, and a
//! handler for its messages, which would go to stderr.

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::fmt::Write;

use alsa::Direction;
use alsa::pcm::PCM;
use alsa_sys::{SND_PCM_NO_AUTO_CHANNELS, SND_PCM_NO_AUTO_FORMAT, SND_PCM_NO_AUTO_RESAMPLE};

/// A `plug` offers what the card behind it has, and no more.
const AS_IT_IS: u32 = SND_PCM_NO_AUTO_RESAMPLE | SND_PCM_NO_AUTO_CHANNELS | SND_PCM_NO_AUTO_FORMAT;
/// Bytes that are kept of what it says: the first message names the cause.
const MOST: usize = 400;
/// Bytes of one message.
const MESSAGE: usize = 200;

thread_local! {
    static SAID: RefCell<heapless::String<MOST>> = const { RefCell::new(heapless::String::new()) };
}

/// Opens `device` for capture, without blocking: a busy device is an error instead of a wait.
///
/// # Errors
/// ALSA's.
pub fn open_capture(device: &str) -> alsa::Result<PCM> {
    listen();
    let invalid = |_| alsa::Error::new("snd_pcm_open", libc::ENOENT);
    let device = CString::new(device).map_err(invalid)?;
    // SAFETY: these are documented flags of snd_pcm_open, which change no type and no lifetime.
    unsafe { PCM::open_with_flags(&device, Direction::Capture, true, AS_IT_IS as i32) }
}

/// From now on, what libasound says in this thread is kept for [`said`]. The handler allocates nothing,
/// locks nothing and makes no system call, so it may stay while a device runs.
pub fn listen() {
    SAID.with_borrow_mut(heapless::String::clear);
    // SAFETY: `keep` has the type that libasound calls, and lives as long as the program.
    unsafe { alsa_sys::snd_lib_error_set_local(Some(keep)) };
}

/// What libasound said in this thread since it was last asked, on one line.
#[must_use]
pub fn said() -> String {
    SAID.with_borrow_mut(|said| {
        let text = said.as_str().to_owned();
        said.clear();
        text
    })
}

unsafe extern "C" {
    /// printf(3); `arguments` is a `va_list`, which each of our platforms passes as a pointer.
    fn vsnprintf(
        to: *mut c_char,
        size: usize,
        format: *const c_char,
        arguments: *mut alsa_sys::__va_list_tag,
    ) -> c_int;
}

unsafe extern "C" fn keep(
    _file: *const c_char,
    _line: c_int,
    _function: *const c_char,
    error: c_int,
    format: *const c_char,
    arguments: *mut alsa_sys::__va_list_tag,
) {
    let mut message = [0u8; MESSAGE];
    // SAFETY: libasound gives a format and its arguments; vsnprintf writes at most `MESSAGE` bytes, a
    // zero at the end of them.
    let written = unsafe { vsnprintf(message.as_mut_ptr().cast(), MESSAGE, format, arguments) };
    let text = CStr::from_bytes_until_nul(&message).ok();
    let Some(text) = text
        .and_then(|text| text.to_str().ok())
        .filter(|_| written >= 0)
    else {
        return;
    };
    let _ = SAID.try_with(|said| {
        let Ok(mut said) = said.try_borrow_mut() else {
            return;
        };
        let between = if said.is_empty() { "" } else { "; " };
        // What no longer fits is left out.
        let _ = match error {
            0 => write!(said, "{between}{}", text.trim_end()),
            error => write!(said, "{between}{} (errno {error})", text.trim_end()),
        };
    });
}
