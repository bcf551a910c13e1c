use super::*;
use crate::words::ChannelRules;

const SPEC: Spec = Spec {
    rate: 16_000,
    channels: 2,
    format: Format::S32Le,
};

/// What a channel gives, in stretches of 10 ms: the size of a noise, of full scale.
fn noise(sizes: &[f64], seed: u32) -> Vec<f64> {
    let mut state = seed.max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    sizes
        .iter()
        .flat_map(|size| (0..160).map(|_| next() * size).collect::<Vec<_>>())
        .collect()
}

fn taken_of(judge: &Judge, channels: [&[f64]; 2]) -> Slots {
    let mut slots = judge.slots(SPEC);
    let sample = |value: f64| ((value * 2_147_483_647.0) as i32).to_le_bytes();
    let bytes: Vec<u8> = channels[0]
        .iter()
        .zip(channels[1])
        .flat_map(|(a, b)| [sample(*a), sample(*b)].concat())
        .collect();
    slots.add(&bytes);
    slots
}

fn judge() -> Judge {
    let ear = |name: &str| Ear {
        name: name.into(),
        band_hz: None,
    };
    Judge::new(
        vec![ear("headset"), ear("throat")],
        0,
        VerdictRules::default(),
    )
}

/// Slots of silence, of a voice in syllables, of silence.
fn spoken(before: usize, voice: usize, after: usize, size: f64) -> Vec<f64> {
    let syllables = |slot| if slot % 25 < 20 { size } else { size / 30.0 };
    let mut sizes = vec![0.0003; before];
    sizes.extend((0..voice).map(syllables));
    sizes.extend(vec![0.0003; after]);
    sizes
}

/// 32 letters, 2.1 s at 15 a second.
const TEXT: &str = "the quick brown fox jumped over the dog";

fn judged(judge: &mut Judge, sizes: &[f64], throat: f64, text: &str) -> Found {
    let theirs: Vec<f64> = sizes.iter().map(|size| size * throat).collect();
    let slots = taken_of(judge, [&noise(sizes, 1), &noise(&theirs, 2)]);
    let end = (sizes.len() as u64 - 25) * 160;
    judge.judge(&Taken {
        slots: &slots,
        marks: 25 * 160..end,
        kind: Kind::Read,
        text: Some(text),
        track: None,
        has_gap: false,
        is_whole: true,
    })
}

#[test]
fn a_good_reading_has_no_reason_and_its_voice_is_where_it_is() {
    let mut judge = judge();
    let found = judged(&mut judge, &spoken(60, 220, 60, 0.2), 0.5, TEXT);
    assert_eq!(found.reasons, Vec::<String>::new());
    let voice = found.voice.expect("a voice");
    assert!(voice.frame.abs_diff(60 * 160) <= 5 * 160, "{voice:?}");
    assert!(
        (voice.frame + voice.frames).abs_diff(280 * 160) <= 6 * 160,
        "{voice:?}"
    );
    assert!(found.snr_db.iter().all(|snr| *snr > 30.0), "{found:?}");
}

#[test]
fn each_fault_has_its_word() {
    let good = spoken(60, 220, 60, 0.2);
    for (what, sizes, throat, words) in [
        ("nothing said", vec![0.0003; 340], 1.0, &["silent"][..]),
        (
            "30 dB down",
            spoken(60, 220, 60, 0.0063),
            1.0,
            &["headset: quiet"],
        ),
        ("half of it", spoken(60, 110, 60, 0.2), 1.0, &["short"]),
        ("very slow", spoken(60, 620, 60, 0.2), 1.0, &["long"]),
        (
            "cut at its end",
            spoken(60, 240, 10, 0.2),
            1.0,
            &["cut-end"],
        ),
        (
            "too loud",
            spoken(60, 220, 60, 0.9),
            1.0,
            &["headset: loud", "throat: loud"],
        ),
        (
            "beyond full scale",
            spoken(60, 220, 60, 30.0),
            0.001,
            &["headset: clipped"],
        ),
        ("no second sensor", good.clone(), 0.0, &["throat: dead"]),
    ] {
        assert_eq!(
            judged(&mut judge(), &sizes, throat, TEXT).reasons,
            words,
            "{what}"
        );
    }
}

