//! A dataset out of DATA: its export, its table and sums, the list of where exports went, and the
//! cleaner that takes forgotten people out of one.

pub mod clean;
mod csv;
pub mod export;
pub mod list;
mod table;
mod wav;

/// The table of a dataset.
pub const METADATA: &str = "metadata.csv";
/// What tells a dataset from other folders.
pub const README: &str = "README.md";
/// A dataset's text, by the names that people gave it in older ones.
const READMES: [&str; 3] = ["README", README, "README.txt"];
/// The sums of all files, written last.
const SUMS: &str = "SHA256SUMS";
/// The page with the audio inside.
const REPORT: &str = "report.html";
