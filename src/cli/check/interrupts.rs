//! Which device interrupts the processors most.

use std::fmt;
use std::fs;
use std::time::Duration;

/// How often an interrupt came on one processor.
#[derive(Debug, PartialEq, Eq)]
pub struct Interrupt {
    name: String,
    cpu: usize,
    /// Since the system started, or per second.
    count: u64,
}

impl fmt::Display for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interrupt { name, cpu, count } = self;
        write!(f, "{name} comes {count} times a second, to CPU {cpu}")
    }
}

/// All counts so far.
pub fn all() -> Vec<Interrupt> {
    let text = fs::read_to_string("/proc/interrupts").unwrap_or_default();
    parse(&text)
}

/// The devices' interrupts in proc_interrupts(5): a line that lists the processors, then the rows.
fn parse(text: &str) -> Vec<Interrupt> {
    let mut lines = text.lines();
    let cpus = lines.next().unwrap_or_default().split_whitespace().count();
    let rows = lines.filter_map(|line| row(line, cpus));
    rows.flatten().collect()
}

/// A row: a number, a count for each processor, then the device; `None` for the processors' own.
fn row(line: &str, cpus: usize) -> Option<Vec<Interrupt>> {
    let mut words = line.split_whitespace();
    // Rows with a name instead: x86's timers, and calls from one processor to another.
    let number: u32 = words.next()?.strip_suffix(':')?.parse().ok()?;
    let counts = words
        .by_ref()
        .take(cpus)
        .map_while(|word| word.parse().ok());
    let counts: Vec<u64> = counts.collect();
    let device = device(&words.collect::<Vec<_>>());
    let interrupt = |(cpu, count)| Interrupt {
        name: format!("{number} ({device})"),
        cpu,
        count,
    };
    let own = is_processors_own(&device);
    (!own).then(|| counts.into_iter().enumerate().map(interrupt).collect())
}

/// The device that an interrupt belongs to: what follows its controller, its number there and its
/// trigger.
fn device(words: &[&str]) -> String {
    let is_trigger = |word: &&str| {
        let word = word.to_ascii_lowercase();
        ["edge", "level", "fasteoi"]
            .iter()
            .any(|it| word.ends_with(it))
    };
    // The last such word: a Pi 3 has a controller named ARMCTRL-level.
    let trigger = words.iter().rposition(is_trigger);
    let from = trigger.map_or(words.len().saturating_sub(1), |at| at + 1);
    let device = words[from..].join(" ");
    if device.is_empty() {
        "of no name".into()
    } else {
        device
    }
}

/// Whether a device is part of the processors, which ARM numbers like other devices: timers, which
/// this measurement itself drives, counters and the interrupt controller of guests.
fn is_processors_own(device: &str) -> bool {
    device.ends_with("timer") || device.ends_with("-pmu") || device == "vgic"
}

/// The interrupt that came most often between two readings taken `apart`, per second.
pub fn busiest(before: &[Interrupt], after: &[Interrupt], apart: Duration) -> Option<Interrupt> {
    let more = after.iter().filter_map(|now| {
        let same = |then: &&Interrupt| then.name == now.name && then.cpu == now.cpu;
        let then = before.iter().find(same).map_or(0, |then| then.count);
        let count = now.count.saturating_sub(then) as f64 / apart.as_secs_f64().max(1e-3);
        (count >= 1.0).then(|| Interrupt {
            name: now.name.clone(),
            cpu: now.cpu,
            count: count as u64,
        })
    });
    more.max_by_key(|interrupt| interrupt.count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a Pi 4, a Pi 5, a Pi 3 and a Zero (27), each of two processors.
    const BEFORE: &str = "           CPU0       CPU1\n \
          9:          0          0     GICv2  25 Level     vgic\n \
         11:       1000       7000     GICv2  30 Level     arch_timer\n \
         12:          0          0     GICv2  27 Level     kvm guest vtimer\n \
         13:          0          0     GICv2  65 Level     fe00b880.mailbox\n \
         27:          0          0  ARMCTRL-level  35 Edge      timer\n \
         31:         10          0     GICv2 189 Level     eth0\n \
         33:          0          0     GICv2  48 Level     arm-pmu\n \
         39:        100          0  BRCM STB PCIe MSI 524288 Edge      xhci_hcd\n\
        137:         20          0  rp1_irq_chip  36 Edge      xhci-hcd:usb3\n\
        162:          0          0  bcm2836-timer   1 Edge      arch_timer\n \
         56:         30          0  ARMCTRL-level  64 Edge      dwc_otg, dwc_otg_pcd, dwc_otg_hcd:usb1\n \
         42:         40          0  ARMCTRL-level  50 Edge      DMA IRQ\n\
        IPI0:      9000       8000       Rescheduling interrupts\n\
        Err:          0\n";

    /// The interrupt that came most often in two seconds, if some of `BEFORE` then reads
    /// differently.
    fn most(changes: &[(&str, &str)]) -> Option<Interrupt> {
        let change = |text: String, (from, to): &(&str, &str)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        };
        let after = changes.iter().fold(BEFORE.to_owned(), change);
        busiest(&parse(BEFORE), &parse(&after), Duration::from_secs(2))
    }

    #[test]
    fn the_interrupt_that_came_most_is_named_with_its_processor() {
        let found = most(&[
            ("100          0", "100       4000"),
            ("10          0", "1900          0"),
        ]);
        let found = found.expect("two came");
        assert_eq!((found.cpu, found.count), (1, 2000));
        assert!(found.to_string().contains("39 (xhci_hcd)"), "{found}");
        assert_eq!(most(&[]), None);
        assert!(parse("").is_empty());
    }

    #[test]
    fn what_drives_the_measurement_itself_is_not_named() {
        let own = [
            ("1000       7000", "9000      17000"),
            ("0     GICv2  25", "9000     GICv2  25"),
            ("0     GICv2  27", "9000     GICv2  27"),
            ("0  ARMCTRL-level  35", "9000  ARMCTRL-level  35"),
            ("0     GICv2  48", "9000     GICv2  48"),
            ("0  bcm2836-timer", "9000  bcm2836-timer"),
        ];
        assert_eq!(most(&own), None);
        let mut changes = own.to_vec();
        changes.push(("0     GICv2 189", "200     GICv2 189"));
        let found = most(&changes).expect("one came");
        assert_eq!((found.name.as_str(), found.count), ("31 (eth0)", 100));
    }

    #[test]
    fn a_device_is_named_in_full() {
        let names: Vec<String> = parse(BEFORE).into_iter().map(|it| it.name).collect();
        for name in [
            "13 (fe00b880.mailbox)",
            "137 (xhci-hcd:usb3)",
            "42 (DMA IRQ)",
        ] {
            assert!(names.iter().any(|it| it == name), "{names:?}");
        }
        let shared = "56 (dwc_otg, dwc_otg_pcd, dwc_otg_hcd:usb1)";
        assert!(names.iter().any(|it| it == shared), "{names:?}");
        let pc = "CPU0\n 26: 15 IO-APIC 4-edge ttyS0\n 27: 0 IO-APIC 6-edge\n";
        let names: Vec<String> = parse(pc).into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["26 (ttyS0)", "27 (of no name)"]);
    }
}
