//! The board that the configuration names, and whether this machine has its devices.

use std::fs::File;
use std::io::{self, ErrorKind};

use super::Finding;
use crate::board::profile::Profile;
use crate::config::Config;

const COMPATIBLE: &str = "/sys/firmware/devicetree/base/compatible";

/// The profile, and whether this machine has what it names.
pub fn board(config: &Config) -> Finding {
    let profile = match Profile::load(&config.board) {
        Ok(profile) => profile,
        Err(error) => return Finding::error("board", error),
    };
    let (width, height) = (profile.panel.width, profile.panel.height);
    if profile.panel.driver.is_simulated() {
        return Finding::ok("board", format!("simulated, {width} x {height}"));
    }
    if !cfg!(feature = "pi") {
        let text = format!("{}: this program was built without pins", config.board);
        return Finding::fail("board", text, "install a build with the feature `pi`");
    }
    let machine = std::fs::read_to_string(COMPATIBLE).unwrap_or_default();
    for device in devices(&profile.panel.spi, &machine) {
        if let Err(error) = device.open() {
            let text = format!("{}: {}: {error}", config.board, device.path);
            return Finding::fail("board", text, device.remedy(error.kind()));
        }
    }
    let spi = &profile.panel.spi;
    Finding::ok(
        "board",
        format!(
            "{}: pins and /dev/spidev{spi} open; the panel of {width} x {height} and the buttons \
             themselves: `booth check --test-card`",
            config.board
        ),
    )
}

/// A device file that buttons or panel need.
struct Device {
    path: String,
    /// The group that may open it.
    group: &'static str,
    /// What to do if it is missing.
    missing: String,
}

/// Pins, their registers (which rppal maps), and the panel's bus, on a machine with a device tree.
fn devices(spi: &str, machine: &str) -> [Device; 3] {
    let is_pi_5 = machine.contains("bcm2712");
    let registers = if is_pi_5 { "gpiomem0" } else { "gpiomem" };
    [
        Device {
            path: "/dev/gpiochip0".into(),
            group: "gpio",
            missing: "run it on a Raspberry Pi".into(),
        },
        Device {
            path: format!("/dev/{registers}"),
            group: "gpio",
            missing: "run it on a Raspberry Pi, with the kernel of Raspberry Pi OS".into(),
        },
        Device {
            path: format!("/dev/spidev{spi}"),
            group: "spi",
            missing: format!("put `{}` into /boot/firmware/config.txt", overlay(spi)),
        },
    ]
}

/// The line of config.txt that makes /dev/spidevBUS.SELECT.
fn overlay(spi: &str) -> String {
    let (bus, select) = spi.split_once('.').unwrap_or(("0", "0"));
    if bus == "0" {
        return "dtparam=spi=on".into();
    }
    let selects = select.parse().unwrap_or(0_u32) + 1;
    format!("dtoverlay=spi{bus}-{selects}cs")
}

impl Device {
    fn open(&self) -> io::Result<File> {
        File::options().read(true).write(true).open(&self.path)
    }

    fn remedy(&self, kind: ErrorKind) -> String {
        let group = self.group;
        match kind {
            ErrorKind::NotFound => self.missing.clone(),
            ErrorKind::PermissionDenied => format!(
                "join the group {group} (`sudo usermod -aG {group} \"$USER\"`) and log in again"
            ),
            _ => "see what the kernel says of it (`dmesg`)".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_bus_is_turned_on_by_the_line_of_its_own() {
        let line = |spi| devices(spi, "")[2].remedy(ErrorKind::NotFound);
        assert!(line("0.1").contains("`dtparam=spi=on`"));
        assert!(line("1.0").contains("`dtoverlay=spi1-1cs`"));
        assert!(line("1.2").contains("`dtoverlay=spi1-3cs`"));
        assert!(line("6.1").contains("`dtoverlay=spi6-2cs`"));
    }

    #[test]
    fn a_user_who_may_not_open_a_device_is_sent_to_its_group() {
        let remedies = devices("0.1", "").map(|it| it.remedy(ErrorKind::PermissionDenied));
        let groups = ["group gpio", "group gpio", "group spi"];
        for (remedy, group) in remedies.iter().zip(groups) {
            assert!(remedy.contains(group), "{remedy}");
            assert!(!remedy.contains("Raspberry Pi"), "{remedy}");
        }
    }

    #[test]
    fn the_registers_are_those_of_the_machine() {
        let path = |machine| devices("0.1", machine)[1].path.clone();
        let pi_4 = "raspberrypi,4-model-b\0brcm,bcm2711\0";
        assert_eq!(path(pi_4), "/dev/gpiomem");
        let pi_5 = "raspberrypi,5-model-b\0brcm,bcm2712\0";
        assert_eq!(path(pi_5), "/dev/gpiomem0");
    }
}
