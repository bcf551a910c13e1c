//! The withdrawal code as its owner sees it: letters, QR code, and whom to write to.
//!
//! Guarantees: no `Debug` shows it; it stands beside a [`super::Screen`], never in one, so that
//! nothing that keeps, compares or logs screens has it.

use std::fmt;

use zeroize::Zeroizing;

/// What is shown on the screens `code` and `thanks`.
#[derive(Clone, PartialEq, Eq)]
pub struct Card {
    /// The code in groups.
    pub letters: Zeroizing<String>,
    /// What the QR code holds; `None` draws an empty field in its place.
    pub qr: Option<Zeroizing<String>>,
    /// Whom to write to; may be empty.
    pub contact: String,
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card(…)")
    }
}

impl Card {
    /// A card for the code of `letters`; the QR code holds it behind `url` and `#`, or alone.
    #[must_use]
    pub fn of(letters: Zeroizing<String>, url: &str, contact: &str) -> Card {
        let qr = if url.is_empty() {
            letters.clone()
        } else {
            Zeroizing::new(format!("{url}#{}", *letters))
        };
        Card {
            letters,
            qr: Some(qr),
            contact: contact.to_owned(),
        }
    }

    /// The same card without its secret, for pictures that become files.
    #[must_use]
    pub fn masked(&self) -> Card {
        let hide = |letter| if letter == '-' { '-' } else { '*' };
        Card {
            letters: Zeroizing::new(self.letters.chars().map(hide).collect()),
            qr: None,
            contact: self.contact.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_tells_its_code_to_its_owner_only() {
        let letters = || Zeroizing::new("ABCD-EFGH-JKMN-P".to_owned());
        let card = Card::of(letters(), "https://example.org/forget", "front desk");
        let qr = card.qr.as_ref().map(|qr| qr.as_str());
        assert_eq!(qr, Some("https://example.org/forget#ABCD-EFGH-JKMN-P"));
        assert_eq!(Card::of(letters(), "", "").qr, Some(letters()));
        let masked = card.masked();
        assert_eq!(
            (masked.letters.as_str(), masked.qr),
            ("****-****-****-*", None)
        );
        assert!(!format!("{card:?}").contains("ABCD"));
    }
}
