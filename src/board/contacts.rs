//! The push buttons' contacts, from interrupts and from levels.
//!
//! Interrupts carry the kernel's stamps and are preferred. Where none come (an old kernel, an
//! emulated chip) the levels that are read in each turn are used, stamped when they were read.
//! Which of the two works is found out for each pin: by a self-test at the start if the pin can be
//! moved, else at its first press. No press is lost over it, and none is counted twice. Reads no
//! clock and no pin.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Edge;
use super::debounce::Debounce;
use super::profile::{Active, Pin};
use crate::rt::Nanos;
use crate::words::Button;

/// If a level differs for this long from what interrupts reported, no interrupt will come for it:
/// three turns of the main loop, each of which took all that had come.
const PATIENCE: Duration = Duration::from_millis(30);

/// Where news of a contact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// Nothing has moved yet that an interrupt could have reported.
    Unproven,
    Interrupts,
    Levels,
}

#[derive(Debug)]
struct Contact {
    button: Button,
    gpio: u8,
    active: Active,
    debounce: Debounce,
    source: Source,
    /// Since when the level has differed from what was reported.
    differs: Option<Nanos>,
}

impl Contact {
    fn is_down(&self, high: bool) -> bool {
        high == (self.active == Active::High)
    }

    fn change(&mut self, down: bool, at: Nanos, edges: &mut Vec<Edge>) {
        let button = self.button;
        self.differs = None;
        self.debounce.contact(down, at, |down, at| {
            edges.push(Edge { button, down, at });
        });
    }

    fn go_by_level(&mut self) {
        if self.source != Source::Levels {
            let (button, gpio) = (self.button.word(), self.gpio);
            log::warn!("button {button}, GPIO {gpio}: no interrupts come; its level is polled");
        }
        self.source = Source::Levels;
    }
}

/// The contacts of all buttons, in the order of the profile's pins.
#[derive(Debug)]
pub struct Contacts(Vec<Contact>);

impl Contacts {
    /// Open contacts; nothing is known of them yet.
    #[must_use]
    pub fn new(buttons: &BTreeMap<Button, Pin>) -> Contacts {
        let contacts = buttons.iter().map(|(&button, pin)| Contact {
            button,
            gpio: pin.gpio,
            active: pin.active,
            debounce: Debounce::new(Duration::from_millis(pin.debounce_ms.into())),
            source: Source::Unproven,
            differs: None,
        });
        Contacts(contacts.collect())
    }

    /// The kernel has no interrupts for this pin.
    pub fn has_no_interrupts(&mut self, pin: usize) {
        self.0[pin].go_by_level();
    }

    /// The result of the self-test: whether the resistor `moved` the pin, and whether an interrupt
    /// `reported` it.
    pub fn tested(&mut self, pin: usize, moved: bool, reported: bool) {
        let contact = &mut self.0[pin];
        if reported {
            contact.source = Source::Interrupts;
        } else if moved {
            contact.go_by_level();
        }
    }

    /// The level at the start: a button that is held then was not pressed.
    pub fn found(&mut self, pin: usize, high: bool) {
        let contact = &mut self.0[pin];
        let down = contact.is_down(high);
        if down {
            log::warn!(
                "button {} is down at the start: held, or `active` of GPIO {} is the other level",
                contact.button.word(),
                contact.gpio
            );
        }
        contact.debounce.found(down);
    }

    /// An interrupt reported an edge at `at`.
    pub fn edge(&mut self, pin: usize, high: bool, at: Nanos, edges: &mut Vec<Edge>) {
        let contact = &mut self.0[pin];
        if contact.source == Source::Levels {
            return;
        }
        contact.source = Source::Interrupts;
        contact.change(contact.is_down(high), at, edges);
    }

    /// The level read at `now`, after all interrupts that had come were handed over.
    pub fn level(&mut self, pin: usize, high: bool, now: Nanos, edges: &mut Vec<Edge>) {
        let contact = &mut self.0[pin];
        let down = contact.is_down(high);
        if down == contact.debounce.contacts() {
            // There and back again without an interrupt.
            if let Some(since) = contact.differs.take()
                && contact.source == Source::Unproven
            {
                contact.go_by_level();
                contact.change(!down, since, edges);
                contact.change(down, now, edges);
            }
            return;
        }
        let since = *contact.differs.get_or_insert(now);
        if contact.source == Source::Levels || now.since(since) >= PATIENCE {
            // A single interrupt may get lost; where none ever came, none will.
            if contact.source == Source::Unproven {
                contact.go_by_level();
            }
            contact.change(down, since, edges);
        }
    }

    /// Edges that turned out, at `now`, to have been no bounces.
    pub fn settle(&mut self, now: Nanos, edges: &mut Vec<Edge>) {
        for contact in &mut self.0 {
            let button = contact.button;
            let settled = contact.debounce.settle(now);
            edges.extend(settled.map(|(down, at)| Edge { button, down, at }));
        }
    }

