//! A file being sealed, in memory: plain bytes go in, those of an age file come out.
//!
//! Guarantees: what comes out, put together, is one age file that the recipient's key opens; nothing is
//! encrypted twice. A full chunk comes out once a byte follows it, the last one at the end.
//! <https://c2sp.org/age>

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use age::stream::StreamWriter;

use super::operator::{PrivateKey, Recipient};

/// Plain bytes of an age chunk.
pub const CHUNK_BYTES: u64 = 64 * 1024;
/// Bytes that each chunk grows by.
pub const TAG_BYTES: u64 = 16;
/// Bytes between the header and the first chunk.
const NONCE_BYTES: u64 = 16;

/// Length of an age header: up to the end of the line that begins with `--- `.
#[must_use]
pub fn header_bytes(start: &[u8]) -> Option<u64> {
    let mac = start.windows(5).position(|bytes| bytes == b"\n--- ")? + 1;
    let end = start[mac..].iter().position(|byte| *byte == b'\n')?;
    Some((mac + end + 1) as u64)
}

/// Length of what follows the header: nonce, then chunks, of which there is always one.
#[must_use]
pub fn payload_bytes(plain_bytes: u64) -> u64 {
    NONCE_BYTES + plain_bytes + plain_bytes.div_ceil(CHUNK_BYTES).max(1) * TAG_BYTES
}

/// Plain bytes of the whole chunks that the first `bytes` of a file hold, behind a header of
/// `header` bytes. A last chunk that is not whole may be the closing one, which only the key can tell.
#[must_use]
pub fn whole_bytes(header: u64, bytes: u64) -> u64 {
    let payload = bytes.saturating_sub(header + NONCE_BYTES);
    payload / (CHUNK_BYTES + TAG_BYTES) * CHUNK_BYTES
}

/// Where age writes to.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file being sealed.
pub struct Stream {
    writer: StreamWriter<Out>,
    out: Out,
}

impl Stream {
    /// A file that only `recipient` opens; its header comes out at once.
    ///
    /// # Errors
    /// The recipient cannot be sealed to.
    pub fn to(recipient: &Recipient) -> io::Result<Stream> {
        let recipients = std::iter::once(recipient as &dyn age::Recipient);
        let sealer = age::Encryptor::with_recipients(recipients).map_err(io::Error::other)?;
        let out = Out::default();
        let writer = sealer.wrap_output(out.clone())?;
        Ok(Stream { writer, out })
    }

    /// Takes in plain bytes; what comes out is added to `sealed`.
    ///
    /// # Errors
    /// None: it writes into memory.
    pub fn write(&mut self, plain: &[u8], sealed: &mut Vec<u8>) -> io::Result<()> {
        self.writer.write_all(plain)?;
        drain(&self.out, sealed);
        Ok(())
    }

    /// The closing chunk, added to `sealed`.
    ///
    /// # Errors
    /// None: it writes into memory.
    pub fn finish(self, sealed: &mut Vec<u8>) -> io::Result<()> {
        self.writer.finish()?;
        drain(&self.out, sealed);
        Ok(())
    }
}

fn drain(out: &Out, sealed: &mut Vec<u8>) {
    let mut out = out.0.lock().unwrap_or_else(PoisonError::into_inner);
    sealed.append(&mut out);
}

/// Seals something, and opens it with the private half: whether what is recorded for `recipient` will
/// open with `key`.
///
/// # Errors
/// It does not open, or not to what was sealed.
pub fn probe(recipient: &Recipient, key: &PrivateKey) -> io::Result<()> {
    let plain = vec![0x55; CHUNK_BYTES as usize + 1];
    let mut sealed = Vec::new();
    let mut stream = Stream::to(recipient)?;
    stream.write(&plain, &mut sealed)?;
    stream.finish(&mut sealed)?;
    let opener = age::Decryptor::new_buffered(&sealed[..]).map_err(io::Error::other)?;
    let key = std::iter::once(key as &dyn age::Identity);
    let mut opened = Vec::new();
    let mut reader = opener.decrypt(key).map_err(io::Error::other)?;
    reader.read_to_end(&mut opened)?;
    if opened == plain {
        Ok(())
    } else {
        Err(io::Error::other("it opens to something else"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_has_the_length_that_is_known_before() {
        let key = PrivateKey::generate();
        for length in [
            0,
            1,
            CHUNK_BYTES - 1,
            CHUNK_BYTES,
            CHUNK_BYTES + 1,
            3 * CHUNK_BYTES,
        ] {
            let mut sealed = Vec::new();
            let mut stream = Stream::to(&key.to_public()).expect("a stream");
            let plain = vec![7; length as usize];
            for piece in plain.chunks(10_000) {
                stream.write(piece, &mut sealed).expect("memory");
            }
            let header = header_bytes(&sealed).unwrap_or(0);
            stream.finish(&mut sealed).expect("memory");
            let header = header_bytes(&sealed).unwrap_or(header);
            assert_eq!(sealed.len() as u64, header + payload_bytes(length));
            let whole = whole_bytes(header, sealed.len() as u64);
            assert_eq!(whole, length / CHUNK_BYTES * CHUNK_BYTES, "{length}");
        }
    }

    #[test]
    fn a_probe_opens_with_its_own_key_and_with_no_other() {
        let (own, other) = (PrivateKey::generate(), PrivateKey::generate());
        probe(&own.to_public(), &own).expect("opens");
        assert!(probe(&own.to_public(), &other).is_err());
    }
}
