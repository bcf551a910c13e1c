//! The head of an index file, and what it knows the corpus by.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use sha2::{Digest, Sha256};

/// First bytes of an index file; the last one is the version of the format.
pub(super) const MAGIC: [u8; 8] = *b"BOOTHIX\x01";
/// Lines between two stored offsets: 1.25 MB of index for ten million lines, and at most 63 lines
/// to pass over, which at a hundred bytes each is one read.
pub const STRIDE: u64 = 64;
/// Length of the header with its own hash.
pub(super) const HEADER_BYTES: usize = 8 + 8 * 6 + 32 * 3 + 32;

/// What a corpus file looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    modified_ns: i64,
    /// Time of the last change of the inode: a tool can set the other one back, not this.
    changed_ns: i64,
}

impl Stamp {
    /// The stamp of an open file.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Stamp {
        let ns = |s: i64, ns: i64| s.saturating_mul(1_000_000_000).saturating_add(ns);
        Stamp {
            bytes: metadata.len(),
            modified_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            changed_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the content is still the same while the file is open. The inode's own time may move
    /// meanwhile: it does when the name is removed or given to a new file, and then the open one
    /// still holds every line.
    #[must_use]
    pub fn same_content(&self, now: &Stamp) -> bool {
        (self.bytes, self.modified_ns) == (now.bytes, now.modified_ns)
    }

    /// Length of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The head of an index file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) stamp: Stamp,
    pub(super) first_byte: u64,
    pub(super) lines: u64,
    pub(super) probe_sha256: [u8; 32],
    /// Zero until known.
    pub(super) corpus_sha256: [u8; 32],
    /// Of all that follows the header.
    pub(super) offsets_sha256: [u8; 32],
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(STRIDE.to_le_bytes());
        bytes.extend(self.stamp.bytes.to_le_bytes());
        bytes.extend(self.stamp.modified_ns.to_le_bytes());
        bytes.extend(self.stamp.changed_ns.to_le_bytes());
        bytes.extend(self.first_byte.to_le_bytes());
        bytes.extend(self.lines.to_le_bytes());
        bytes.extend(self.probe_sha256);
        bytes.extend(self.corpus_sha256);
        bytes.extend(self.offsets_sha256);
        let own = Sha256::digest(&bytes);
        bytes.extend(own);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Header> {
        if bytes.len() != HEADER_BYTES || bytes[..8] != MAGIC {
            return None;
        }
        let (body, own) = bytes.split_at(HEADER_BYTES - 32);
        let word =
            |n: usize| -> [u8; 8] { body[8 + 8 * n..16 + 8 * n].try_into().unwrap_or([0; 8]) };
        let hash =
            |n: usize| -> [u8; 32] { body[56 + 32 * n..88 + 32 * n].try_into().unwrap_or([0; 32]) };
        if Sha256::digest(body).as_slice() != own || u64::from_le_bytes(word(0)) != STRIDE {
            return None;
        }
        Some(Header {
            stamp: Stamp {
                bytes: u64::from_le_bytes(word(1)),
                modified_ns: i64::from_le_bytes(word(2)),
                changed_ns: i64::from_le_bytes(word(3)),
            },
            first_byte: u64::from_le_bytes(word(4)),
            lines: u64::from_le_bytes(word(5)),
            probe_sha256: hash(0),
            corpus_sha256: hash(1),
            offsets_sha256: hash(2),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_header_is_no_header() {
        let stamp = Stamp {
            bytes: 1,
            modified_ns: -2,
            changed_ns: 3,
        };
        let header = Header {
            stamp,
            first_byte: 3,
            lines: 4,
            probe_sha256: [5; 32],
            corpus_sha256: [6; 32],
            offsets_sha256: [7; 32],
        };
        let good = header.encode();
        assert_eq!(Header::decode(&good), Some(header));
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(Header::decode(&bad), None, "byte {at}");
            assert_eq!(Header::decode(&good[..at]), None);
        }
    }
}