    /// Whether any contact is read by its level only.
    #[must_use]
    pub fn are_polled(&self) -> bool {
        self.0
            .iter()
            .any(|contact| contact.source == Source::Levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::profile::Pull;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// A button as it is wired, and what the kernel and the chip make of it.
    struct Bench {
        closes_when_pressed: bool,
        pin: Pin,
        interrupts: bool,
        contacts: Contacts,
        edges: Vec<Edge>,
    }

    impl Bench {
        fn new(closes_when_pressed: bool, pull: Pull, interrupts: bool, held: bool) -> Bench {
            // Closed, a contact is at the rail that the resistor is not at.
            let active = if closes_when_pressed == (pull == Pull::Up) {
                Active::Low
            } else {
                Active::High
            };
            let pin = Pin {
                gpio: 5,
                pull,
                active,
                debounce_ms: 20,
                lamp: None,
            };
            let contacts = Contacts::new(&BTreeMap::from([(Button::Go, pin.clone())]));
            let mut bench = Bench {
                closes_when_pressed,
                pin,
                interrupts,
                contacts,
                edges: Vec::new(),
            };
            bench.contacts.found(0, bench.level(held));
            bench
        }

        fn level(&self, pressed: bool) -> bool {
            let closed = pressed == self.closes_when_pressed;
            closed != (self.pin.pull == Pull::Up)
        }

        /// Turns of 10 ms up to `end`, while the finger goes down or up at `changes`.
        fn run(&mut self, held: bool, changes: &[u64], end: u64) -> Vec<(bool, u64)> {
            let (mut pressed, mut changes) = (held, changes.iter().peekable());
            for now in (0..=end).step_by(10) {
                while let Some(&&at) = changes.peek()
                    && at <= now
                {
                    changes.next();
                    pressed = !pressed;
                    if self.interrupts {
                        let high = self.level(pressed);
                        self.contacts.edge(0, high, ms(at), &mut self.edges);
                    }
                }
                let high = self.level(pressed);
                self.contacts.level(0, high, ms(now), &mut self.edges);
                self.contacts.settle(ms(now), &mut self.edges);
            }
            let edges = self.edges.iter().map(|e| (e.down, e.at.0 / 1_000_000));
            edges.collect()
        }
    }

    fn ms(ms: u64) -> Nanos {
        Nanos(ms * 1_000_000)
    }

    fn wiring() -> impl Strategy<Value = (bool, Pull)> {
        (any::<bool>(), prop_oneof![Just(Pull::Up), Just(Pull::Down)])
    }

    proptest! {
        #[test]
        fn each_press_is_reported_once_and_in_time_however_it_is_wired_and_read(
            (closes, pull) in wiring(),
            interrupts in any::<bool>(),
            gaps in vec(25u64..400, 0..20),
        ) {
            let mut now = 0;
            let changes: Vec<u64> = gaps.iter().map(|gap| { now += gap; now }).collect();
            let mut bench = Bench::new(closes, pull, interrupts, false);
            let seen = bench.run(false, &changes, now + 100);
            prop_assert_eq!(seen.len(), changes.len());
            for (n, ((down, at), change)) in seen.iter().zip(&changes).enumerate() {
                prop_assert_eq!(*down, n % 2 == 0);
                let late = at - change;
                prop_assert!(if interrupts { late == 0 } else { late < 10 }, "late by {} ms", late);
            }
            prop_assert_eq!(bench.contacts.are_polled(), !interrupts && !changes.is_empty());
        }

        #[test]
        fn a_button_held_at_the_start_is_no_press_however_it_is_wired_and_read(
            (closes, pull) in wiring(),
            interrupts in any::<bool>(),
            released in 25u64..200,
        ) {
            let mut bench = Bench::new(closes, pull, interrupts, true);
            let seen = bench.run(true, &[released, released + 100], released + 200);
            prop_assert_eq!(seen.len(), 1);
            prop_assert!(seen[0].0 && seen[0].1 >= released + 100);
        }
    }

    #[test]
    fn the_self_test_decides_only_where_the_pin_moved() {
        for (moved, reported, source) in [
            (true, true, Source::Interrupts),
            (true, false, Source::Levels),
            (false, false, Source::Unproven),
        ] {
            let mut bench = Bench::new(true, Pull::Up, true, false);
            bench.contacts.tested(0, moved, reported);
            assert_eq!(bench.contacts.0[0].source, source);
        }
    }

    #[test]
    fn an_interrupt_that_got_lost_is_made_good_by_the_level_and_the_next_one_is_believed() {
        let mut bench = Bench::new(true, Pull::Up, true, false);
        bench.contacts.tested(0, true, true);
        bench.interrupts = false;
        assert_eq!(bench.run(false, &[55], 120), [(true, 60)]);
        bench.interrupts = true;
        bench
            .contacts
            .edge(0, bench.level(false), ms(155), &mut bench.edges);
        let last = bench.edges.last().map(|edge| (edge.down, edge.at));
        assert_eq!(last, Some((false, ms(155))));
        assert!(!bench.contacts.are_polled());
    }

    #[test]
    fn a_late_interrupt_is_waited_for_and_reported_with_its_own_stamp() {
        let mut bench = Bench::new(true, Pull::Up, true, false);
        let pressed = bench.level(true);
        for now in [60, 70, 80] {
            bench.contacts.level(0, pressed, ms(now), &mut bench.edges);
        }
        bench.contacts.edge(0, pressed, ms(59), &mut bench.edges);
        bench.contacts.level(0, pressed, ms(90), &mut bench.edges);
        bench.contacts.level(0, pressed, ms(200), &mut bench.edges);
        let seen: Vec<_> = bench.edges.iter().map(|e| (e.down, e.at)).collect();
        assert_eq!(seen, [(true, ms(59))]);
    }
}
