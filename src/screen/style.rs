//! How a text is set, whatever draws it.

/// How a text is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Bold, where there is a bold face.
    pub bold: bool,
    /// Where lines stand between the sides.
    pub side: Side,
    /// Largest size, pixels.
    pub largest: u32,
}

/// Where lines stand between the sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At the left.
    Left,
    /// In the middle.
    Middle,
    /// At the right.
    Right,
}
