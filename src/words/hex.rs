//! Hashes, proofs and keys as hexadecimal text.

/// 32 bytes in lower case.
#[must_use]
pub fn encode(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of exactly `N` pairs of hexadecimal digits.
#[must_use]
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let bytes: [u8; 32] = std::array::from_fn(|n| n as u8 * 8);
        assert_eq!(decode(&encode(bytes)), Some(bytes));
        assert_eq!(decode("0fA0"), Some([0x0f, 0xa0]));
        for bad in ["", "0", "0g", "+1", "00 ", "0000", "é"] {
            assert_eq!(decode::<1>(bad), None, "{bad}");
        }
    }
}
