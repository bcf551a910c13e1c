//! Debouncing on the kernel's stamps: an edge counts at once, what follows too soon is a bounce.
//!
//! The kernel's own debouncing stamps the end of the quiet time, not the edge (gpiolib-cdev.c), so
//! a press would be late by it. Reads no clock.

use std::time::Duration;

use crate::rt::Nanos;

/// One button's contacts.
#[derive(Clone, Debug)]
pub struct Debounce {
    quiet: Duration,
    down: bool,
    changed: Option<Nanos>,
    /// The contacts' last edge.
    raw: bool,
    raw_at: Nanos,
}

impl Debounce {
    /// An open button whose edges within `quiet` of the last change are bounces.
    #[must_use]
    pub fn new(quiet: Duration) -> Debounce {
        Debounce {
            quiet,
            down: false,
            changed: None,
            raw: false,
            raw_at: Nanos(0),
        }
    }

    /// The contacts closed (`down`) or opened; the button's edges that follow from it.
    pub fn contact(&mut self, down: bool, at: Nanos, mut edge: impl FnMut(bool, Nanos)) {
        // What the contacts were when the last bounces had ended counts before this edge does.
        if let Some((down, at)) = self.settle(at) {
            edge(down, at);
        }
        (self.raw, self.raw_at) = (down, at);
        if let Some((down, at)) = self.settle(at) {
            edge(down, at);
        }
    }

    /// An edge that turned out, at `now`, to have been no bounce.
    pub fn settle(&mut self, now: Nanos) -> Option<(bool, Nanos)> {
        let quiet = self
            .changed
            .is_none_or(|changed| now.since(changed) >= self.quiet);
        if self.raw == self.down || !quiet {
            return None;
        }
        self.down = self.raw;
        self.changed = Some(self.raw_at);
        Some((self.down, self.raw_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(contacts: &[(bool, u64)], end: u64) -> Vec<(bool, u64)> {
        let ms = |t: u64| Nanos(t * 1_000_000);
        let mut debounce = Debounce::new(Duration::from_millis(20));
        let mut edges = Vec::new();
        for &(down, at) in contacts {
            debounce.contact(down, ms(at), |down, at| {
                edges.push((down, at.0 / 1_000_000))
            });
        }
        edges.extend(
            debounce
                .settle(ms(end))
                .map(|(d, at)| (d, at.0 / 1_000_000)),
        );
        edges
    }

    #[test]
    fn a_press_counts_at_its_first_edge() {
        let bouncing = [
            (true, 100),
            (false, 101),
            (true, 103),
            (false, 300),
            (true, 302),
            (false, 303),
        ];
        assert_eq!(edges(&bouncing, 400), [(true, 100), (false, 300)]);
    }

    #[test]
    fn a_release_within_the_quiet_time_is_not_lost() {
        assert_eq!(
            edges(&[(true, 100), (false, 110)], 400),
            [(true, 100), (false, 110)]
        );
        let again = [(true, 100), (false, 110), (true, 200)];
        assert_eq!(edges(&again, 400), [(true, 100), (false, 110), (true, 200)]);
    }

    #[test]
    fn edges_alternate_whatever_the_contacts_do() {
        let noise: Vec<_> = (0..500)
            .map(|n| (n * 7 % 5 > 2, n * n % 13 + n * 9))
            .collect();
        let seen = edges(&noise, 10_000);
        assert!(seen.windows(2).all(|pair| pair[0].0 != pair[1].0));
    }
}
