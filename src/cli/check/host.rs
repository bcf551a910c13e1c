//! What the system allows: real time and locked memory; also its swap and its clock.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::Finding;
use crate::audio::block::PoolSize;
use crate::audio::capture;
use crate::config::Config;
use crate::rt::{self, Trust};

/// Bits of CapEff, capabilities(7).
const CAP_IPC_LOCK: u32 = 14;

/// Whether capture may run before everything else: tried in a thread of its own.
pub fn scheduling() -> Finding {
    let priority = capture::PRIORITY;
    let tried = std::thread::spawn(move || rt::schedule(priority)).join();
    let limit = limit("Max realtime priority");
    match tried {
        Ok(Ok(())) => Finding::ok("real time", format!("priority {priority} is allowed")),
        Ok(Err(error)) => Finding::warn(
            "real time",
            format!("priority {priority} is refused ({error}), RLIMIT_RTPRIO is {limit}"),
            "set LimitRTPRIO in the unit, or rtprio in /etc/security/limits.d",
        ),
        Err(_) => Finding::warn("real time", "not to be tried", "try it again"),
    }
}

/// Whether the pool between capture and disk fits into memory, and may be locked there.
pub fn memory(config: &Config) -> Finding {
    let (audio, take) = (&config.audio, &config.take);
    let history_ms = u64::from(take.pre_roll_ms) + u64::from(take.hold_ms) + 1000;
    let history = audio.spec().frames_in_ms(history_ms);
    let pool = PoolSize::of(audio.spec(), audio.period_frames, audio.buffer_s, history);
    let megabytes = pool.bytes >> 20;
    let Some(free) = rt::free_memory() else {
        return Finding::warn(
            "memory",
            format!("the pool takes {megabytes} MB; how much is free is not known"),
            "see that /proc is mounted",
        );
    };
    if pool.bytes > free / 2 {
        return Finding::fail(
            "memory",
            format!(
                "the pool takes {megabytes} MB, of {} MB that are free",
                free >> 20
            ),
            "lower audio.buffer_s",
        );
    }
    // The program itself is locked too; `VmSize:   123456 kB`.
    let own = status("VmSize")
        .trim_end_matches(" kB")
        .parse()
        .unwrap_or(0_u64)
        * 1024;
    let limit = limit("Max locked memory");
    let capabilities = u64::from_str_radix(&status("CapEff"), 16).unwrap_or(0);
    let may_lock = limit == "unlimited"
        || capabilities & 1 << CAP_IPC_LOCK != 0
        || limit
            .parse()
            .is_ok_and(|limit: u64| limit >= own + pool.bytes);
    if may_lock {
        return Finding::ok(
            "memory",
            format!("the pool of {megabytes} MB may be locked"),
        );
    }
    Finding::warn(
        "memory",
        format!(
            "{} MB cannot be locked, RLIMIT_MEMLOCK is {limit} bytes",
            (own + pool.bytes) >> 20
        ),
        "set LimitMEMLOCK=infinity in the unit, or memlock in /etc/security/limits.d",
    )
}

/// The soft limit of this process by its name in proc_pid_limits(5).
fn limit(name: &str) -> String {
    let text = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let soft = line.and_then(|line| line.split_whitespace().next());
    soft.unwrap_or("unknown").to_owned()
}

/// A field of proc_pid_status(5).
fn status(field: &str) -> String {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    let mut own = fields.filter(|(name, _)| *name == field);
    own.next().map_or("", |(_, value)| value).trim().to_owned()
}

/// Data in memory must not reach a disk in clear.
pub fn swap() -> Finding {
    let text = match fs::read_to_string("/proc/swaps") {
        Ok(text) => text,
        // A kernel without swap has no such file.
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            let text = format!("/proc/swaps: cannot be read: {error}");
            return Finding::warn("swap", text, "run this as root");
        }
    };
    let open = in_clear(&text, is_encrypted);
    if open.is_empty() {
        let count = text.lines().skip(1).count();
        return Finding::ok(
            "swap",
            if count == 0 {
                "none"
            } else {
                "zram or encrypted"
            },
        );
    }
    Finding::fail(
        "swap",
        format!(
            "{}: neither zram nor encrypted, so names, codes and keys in memory may reach the disk",
            open.join(", ")
        ),
        "turn it off (`swapoff -a`; `systemctl disable dphys-swapfile` on a Pi), or use zram",
    )
}

