//! The header as a pure function of format, description and length.
//!
//! Only its first 80 bytes depend on the length, so a checkpoint is one small write in one sector.
//! EBU Tech 3306 v1: fourcc `RF64`, the 32-bit sizes all ones, the true ones in `ds64`.

use super::Meta;
use super::chunks::{self, Form};
use crate::words::{Format, Spec};

/// Bytes from the file's start that change after creation.
pub const CHANGING_BYTES: usize = 80;
/// Samples start at a multiple of this: writes stay page-aligned.
pub const ALIGNMENT: usize = 4096;

/// A header whose sizes are not filled in yet.
#[derive(Clone, Debug)]
pub struct Header {
    spec: Spec,
    bytes: Vec<u8>,
}

impl Header {
    /// The header of a file of `spec` (as stored) described by `meta`.
    #[must_use]
    pub fn new(spec: Spec, meta: &Meta) -> Header {
        Header::aligned(spec, meta, ALIGNMENT)
    }

    /// The same, with samples that start at a multiple of `alignment`.
    #[must_use]
    pub fn aligned(spec: Spec, meta: &Meta, alignment: usize) -> Header {
        let spec = spec.stored();
        let mut bytes = b"RF64\xff\xff\xff\xffWAVE".to_vec();
        chunks::push(&mut bytes, b"ds64", &[0; 28]);
        let form = if spec.channels > 2 || spec.format.bits() > 16 {
            Form::Extensible
        } else {
            Form::Plain
        };
        chunks::push(&mut bytes, b"fmt ", &chunks::format(spec, form));
        if spec.format == Format::FloatLe {
            chunks::push(&mut bytes, b"fact", &u32::MAX.to_le_bytes());
        }
        chunks::push(&mut bytes, b"bext", &chunks::bext(meta));
        chunks::push(&mut bytes, b"iXML", chunks::ixml(meta).as_bytes());
        let start = (bytes.len() + 16).next_multiple_of(alignment);
        let junk = start - bytes.len() - 16;
        chunks::push(&mut bytes, b"JUNK", &vec![0; junk]);
        bytes.extend(b"data\xff\xff\xff\xff");
        Header { spec, bytes }
    }

    /// The header that a file already has.
    #[must_use]
    pub(super) fn existing(spec: Spec, bytes: Vec<u8>) -> Header {
        Header { spec, bytes }
    }

    /// As stored.
    #[must_use]
    pub fn spec(&self) -> Spec {
        self.spec
    }

    /// The offset of the first sample.
    #[must_use]
    pub fn data_start(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The header for `data_bytes` of samples followed by `tail_bytes` (padding, chunks).
    #[must_use]
    pub fn bytes(&self, data_bytes: u64, tail_bytes: u64) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let riff = self.data_start() + data_bytes + tail_bytes - 8;
        let frames = data_bytes / (self.spec.frame_bytes() as u64).max(1);
        bytes[20..28].copy_from_slice(&riff.to_le_bytes());
        bytes[28..36].copy_from_slice(&data_bytes.to_le_bytes());
        bytes[36..44].copy_from_slice(&frames.to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_start_page_aligned_and_only_80_bytes_change() {
        for format in Format::ALL {
            for channels in [1, 2, 6, 64] {
                let names = (0..channels).map(|c| format!("ch<{c}>")).collect();
                let meta = Meta {
                    channel_names: names,
                    ..Meta::default()
                };
                let header = Header::new(
                    Spec {
                        rate: 48_000,
                        channels,
                        format,
                    },
                    &meta,
                );
                assert_eq!(header.data_start() % 4096, 0);
                let (a, b) = (header.bytes(0, 0), header.bytes(1 << 40, 7));
                assert_eq!(a[CHANGING_BYTES..], b[CHANGING_BYTES..]);
            }
        }
    }
}
