//! The chunks besides the samples: format, bext, iXML, and cue points with labels for gaps.

use super::Meta;
use crate::words::{Format, Gap, Spec};

/// The rest of a KSDATAFORMAT_SUBTYPE GUID after its format tag.
const SUBTYPE_REST: [u8; 14] = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];

/// The form of a `fmt ` chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The oldest one, 16 bytes.
    Plain,
    /// WAVEFORMATEXTENSIBLE, 40 bytes, without claiming loudspeaker positions.
    Extensible,
}

/// The body of `fmt `; `spec` as stored.
pub(in crate::audio) fn format(spec: Spec, form: Form) -> Vec<u8> {
    let tag: u16 = if spec.format == Format::FloatLe { 3 } else { 1 };
    let is_extensible = form == Form::Extensible;
    let mut body = Vec::with_capacity(40);
    body.extend(if is_extensible { 0xfffe } else { tag }.to_le_bytes());
    body.extend(spec.channels.to_le_bytes());
    body.extend(spec.rate.to_le_bytes());
    body.extend(spec.bytes_per_second().to_le_bytes());
    body.extend((spec.frame_bytes() as u16).to_le_bytes());
    body.extend(spec.format.bits().to_le_bytes());
    if is_extensible {
        body.extend(22u16.to_le_bytes());
        body.extend(spec.format.bits().to_le_bytes());
        body.extend(0u32.to_le_bytes());
        body.extend(tag.to_le_bytes());
        body.extend(SUBTYPE_REST);
    }
    body
}

/// Appends a chunk and its pad byte.
pub(in crate::audio) fn push(out: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) {
    out.extend(name);
    out.extend((body.len() as u32).to_le_bytes());
    out.extend(body);
    if body.len() % 2 == 1 {
        out.push(0);
    }
}

/// `text` in a field of `length` bytes, cut between characters, filled with zeros.
fn field(out: &mut Vec<u8>, text: &str, length: usize) {
    let mut cut = text.len().min(length);
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    out.extend(&text.as_bytes()[..cut]);
    out.resize(out.len() + length - cut, 0);
}

/// The iXML element by which this program knows its files.
pub const BOOTH: &str = "BOOTH";

/// EBU Tech 3285 bext, version 1, without a UMID: that would be a random value. The specification
/// names no value for an unknown date; readers take a field of zeros for none.
pub(in crate::audio) fn bext(meta: &Meta) -> Vec<u8> {
    let utc = meta.utc.as_deref().unwrap_or_default();
    let mut out = Vec::with_capacity(602);
    field(&mut out, &meta.description, 256);
    field(&mut out, &meta.originator, 32);
    field(&mut out, "", 32);
    field(&mut out, utc.get(..10).unwrap_or_default(), 10);
    field(&mut out, utc.get(11..19).unwrap_or_default(), 8);
    out.extend(meta.time_reference.to_le_bytes());
    out.extend(1u16.to_le_bytes());
    out.resize(602, 0);
    out
}

/// iXML: the track list with the channels' names, and further elements. Its length is even:
/// libsndfile (1.2) does not skip the pad byte of an unknown chunk, and then finds no samples.
pub(in crate::audio) fn ixml(meta: &Meta) -> String {
    let mut xml = String::from(concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<BWFXML>\n<IXML_VERSION>2.10</IXML_VERSION>\n"
    ));
    let own = (BOOTH.to_owned(), meta.booth.clone());
    for (tag, text) in meta.ixml.iter().chain([&own]) {
        // A tag that is not an XML name would make the whole chunk unreadable.
        if tag.starts_with(|c: char| c.is_ascii_alphabetic())
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        {
            xml.push_str(&format!("<{tag}>{}</{tag}>\n", escape(text)));
        }
    }
    let names = &meta.channel_names;
    xml.push_str(&format!(
        "<TRACK_LIST>\n<TRACK_COUNT>{}</TRACK_COUNT>\n",
        names.len()
    ));
    for (index, name) in names.iter().enumerate() {
        let (number, name) = (index + 1, escape(name));
        xml.push_str(&format!(
            "<TRACK><CHANNEL_INDEX>{number}</CHANNEL_INDEX>\
             <INTERLEAVE_INDEX>{number}</INTERLEAVE_INDEX><NAME>{name}</NAME></TRACK>\n"
        ));
    }
    xml.push_str("</TRACK_LIST>\n</BWFXML>\n");
    if xml.len() % 2 == 1 {
        xml.push('\n');
    }
    xml
}

/// The text of the first element `tag` of an iXML chunk that [`ixml`] made.
pub(super) fn element(xml: &str, tag: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    let (text, _) = rest.split_once(&format!("</{tag}>"))?;
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    Some(text.replace("&amp;", "&"))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// `cue ` and `LIST adtl` for `gaps`; nothing without gaps. Positions are 32 bit: a gap after frame
/// 2^32 is in takes.jsonl only.
pub(super) fn gaps(gaps: &[Gap]) -> Vec<u8> {
    let mut cue = Vec::new();
    let mut list = b"adtl".to_vec();
    let mut count = 0u32;
    for gap in gaps {
        let Ok(at) = u32::try_from(gap.frame) else {
            continue;
        };
        count += 1;
        for value in [count, at] {
            cue.extend(value.to_le_bytes());
        }
        cue.extend(b"data\0\0\0\0\0\0\0\0");
        cue.extend(at.to_le_bytes());
        let cause = format!("{:?}", gap.cause).to_lowercase();
        let mut label = count.to_le_bytes().to_vec();
        label.extend(format!("{} frames lost: {cause}\0", gap.frames).bytes());
        label.resize(label.len().next_multiple_of(2), 0);
        push(&mut list, b"labl", &label);
        let mut region = count.to_le_bytes().to_vec();
        region.extend(u32::try_from(gap.frames).unwrap_or(u32::MAX).to_le_bytes());
        region.extend(b"rgn \0\0\0\0\0\0\0\0");
        push(&mut list, b"ltxt", &region);
    }
    let mut out = Vec::new();
    if count > 0 {
        push(
            &mut out,
            b"cue ",
            &[&count.to_le_bytes()[..], &cue].concat(),
        );
        push(&mut out, b"LIST", &list);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bext_is_602_bytes_and_cuts_between_characters() {
        let meta = Meta {
            description: "é".repeat(200),
            ..Meta::default()
        };
        let bytes = bext(&meta);
        assert_eq!(bytes.len(), 602);
        assert!(std::str::from_utf8(&bytes[..256]).is_ok());
        assert_eq!(&bytes[320..338], &[0; 18], "no date is known");
    }

    #[test]
    fn names_cannot_break_the_xml() {
        let meta = Meta {
            channel_names: vec!["a<b&c\n".into()],
            ..Meta::default()
        };
        assert!(ixml(&meta).contains("<NAME>a&lt;b&amp;c </NAME>"));
        assert_eq!(element(&ixml(&meta), "NAME").as_deref(), Some("a<b&c "));
        assert_eq!(element(&ixml(&meta), "NOTE"), None);
    }
}
