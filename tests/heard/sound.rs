//! What the card plays from: connections both ways, levels with the helper, against the players and a
//! listener that is not ours.

use std::time::{Duration, Instant};

use booth::sphere::helper::Helper;
use booth::sphere::plain::Plain;
use booth::sphere::sound::Sound;
use booth::sphere::ssh::Link;

use super::start;
use crate::common::sphere::ladish::Switch;
use crate::common::sphere::{Kind, Sphere};
use crate::common::wait::wait_for;

/// A way to ask, over a connection of its own.
enum Way {
    Helper(Helper),
    Plain(Plain),
}

struct Asker {
    link: Link,
    way: Way,
}

impl Asker {
    fn new(sphere: &Sphere) -> Asker {
        let until = Instant::now() + Duration::from_secs(600);
        let mut link = Link::open(&sphere.config(), until).unwrap();
        let way = match Helper::find(&mut link).unwrap() {
            Some(helper) => Way::Helper(helper),
            None => Way::Plain(Plain::default()),
        };
        Asker { link, way }
    }

    fn sound(&mut self) -> Sound {
        match &mut self.way {
            Way::Helper(helper) => helper.sound(&mut self.link).unwrap(),
            Way::Plain(plain) => plain.sound(&mut self.link).unwrap(),
        }
    }

    fn play(&mut self) {
        match &mut self.way {
            Way::Helper(helper) => helper.play(&mut self.link).unwrap(),
            Way::Plain(plain) => plain.play(&mut self.link, Duration::from_secs(60)).unwrap(),
        }
    }
}

fn peak(sound: &Sound) -> f32 {
    sound.peak_dbfs.unwrap()
}

#[test]
fn connections_are_counted_both_ways() {
    for kind in [Kind::Helper, Kind::Plain] {
        let (_alone, sphere) = start(kind);
        let mut asker = Asker::new(&sphere);
        wait_for("both connections", || asker.sound().connections == 2);
        sphere.switch(Switch::PlayerUnconnected);
        wait_for("none", || asker.sound().connections == 0);
        sphere.switch_off(Switch::PlayerUnconnected);
        wait_for("both again", || asker.sound().connections == 2);
        let graph = sphere.jack_tool(&["jack_lsp", "-c", "-p", "-t"]);
        asker.play();
        asker.sound();
        let same = sphere.jack_tool(&["jack_lsp", "-c", "-p", "-t"]);
        assert_eq!(same, graph, "nothing is added to the graph");
        let start = Instant::now();
        for _ in 0..20 {
            asker.sound();
        }
        println!("{kind:?}: {:.1?} a look", start.elapsed() / 20);
    }
}

#[test]
fn levels_are_what_is_played() {
    let (_alone, sphere) = start(Kind::Helper);
    let mut asker = Asker::new(&sphere);
    let sound = asker.sound();
    assert_eq!((peak(&sound), &sound.rms_dbfs), (-200.0, &vec![]));
    asker.play();
    wait_for("the noise", || peak(&asker.sound()) > -80.0);
    std::thread::sleep(Duration::from_secs(1));
    let sound = asker.sound();
    // White noise of -20 dBFS, whose peaks are 4.8 dB above.
    assert!((-15.6..-15.0).contains(&peak(&sound)), "{sound:?}");
    assert_eq!(sound.rms_dbfs.len(), 2);
    // The periods before it began are in it.
    assert!(
        sound
            .rms_dbfs
            .iter()
            .all(|rms| (-24.0..-19.0).contains(rms)),
        "{sound:?}"
    );
    asker.play();
    std::thread::sleep(Duration::from_secs(2));
    let sound = asker.sound();
    assert!(
        sound
            .rms_dbfs
            .iter()
            .all(|rms| (-20.3..-19.7).contains(rms)),
        "{sound:?}"
    );
    sphere.switch(Switch::PlayerSilent);
    sphere.ear().hears_nothing_within(Duration::from_secs(3));
    wait_for("silence", || peak(&asker.sound()) == -200.0);
    assert_eq!(asker.sound().connections, 2);
    asker.play();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(
        asker.sound().rms_dbfs,
        [-200.0, -200.0],
        "since play was asked for"
    );
}

#[test]
fn a_look_costs_little() {
    for kind in [Kind::Helper, Kind::Plain] {
        let (_alone, sphere) = start(kind);
        let mut asker = Asker::new(&sphere);
        asker.play();
        let mut looks: Vec<Duration> = (0..40)
            .map(|_| {
                let began = Instant::now();
                asker.sound();
                began.elapsed()
            })
            .collect();
        looks.sort();
        println!(
            "{kind:?}: a look takes {:.1?}, p95 {:.1?}; 30 a minute while it plays",
            looks[20], looks[38]
        );
        assert!(looks[20] < Duration::from_secs(1));
    }
}
