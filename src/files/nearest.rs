//! The nearest known word to a mistyped one.

/// The candidate nearest to `word`, if one is close enough to be the likely one.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|k| (strsim::osa_distance(word, k), k))
        .filter(|(d, _)| *d <= limit)
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_key_and_a_stranger_none() {
        let known = ["period_frames", "rate", "device"];
        assert_eq!(nearest("perod_frames", known), Some("period_frames"));
        assert_eq!(nearest("zzz", known), None);
    }
}
