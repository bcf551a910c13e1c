//! What a card holds for somebody without the operator's key: searched file by file, and block by
//! block with the free ones, for a planted name, a planted code and planted audio.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use booth::audio::rf64::read;

use crate::common::lab::{Lab, NAME, Person, age_decrypt};
use crate::common::{run, tree};

/// Bytes of audio that are looked for.
pub const PLANTED_BYTES: usize = 48;

const PAGE_BYTES: usize = 4096;
const ZEROS: [u8; PAGE_BYTES] = [0; PAGE_BYTES];

/// An ext4 of its own under the lab's data folder, which wants root.
pub struct Card<'a>(&'a Lab);

impl Card<'_> {
    pub fn insert(lab: &Lab) -> Card<'_> {
        let shell = "truncate -s 128M \"$1\" && mkfs.ext4 -q \"$1\" && mkdir -p \"$2\"";
        assert!(sh(lab, shell), "an ext4 image can be made");
        Card(lab).mount()
    }

    fn mount(self) -> Self {
        let mounted = sh(self.0, "mount -o loop \"$1\" \"$2\"");
        assert!(mounted, "a loop device can be mounted (as root)");
        self
    }

    /// Every block of it, free ones too.
    pub fn blocks(&self) -> Vec<u8> {
        assert!(sh(self.0, "umount \"$2\""));
        let blocks = fs::read(self.0.path("image")).unwrap();
        assert!(sh(self.0, "mount -o loop \"$1\" \"$2\""));
        blocks
    }

    /// What a power cut leaves of it while nobody writes: what the kernel has not written yet is not there.
    pub fn after_power_cut(&self) -> Vec<u8> {
        let read = || fs::read(self.0.path("image")).unwrap();
        let mut before = read();
        loop {
            let now = read();
            if now == before {
                return now;
            }
            before = now;
        }
    }

    /// Another card in its place, of these blocks.
    pub fn replace(&self, blocks: &[u8]) {
        assert!(sh(self.0, "umount \"$2\""));
        fs::write(self.0.path("image"), blocks).unwrap();
        assert!(sh(self.0, "mount -o loop \"$1\" \"$2\""));
    }
}

impl Drop for Card<'_> {
    fn drop(&mut self) {
        sh(self.0, "umount \"$2\"");
    }
}

fn sh(lab: &Lab, script: &str) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]);
    command.arg(lab.path("image")).arg(lab.data());
    command.status().unwrap().success()
}

