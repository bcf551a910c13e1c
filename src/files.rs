//! Files as the booth reads and writes them: small ones whole, JSON a line at a time, texts written
//! by people up to a maximum length, and the likely word for a mistyped one.

pub mod data;
pub mod jsonl;
pub mod nearest;
pub mod small;
mod text;
pub mod toml_text;

pub use text::{is_path, json, plain, read_text, unmarked};
