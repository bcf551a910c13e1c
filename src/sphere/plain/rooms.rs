//! The rooms of ladish's studio over D-Bus, as gdbus or busctl print them.
//!
//! gdbus prints GVariant's text, `([('/org/ladish/Room0', {'name': <'hall'>})],)`, and busctl JSON.

use serde_json::Value;

/// The path and the name of each room, from the answer to GetRoomList.
pub(super) fn list(said: Said<'_>) -> Option<Vec<(String, String)>> {
    match said {
        Said::Busctl(json) => {
            let value: Value = serde_json::from_str(json).ok()?;
            let rooms = value.get("data")?.get(0)?.as_array()?.iter();
            rooms
                .map(|room| {
                    Some((
                        room.get(0)?.as_str()?.to_owned(),
                        entry(room.get(1)?, "name")?,
                    ))
                })
                .collect()
        }
        Said::Gdbus(text) => {
            let mut rooms = Vec::new();
            let strings = strings(text)?;
            let mut path = None;
            for pair in strings.windows(2) {
                // A tuple in an array in the tuple of all results; a key of its dictionary.
                match &pair[0] {
                    (3, at) => path = Some(at),
                    (4, key) if key == "name" && pair[1].0 == 5 => {
                        rooms.push((path.take()?.clone(), pair[1].1.clone()));
                    }
                    _ => {}
                }
            }
            let all = strings.iter().filter(|(depth, _)| *depth == 3).count();
            (all == rooms.len() && text.starts_with('(')).then_some(rooms)
        }
    }
}

/// The folder of a project, from the answer to GetProjectProperties; `None` inside if none runs.
pub(super) fn project(said: Said<'_>) -> Option<Option<String>> {
    match said {
        Said::Busctl(json) => {
            let value: Value = serde_json::from_str(json).ok()?;
            let properties = value.get("data")?.get(1)?;
            properties.as_object()?;
            Some(entry(properties, "dir"))
        }
        Said::Gdbus(text) => {
            let strings = strings(text.strip_prefix("(uint64 ").map(|_| text)?)?;
            let is_dir = |pair: &&[(usize, String)]| pair[0] == (2, "dir".into()) && pair[1].0 == 3;
            let found = strings.windows(2).find(is_dir);
            Some(found.map(|pair| pair[1].1.clone()))
        }
    }
}

/// What one of both tools printed.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
    Gdbus(&'a str),
    Busctl(&'a str),
}

/// A string of a dictionary in busctl's JSON.
fn entry(properties: &Value, key: &str) -> Option<String> {
    Some(properties.get(key)?.get("data")?.as_str()?.to_owned())
}

/// All strings in GVariant's text, each with the number of brackets around it.
fn strings(text: &str) -> Option<Vec<(usize, String)>> {
    let (mut all, mut depth, mut chars) = (Vec::new(), 0_usize, text.chars());
    while let Some(char) = chars.next() {
        match char {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth = depth.checked_sub(1)?,
            '\'' | '"' => all.push((depth, quoted(&mut chars, char)?)),
            _ => {}
        }
    }
    (depth == 0).then_some(all)
}

/// The rest of a string up to its end mark.
fn quoted(chars: &mut std::str::Chars<'_>, end: char) -> Option<String> {
    let mut out = String::new();
    loop {
        let char = match chars.next()? {
            char if char == end => return Some(out),
            '\\' => match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'a' => '\u{7}',
                'b' => '\u{8}',
                'v' => '\u{b}',
                'f' => '\u{c}',
                'u' => code(chars, 4)?,
                'U' => code(chars, 8)?,
                char => char,
            },
            char => char,
        };
        out.push(char);
    }
}

fn code(chars: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let digits: String = chars.by_ref().take(digits).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // As both tools printed them, gdbus 2.74 and busctl 252.
    const GDBUS: &str = r#"([('/org/ladish/Room0', {'name': <'hall'>, 'template': <"it's \"a\"">}), ('/org/ladish/Room1', {'name': <"é'\"\\ :x">})],)"#;
    const BUSCTL: &str = r#"{"type":"a(sa{sv})","data":[[["/org/ladish/Room0",{"name":{"type":"s","data":"hall"},"template":{"type":"s","data":"it's \"a\""}}],["/org/ladish/Room1",{"name":{"type":"s","data":"é'\"\\ :x"}}]]]}"#;

    #[test]
    fn both_tools_name_the_same_rooms() {
        for said in [Said::Gdbus(GDBUS), Said::Busctl(BUSCTL)] {
            let rooms = list(said).expect("read");
            assert_eq!(rooms[0], ("/org/ladish/Room0".into(), "hall".into()));
            assert_eq!(rooms[1], ("/org/ladish/Room1".into(), "é'\"\\ :x".into()));
            assert_eq!(rooms.len(), 2);
        }
        assert_eq!(list(Said::Gdbus("(@a(sa{sv}) [],)")), Some(vec![]));
        let none = r#"{"type":"a(sa{sv})","data":[[]]}"#;
        assert_eq!(list(Said::Busctl(none)), Some(vec![]));
    }

    #[test]
    fn a_project_is_its_folder_and_none_is_none() {
        let text =
            r#"(uint64 3, {'name': <'dir'>, 'dir': <"/srv/no'ise é">, 'description': <'dir'>})"#;
        let json = r#"{"type":"ta{sv}","data":[3,{"name":{"type":"s","data":"dir"},"dir":{"type":"s","data":"/srv/no'ise é"},"description":{"type":"s","data":"dir"}}]}"#;
        let folder = Some(Some("/srv/no'ise é".to_owned()));
        assert_eq!(project(Said::Gdbus(text)), folder);
        assert_eq!(project(Said::Busctl(json)), folder);
        assert_eq!(project(Said::Gdbus("(uint64 3, @a{sv} {})")), Some(None));
        let none = r#"{"type":"ta{sv}","data":[3,{}]}"#;
        assert_eq!(project(Said::Busctl(none)), Some(None));
    }

    #[test]
    fn anything_else_is_no_answer() {
        for text in [
            "",
            "hello",
            "(",
            "([('x', {})],)",
            "([('/a', {'name': <'b>})],)",
        ] {
            assert_eq!(list(Said::Gdbus(text)), None, "{text}");
            assert_eq!(list(Said::Busctl(text)), None, "{text}");
            assert_eq!(project(Said::Gdbus(text)), None, "{text}");
            assert_eq!(project(Said::Busctl(text)), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[(\\[{<>}\\])'\"\\\\u0-9a-z/ ]{0,60}") {
            let _ = (list(Said::Gdbus(&text)), project(Said::Gdbus(&text)), list(Said::Busctl(&text)));
        }
    }
}
