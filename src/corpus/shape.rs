//! The shape of other people's lists: what parts id and text there is no tab, or more than one.
//!
//! Guarantees: a guess that only ever becomes a warning; such lines are shown as they are.

use std::fmt;

use super::Line;

/// How most lines of a text look that seems to be no `id<TAB>text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `id|text`.
    Pipes,
    /// `id<TAB>another column<TAB>text`.
    Tabs,
    /// `"id","text"` or `id,"text"`, with comma or semicolon.
    Quoted,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Shape::Pipes => {
                "most lines look like `id|text`, which is shown as it stands: only a tab parts id and \
                 text; name the columns of both, for example `awk -F'|' '{print $1 \"\\t\" $2}' FILE > \
                 NEW`"
            }
            Shape::Tabs => {
                "most lines have several tabs, and all behind the first is shown: keep the columns of \
                 id and text, for example `cut -f1,3 FILE > NEW`"
            }
            Shape::Quoted => {
                "most lines look like quoted CSV, which is shown as it stands: only a tab parts id and \
                 text; name the columns of both, for example `python3 -c 'import csv,sys; \
                 [print(r[0], r[1], sep=\"\\t\") for r in csv.reader(sys.stdin)]' < FILE > NEW`"
            }
        })
    }
}

impl Shape {
    /// One word for machines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Shape::Pipes => "pipes",
            Shape::Tabs => "tabs",
            Shape::Quoted => "quoted",
        }
    }

    fn of(line: &Line) -> Option<Shape> {
        let text = line.text.as_ref().ok()?;
        if text.contains('\t') {
            return Some(Shape::Tabs);
        }
        if line.id.is_some() {
            return None;
        }
        let is_field = |field: &str| !field.is_empty() && !field.contains(char::is_whitespace);
        if text.split_once('|').is_some_and(|(id, _)| is_field(id)) {
            return Some(Shape::Pipes);
        }
        let ends = text.trim_end().ends_with('"');
        let is_quoted = |part: char| {
            let (all, half) = (format!("\"{part}\""), format!("{part}\""));
            let id = text.split_once(&half).map(|(id, _)| id);
            (text.starts_with('"') && text.contains(&all)) || id.is_some_and(is_field)
        };
        (ends && [',', ';'].into_iter().any(is_quoted)).then_some(Shape::Quoted)
    }
}

/// How often each shape was seen.
#[derive(Debug, Default)]
pub(super) struct Tally {
    lines: u64,
    seen: [u64; 3],
}

impl Tally {
    pub(super) fn count(&mut self, line: &Line) {
        self.lines += u64::from(line.text.is_ok());
        if let Some(shape) = Shape::of(line) {
            self.seen[shape as usize] += 1;
        }
    }

    /// The shape of most lines, where there are two at least.
    pub(super) fn most(&self) -> Option<Shape> {
        let all = [Shape::Pipes, Shape::Tabs, Shape::Quoted];
        let is_most = |shape: &Shape| self.seen[*shape as usize] * 2 > self.lines;
        all.into_iter().find(is_most).filter(|_| self.lines > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Option<Shape> {
        let mut tally = Tally::default();
        for (number, line) in (1..).zip(text.lines()) {
            tally.count(&Line::parse(number, line.as_bytes()));
        }
        tally.most()
    }

    #[test]
    fn other_peoples_lists_are_known_by_most_of_their_lines() {
        let lists = [
            (
                "LJ001|In the sense|in the sense\nLJ002|Of it|of it\n",
                Shape::Pipes,
            ),
            (
                "path\tsentence\tage\na.mp3\tA line.\t20\nb.mp3\tOne\t\n",
                Shape::Tabs,
            ),
            ("id,text\na,\"One, two\"\nb,\"Three\"\n", Shape::Quoted),
            ("\"a\";\"One\"\n\"b\";\"Two\"\n", Shape::Quoted),
        ];
        for (text, expected) in lists {
            assert_eq!(shape(text), Some(expected), "{text:?}");
        }
        for text in [
            "a|b\n",
            "A line.\nAnother | one.\nA third | one.\n",
            "a\tOne.\nb\tTwo, \"three\"\n",
            "\"Yes\", she said.\n\"No\", he said.\n",
            "\"Yes.\"\n\"No, no.\"\n",
            "One, two.\nThree, four.\n",
            "",
        ] {
            assert_eq!(shape(text), None, "{text:?}");
        }
    }
}
