//! The test card, as a value: which buttons there are, and what was heard of each.
//!
//! What is wrong with a panel's profile is seen on it at a glance, beside the key to change.

/// What was heard of a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing yet.
    Nothing,
    /// It is down.
    Down,
    /// It was pressed and released.
    Press,
}

/// A test card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCard {
    /// The board's buttons by name.
    pub buttons: Vec<(&'static str, Heard)>,
}

impl TestCard {
    /// Whether every button was pressed and none is down.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let mut buttons = self.buttons.iter();
        buttons.all(|(_, heard)| *heard == Heard::Press)
    }

    /// The card in words, for who sees no picture.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = "test card".to_owned();
        for (name, heard) in &self.buttons {
            words += "  ";
            words += name;
            words += match heard {
                Heard::Nothing => " -",
                Heard::Down => " down",
                Heard::Press => " ok",
            };
        }
        words
    }
}