/// What must not be found, by what it is.
pub struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    pub fn new() -> Secrets {
        Secrets(Vec::new())
    }

    pub fn plant_as_it_is(&mut self, what: &str, bytes: &[u8]) {
        self.0.push((what.to_owned(), bytes.to_vec()));
    }

    /// As it is, and encoded as somebody might have stored it.
    pub fn plant(&mut self, what: &str, bytes: &[u8]) {
        let mut add = |form: &str, bytes: Vec<u8>| self.0.push((format!("{what}, {form}"), bytes));
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        add("plain", bytes.to_vec());
        add("upper-case hexadecimal", hex.to_uppercase().into_bytes());
        add("hexadecimal", hex.into_bytes());
        for skip in 0..3 {
            // Base64 has three forms, by where in its groups of three bytes the text begins.
            let whole = (bytes.len() - skip) / 3 * 3;
            let text = base64(&bytes[skip..skip + whole]);
            add("base64", text.clone().into_bytes());
            let url = text.replace('+', "-").replace('/', "_");
            add("url-safe base64", url.into_bytes());
        }
        let swapped = bytes.chunks(2).flat_map(|two| two.iter().rev().copied());
        add("swapped", swapped.collect());
        add(
            "as UTF-16",
            bytes.iter().flat_map(|byte| [*byte, 0]).collect(),
        );
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What of it stands in `bytes`, all looked for in one pass.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let mut by_start: BTreeMap<[u8; 2], Vec<usize>> = BTreeMap::new();
        let mut is_start = vec![false; 1 << 16];
        for (number, (_, secret)) in self.0.iter().enumerate() {
            let start = [secret[0], secret[1]];
            is_start[usize::from(u16::from_ne_bytes(start))] = true;
            by_start.entry(start).or_default().push(number);
        }
        let mut found: BTreeSet<usize> = BTreeSet::new();
        // Most of a card was never written.
        let written = bytes.chunks(PAGE_BYTES).enumerate();
        for (page, _) in written.filter(|(_, page)| **page != ZEROS[..page.len()]) {
            let first = page * PAGE_BYTES;
            let last = (first + PAGE_BYTES).min(bytes.len().saturating_sub(1));
            for at in first..last {
                let start = [bytes[at], bytes[at + 1]];
                if is_start[usize::from(u16::from_ne_bytes(start))] {
                    let here = by_start[&start].iter().copied();
                    let is_here = |number: &usize| bytes[at..].starts_with(&self.0[*number].1);
                    found.extend(here.filter(is_here));
                }
            }
        }
        let names = found.into_iter().map(|number| self.0[number].0.as_str());
        names.collect()
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = three
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        (0..4).map(move |n| char::from(LETTERS[(bits >> (18 - 6 * n) & 63) as usize]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

/// The name, the code and pieces of the takes, which the operator opens.
fn secrets(lab: &Lab, person: &Person, session: &str) -> Secrets {
    let mut secrets = Secrets::new();
    secrets.plant("the name", NAME.as_bytes());
    secrets.plant("the surname", b"Quillfeather");
    secrets.plant("the code", person.code.as_bytes());
    secrets.plant(
        "the code without groups",
        person.code.replace('-', "").as_bytes(),
    );
    let folder = lab.data().join("sessions").join(session);
    let keys = age_decrypt(&lab.key(), &lab.data().join(format!("keys/{session}.age")));
    let keys = String::from_utf8(keys).unwrap();
    secrets.plant("the Fernet key", keys.lines().next().unwrap().as_bytes());
    let own = lab.path("session.key");
    fs::write(&own, keys.lines().nth(1).unwrap()).unwrap();
    secrets.plant("the age key", keys.lines().nth(1).unwrap().as_bytes());
    for row in run::rows(&folder) {
        let sealed = folder.join(format!("{}.age", row.file));
        let bytes = age_decrypt(own.to_str().unwrap(), &sealed);
        let take = lab.path("take.rf64");
        fs::write(&take, &bytes).unwrap();
        let info = read::info(&fs::File::open(&take).unwrap(), &take).unwrap();
        let samples = &bytes[info.data_start as usize..][..info.held_bytes() as usize];
        for part in 1..8 {
            let at = samples.len() / 8 * part / 4 * 4;
            secrets.plant(&row.file, &samples[at..at + PLANTED_BYTES]);
        }
    }
    secrets
}

#[track_caller]
fn assert_unreadable(secrets: &Secrets, data: &Path, card: &Card) {
    for (path, bytes) in tree(data) {
        assert_eq!(
            secrets.found_in(&bytes),
            Vec::<&str>::new(),
            "{}",
            path.display()
        );
    }
    let found = secrets.found_in(&card.blocks());
    assert_eq!(found, Vec::<&str>::new(), "in the blocks of the card");
}

#[test]
fn a_card_holds_no_name_no_code_and_no_voice_before_and_after_forgetting() {
    let lab = Lab::new();
    let card = Card::insert(&lab);
    let person = lab.enroll();
    let session = lab.record_with(&["--set", "storage.reserve_mb=1"]);
    let secrets = secrets(&lab, &person, &session);
    // The search finds what is there: the recipient is public.
    let mut public = Secrets::new();
    public.plant("the session", session.as_bytes());
    assert!(!public.found_in(&card.blocks()).is_empty());
    assert_unreadable(&secrets, &lab.data(), &card);
    // What the operator's key opens is there until then, and not a block of it afterwards.
    let mut keys = Secrets::new();
    for session in [&session, &person.session] {
        let sealed = fs::read(lab.data().join(format!("keys/{session}.age"))).unwrap();
        keys.0.push((
            format!("the key of {session}"),
            sealed[sealed.len() - 64..].to_vec(),
        ));
    }
    assert_eq!(keys.found_in(&card.blocks()).len(), 2);
    lab.done(&["forget", "--session", &session], "");
    lab.done(&["forget"], &person.code);
    assert_unreadable(&secrets, &lab.data(), &card);
    assert_unreadable(&keys, &lab.data(), &card);
    println!(
        "{} forms searched in the files and in 128 MB of blocks, twice",
        secrets.0.len()
    );
}
