//! Which file of DATA/progress is that of a text.

use std::fs;
use std::path::{Path, PathBuf};

use crate::corpus::Corpus;
use crate::corpus::progress::ProgressError;
use crate::corpus::read_file::{ReadFile, Round};

/// The file of a text, and its last round: of its name, or of another name most of which is of this
/// text. Two texts of one name have a file each.
pub(super) fn find(
    corpus: &Corpus,
    folder: &Path,
    texts: &[(u64, u64)],
) -> Result<(ReadFile, Round), ProgressError> {
    let own = named(corpus.path(), folder, 1);
    let mut found = Vec::new();
    for path in files(folder) {
        let read = match ReadFile::read(&path) {
            Ok(read) => read,
            Err(error) if path == own => return Err(error),
            // What is in the way there is no file of ours.
            Err(_) => None,
        };
        let Some((file, round)) = read else { continue };
        let is_here = |hash: &&u64| texts.binary_search_by_key(*hash, |(text, _)| *text).is_ok();
        let matching = round.lines.iter().filter(is_here).count();
        let is_empty = round.lines.is_empty();
        let fit = match is_of_name(&path, &own) {
            true if matching > 0 => 4,
            true if is_empty && path == own => 3,
            false if matching * 2 > round.lines.len() => 2,
            true if is_empty => 1,
            true | false => 0,
        };
        found.push(((fit, matching), file, round));
    }
    let best = found.into_iter().max_by_key(|(fit, ..)| *fit);
    if let Some((_, file, round)) = best.filter(|((fit, _), ..)| *fit > 0) {
        return Ok((file, round));
    }
    let mut free = (1..).map(|number| named(corpus.path(), folder, number));
    let path = free.find(|path| !path.exists()).unwrap_or(own);
    Ok((ReadFile::new(path), Round::default()))
}

/// Every file of lines read, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "read"));
    files.sort();
    files
}

/// `folder/CORPUS.read`, or with a number if that is another text's.
fn named(corpus: &Path, folder: &Path, number: u32) -> PathBuf {
    let mut name = corpus.file_name().unwrap_or_default().to_owned();
    if number > 1 {
        name.push(format!("-{number}"));
    }
    name.push(".read");
    folder.join(name)
}

/// Whether `path` is `own`, or that with a number.
fn is_of_name(path: &Path, own: &Path) -> bool {
    let stem = |path: &Path| {
        path.file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let (stem, own) = (stem(path), stem(own));
    let rest = stem.strip_prefix(&own);
    let number = rest.and_then(|rest| rest.strip_prefix('-'));
    rest == Some("") || number.is_some_and(|number| number.parse::<u32>().is_ok())
}
