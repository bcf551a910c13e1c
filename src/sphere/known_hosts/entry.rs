//! One line of known_hosts, read by OpenSSH's rules (hostfile.c, match.c, sshkey.c): what ssh does not
//! understand it passes over, and so does this.
//!
//! The one difference: a tab ends `@revoked` too, which ssh overlooks where a space follows later.

use std::ops::Range;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ssh2::{CheckResult, KnownHostFileKind, Session};

/// Longest pattern; ssh takes a longer one for no match, whatever stands behind it.
const MOST_PATTERN_BYTES: usize = 1023;
/// Shorter RSA keys are none.
const LEAST_RSA_BITS: usize = 1024;

/// What a line says of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// It is that of the machines named.
    Host,
    /// It signs keys of machines, which libssh2 does not ask for.
    Authority,
    /// None of the machines named may have it any more.
    Revoked,
}

/// A line with a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) marker: Marker,
    /// The names, with commas, or one that is hashed.
    pub(super) names: String,
    /// Where they stand in the line.
    pub(super) place: Range<usize>,
    /// As SSH sends it.
    pub(super) key: Vec<u8>,
}

impl Entry {
    /// Reads a line, with or without its ending.
    pub(super) fn read(line: &[u8]) -> Option<Entry> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        // For C a text ends with a zero.
        let line = line.split(|byte| *byte == 0).next()?;
        let mut words = Words { line, at: 0 };
        let mut place = words.next()?;
        let marker = match &line[place.clone()] {
            word if word.starts_with(b"#") => return None,
            b"@cert-authority" => Marker::Authority,
            b"@revoked" => Marker::Revoked,
            word if word.starts_with(b"@") => return None,
            _ => Marker::Host,
        };
        if marker != Marker::Host {
            place = words.next()?;
        }
        let names = String::from_utf8_lossy(&line[place.clone()]).into_owned();
        let kind = &line[words.next()?];
        // Other white space, such as the CR of CR LF, is no part of a key.
        let mut key = line[words.next()?].to_vec();
        key.retain(|byte| !matches!(byte, b'\r' | 0x0b | 0x0c));
        let key = BASE64_STANDARD.decode(key).ok()?;
        (!names.starts_with('@') && is_key(kind, &key)).then_some(Entry {
            marker,
            names,
            place,
            key,
        })
    }

    /// Whether it speaks of the machine `name`, which is in lower case.
    pub(super) fn is_of(&self, name: &str, session: &Session) -> bool {
        is_of(&self.names, name, session)
    }

    /// Its names without `name`, of which it is; `None` if it speaks of no other machine.
    pub(super) fn names_without(&self, name: &str, session: &Session) -> Option<String> {
        if self.names.starts_with('|') {
            return None;
        }
        let names = self.names.split(',');
        let others: Vec<&str> = names.filter(|it| !it.eq_ignore_ascii_case(name)).collect();
        if others.iter().all(|it| it.is_empty() || it.starts_with('!')) {
            return None;
        }
        let others = others.join(",");
        // A pattern that speaks of other machines too.
        if is_of(&others, name, session) {
            return Some(format!("{others},!{name}"));
        }
        Some(others)
    }
}

fn is_of(names: &str, name: &str, session: &Session) -> bool {
    if names.starts_with('|') {
        return is_hash_of(names, name, session).unwrap_or(false);
    }
    let mut is_found = false;
    for pattern in names.split(',') {
        let (is_negated, pattern) = match pattern.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        if pattern.len() >= MOST_PATTERN_BYTES {
            return false;
        }
        if matches(&pattern.to_ascii_lowercase(), name) {
            if is_negated {
                return false;
            }
            is_found = true;
        }
    }
    is_found
}

/// `*` is any text, `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // The last star, and the text that it does not take.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((behind, taken)) = star else {
                    return false;
                };
                star = Some((behind, taken + 1));
                (p, t) = (behind, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Whether `|1|SALT|HASH` is `name`; libssh2 has the hash, and is asked about a key that no machine
/// has.
fn is_hash_of(names: &str, name: &str, session: &Session) -> Result<bool, ssh2::Error> {
    let mut known = session.known_hosts()?;
    let line = format!("{names} ssh-ed25519 {}", BASE64_STANDARD.encode(b"none"));
    known.read_str(&line, KnownHostFileKind::OpenSSH)?;
    Ok(match known.check(name, b"no key") {
        CheckResult::Match | CheckResult::Mismatch => true,
        CheckResult::NotFound | CheckResult::Failure => false,
    })
}

/// Words parted by spaces and tabs.
struct Words<'a> {
    line: &'a [u8],
    at: usize,
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let rest = &self.line[self.at..];
        let start = self.at + rest.iter().position(|byte| !is_blank(byte))?;
        let length = self.line[start..].iter().position(is_blank);
        let end = length.map_or(self.line.len(), |length| start + length);
        self.at = end;
        Some(start..end)
    }
}

