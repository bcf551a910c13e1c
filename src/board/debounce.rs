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
    /// Whether the present press began before the start: neither it nor its release counts.
    unseen: bool,
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
            unseen: false,
        }
    }

    /// How the contacts are found at the start.
    pub fn found(&mut self, down: bool) {
        (self.down, self.raw, self.unseen) = (down, down, down);
    }

    /// The contacts' last reported state.
    #[must_use]
    pub fn contacts(&self) -> bool {
        self.raw
    }

    /// The contacts closed (`down`) or opened; the button's edges that follow from it.
    pub fn contact(&mut self, down: bool, at: Nanos, mut edge: impl FnMut(bool, Nanos)) {
        // The state after the last bounces counts before this edge does.
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
        (!std::mem::take(&mut self.unseen)).then_some((self.down, self.raw_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

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
    fn a_button_held_at_the_start_is_no_press_and_the_next_one_is() {
        let mut debounce = Debounce::new(Duration::from_millis(20));
        debounce.found(true);
        let mut edges = Vec::new();
        for (down, ms) in [(false, 50), (true, 51), (false, 52), (true, 200)] {
            debounce.contact(down, Nanos(ms * 1_000_000), |down, at| {
                edges.push((down, at.0 / 1_000_000));
            });
        }
        assert_eq!(edges, [(true, 200)]);
    }

    proptest! {
        #[test]
        fn edges_alternate_and_end_where_the_contacts_stay(
            contacts in vec((any::<bool>(), 0u64..60), 0..80)
        ) {
            let mut now = 0;
            let contacts: Vec<_> = contacts
                .into_iter()
                .map(|(down, after)| {
                    now += after;
                    (down, now)
                })
                .collect();
            let seen = edges(&contacts, now + 20);
            prop_assert!(seen.iter().enumerate().all(|(n, (down, _))| *down == (n % 2 == 0)));
            prop_assert!(seen.windows(2).all(|pair| pair[0].1 <= pair[1].1));
            prop_assert!(seen.iter().all(|edge| contacts.contains(edge)));
            let last = contacts.last().is_some_and(|(down, _)| *down);
            prop_assert_eq!(seen.last().is_some_and(|(down, _)| *down), last);
        }

        #[test]
        fn a_press_of_a_contact_that_bounces_is_one_press_at_its_first_touch(
            touches in vec((25u64..300, vec(1u64..4, 0..5), 25u64..300, vec(1u64..4, 0..5)), 1..10)
        ) {
            let (mut now, mut contacts, mut expected) = (0, Vec::new(), Vec::new());
            for (before, closing, held, opening) in touches {
                for (after, bounces, end) in [(before, closing, true), (held, opening, false)] {
                    now += after;
                    expected.push((end, now));
                    contacts.push((end, now));
                    for bounce in bounces {
                        contacts.push((!end, now));
                        now += bounce;
                        contacts.push((end, now));
                    }
                }
            }
            prop_assert_eq!(edges(&contacts, now + 20), expected);
        }
    }
}
