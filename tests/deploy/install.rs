//! deploy/install.sh on the files of a Raspberry Pi.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FSTAB: &str = "proc            /proc           proc    defaults          0       0\n\
    PARTUUID=4e639091-01  /boot/firmware  vfat    defaults          0       2\n\
    PARTUUID=4e639091-02  /               ext4    defaults,noatime  0       1\n\
    # a swapfile is not a swap partition, no line here\n\
    /swapfile none swap sw 0 0\n";
const CMDLINE: &str = "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 \
    rootfstype=ext4 fsck.repair=yes rootwait";
/// No newline at its end, and last a section that would swallow what follows.
const CONFIG: &str = "dtparam=audio=on\ncamera_auto_detect=1\n\n[cm4]\notg_mode=1";
const BOX: [&str; 4] = ["--board", "display-hat-mini", "--data", "LABEL=booth-data"];

/// The system of a Pi, as far as it matters.
struct Pi(tempfile::TempDir);

impl Pi {
    fn new() -> Pi {
        let pi = Pi(tempfile::tempdir().unwrap());
        for (path, text) in [
            ("etc/fstab", FSTAB),
            ("boot/firmware/cmdline.txt", CMDLINE),
            ("boot/firmware/config.txt", CONFIG),
            ("usr/bin/booth", ""),
            ("usr/bin/busybox", ""),
            ("etc/booth/booth.toml", ""),
            ("etc/rpi/swap.conf", ""),
            ("etc/systemd/system.conf", ""),
            (
                "usr/share/initramfs-tools/scripts/init-bottom/overlayroot",
                "",
            ),
        ] {
            fs::create_dir_all(pi.path(path).parent().unwrap()).unwrap();
            fs::write(pi.path(path), text).unwrap();
        }
        fs::set_permissions(pi.path("etc/fstab"), fs::Permissions::from_mode(0o640)).unwrap();
        pi
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn install(&self, arguments: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/install.sh");
        let mut command = Command::new("sh");
        command.arg(script).arg("--root").arg(self.0.path());
        command.args(arguments).output().unwrap()
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let out = self.install(arguments);
        assert!(out.status.success(), "{out:?}");
        String::from_utf8(out.stdout).unwrap()
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> String {
        let before = self.everything();
        let out = self.install(arguments);
        assert!(!out.status.success(), "{out:?}");
        assert_eq!(before, self.everything());
        String::from_utf8(out.stderr).unwrap()
    }

    /// Each path with its mode, and its bytes or where it leads.
    fn everything(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let meta = fs::symlink_metadata(&path).unwrap();
                let bytes = if meta.is_symlink() {
                    fs::read_link(&path)
                        .unwrap()
                        .into_os_string()
                        .into_encoded_bytes()
                } else if meta.is_dir() {
                    folders.push(path.clone());
                    Vec::new()
                } else {
                    fs::read(&path).unwrap()
                };
                all.insert(path, (meta.permissions().mode(), bytes));
            }
        }
        all
    }
}

#[test]
fn twice_is_once_and_uninstalled_is_as_before_to_the_last_byte() {
    let pi = Pi::new();
    let before = pi.everything();
    let said = pi.done(&BOX);
    assert!(
        said.contains("change /etc/fstab") && said.contains("noatime,discard"),
        "{said}"
    );
    let once = pi.everything();
    assert_ne!(before, once);
    assert_eq!(pi.done(&BOX), "nothing to change\n");
    assert_eq!(once, pi.everything());
    pi.done(&["--uninstall"]);
    assert_eq!(before, pi.everything());
    assert_eq!(pi.done(&["--uninstall"]), "nothing to change\n");
}

#[test]
fn a_dry_run_lists_every_change_and_makes_none() {
    let pi = Pi::new();
    let before = pi.everything();
    let listed = pi.done(&[&BOX[..], &["--dry-run"]].concat());
    assert_eq!(before, pi.everything());
    let dry: Vec<&str> = listed
        .lines()
        .filter(|line| !line.ends_with("none made"))
        .collect();
    let done = pi.done(&BOX);
    assert_eq!(dry, done.lines().collect::<Vec<_>>());
    for (path, _) in pi.everything() {
        let name = path
            .strip_prefix(pi.0.path())
            .unwrap()
            .display()
            .to_string();
        let is_new = !before.contains_key(&path) && name != "etc/booth/install.state";
        assert!(
            !is_new || listed.contains(&format!("/{name}")),
            "{name} is not listed"
        );
    }
    let once = pi.everything();
    pi.done(&["--uninstall", "--dry-run"]);
    assert_eq!(once, pi.everything());
}