/// The swaps in /proc/swaps that keep their data on a disk in clear.
fn in_clear(swaps: &str, is_encrypted: impl Fn(&Path) -> bool) -> Vec<String> {
    let lines = swaps.lines().skip(1);
    let names = lines.filter_map(|line| line.split_whitespace().next());
    // proc_swaps writes a space in a name as an escape.
    let names = names.map(|name| name.replace("\\040", " "));
    names
        .filter(|name| !name.starts_with("/dev/zram") && !is_encrypted(Path::new(name)))
        .collect()
}

/// Whether a swap partition or file is on dm-crypt, as far as the kernel says.
fn is_encrypted(swap: &Path) -> bool {
    let Ok(file) = fs::metadata(swap) else {
        return false;
    };
    let device = if file.file_type().is_block_device() {
        file.rdev()
    } else {
        file.dev()
    };
    let name = format!("/sys/dev/block/{}:{}", rt::major(device), rt::minor(device));
    is_crypt(&PathBuf::from(name), 8)
}

/// Whether a device of sysfs is dm-crypt, or is built only on such devices, as LVM may be.
fn is_crypt(device: &Path, depth: u32) -> bool {
    let uuid = fs::read_to_string(device.join("dm/uuid")).unwrap_or_default();
    if uuid.starts_with("CRYPT-") {
        return true;
    }
    let below = fs::read_dir(device.join("slaves"));
    let below: Vec<_> = below.into_iter().flatten().flatten().collect();
    let mut below = below.iter().map(|entry| entry.path()).peekable();
    depth > 0 && below.peek().is_some() && below.all(|device| is_crypt(&device, depth - 1))
}

/// Whether rows carry the time of day, and enrolled people who never come expire.
pub fn clock() -> Finding {
    clock_of(&rt::trust())
}

fn clock_of(trust: &Trust) -> Finding {
    let without = "so rows carry no time of day and enrolled people do not expire";
    match trust {
        Trust::Kernel => Finding::ok("clock", "trusted: the kernel calls it synchronised"),
        Trust::Chip(chip) => Finding::ok(
            "clock",
            format!(
                "trusted: the clock chip {chip} set it at the system's start; no network has \
                 synchronised it since"
            ),
        ),
        Trust::WrongChip(chip) => Finding::warn(
            "clock",
            format!(
                "not trusted, {without}: the clock chip {chip} set it to a time before this program \
                 was built"
            ),
            "change the chip's battery, set the clock (`sudo date -s`), then the chip (`sudo hwclock \
             --systohc`), and start again",
        ),
        Trust::Nothing => Finding::warn(
            "clock",
            format!(
                "not trusted, {without}: the kernel does not call it synchronised, and no clock chip \
                 set it at the system's start"
            ),
            "connect the network, or a clock chip (`install.sh --rtc`); `timedatectl` says more",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_on_a_disk_in_clear_is_found() {
        let swaps = "Filename Type Size Used Priority\n\
                     /dev/zram0 partition 1 0 100\n\
                     /dev/dm-1 partition 1 0 -2\n\
                     /my\\040swap file 1 0 -3\n";
        let found = in_clear(swaps, |path| path == Path::new("/dev/dm-1"));
        assert_eq!(found, ["/my swap"]);
        assert!(in_clear("Filename Type Size Used Priority\n", |_| false).is_empty());
    }

    #[test]
    fn a_device_is_encrypted_if_all_it_stands_on_is() {
        let dir = tempfile::tempdir().expect("a folder");
        let device = |name: &str, uuid: &str| {
            let folder = dir.path().join(name).join("dm");
            fs::create_dir_all(&folder).expect("made");
            fs::write(folder.join("uuid"), uuid).expect("written");
        };
        device("lvm", "LVM-1");
        device("lvm/slaves/a", "CRYPT-LUKS2-1");
        assert!(is_crypt(&dir.path().join("lvm"), 8));
        device("lvm/slaves/b", "LVM-2");
        assert!(!is_crypt(&dir.path().join("lvm"), 8));
    }

    #[test]
    fn the_clock_that_is_trusted_is_named_with_the_reason() {
        use crate::cli::check::State;
        for (trust, state, said) in [
            (Trust::Kernel, State::Ok, "the kernel"),
            (Trust::Chip("rtc0".into()), State::Ok, "chip rtc0 set it"),
            (
                Trust::WrongChip("rtc0".into()),
                State::Warn,
                "before this program was built",
            ),
            (Trust::Nothing, State::Warn, "no clock chip set it"),
        ] {
            let finding = clock_of(&trust);
            assert_eq!(finding.state, state, "{trust:?}");
            assert!(finding.text.contains(said), "{}", finding.text);
        }
    }

    #[test]
    fn the_limits_of_this_process_are_known() {
        assert_ne!(limit("Max locked memory"), "unknown");
        assert!(!status("CapEff").is_empty());
    }
}