#[test]
fn a_text_with_digits_or_of_few_letters_predicts_nothing() {
    for text in ["12 345", "Zürich", "in 1998 there were none of them left"] {
        let found = judged(&mut judge(), &spoken(60, 60, 60, 0.2), 1.0, text);
        assert_eq!(found.reasons, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_channel_of_its_own_noise_is_deaf_and_one_with_all_samples_of_another_a_copy() {
    let voice = spoken(60, 220, 60, 0.2);
    let mut judge = judge();
    for (other, word) in [
        (noise(&[0.05; 340], 2), "throat: deaf"),
        (noise(&voice, 1), "throat: copy"),
    ] {
        let slots = taken_of(&judge, [&noise(&voice, 1), &other]);
        let found = judge.judge(&Taken {
            slots: &slots,
            marks: 0..315 * 160,
            kind: Kind::Free,
            text: None,
            track: None,
            has_gap: false,
            is_whole: true,
        });
        assert_eq!(found.reasons, [word]);
    }
}

#[test]
fn a_channel_that_stands_still_for_a_second_in_mid_take_is_dead() {
    let mut sizes = spoken(60, 320, 60, 0.2);
    sizes[200..310].fill(0.0);
    let mut judge = judge();
    let slots = taken_of(
        &judge,
        [&noise(&spoken(60, 320, 60, 0.2), 1), &noise(&sizes, 2)],
    );
    let found = judge.judge(&Taken {
        slots: &slots,
        marks: 0..400 * 160,
        kind: Kind::Free,
        text: None,
        track: None,
        has_gap: true,
        is_whole: true,
    });
    assert_eq!(found.reasons, ["gap", "throat: dead"]);
}

#[test]
fn a_level_drifts_from_the_fourth_take_on_and_another_speaker_begins_anew() {
    let mut judge = judge();
    for _ in 0..3 {
        let found = judged(&mut judge, &spoken(60, 220, 60, 0.2), 1.0, TEXT);
        assert_eq!(found.reasons, Vec::<String>::new());
    }
    let fourth = judged(&mut judge, &spoken(60, 220, 60, 0.2), 0.1, TEXT);
    assert_eq!(fourth.reasons, ["throat: drift"]);
    judge.new_session();
    let first = judged(&mut judge, &spoken(60, 220, 60, 0.2), 0.1, TEXT);
    assert_eq!(first.reasons, Vec::<String>::new());
}

#[test]
fn in_noise_the_channel_that_hears_the_voice_tells_it_and_little_else_is_judged() {
    let mut judge = judge();
    let loud = vec![0.3; 340];
    for (throat, words) in [
        (spoken(60, 100, 180, 0.05), &[][..]),
        (vec![0.0003; 340], &["silent"]),
    ] {
        let slots = taken_of(&judge, [&noise(&loud, 1), &noise(&throat, 2)]);
        let found = judge.judge(&Taken {
            slots: &slots,
            marks: 25 * 160..315 * 160,
            kind: Kind::Read,
            text: Some(TEXT),
            track: Some("cafeteria"),
            has_gap: false,
            is_whole: true,
        });
        assert_eq!(found.reasons, words);
    }
}

#[test]
fn each_number_and_each_word_can_be_changed() {
    let mut rules = VerdictRules::default();
    rules.off.insert(Sound::Short);
    let own = ChannelRules {
        quiet_dbfs: -10.0,
        ..ChannelRules::default()
    };
    rules.channel.insert("headset".into(), own);
    let mut judge = Judge { rules, ..judge() };
    let found = judged(&mut judge, &spoken(60, 110, 60, 0.2), 1.0, TEXT);
    assert_eq!(found.reasons, ["headset: quiet"]);
}

#[test]
fn a_slow_reader_is_slow_three_times_and_signs_of_a_syllable_predict_more() {
    let mut judge = judge();
    let slow = spoken(60, 620, 60, 0.2);
    for _ in 0..3 {
        assert_eq!(judged(&mut judge, &slow, 1.0, TEXT).reasons, ["long"]);
    }
    let fourth = judged(&mut judge, &slow, 1.0, TEXT);
    assert_eq!(fourth.reasons, Vec::<String>::new());
    // Twelve signs, 2.8 s.
    let chinese = "\u{5c0f}\u{8239}\u{6162}\u{6162}\u{5730}\u{7a7f}\u{8fc7}\u{4e86}\u{5bbd}\u{5bbd}\u{7684}\u{6cb3}";
    judge.new_session();
    let found = judged(&mut judge, &spoken(60, 280, 60, 0.2), 1.0, chinese);
    assert_eq!(found.reasons, Vec::<String>::new());
}