#[test]
fn the_recordings_are_on_a_partition_that_the_overlay_leaves_alone() {
    let pi = Pi::new();
    pi.done(&BOX);
    let words = pi.read("boot/firmware/cmdline.txt");
    assert!(
        words.starts_with(CMDLINE) && words.lines().count() == 1,
        "{words}"
    );
    assert!(words.contains(" overlayroot=tmpfs:recurse=0"), "{words}");
    let fstab = pi.read("etc/fstab");
    let line = |start: &str| fstab.lines().find(|line| line.starts_with(start)).unwrap();
    let data = line("LABEL=booth-data /var/lib/booth ext4 ");
    for option in ["noatime", "discard", "errors=remount-ro", "nofail"] {
        assert!(data.contains(option), "{data}");
    }
    assert!(
        line("PARTUUID=4e639091-01").contains("defaults,ro"),
        "{fstab}"
    );
    assert!(
        !fstab
            .lines()
            .any(|line| !line.starts_with('#') && line.contains(" swap "))
    );
}

/// Beside the recordings, where somebody looks.
#[test]
fn a_root_that_is_no_overlay_although_it_should_be_is_told() {
    let pi = Pi::new();
    pi.done(&BOX);
    let keep = pi.read("usr/local/lib/booth/keep");
    let asked = keep.find("overlayroot=tmpfs /proc/cmdline").unwrap();
    assert!(keep[asked..].contains("tee -a booth.log"), "{keep}");
}

