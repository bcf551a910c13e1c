//! The header of a plain RIFF WAVE file, as a pure function of format, description and length.
//!
//! Guarantees: `bext` and `iXML` stand before the samples, no loudspeaker is claimed for a channel,
//! and floating point has its `fact`. Up to two channels of whole numbers have the oldest form of
//! `fmt `, which every reader knows; Python's `wave` knew no other before 3.12.

use super::rf64::Meta;
use super::rf64::chunks::{self, Form};
use crate::words::{Format, Spec};

/// Bytes of samples that RIFF can count, with room for its header.
pub const MOST_BYTES: u64 = u32::MAX as u64 - (1 << 20);

/// The header for `data_bytes` of samples of `spec`, as stored; behind an odd number of them comes
/// a byte of padding.
#[must_use]
pub fn header(spec: Spec, meta: &Meta, data_bytes: u64) -> Vec<u8> {
    let spec = spec.stored();
    let field = |size: u64| u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = b"RIFF\0\0\0\0WAVE".to_vec();
    let form = if spec.channels > 2 {
        Form::Extensible
    } else {
        Form::Plain
    };
    chunks::push(&mut bytes, b"fmt ", &chunks::format(spec, form));
    if spec.format == Format::FloatLe {
        let frames = data_bytes / (spec.frame_bytes() as u64).max(1);
        chunks::push(&mut bytes, b"fact", &field(frames));
    }
    chunks::push(&mut bytes, b"bext", &chunks::bext(meta));
    chunks::push(&mut bytes, b"iXML", chunks::ixml(meta).as_bytes());
    bytes.extend(b"data");
    bytes.extend(field(data_bytes));
    let riff = bytes.len() as u64 - 8 + data_bytes + data_bytes % 2;
    bytes[4..8].copy_from_slice(&field(riff));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(format: Format, channels: u16, data_bytes: u64) -> Vec<u8> {
        let spec = Spec {
            rate: 48_000,
            channels,
            format,
        };
        header(spec, &Meta::default(), data_bytes)
    }

    #[test]
    fn the_oldest_form_is_taken_where_it_says_enough_and_no_loudspeaker_is_named() {
        for format in Format::ALL {
            for channels in [1, 2, 3, 64] {
                let bytes = header_of(format, channels, 0);
                let field = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
                let tag = if format == Format::FloatLe { 3 } else { 1 };
                if channels <= 2 {
                    assert_eq!(field(20), tag);
                } else {
                    assert_eq!((field(20), field(44)), (0xfffe, tag));
                    assert_eq!(bytes[40..44], [0; 4], "the mask");
                }
            }
        }
    }

    #[test]
    fn sizes_count_the_pad_byte_and_the_length_of_the_header_depends_on_no_size() {
        for bytes in [0, 3, 4, MOST_BYTES] {
            let header = header_of(Format::S24Packed, 1, bytes);
            let riff = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
            assert_eq!(
                u64::from(riff) + 8,
                header.len() as u64 + bytes.next_multiple_of(2)
            );
            assert_eq!(header.len(), header_of(Format::S24Packed, 1, 0).len());
            assert_eq!(header.len() % 2, 0);
        }
    }

    #[test]
    fn floating_point_has_its_fact() {
        let header = header_of(Format::FloatLe, 2, 800);
        let fact = header
            .windows(4)
            .position(|it| it == b"fact")
            .expect("there");
        assert_eq!(header[fact + 4..fact + 12], [4, 0, 0, 0, 100, 0, 0, 0]);
    }
}