/// Whether `blob` is a whole key of the kind that the line calls it.
fn is_key(kind: &[u8], blob: &[u8]) -> bool {
    let Some(parts) = strings(blob) else {
        return false;
    };
    let Some((name, parts)) = parts.split_first() else {
        return false;
    };
    let is_of_kind = match *name {
        b"ssh-rsa" => matches!(kind, b"ssh-rsa" | b"rsa-sha2-256" | b"rsa-sha2-512"),
        name => name == kind,
    };
    let is_point = |curve: &[u8], point: &[u8]| {
        let bytes = match curve {
            b"nistp256" => 65,
            b"nistp384" => 97,
            b"nistp521" => 133,
            _ => 0,
        };
        point.len() == bytes && point[0] == 4
    };
    is_of_kind
        && match (*name, parts) {
            (b"ssh-ed25519", [key]) => key.len() == 32,
            (b"ssh-rsa", [_, modulus]) => bits(modulus) >= LEAST_RSA_BITS,
            (b"ssh-dss", [_, _, _, _]) => true,
            (b"sk-ssh-ed25519@openssh.com", [key, _]) => key.len() == 32,
            (b"sk-ecdsa-sha2-nistp256@openssh.com", [curve, point, _]) => {
                *curve == b"nistp256" && is_point(curve, point)
            }
            (name, [curve, point]) => {
                name.strip_prefix(b"ecdsa-sha2-") == Some(curve) && is_point(curve, point)
            }
            _ => false,
        }
}

/// The strings of a blob, each behind its length in four bytes.
fn strings(mut blob: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !blob.is_empty() {
        let (length, rest) = blob.split_first_chunk()?;
        let (part, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        parts.push(part);
        blob = rest;
    }
    Some(parts)
}

/// Bits of a positive number.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let first = number.get(zeros).map_or(0, |byte| byte.leading_zeros());
    ((number.len() - zeros) * 8).saturating_sub(first as usize)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[test]
    fn patterns_match_as_ssh_has_it() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("*b*d", "abcbd", true),
            ("?", "", false),
            ("a?c*", "abc", true),
            ("", "a", false),
            ("[a]:2*", "[a]:22", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn our_name_goes_and_other_machines_stay() {
        let session = Session::new().expect("a session");
        for (names, rest) in [
            ("[a]:2", None),
            ("[A]:2,b", Some("b")),
            ("b,[a]:2,a", Some("b,a")),
            ("*,!b", Some("*,!b,![a]:2")),
            ("[a]:2,[*]:2", Some("[*]:2,![a]:2")),
            ("[a]:2,!b", None),
        ] {
            let entry = Entry {
                marker: Marker::Host,
                names: names.into(),
                place: 0..0,
                key: Vec::new(),
            };
            assert!(entry.is_of("[a]:2", &session), "{names}");
            let found = entry.names_without("[a]:2", &session);
            assert_eq!(found.as_deref(), rest, "{names}");
            let mut still = found.iter();
            assert!(!still.any(|names| is_of(names, "[a]:2", &session)));
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_passed_over(
            parts in vec(prop_oneof![
                select(vec![
                    &b"@revoked"[..], b"@cert-authority", b" ", b"\t", b"[a]:2", b"*", b"!", b",", b"|1|",
                    b"ssh-ed25519", b"AAAAC3NzaC1lZDI1NTE5AAAAI", b"ssh-rsa", b"\r", b"\n", b"\0", b"#", b"=",
                ]).prop_map(<[u8]>::to_vec),
                vec(any::<u8>(), 0..9),
            ], 0..12),
        ) {
            let session = Session::new().expect("a session");
            if let Some(entry) = Entry::read(&parts.concat()) {
                entry.is_of("[a]:2", &session);
                let rest = entry.names_without("[a]:2", &session);
                prop_assert!(rest.is_none_or(|rest| !is_of(&rest, "[a]:2", &session)));
            }
        }

        #[test]
        fn a_pattern_of_stars_ends(pattern in "[ab*?]{0,60}", text in "[ab]{0,200}") {
            matches(&pattern, &text);
            prop_assert!(matches("*", &text) && matches(&text, &text));
        }
    }

    #[test]
    fn no_bytes_panic() {
        for line in [
            &b""[..],
            b"@",
            b"@revoked",
            b"a b",
            b"|",
            b"| | |",
            b"\xff \xff \xff",
            b"a b AAAA",
        ] {
            assert_eq!(Entry::read(line), None);
        }
    }
}
