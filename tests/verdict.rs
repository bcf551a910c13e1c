//! No useless take goes unnoticed: planted faults are found in spoken lines by their words, and clean lines
//! raise no alarm. The speech is espeak-ng's, in three languages and voices, over the noise of three rooms.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

mod verdict {
    mod real;
    mod room;
    mod speech;

    use booth::audio::judge::{Ear, Found, Judge, Taken};
    use booth::words::{Format, Kind, Spec, VerdictRules};

    use room::{Reading, Room};
    use speech::{LANGUAGES, Line, lines};

    /// What espeak-ng gives, in the box's usual format.
    const SPEC: Spec = Spec {
        rate: speech::RATE,
        channels: 3,
        format: Format::S32Le,
    };

    /// A headset, a sensor on the throat that hears up to 1 kHz, and one beside the head.
    fn judge() -> Judge {
        let ear = |name: &str, band_hz| Ear {
            name: name.into(),
            band_hz,
        };
        let ears = vec![
            ear("headset", None),
            ear("throat", Some([80.0, 1000.0])),
            ear("temple", None),
        ];
        Judge::new(ears, 0, VerdictRules::default())
    }

    fn judged(judge: &mut Judge, reading: &Reading, text: &str) -> Found {
        let mut slots = judge.slots(SPEC);
        slots.add(&reading.bytes());
        judge.judge(&Taken {
            slots: &slots,
            marks: reading.marks.clone(),
            kind: Kind::Read,
            text: Some(text),
            track: None,
            has_gap: false,
            is_whole: true,
        })
    }

    #[test]
    fn three_hundred_clean_lines_of_each_language_raise_one_alarm_at_most() {
        for language in LANGUAGES {
            let (mut alarms, mut off) = (Vec::new(), Vec::new());
            let mut judge = judge();
            for (number, line) in lines(language, 300).iter().enumerate() {
                if number % 20 == 0 {
                    judge.new_session();
                }
                let room = Room::ALL[number / 20 % 3];
                let reading = Reading::of(line, room, number as u32);
                let found = judged(&mut judge, &reading, &line.text);
                if !found.reasons.is_empty() {
                    alarms.push(format!("{:?}: {:?}", line.text, found.reasons));
                }
                if room == Room::STUDIO {
                    off.extend(found.voice.map(|voice| reading.off_ms(voice)));
                }
            }
            off.sort_unstable();
            println!(
                "{language}: {} alarms in 300 clean lines {alarms:?}; in the studio the \
                 voice's ends are {} ms off in the middle, {} ms for 95 %",
                alarms.len(),
                off[off.len() / 2],
                off[off.len() * 95 / 100]
            );
            assert!(alarms.len() <= 1, "{alarms:?}");
            assert!(off[off.len() / 2] <= 50);
        }
    }

    /// A fault that is planted, and the reason that it is to have.
    type Fault = (&'static str, fn(&mut Reading), &'static str);

    const FAULTS: [Fault; 13] = [
        (
            "clipped, both signs",
            |it| it.amplify(0, 40.0),
            "headset: clipped",
        ),
        (
            "clipped at 16 bits",
            |it| it.coarse(0, 40.0),
            "headset: clipped",
        ),
        ("30 dB down", |it| it.amplify(0, 0.02), "headset: quiet"),
        ("a dead channel", |it| it.amplify(1, 0.0), "throat: dead"),
        ("flat in mid-take", |it| it.flat(2), "temple: dead"),
        (
            "noise without voice",
            |it| it.noise(2, 0.02),
            "temple: deaf",
        ),
        ("50 Hz alone", |it| it.hum(2), "temple: deaf"),
        ("a copied channel", |it| it.copy(0, 2), "temple: copy"),
        ("silence", Reading::silent, "silent"),
        ("a cough only", Reading::cough, "short"),
        ("the last syllable cut", Reading::cut_end, "cut-end"),
        ("under half of the line", Reading::half, "short"),
        ("nearly full scale", |it| it.level(0, 0.95), "headset: loud"),
    ];

    #[test]
    fn each_planted_fault_is_found_at_its_first_take_by_its_word() {
        let mut missed = Vec::new();
        for (what, plant, word) in FAULTS {
            let (mut found, mut tries) = (0, 0);
            for language in LANGUAGES {
                let mut judge = judge();
                for (number, line) in lines(language, 30).iter().enumerate() {
                    let room = Room::ALL[number % 3];
                    if number % 10 == 0 {
                        judge.new_session();
                    }
                    let mut reading = Reading::of(line, room, number as u32);
                    if Line::is_long(line) {
                        plant(&mut reading);
                        let reasons = judged(&mut judge, &reading, &line.text).reasons;
                        tries += 1;
                        if reasons.iter().any(|reason| reason == word) {
                            found += 1;
                        } else {
                            missed.push(format!("{what}: {:?}: {reasons:?}", line.text));
                        }
                    }
                }
            }
            println!("{what}: {word:?} in {found} of {tries}");
        }
        assert!(missed.is_empty(), "{missed:#?}");
    }
}
