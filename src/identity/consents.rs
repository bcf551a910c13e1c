//! The consent texts ever shown, DATA/consents/SHA256.txt, each kept once: what a person agreed to
//! can be read years later.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::files::data::Data;
use crate::files::small;

/// Keeps `text` in DATA, synced, if it is not there yet.
///
/// # Errors
/// The file system's.
pub fn keep(data: &Path, text: &str) -> io::Result<()> {
    let name = crate::words::hex::encode(Sha256::digest(text).into());
    let path = Data(data).consents().join(name).with_extension("txt");
    // Written at once or not at all: what is there is whole.
    if path.exists() {
        return Ok(());
    }
    small::folder(&Data(data).consents(), 0o755)?;
    small::write(&path, text.as_bytes(), small::PUBLIC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Consent;

    #[test]
    fn a_text_is_kept_once_under_its_hash() {
        let data = tempfile::tempdir().expect("a folder");
        keep(data.path(), "Ja.").expect("kept");
        keep(data.path(), "Ja.").expect("kept");
        let consent = Consent::to("Ja.", "1", "de");
        let names = small::names(&data.path().join("consents")).expect("names");
        assert_eq!(names, [format!("{}.txt", consent.sha256)]);
    }
}
