//! A long text as pages that a panel holds.
//!
//! Guarantees: every word stands on exactly one page, in order; a page ends with a sentence where
//! that leaves it more than half full. It draws nothing and knows no font.

use std::sync::Arc;

/// Cuts `text` into pages that `fits` says are held. A line break within a paragraph is a space;
/// paragraphs, parted by empty lines, begin on lines of their own.
pub fn cut(text: &str, mut fits: impl FnMut(&str) -> bool) -> Vec<Arc<str>> {
    let words = words(text);
    let mut pages = Vec::new();
    let mut rest = words.as_slice();
    while !rest.is_empty() {
        let (page, after) = rest.split_at(page_length(rest, &mut fits));
        pages.push(joined(page).into());
        rest = after;
    }
    pages
}

/// A word, and whether a paragraph begins with it.
type Word<'a> = (bool, &'a str);

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut begins = false;
    for line in text.lines() {
        begins |= line.trim().is_empty();
        for word in line.split_ascii_whitespace() {
            words.push((std::mem::take(&mut begins), word));
        }
    }
    words
}

fn joined(words: &[Word<'_>]) -> String {
    let mut text = String::new();
    for (n, (begins, word)) in words.iter().enumerate() {
        match (n, begins) {
            (0, _) => {}
            (_, true) => text.push('\n'),
            (_, false) => text.push(' '),
        }
        text.push_str(word);
    }
    text
}

/// How many words make the next page; one at least, else nothing would ever end.
fn page_length(words: &[Word<'_>], fits: &mut impl FnMut(&str) -> bool) -> usize {
    let (mut held, mut too_many) = (1, words.len() + 1);
    while too_many - held > 1 {
        let middle = held.midpoint(too_many);
        if fits(&joined(&words[..middle])) {
            held = middle;
        } else {
            too_many = middle;
        }
    }
    if held == words.len() {
        return held;
    }
    let ends = |n: &usize| {
        let next_begins = words.get(*n).is_some_and(|(begins, _)| *begins);
        next_begins || words[n - 1].1.ends_with(['.', '!', '?', '…', '。'])
    };
    let sentence = (held / 2 + 1..=held).rev().find(ends);
    sentence.unwrap_or(held)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_end_with_sentences_and_paragraphs_stay_apart() {
        let text = "One two\nthree. Four\n\nfive six. Seven eight";
        let pages = cut(text, |page| page.len() <= 26);
        let pages: Vec<&str> = pages.iter().map(|page| &**page).collect();
        assert_eq!(pages, ["One two three. Four", "five six. Seven eight"]);
    }

    proptest! {
        #[test]
        fn every_word_stands_on_one_page_in_order(text in "[a-z .\n]{0,200}", most in 0..40usize) {
            let pages = cut(&text, |page| page.chars().count() <= most);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let paged: Vec<String> = pages.iter().flat_map(|page| words(page)).collect();
            prop_assert_eq!(paged, words(&text));
            for page in pages {
                prop_assert!(page.chars().count() <= most || words(&page).len() == 1);
            }
        }
    }
}
