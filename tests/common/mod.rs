//! A capture device for the tests that needs no sound card, and its mixer: see
//! `alsa/pcm_boothsim.c` and `alsa/ctl_boothsim.c`.
//!
//! Each test binary uses a part of this.
#![allow(dead_code, clippy::unwrap_used, missing_docs)]

pub mod lab;
pub mod lateness;
pub mod random;
pub mod run;
pub mod shim;
pub mod sphere;
pub mod tools;
pub mod unit;
pub mod wait;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use booth::rt::Nanos;
use booth::words::{Format, Spec};

/// Devices of the configuration: `bpaced` keeps time, `bfree` does not (10 times 48 kHz at most),
/// `bpull` is gone while the file `AlsaEnv::unplug_file` exists, `bfreeze` delivers nothing while
/// `AlsaEnv::freeze_file` exists, `bhang` does not even return while `AlsaEnv::hang_file` exists,
/// `bdrift` runs 200 ppm fast, `bstereo` has two channels, `bplug` and `bplug16` are a `plug` over it (to
/// 16 bits), `bbusy` is open elsewhere, `bfile` gives the samples of the file `BOOTH_IN`, and there is a
/// card 0.
#[derive(Clone, Debug)]
pub struct AlsaEnv {
    folder: PathBuf,
    config: PathBuf,
    /// `bpull` is unplugged while this file exists; one for each test process and call.
    pub unplug_file: PathBuf,
    /// `bfreeze` is frozen while this file exists.
    pub freeze_file: PathBuf,
    /// Whoever asks `bhang` waits for as long as this file exists.
    pub hang_file: PathBuf,
    /// State of the mixer of `bpaced` and `bdrift`; there is none while a file with the further
    /// ending `.gone` is beside it.
    pub mixer_file: PathBuf,
    /// CLOCK_MONOTONIC of every device's frame 0, milliseconds.
    pub epoch_ms: u64,
}

impl AlsaEnv {
    /// Makes a child process see the test devices and no others.
    pub fn apply(&self, command: &mut Command) {
        command
            .env("ALSA_PLUGIN_DIR", &self.folder)
            .env("ALSA_CONFIG_PATH", &self.config)
            .env("BOOTH_UNPLUG", &self.unplug_file);
    }

    /// The frame that a device of `rate` captures at `at`.
    pub fn frame_at(&self, at: Nanos, rate: u32) -> u64 {
        let since = u128::from(at.0 - self.epoch_ms * 1_000_000);
        (since * u128::from(rate) / 1_000_000_000) as u64
    }
}

/// True in a child process that sees the test devices; the parent runs the child and passes its outcome on.
pub fn in_child(test: &str) -> bool {
    if std::env::var_os("BOOTH_UNPLUG").is_some() {
        return true;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    plugin().apply(&mut child);
    run_again(&mut child, test);
    false
}

/// Runs one test of this program in a process of its own, which `command` starts, and passes its outcome
/// on.
#[track_caller]
pub fn run_again(command: &mut Command, test: &str) {
    command.args(["--exact", test, "--nocapture"]);
    let done = command.stderr(Stdio::inherit()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    print!("{said}");
    assert!(done.status.success(), "{test} in its child process");
    assert!(
        said.contains("running 1 test\n"),
        "no test is called {test}"
    );
}

/// A folder on the disk of the build, not in memory.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

/// Every file below a folder with its bytes, but for empty locks.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != ".lock" {
                let bytes = fs::read(&path).unwrap();
                files.insert(path, bytes);
            }
        }
    }
    files
}

