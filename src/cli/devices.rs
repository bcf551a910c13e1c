//! `booth devices`: the ALSA capture devices and what each offers.

use std::ffi::CString;

use alsa::Direction;
use alsa::device_name::HintIter;
use serde::Serialize;

use super::{Done, Failure};
use crate::audio::source::alsa::open_capture;
use crate::audio::source::offer::Offer;
use crate::rt::libasound;

/// Arguments of `booth devices`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Device {
    device: String,
    description: String,
    #[serde(flatten)]
    offer: Option<Offer>,
    problem: Option<String>,
}

/// Prints each capture device; one that does not answer is listed with the reason.
///
/// # Errors
/// If ALSA's list of devices cannot be read.
pub fn run(args: &Args) -> Result<Done, Failure> {
    let iface = CString::new("pcm").map_err(|e| Failure::CouldNot(e.to_string()))?;
    libasound::listen();
    let hints = HintIter::new(None, &iface)
        .map_err(|e| Failure::CouldNot(format!("list of ALSA devices: {e}")))?;
    let mut out = String::new();
    for hint in hints.filter(|hint| hint.direction != Some(Direction::Playback)) {
        let Some(name) = hint.name else { continue };
        let device = ask(name, hint.desc.unwrap_or_default());
        out += &if args.json {
            let text = serde_json::to_string(&device);
            text.map_err(|e| Failure::CouldNot(e.to_string()))? + "\n"
        } else {
            plain(&device)
        };
    }
    if out.is_empty() && !args.json {
        out += "no capture device; `sim` is the built-in simulated source\n";
    }
    super::print(&out)
}

fn ask(device: String, description: String) -> Device {
    let description = description.replace('\n', ", ");
    let asked = open_capture(&device)
        .map_err(|e| e.to_string())
        .and_then(|pcm| Offer::of(&pcm).map_err(|e| e.to_string()));
    let (offer, problem) = match asked {
        Ok(offer) => (Some(offer), None),
        Err(problem) => (None, Some(problem)),
    };
    Device {
        device,
        description,
        offer,
        problem,
    }
}

fn plain(device: &Device) -> String {
    let mut lines = vec![device.device.clone()];
    if !device.description.is_empty() {
        lines.push(format!("    {}", device.description));
    }
    if let Some(offer) = &device.offer {
        lines.push(format!("    {offer}"));
    }
    lines.extend(
        device
            .problem
            .iter()
            .map(|problem| format!("    {problem}")),
    );
    lines.join("\n") + "\n"
}
