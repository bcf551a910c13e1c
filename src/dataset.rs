//! A dataset made from DATA: its export, its table and sums, the list of exports, and the cleaner
//! that removes forgotten people from one.

pub mod clean;
mod csv;
pub mod export;
pub mod exports;
pub mod lines;
pub mod sums;
mod table;
pub mod wav;
mod window;

/// The table of a dataset.
pub const METADATA: &str = "metadata.csv";
/// What distinguishes a dataset from other folders.
pub const README: &str = "README.md";
/// Other names for a dataset's text, used in older ones.
const READMES: [&str; 3] = ["README", README, "README.txt"];
/// The sums of all files, written last.
pub const SUMS: &str = "SHA256SUMS";
/// The page with the audio inside.
const REPORT: &str = "report.html";
