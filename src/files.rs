//! Files as the booth reads and writes them: small ones whole, JSON a line at a time, texts that
//! people wrote with a bound on their length, and the word they meant where they mistyped one.

pub mod data;
pub mod jsonl;
pub mod nearest;
pub mod small;
mod text;
pub mod toml_text;

pub use text::{is_path, read_text};
