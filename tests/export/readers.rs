//! What other people's programs read of an exported file: libsndfile, ffmpeg, sox, flac, Praat, and
//! Python's soundfile, scipy and wave.

use std::fs;
use std::path::Path;

use booth::audio::rf64::Meta;
use booth::dataset::wav::Wav;
use booth::words::{Format, Spec};

use crate::common::tools::{frames_read, tool};

const FRAMES: usize = 4801;

/// Frames whose every sample is another, and finite where it is a floating-point number.
fn samples(spec: Spec) -> Vec<u8> {
    let count = FRAMES * usize::from(spec.channels);
    let one = |n: usize| (n as u32).wrapping_mul(2_654_435_761);
    match spec.format {
        Format::FloatLe => (0..count)
            .flat_map(|n| (one(n) as f32 / u32::MAX as f32 - 0.5).to_le_bytes())
            .collect(),
        format => (0..count)
            .flat_map(|n| one(n).to_le_bytes()[4 - format.sample_bytes()..].to_vec())
            .collect(),
    }
}

fn write(path: &Path, spec: Spec, bytes: &[u8]) {
    let meta = Meta {
        description: "take 1 of session 0123456789ABCDEFGHJK".into(),
        originator: "booth".into(),
        channel_names: (0..spec.channels).map(|n| format!("sensor {n}")).collect(),
        booth: "{\"session\":\"0123456789ABCDEFGHJK\",\"take\":1}".into(),
        ..Meta::default()
    };
    let mut wav = Wav::create(path.to_owned(), spec, &meta).unwrap();
    wav.write(bytes).unwrap();
    wav.finish().unwrap().place().unwrap();
}

/// Chunks in order and sizes that fit; soundfile and scipy give every bit, `wave` where it knows the
/// format.
const PYTHON: &str = r#"
import struct, sys, wave
import numpy, soundfile
from scipy.io import wavfile
path, raw, bits, channels, is_float = sys.argv[1], open(sys.argv[2], 'rb').read(), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == '1'
b = open(path, 'rb').read(); at = 12; names = []
assert struct.unpack_from('<I', b, 4)[0] + 8 == len(b), 'RIFF size'
while at < len(b):
    name, size = b[at:at + 4], struct.unpack_from('<I', b, at + 4)[0]
    names.append(name)
    if name == b'data': assert b[at + 8:at + 8 + size] == raw
    at += 8 + size + size % 2
assert at == len(b), 'the pad byte'
assert names == [b'fmt '] + [b'fact'] * is_float + [b'bext', b'iXML', b'data'], names
frames = len(raw) * 8 // bits // channels
if is_float:
    wanted = numpy.frombuffer(raw, '<f4').reshape(frames, channels)
    left = wanted
elif bits == 24:
    bytes_ = numpy.frombuffer(raw, 'u1').reshape(-1, 3)
    left = (numpy.concatenate([numpy.zeros((len(bytes_), 1), 'u1'), bytes_], 1)).reshape(-1).view('<i4').reshape(frames, channels)
else:
    left = (numpy.frombuffer(raw, '<i%d' % (bits // 8)).astype('i4') << (32 - bits)).reshape(frames, channels)
found, rate = soundfile.read(path, dtype='float32' if is_float else 'int32', always_2d=True)
assert rate == 48000 and (found == left).all(), 'soundfile'
rate, found = wavfile.read(path)
found = found.reshape(frames, channels)
if bits == 16: found = found.astype('i4') << 16
assert rate == 48000 and (found == left).all(), 'scipy'
if not is_float and channels <= 2:
    w = wave.open(path)
    assert (w.getnchannels(), w.getsampwidth() * 8, w.getframerate()) == (channels, bits, 48000)
    assert w.readframes(frames + 1) == raw, 'wave'
"#;

const PRAAT: &str = "form Read\n\ttext path\nendform\nRead from file: path$\nn = Get number of samples\n\
                     c = Get number of channels\nwriteInfoLine: n, \" \", c\n";

#[test]
fn every_reader_gives_every_sample_of_an_exported_file() {
    let dir = tempfile::tempdir().unwrap();
    let (raw, script) = (dir.path().join("raw"), dir.path().join("read.praat"));
    fs::write(&script, PRAAT).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for format in Format::ALL.into_iter().filter(|it| it.stored() == *it) {
        for channels in [1, 2, 6] {
            let spec = Spec {
                rate: 48_000,
                channels,
                format,
            };
            let path = dir.path().join(format!("{format}-{channels}.wav"));
            let (bytes, is_float) = (samples(spec), format == Format::FloatLe);
            write(&path, spec, &bytes);
            fs::write(&raw, &bytes).unwrap();
            let (name, raw) = (text(&path), text(&raw));
            assert_eq!(frames_read(&path), [FRAMES as u64; 3], "{name}");
            let bits = format.bits().to_string();
            let (count, float) = (channels.to_string(), u8::from(is_float).to_string());
            let args = ["-c", PYTHON, &name, &raw, &bits, &count, &float];
            let packages = "python3-soundfile python3-scipy";
            let python = tool(packages, "/usr/bin/python3", &args);
            assert!(python.status.success(), "{name}: {python:?}");
            let args = ["--run", &text(&script), &name];
            let praat = tool("praat", "praat", &args);
            let found = String::from_utf8_lossy(&praat.stdout);
            assert_eq!(found.trim(), format!("{FRAMES} {channels}"), "{praat:?}");
            let codec = match format {
                Format::S16Le => "s16le",
                Format::S32Le => "s32le",
                Format::FloatLe => "f32le",
                Format::S24Packed | Format::S24Le => "s24le",
            };
            let pcm = format!("pcm_{codec}");
            let args = ["-v", "error", "-i", &name, "-f", codec, "-c:a", &pcm, "-"];
            let ffmpeg = tool("ffmpeg", "ffmpeg", &args);
            assert!(ffmpeg.stdout == bytes, "{name}: ffmpeg");
            // sox computes with whole numbers of 32 bit.
            if !is_float {
                let args = [&name, "-t", "raw", "-e", "signed", "-b", &bits, "-"];
                assert!(tool("sox", "sox", &args).stdout == bytes, "{name}: sox");
                let flac = text(&dir.path().join("packed.flac"));
                // More than two channels that are no loudspeakers need its option.
                let args = ["-s", "-f", "--channel-map=none", "-o", &flac, &name];
                let packed = tool("flac", "flac", &args);
                assert!(packed.status.success(), "{name}: {packed:?}");
                let args = [
                    "-s",
                    "-d",
                    "-c",
                    "--force-raw-format",
                    "--endian=little",
                    "--sign=signed",
                    &flac,
                ];
                assert!(tool("flac", "flac", &args).stdout == bytes, "{name}: flac");
            }
        }
    }
}
