//! Lines in three languages, numbers and abbreviations among them, as espeak-ng speaks them.

use std::fs;
use std::process::Command;

/// Frames a second of espeak-ng.
pub const RATE: u32 = 22_050;
pub const LANGUAGES: [&str; 3] = ["fr", "en", "de"];

/// Voices: a man, a woman, and the pitch of a child; each at its pace, words a minute.
const VOICES: [(&str, &str, &str); 3] = [
    ("m3", "45", "150"),
    ("f2", "60", "170"),
    ("f5", "95", "140"),
];

/// From one text to the next: prime, so that all of them come.
const STRIDE: usize = 37;

/// Parts that any of each make a line.
fn parts(language: &str) -> [&'static [&'static str]; 3] {
    match language {
        "fr" => [
            &[
                "Le petit train",
                "La voisine du 3e",
                "M. Dupont",
                "Un vieux chat gris",
                "Notre facteur",
                "L'eau",
            ],
            &[
                "traverse lentement",
                "regarde encore",
                "a vu hier",
                "cherche toujours",
                "n'aime guère",
            ],
            &[
                "la place du marché.",
                "le pont de pierre.",
                "12 bateaux blancs.",
                "une lampe allumée.",
                "le soir.",
            ],
        ],
        "en" => [
            &[
                "The small boat",
                "Our neighbour",
                "Mr. Brown",
                "An old grey cat",
                "The postman",
                "Ice",
            ],
            &[
                "slowly crosses",
                "looks again at",
                "saw yesterday",
                "still searches",
                "hardly ever likes",
            ],
            &[
                "the market square.",
                "the bridge of stone.",
                "12 white houses.",
                "a lamp by the door.",
                "it.",
            ],
        ],
        _ => [
            &[
                "Der kleine Zug",
                "Unsere Nachbarin",
                "Dr. Braun",
                "Eine alte Katze",
                "Der Briefträger",
                "Eis",
            ],
            &[
                "quert langsam",
                "betrachtet wieder",
                "sah gestern",
                "sucht noch immer",
                "mag kaum jemals",
            ],
            &[
                "den Marktplatz.",
                "die Brücke aus Stein.",
                "12 weiße Häuser.",
                "eine Lampe am Tor.",
                "es.",
            ],
        ],
    }
}

pub struct Line {
    pub text: String,
    /// What is said, of full scale, without silence around it.
    pub samples: Vec<f32>,
}

impl Line {
    /// Whether its letters tell how long it takes: 16 at least, no digit and no abbreviation.
    pub fn is_long(&self) -> bool {
        let letters = self.text.chars().filter(|it| it.is_alphabetic()).count();
        let is_short = |it: char| it.is_numeric() || it == '.';
        letters >= 16 && !self.text.trim_end_matches('.').contains(is_short)
    }
}

/// So many lines of a language, in turn by each voice.
pub fn lines(language: &str, count: usize) -> Vec<Line> {
    let [who, does, what] = parts(language);
    let all: Vec<String> = who
        .iter()
        .flat_map(|who| does.iter().map(move |does| format!("{who} {does}")))
        .flat_map(|start| what.iter().map(move |what| format!("{start} {what}")))
        .collect();
    (0..count)
        .map(|number| {
            let text = all[number * STRIDE % all.len()].clone();
            let samples = spoken(language, &text, VOICES[number / 20 % VOICES.len()]);
            Line { text, samples }
        })
        .collect()
}

fn spoken(language: &str, text: &str, (voice, pitch, pace): (&str, &str, &str)) -> Vec<f32> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("line.wav");
    let voice = format!("{language}+{voice}");
    let spoken = Command::new("espeak-ng")
        .args(["-v", &voice, "-p", pitch, "-s", pace, "-w"])
        .arg(&file)
        .arg(text)
        .status()
        .expect("espeak-ng is installed");
    assert!(spoken.success());
    let bytes = fs::read(file).unwrap();
    let samples: Vec<f32> = bytes[44..]
        .chunks_exact(2)
        .map(|two| f32::from(i16::from_le_bytes([two[0], two[1]])) / 32_768.0)
        .collect();
    // What is quieter than 40 dB below the loudest is silence.
    let most = samples.iter().fold(0.0, |most: f32, it| most.max(it.abs()));
    let is_said = |it: &f32| it.abs() > most * 0.01;
    let first = samples.iter().position(is_said).unwrap();
    let last = samples.iter().rposition(is_said).unwrap();
    samples[first..=last].to_vec()
}
