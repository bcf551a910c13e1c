//! The small values that every room uses.
//!
//! Guarantees: values only. Nothing here opens a file, a device or a thread, and no room above is
//! named.

mod button;
mod consent;
mod format;
mod frame;
mod health;
mod heard;
pub mod hex;
mod level;
mod note;
mod place;
mod screen_name;
mod setting;
mod take;
mod undrawable;
mod verdict_rules;
pub mod visible;
mod visit;

pub use button::Button;
pub use consent::Consent;
pub use format::{Format, Spec};
pub use frame::{CaptureFrame, Frame0, SessionFrame};
pub use health::{Health, LastBeat};
pub use heard::{Heard, Hearing};
pub use level::{Level, dbfs};
pub use note::{ClockChange, FaultKind, FaultState, Note, SphereVerb, StepState, TakeState};
pub use place::{Sensor, Site};
pub use screen_name::ScreenName;
pub use setting::{Setting, Settings};
pub use take::{Cause, Gap, Judged, Kind, MOST_OPEN_TAKES, Reason, Verdict, Voice};
pub use undrawable::Undrawable;
pub use verdict_rules::{ChannelRules, Sound, VerdictRules};
pub use visit::{By, Ended, Resumption, is_session};
