//! The stand-in for ladish behaves as ladish 2.1 was seen to, and the listener hears what is played: its
//! players, its words, its projects.

use std::time::Duration;

use super::start;
use crate::common::sphere::ladish::Switch;
use crate::common::sphere::{HOUSE, Kind, PROJECT, STUDIO, Sphere};
use crate::common::wait::wait_for;

const SOON: Duration = Duration::from_secs(3);
const WINDOW: Duration = Duration::from_millis(500);

#[test]
fn a_player_sounds_while_the_transport_rolls_and_only_then() {
    let (_alone, sphere) = start(Kind::Plain);
    let ear = sphere.ear();
    assert_eq!(ear.peak(WINDOW), -200.0);
    for studio in [STUDIO, "other"] {
        if studio != STUDIO {
            sphere.load(studio);
        }
        sphere.transport("play");
        let took = ear.hears_within(SOON);
        // White noise of -20 dBFS.
        let peak = ear.peak(WINDOW);
        assert!((-15.5..-15.0).contains(&peak), "{peak} dBFS");
        assert_eq!(sphere.connections(), 2);
        let graph = sphere.ladish_says(&["sgdump"]);
        assert!(graph.contains("2 connections:") || graph.contains("4 connections:"));
        assert!(graph.contains("\"noise\":\"out_1\" -> \"Hardware Playback\":\"playback_1\""));
        sphere.transport("stop");
        ear.hears_nothing_within(SOON);
        println!("{studio}: heard {took:.2?} after play, {peak:.1} dBFS");
    }
    let all = ear.record();
    assert!(all.iter().all(|heard| !heard.sounds() || heard.rolls));
    assert!(all.iter().any(|heard| heard.periods == 0), "JACK was away");
}

#[test]
fn jack_comes_although_dead_servers_hold_all_places_and_others_run() {
    let (_alone, sphere) = start(Kind::Plain);
    sphere.jack_ends();
    let _runs = sphere.stray_jackd();
    sphere.fill_places();
    let other = Sphere::start(Kind::Plain, Vec::new());
    other.transport("play");
    other.ear().hears_within(SOON);
}

#[test]
fn a_player_follows_its_switches() {
    let (_alone, sphere) = start(Kind::Plain);
    let ear = sphere.ear();
    sphere.switch_to(Switch::PlayerSilentStart, 1.5);
    std::thread::sleep(Duration::from_millis(200));
    sphere.transport("play");
    assert!(!ear.hears(Duration::from_secs(1)), "it begins with silence");
    ear.hears_within(SOON);
    sphere.switch(Switch::PlayerSilent);
    ear.hears_nothing_within(SOON);
    assert_eq!(sphere.connections(), 2);
    sphere.switch_off(Switch::PlayerSilent);
    ear.hears_within(SOON);
    sphere.switch(Switch::PlayerUnconnected);
    ear.hears_nothing_within(SOON);
    wait_for("no connection", || sphere.connections() == 0);
    sphere.switch_off(Switch::PlayerUnconnected);
    ear.hears_within(SOON);
    sphere.switch_to(Switch::PlayerLevel, -60.0);
    std::thread::sleep(Duration::from_millis(200));
    let peak = ear.peak(WINDOW);
    assert!((-55.5..-55.0).contains(&peak), "{peak} dBFS");
    sphere.signal_players("KILL");
    ear.hears_nothing_within(SOON);
    assert!(sphere.witness().look().rolling);
}

#[test]
fn a_player_comes_late_or_not_at_all() {
    let (_alone, sphere) = start(Kind::Plain);
    sphere.switch_to(Switch::PlayerComes, 2.0);
    sphere.ladish(&["sload", "other"]);
    wait_for("the name", || sphere.studio().as_deref() == Some("other"));
    wait_for("JACK", || sphere.has_jack());
    sphere.jack_up();
    assert_eq!(sphere.connections(), 0, "the name is there, and JACK");
    let took = wait_for("the player", || !sphere.players().is_empty());
    println!("its player is there {took:.1?} after JACK");
    sphere.switch(Switch::PlayerFails);
    sphere.ladish(&["sload", STUDIO]);
    wait_for("the name", || sphere.studio().as_deref() == Some(STUDIO));
    sphere.jack_up();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(sphere.connections(), 0);
    assert!(sphere.players().is_empty());
    sphere.switch_off(Switch::PlayerFails);
    sphere.make_empty_studio("empty");
    sphere.ladish(&["sload", "empty"]);
    wait_for("the name", || sphere.studio().as_deref() == Some("empty"));
    sphere.jack_up();
    assert_eq!(sphere.connections(), 0, "a studio that was saved without");
    sphere.remove_studios();
    assert_eq!(sphere.ladish_says(&["slist"]), "--- studio list\n");
}

