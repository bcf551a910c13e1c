//! The withdrawal code, its proof, and the session's public name.
//!
//! The code has 12 random Crockford base32 characters and a check character; the proof is
//! scrypt(code); SESSION is the first 20 Crockford characters of SHA-256(proof). So a public name
//! leads to no code and carries no date. The code is never written to a log.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// Crockford's base32: no I, L, O, U. <https://www.crockford.com/base32.html>
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Random characters of a code, 60 bits.
const RANDOM: usize = 12;
/// Characters of a session's name, 100 bits.
const NAME: usize = 20;

/// A text that is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not 13 characters of the alphabet.
    #[error("a code has 13 letters and digits, such as ABCD-EFGH-JKMN-P")]
    Shape,
    /// A character is wrong or two are swapped.
    #[error("the code's check character does not fit: please compare it with the screen")]
    Check,
    /// Not 64 hexadecimal digits.
    #[error("a proof has 64 hexadecimal digits")]
    Proof,
}

/// A withdrawal code; its text is shown to its owner only.
#[derive(Clone, PartialEq, Eq)]
pub struct Code([u8; RANDOM + 1]);

impl Drop for Code {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl Code {
    /// A new code from the kernel's randomness.
    ///
    /// # Errors
    /// The kernel's, where it has no randomness.
    pub fn draw() -> Result<Code, getrandom::Error> {
        let mut random = [0; RANDOM];
        getrandom::fill(&mut random)?;
        Ok(Code::of(random.map(|byte| byte % 32)))
    }

    fn of(values: [u8; RANDOM]) -> Code {
        let mut code = [0; RANDOM + 1];
        code[..RANDOM].copy_from_slice(&values);
        code[RANDOM] = check(&values);
        Code(code)
    }

    /// Reads a code as people write it: separators optional, case and `O I L` forgiven.
    ///
    /// # Errors
    /// [`CodeError`].
    pub fn parse(text: &str) -> Result<Code, CodeError> {
        let mut values = Zeroizing::new(Vec::with_capacity(RANDOM + 1));
        for letter in text
            .chars()
            .filter(|c| !matches!(c, '-' | ' ' | '.' | '_' | '\n' | '\r'))
        {
            let letter = match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = ALPHABET
                .iter()
                .position(|known| char::from(*known) == letter);
            values.push(value.ok_or(CodeError::Shape)? as u8);
        }
        let values: [u8; RANDOM + 1] =
            values.as_slice().try_into().map_err(|_| CodeError::Shape)?;
        if check(&values[..RANDOM]) != values[RANDOM] {
            return Err(CodeError::Check);
        }
        Ok(Code(values))
    }

    /// The code in groups; only its owner may see it.
    #[must_use]
    pub fn grouped(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.0.len() * 2));
        for (n, letter) in self.letters().iter().enumerate() {
            if n > 0 && n % 4 == 0 {
                text.push('-');
            }
            text.push(char::from(*letter));
        }
        text
    }

    fn letters(&self) -> Zeroizing<[u8; RANDOM + 1]> {
        Zeroizing::new(self.0.map(|value| ALPHABET[usize::from(value)]))
    }

    /// scrypt(code, salt "booth/1", N 2^14, r 8, p 1).
    #[must_use]
    pub fn proof(&self) -> Proof {
        let mut proof = [0; 32];
        // 14, 8, 1 and 32 bytes are within scrypt's bounds, so neither call can fail.
        if let Ok(params) = scrypt::Params::new(14, 8, 1, 32) {
            let _ = scrypt::scrypt(&*self.letters(), b"booth/1", &params, &mut proof);
        }
        Proof(proof)
    }
}

/// Shows that someone had the code.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof(pub [u8; 32]);

impl FromStr for Proof {
    type Err = CodeError;

    /// Reads 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Proof, CodeError> {
        crate::words::hex::decode(text.trim())
            .map(Proof)
            .ok_or(CodeError::Proof)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(…)")
    }
}

impl Proof {
    /// As 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        crate::words::hex::encode(self.0)
    }

    /// The session's public name.
    #[must_use]
    pub fn session(&self) -> String {
        let digest = Sha256::digest(self.0);
        let bit = |n: usize| usize::from(digest[n / 8] >> (7 - n % 8) & 1);
        (0..NAME)
            .map(|letter| (0..5).fold(0, |value, n| value << 1 | bit(letter * 5 + n)))
            .map(|value| char::from(ALPHABET[value]))
            .collect()
    }
}

/// The check character: the sum of g^(n+1) * v_n over GF(32) with x^5 + x^2 + 1, g = x.
///
/// The weights differ and none is 0 or 1, so a single error changes the sum, and so does swapping
/// neighbours, the last and the check character (weight 1) included.
fn check(values: &[u8]) -> u8 {
    let mut weight = 1;
    values.iter().fold(0, |sum, value| {
        weight = double(weight);
        sum ^ times(weight, *value)
    })
}

fn double(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 0b10_0000 != 0 {
        doubled ^ 0b10_0101
    } else {
        doubled
    }
}

fn times(mut a: u8, b: u8) -> u8 {
    let mut product = 0;
    for bit in 0..5 {
        if b >> bit & 1 == 1 {
            product ^= a;
        }
        a = double(a);
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_error_and_every_swap_of_neighbours_is_caught() {
        let code = Code::of([3, 31, 0, 7, 7, 12, 30, 1, 19, 22, 5, 28]);
        for at in 0..=RANDOM {
            for wrong in (0..32).filter(|value| *value != code.0[at]) {
                let mut values = code.0;
                values[at] = wrong;
                assert_ne!(check(&values[..RANDOM]), values[RANDOM]);
            }
            if at < RANDOM && code.0[at] != code.0[at + 1] {
                let mut values = code.0;
                values.swap(at, at + 1);
                assert_ne!(check(&values[..RANDOM]), values[RANDOM], "swap at {at}");
            }
        }
    }

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let code = Code::of([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        let written = code
            .grouped()
            .replace('-', " ")
            .replace('0', "o")
            .replace('1', "l");
        assert_eq!(Code::parse(&written.to_lowercase()), Ok(code));
        assert_eq!(Code::parse("ABC"), Err(CodeError::Shape));
    }

    #[test]
    fn a_name_has_20_characters_and_differs_from_code_to_code() {
        let (a, b) = (Code::draw().expect("random"), Code::draw().expect("random"));
        let (a, b) = (a.proof().session(), b.proof().session());
        assert_eq!((a.len(), b.len()), (20, 20));
        assert_ne!(a, b);
    }
}
