//! How wide characters are that stand alone, as seen in texts that were shaped.
//!
//! Guarantees: [`Advances::surely_hold`] never says yes to a text that would be cut; it spares most
//! lines of a long corpus their layout.

/// Characters below this one are remembered: all that stand alone.
const MOST: usize = 0xa000;
/// What kerning may add, and rounding.
const MARGIN: f32 = 1.05;
/// The longest piece of Chinese or Japanese that no line breaks within, in em: marks stay with their
/// neighbours.
const KEPT_TOGETHER: f32 = 6.0;

/// The advance of each character, in parts of the font size; zero: not seen yet.
#[derive(Debug)]
pub(super) struct Advances(Vec<f32>);

impl Default for Advances {
    fn default() -> Advances {
        Advances(vec![0.0; MOST])
    }
}

impl Advances {
    /// A character that stands alone was laid out `width` em wide.
    pub(super) fn learn(&mut self, c: char, width: f32) {
        if let Some(known) = self.0.get_mut(c as usize).filter(|_| stands_alone(c)) {
            // A glyph without a width is a glyph too.
            *known = known.max(width).max(f32::MIN_POSITIVE);
        }
    }

    fn of(&self, c: char) -> Option<f32> {
        let known = self.0.get(c as usize).copied();
        known.filter(|width| *width > 0.0)
    }

    /// Whether every character has a glyph.
    pub(super) fn are_known(&self, text: &str) -> bool {
        text.chars().all(|c| c.is_control() || self.of(c).is_some())
    }

    /// Whether lines of `width` em, `lines` of them, surely hold `text`.
    ///
    /// Where no piece is wider than half a line, each line but the last is more than half full: what
    /// did not fit on it was a piece.
    pub(super) fn surely_hold(&self, text: &str, width: f32, lines: u32) -> bool {
        // A line that ends with its paragraph may be as good as empty.
        if text.contains('\n') {
            return false;
        }
        let half = width / MARGIN / 2.0;
        let (mut all, mut piece) = (0.0, 0.0);
        for c in text.chars() {
            let c = if c.is_control() { ' ' } else { c };
            let Some(wide) = self.of(c) else { return false };
            all += wide;
            piece = match c {
                ' ' => 0.0,
                '\u{3001}'.. => KEPT_TOGETHER,
                _ => piece + wide,
            };
            if piece > half {
                return false;
            }
        }
        all < half * lines.saturating_sub(1) as f32
    }
}

/// Whether a character's glyph does not depend on its neighbours: Latin letters, punctuation and
/// currency, kana and Chinese. Combining marks and the scripts that join are not among them.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{20}'..='\u{ac}' | '\u{ae}'..'\u{300}' | '\u{2010}'..='\u{2027}'
        | '\u{2030}'..='\u{205e}' | '\u{20a0}'..='\u{20c0}' | '\u{3001}'..='\u{3029}'
        | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_or_may_be_cut_is_not_said_to_fit() {
        let mut advances = Advances::default();
        for c in "abc 字".chars() {
            advances.learn(c, 0.5);
        }
        advances.learn('ก', 0.5);
        assert!(advances.are_known("a b\tc字") && !advances.are_known("ก"));
        let holds = |text: &str| advances.surely_hold(text, 21.0, 5);
        assert!(holds("abc abc") && holds("字字字"));
        assert!(!holds("a\nb\nc\na\nb\nc"));
        assert!(!holds("d") && !holds(&"a".repeat(30)) && !holds(&"abc ".repeat(30)));
    }
}