#[test]
fn a_studio_that_is_none_takes_the_old_one_away() {
    let (_alone, sphere) = start(Kind::Plain);
    let unknown = "DBus exception: org.freedesktop.DBus.Error.UnknownMethod: Method \"GetName\" with \
                   signature \"\" on interface \"org.ladish.Studio\" doesn't exist";
    sphere.make_broken_studio("broken");
    for name in ["broken", "nothing of that name"] {
        assert_eq!(sphere.ladish_says(&["sload", name]), "--- studio load\n");
        wait_for("the old one's end", || sphere.studio().is_none());
        let said = sphere.ladish_says(&["sname", "sisloaded"]);
        let expected = format!("--- studio get name\n{unknown}\n\n--- studio is loaded\nno\n");
        assert_eq!(said, expected);
        assert!(!sphere.has_jack() && sphere.players().is_empty());
        sphere.load(STUDIO);
    }
}

#[test]
fn failures_have_the_words_and_the_status_of_the_real_one() {
    let (_alone, sphere) = start(Kind::Plain);
    let run = |words: &[&str]| {
        let mut line = vec!["ladish_control".to_owned()];
        line.extend(words.iter().map(|word| word.to_string()));
        let output = sphere.ssh(
            &[],
            &format!(
                "DBUS_SESSION_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/bus {}",
                line.join(" ")
            ),
        );
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text)
    };
    assert_eq!(run(&["what"]), (0, "Unknown command 'what'\n".into()));
    let said = "--- studio load\nload studio command requires studio name argument\n";
    assert_eq!(run(&["sload"]), (0, said.into()));
    assert_eq!(
        run(&["pload", "cellar", "/"]),
        (1, "--- load project\n".into())
    );
    assert_eq!(
        run(&["punload", "cellar"]),
        (1, "--- unload project\n".into())
    );
    let list = run(&["slist"]).1;
    assert_eq!(list.lines().count(), 4, "{list}");
    assert!(list.contains("\"noise\" last modified on "), "{list}");
    sphere.module_away();
    assert_eq!(run(&["sname"]), (1, String::new()));
    sphere.module_back();
    sphere.bus_away();
    assert_eq!(run(&["sname"]), (1, String::new()));
    sphere.bus_back();
    assert_eq!(run(&["sname"]).1, "--- studio get name\n\"noise\"\n");
    sphere.daemon_away();
    let gone = "DBus exception: org.freedesktop.DBus.Error.ServiceUnknown: The name org.ladish was not \
                provided by any .service files\n";
    assert_eq!(run(&["sname"]), (0, gone.into()));
}

#[test]
fn a_folder_without_a_project_says_what_a_right_one_says_and_throws_the_project_out() {
    let (_alone, sphere) = start(Kind::Plain);
    sphere.load(HOUSE);
    let right = sphere.project_folder(PROJECT);
    let nothing = sphere.project_folder("nothing");
    assert_eq!(sphere.project("hall"), None);
    for (folder, is_there) in [(&right, true), (&nothing, false), (&right, true)] {
        let said = sphere.ladish_says(&["pload", "hall", folder]);
        assert_eq!(said, "--- load project\n");
        let expected = is_there.then(|| folder.clone());
        wait_for("the project", || sphere.project("hall") == expected);
        let players = if is_there { 2 } else { 1 };
        wait_for("its player", || sphere.players().len() == players);
    }
}

#[test]
fn leaving_a_studio_with_a_project_aborts_ladishd_unless_it_is_unloaded_first() {
    let (_alone, sphere) = start(Kind::Plain);
    let ear = sphere.ear();
    sphere.load(HOUSE);
    let project = sphere.project_folder(PROJECT);
    sphere.ladish(&["pload", "hall", &project]);
    wait_for("two players", || sphere.players().len() == 2);
    sphere.ladish(&["punload", "hall"]);
    wait_for("one player", || sphere.players().len() == 1);
    sphere.load("other");
    assert!(sphere.has_daemon());

    sphere.load(HOUSE);
    sphere.ladish(&["pload", "hall", &project]);
    wait_for("two players", || sphere.players().len() == 2);
    sphere.transport("play");
    ear.hears_within(SOON);
    sphere.ladish(&["sload", "other"]);
    ear.hears_nothing_within(SOON);
    assert!(!sphere.has_daemon());
    assert!(sphere.witness().look().rolling, "JACK goes on");
    let name = sphere.studio().expect("an invented one");
    assert!(name.starts_with("Studio 1"), "{name}");
}

#[test]
fn slow_starts_and_ends_of_jack_leave_calls_without_an_answer() {
    for switch in [Switch::JackStarts, Switch::JackStops] {
        let (_alone, sphere) = start(Kind::Plain);
        sphere.switch_to(switch, 3.0);
        let said = sphere.ladish_says(&["sload", "other"]);
        assert_eq!(said, "--- studio load\n");
        wait_for("JACK's end", || !sphere.has_jack());
        std::thread::sleep(Duration::from_millis(200));
        let answers = sphere.answers_within(Duration::from_secs(1), &["sname"]);
        assert!(!answers, "{switch:?}");
        let took = sphere.daemon_answers();
        println!("{switch:?}: answers {took:.1?} later");
        wait_for("the name", || sphere.studio().as_deref() == Some("other"));
    }
}