/// Builds the plug-in once, and its configuration beside it.
pub fn plugin() -> AlsaEnv {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(build).clone();
    static CALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let unplug_file = folder.join(format!("unplug-{}-{call}", std::process::id()));
    let freeze_file = folder.join(format!("freeze-{}-{call}", std::process::id()));
    let hang_file = folder.join(format!("hang-{}-{call}", std::process::id()));
    for file in [&unplug_file, &freeze_file, &hang_file] {
        let _ = fs::remove_file(file);
    }
    let config = folder.join(format!("booth-{}-{call}.conf", std::process::id()));
    let mixer_file = folder.join(format!("mixer-{}-{call}", std::process::id()));
    let _ = fs::remove_file(&mixer_file);
    let mixer = mixer_file.display();
    let since_boot = Nanos::now().0 / 1_000_000;
    let text = format!(
        "pcm_type.boothsim {{ lib \"libasound_module_pcm_boothsim.so\" }}\n\
         ctl_type.boothsim {{ lib \"libasound_module_ctl_boothsim.so\" }}\n\
         ctl.bpaced {{ type boothsim  state \"{mixer}\" }}\n\
         ctl.bdrift {{ type boothsim  state \"{mixer}\" }}\n\
         pcm.null {{ type null }}\n\
         pcm.bpaced {{ type boothsim  epoch_ms {since_boot} }}\n\
         pcm.bdrift {{ type boothsim  ppm 200  epoch_ms {since_boot} }}\n\
         pcm.bfree {{ type boothsim  free_run 1  max_rate 480000 }}\n\
         pcm.bstereo {{ type boothsim  channels 2  epoch_ms {since_boot} }}\n\
         pcm.bplug {{ type plug  slave.pcm \"bstereo\"\
         \x20 hint {{ show on  description \"two channels\" }} }}\n\
         pcm.bplug16 {{ type plug  slave {{ pcm \"bstereo\"  format S16_LE }} }}\n\
         pcm.bfile {{ @args [ IN ]\n\
         @args.IN {{ type string  default {{ @func getenv  vars [ BOOTH_IN ]  default \"/dev/zero\" }} }}\n\
         type file  slave.pcm \"bpaced\"  file \"/dev/null\"  infile $IN  format \"raw\" }}\n\
         pcm.hw {{ @args [ CARD ]  @args.CARD {{ type string }}\n\
         type boothsim  epoch_ms {since_boot} }}\n\
         pcm.bbusy {{ type boothsim  busy 1 }}\n\
         pcm.bpull {{ type boothsim  unplug_file \"{}\"  epoch_ms {since_boot} }}\n\
         pcm.bfreeze {{ type boothsim  freeze_file \"{}\"  epoch_ms {since_boot} }}\n\
         pcm.bhang {{ type boothsim  hang_file \"{}\"  epoch_ms {since_boot} }}\n",
        unplug_file.display(),
        freeze_file.display(),
        hang_file.display()
    );
    fs::write(&config, text).unwrap();
    AlsaEnv {
        folder,
        config,
        unplug_file,
        freeze_file,
        hang_file,
        mixer_file,
        epoch_ms: since_boot,
    }
}

fn build() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("alsa");
    fs::create_dir_all(&folder).unwrap();
    for kind in ["pcm", "ctl"] {
        let source = format!("tests/common/alsa/{kind}_boothsim.c");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        let library = folder.join(format!("libasound_module_{kind}_boothsim.so"));
        // Test binaries run side by side: each builds its own and moves it into place.
        let own = folder.join(format!("boothsim-{}.so", std::process::id()));
        let built = Command::new("cc")
            .args(["-O2", "-Wall", "-fPIC", "-shared", "-o"])
            .args([&own, &source])
            .arg("-lasound")
            .status()
            .expect("cc is installed");
        assert!(built.success(), "cc builds {}", source.display());
        fs::rename(own, library).unwrap();
    }
    folder
}

/// The 24-bit counter that the plug-in puts into a sample.
pub fn counter(frame: u64, channels: u16, channel: u16) -> u32 {
    ((frame * u64::from(channels) + u64::from(channel)) % (1 << 24)) as u32
}

/// Counters of all samples, in the device's format or packed as a file has them (S24_LE as
/// S24_3LE with the stored spec); 16 bits of it in S16_LE.
pub fn decode(bytes: &[u8], format: Format) -> Vec<u32> {
    let word = |b: &[u8]| u32::from_le_bytes(b.try_into().unwrap());
    let one = |b: &[u8]| match format {
        Format::S16Le => u32::from(u16::from_le_bytes(b.try_into().unwrap())),
        Format::S24Packed => u32::from_le_bytes([b[0], b[1], b[2], 0]),
        Format::S24Le => word(b) & 0xff_ffff,
        Format::S32Le => word(b) >> 8,
        Format::FloatLe => (f32::from_bits(word(b)) * 8_388_608.0) as u32,
    };
    bytes.chunks_exact(format.sample_bytes()).map(one).collect()
}

/// Bits of the counter that survive in `format`.
pub fn mask(format: Format) -> u32 {
    if format == Format::S16Le {
        0xffff
    } else {
        0xff_ffff
    }
}

/// Checks that `bytes` are the frames from device frame `first` on; says where they are not.
#[track_caller]
pub fn assert_counts(bytes: &[u8], spec: Spec, first: u64) {
    let channels = usize::from(spec.channels);
    for (n, got) in decode(bytes, spec.format).into_iter().enumerate() {
        let (frame, channel) = (first + (n / channels) as u64, (n % channels) as u16);
        let want = counter(frame, spec.channels, channel) & mask(spec.format);
        assert_eq!(got, want, "{spec}: device frame {frame} channel {channel}");
    }
}
