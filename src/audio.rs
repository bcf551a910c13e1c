//! From the sound card to blocks of frames, and the formats they are stored in: source, capture,
//! levels, RF64, WAV; and the card's mixer. It knows no takes, rows or keys.

pub mod block;
pub mod capture;
pub mod clock;
pub mod judge;
pub mod meter;
pub mod mixer;
pub mod rf64;
pub mod slots;
pub mod source;
pub mod wav;