#[test]
fn a_first_start_has_no_time_to_go_on_from_and_a_card_put_back_is_mounted() {
    let pi = Pi::new();
    pi.done(&BOX);
    let clock = pi.read("etc/systemd/system/booth-clock.service");
    assert!(
        clock.contains("ConditionPathExists=/var/lib/booth/log/clock\n"),
        "{clock}"
    );
    let card = pi.read("etc/udev/rules.d/90-booth-card.rules");
    assert!(
        card.contains(r#"SYSTEMD_WANTS}+="booth-card.service""#),
        "{card}"
    );
}

/// What somebody changed since the box was made is theirs.
#[test]
fn other_settings_replace_the_old_ones_and_foreign_lines_stay() {
    let pi = Pi::new();
    let config = "boot/firmware/config.txt";
    pi.done(&BOX);
    assert!(
        pi.read(config)
            .contains("[all]\ndtparam=spi=on\ndtoverlay=spi0-2cs,no_miso\n")
    );
    fs::write(pi.path(config), pi.read(config) + "arm_boost=1\n").unwrap();
    let more = ["--sound", "hifiberry-adc", "--rtc", "ds3231"];
    pi.done(
        &[
            &["--board", "one-button", "--data", "UUID=1"][..],
            &more[..],
        ]
        .concat(),
    );
    let text = pi.read(config);
    assert_eq!(text.matches("# booth: begin").count(), 1, "{text}");
    for line in [
        "spi0-1cs,no_miso",
        "dtoverlay=hifiberry-adc",
        "i2c-rtc,ds3231",
        "arm_boost=1",
    ] {
        assert!(text.contains(line), "{text}");
    }
    pi.done(&["--uninstall"]);
    assert_eq!(pi.read(config), format!("{CONFIG}\narm_boost=1"));
    assert_eq!(pi.read("etc/fstab"), FSTAB);
}

#[test]
fn what_would_lose_recordings_is_refused_before_anything_is_changed() {
    let pi = Pi::new();
    assert!(
        pi.refused(&["--board", "display-hat-mini"])
            .contains("--data DEVICE is missing")
    );
    assert!(
        pi.refused(&["--board", "hat", "--data", "LABEL=x"])
            .contains("known: breadboard")
    );
    let sound = [&BOX[..], &["--sound", "hifiberry-adc"]].concat();
    assert!(pi.refused(&sound).contains("i2s = true"));
    for folder in ["sessions", "keys"] {
        fs::create_dir_all(pi.path("var/lib/booth").join(folder)).unwrap();
        assert!(pi.refused(&BOX).contains("would hide"));
        fs::remove_dir_all(pi.path("var")).unwrap();
    }
    let everything = format!("{CMDLINE} overlayroot=tmpfs\n");
    fs::write(pi.path("boot/firmware/cmdline.txt"), everything).unwrap();
    assert!(pi.refused(&BOX).contains("puts the recordings into memory"));
    fs::remove_file(pi.path("usr/bin/busybox")).unwrap();
    assert!(pi.refused(&BOX).contains("apt-get install busybox"));
    fs::remove_file(pi.path("usr/share/initramfs-tools/scripts/init-bottom/overlayroot")).unwrap();
    assert!(pi.refused(&BOX).contains("apt-get install overlayroot"));
}

#[test]
fn a_system_that_is_not_understood_is_refused_before_anything_is_changed() {
    let pi = Pi::new();
    assert!(
        pi.refused(&["--board", "sim", "--data", "LABEL=x"])
            .contains("no panel on SPI")
    );
    let blank = [&BOX[..3], &["LABEL=a b"]].concat();
    assert!(pi.refused(&blank).contains("words without blanks"));
    for file in ["etc/fstab", "boot/firmware/cmdline.txt"] {
        let text = pi.read(file);
        fs::remove_file(pi.path(file)).unwrap();
        assert!(pi.refused(&BOX).contains("is missing"), "{file}");
        std::os::unix::fs::symlink("elsewhere", pi.path(file)).unwrap();
        fs::write(pi.path(file).with_file_name("elsewhere"), &text).unwrap();
        assert!(pi.refused(&BOX).contains("is a link"), "{file}");
        fs::remove_file(pi.path(file)).unwrap();
        fs::write(pi.path(file), text).unwrap();
    }
    fs::write(pi.path("boot/firmware/cmdline.txt"), "\n").unwrap();
    assert!(pi.refused(&BOX).contains("no words"));
}

/// As an editor of Windows leaves the boot partition's files.
#[test]
fn a_file_with_other_ends_of_lines_is_changed_once_and_taken_back() {
    let pi = Pi::new();
    let config = "boot/firmware/config.txt";
    pi.done(&BOX);
    fs::write(pi.path(config), pi.read(config).replace('\n', "\r\n")).unwrap();
    pi.done(&BOX);
    assert_eq!(pi.read(config).matches("booth: begin").count(), 1);
    pi.done(&["--uninstall"]);
    let left = pi.read(config).replace('\r', "");
    assert_eq!(left.trim_end(), CONFIG);
}

#[test]
fn a_lost_mark_is_told_and_costs_no_line() {
    let pi = Pi::new();
    let config = "boot/firmware/config.txt";
    pi.done(&BOX);
    let marked = pi.read(config);
    let lost = marked.replace("# booth: end\n", "") + "arm_boost=1\n";
    fs::write(pi.path(config), lost).unwrap();
    assert!(pi.refused(&BOX).contains("lost one of the marks"));
    assert!(
        pi.refused(&["--uninstall"])
            .contains("lost one of the marks")
    );
    fs::write(pi.path(config), marked).unwrap();
    pi.done(&["--uninstall"]);
    assert_eq!(pi.read(config), CONFIG);
}

#[test]
fn a_line_for_the_recordings_that_is_there_steps_aside_and_comments_stay_comments() {
    let pi = Pi::new();
    let own = format!("{FSTAB}UUID=abc /var/lib/booth ext4 defaults 0 2\n#booth: mine\n");
    fs::write(pi.path("etc/fstab"), &own).unwrap();
    pi.done(&BOX);
    let fstab = pi.read("etc/fstab");
    let lines = |text: &str| fstab.lines().filter(|line| line.contains(text)).count();
    assert!(fstab.contains("\n#booth: was: UUID=abc"), "{fstab}");
    assert_eq!(lines(" /var/lib/booth "), 2, "{fstab}");
    assert!(fstab.contains("\n#booth: mine\n"), "{fstab}");
    pi.done(&["--uninstall"]);
    assert_eq!(pi.read("etc/fstab"), own);
}

#[test]
fn whoever_runs_it_with_a_closed_mask_makes_files_that_the_service_reads() {
    let pi = Pi::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/install.sh");
    let line = format!(
        "umask 077; sh {} --root {} \"$@\"",
        script.display(),
        pi.0.path().display()
    );
    let out = Command::new("sh")
        .args(["-c", &line, "sh"])
        .args(BOX)
        .output()
        .unwrap();
    assert!(out.status.success(), "{out:?}");
    for (path, (mode, _)) in pi.everything() {
        if path.starts_with(pi.path("usr/local")) {
            assert_eq!(mode & 0o555, 0o555, "{}", path.display());
        }
    }
}

#[test]
fn a_set_up_that_was_cut_off_is_finished_or_taken_back() {
    for obstacle in [
        "systemd/system/booth-clock.service",
        "systemd/system/man-db.timer",
    ] {
        let pi = Pi::new();
        fs::create_dir(pi.path("etc/systemd/system")).unwrap();
        let before = pi.everything();
        let place = pi.path("etc").join(obstacle);
        for goes_on in [false, true] {
            fs::write(&place, "somebody else's").unwrap();
            let out = pi.install(&BOX);
            let said = String::from_utf8(out.stderr).unwrap();
            assert!(!out.status.success() && said.contains(obstacle), "{said}");
            fs::remove_file(&place).unwrap();
            assert_ne!(before, pi.everything());
            // And once more, in the middle of a file.
            fs::write(pi.path("etc/fstab.booth-new"), "half").unwrap();
            if goes_on {
                pi.done(&BOX);
            }
            pi.done(&["--uninstall"]);
            assert_eq!(before, pi.everything(), "{obstacle}, {goes_on}");
        }
    }
}
