//! Changes of track with a ladish that does what it is set to, on a clock that is set.

mod model;

use self::model::{Happening, Model};
use super::*;

const LIMIT: Duration = Duration::from_secs(45);

#[test]
fn a_track_that_is_there_and_connected_is_kept_and_another_is_loaded_once() {
    let mut model = Model::new();
    assert_eq!(model.load("noise", &[]), (Ok(Step::Kept), 0));
    model.ordered(&[]);
    assert_eq!(model.load("other", &[]).0, Ok(Step::Loaded));
    model.ordered(&["sload other"]);
    assert_eq!(model.mark, None, "whoever comes next may order");
}

#[test]
fn an_unknown_track_is_named_with_those_there_are_and_nothing_is_unloaded() {
    let mut model = Model::new();
    let error = model.load("nosie", &[]).0.expect_err("unknown").to_string();
    for part in ["`nosie`", "`noise`", "`other`"] {
        assert!(error.contains(part), "{error}");
    }
    model.ordered(&[]);
}

#[test]
fn a_track_whose_jack_has_ended_is_loaded_anew_and_never_merely_started() {
    let mut model = Model::new();
    model.jack = false;
    let (end, ms) = model.load("noise", &[]);
    assert_eq!(end, Ok(Step::Loaded));
    model.ordered(&["sload noise"]);
    assert!(ms < 3000, "{ms}");
}

#[test]
fn a_start_is_ordered_once_and_only_after_a_load_of_ones_own() {
    let mut model = Model::new();
    let stops: Happening = (0, |it| it.obeys = false);
    let named: Happening = (300, |it| {
        it.name = Some("other".into());
        (it.jack, it.obeys) = (false, true);
    });
    let (end, ms) = model.load("other", &[stops, named]);
    assert_eq!(end, Ok(Step::Loaded));
    model.ordered(&["sload other", "sstart"]);
    assert!((5000..7000).contains(&ms), "{ms}");
    let mut model = Model::new();
    (model.jack, model.obeys) = (false, false);
    model.mark = Some((model.now, "noise".into()));
    let (end, _) = model.load("noise", &[]);
    assert!(
        matches!(end, Err(SphereError::NoJackUnder { .. })),
        "{end:?}"
    );
    model.ordered(&[]);
}

#[test]
fn a_load_whose_jack_stays_away_is_ordered_once_more() {
    let mut model = Model::new();
    (model.jack, model.obeys) = (false, false);
    let outlived: Happening = (9000, |it| it.obeys = true);
    let (end, ms) = model.load("noise", &[outlived]);
    assert_eq!(end, Ok(Step::Loaded));
    model.ordered(&["sload noise", "sstart", "sload noise"]);
    assert!((11_000..13_000).contains(&ms), "{ms}");
}

#[test]
fn a_ladish_that_is_busy_is_waited_for_without_a_second_order() {
    for busy_ms in [2500, 4000, 8000, 30_000] {
        let mut model = Model::new();
        model.obeys = false;
        let busy: Happening = (150, |it| {
            (it.blocked, it.jack, it.name) = (true, false, None);
        });
        let over: Happening = (busy_ms, |it| {
            (it.blocked, it.jack) = (false, true);
            it.name = Some("other".into());
        });
        let (end, ms) = model.load("other", &[busy, over]);
        assert_eq!(end, Ok(Step::Loaded));
        model.ordered(&["sload other"]);
        assert!((busy_ms..busy_ms + 1000).contains(&ms), "{ms}");
    }
}

#[test]
fn an_order_is_repeated_only_if_neither_the_old_nor_the_new_name_stays() {
    let mut model = Model::new();
    model.obeys = false;
    let (end, ms) = model.load("other", &[]);
    assert!(matches!(end, Err(SphereError::Stuck { .. })), "{end:?}");
    model.ordered(&["sload other"]);
    assert!((45_000..46_000).contains(&ms), "{ms}");

    let mut model = Model::new();
    model.obeys = false;
    let gone: Happening = (1000, |it| it.name = None);
    let obeys: Happening = (2000, |it| it.obeys = true);
    let (end, ms) = model.load("other", &[gone, obeys]);
    assert_eq!(end, Ok(Step::Loaded));
    model.ordered(&["sload other", "sload other"]);
    assert!((6000..7000).contains(&ms), "{ms}");
}

#[test]
fn a_ladish_that_was_started_anew_is_ordered_at_once() {
    let mut model = Model::new();
    model.obeys = false;
    let anew: Happening = (1000, |it| {
        it.name = Some("Studio 2026-12-01".into());
        it.obeys = true;
    });
    let (end, ms) = model.load("other", &[anew]);
    assert_eq!(end, Ok(Step::Loaded));
    model.ordered(&["sload other", "sload other"]);
    assert!(ms < 1500, "{ms}");
}

#[test]
fn what_another_booth_has_ordered_is_waited_for_or_taken_over() {
    let there: Happening = (4000, |it| {
        it.name = Some("other".into());
        it.jack = true;
    });
    let mut model = Model::new();
    (model.jack, model.name) = (false, None);
    model.mark = Some((model.now, "other".into()));
    assert_eq!(model.load("other", &[there]).0, Ok(Step::Loaded));
    model.ordered(&[]);

    let mut model = Model::new();
    (model.jack, model.name) = (false, None);
    model.mark = Some((model.now, "other".into()));
    let (end, ms) = model.load("noise", &[there]);
    assert_eq!(end, Ok(Step::Loaded));
    model.ordered(&["sload noise"]);
    assert!((4000..5000).contains(&ms), "{ms}");
}

#[test]
fn who_is_a_moment_later_than_another_orders_nothing_and_waits() {
    let there: Happening = (2000, |it| {
        (it.name, it.jack) = (Some("other".into()), true);
    });
    for track in ["other", "house"] {
        let mut model = Model::new();
        (model.quicker, model.obeys) = (Some("other"), false);
        let obeys: Happening = (2000, |it| it.obeys = true);
        let (end, ms) = model.load(track, &[there, obeys]);
        assert_eq!(end, Ok(Step::Loaded));
        assert!((2000..4000).contains(&ms), "{ms}");
        let own = ["sload house"];
        model.ordered(if track == "other" { &[] } else { &own });
        assert_eq!(model.mark, None);
    }
}

#[test]
fn an_order_that_is_not_carried_out_yet_is_never_repeated_by_the_next_attempt() {
    let mut model = Model::new();
    model.obeys = false;
    for _ in 0..3 {
        let end = model.load("other", &[]).0;
        assert!(matches!(end, Err(SphereError::Stuck { .. })), "{end:?}");
        let end = model.load("house", &[]).0;
        assert!(matches!(end, Err(SphereError::Stuck { .. })), "{end:?}");
    }
    model.ordered(&["sload other"]);
    // The player has ended.
    model.name = Some("other".into());
    assert_eq!(model.load("other", &[]).0, Ok(Step::Loaded));
    model.ordered(&["sload other"]);
}

#[test]
fn an_order_of_which_nothing_came_does_not_keep_others_waiting() {
    for track in ["other", "noise"] {
        let mut model = Model::new();
        (model.name, model.jack) = (None, false);
        model.mark = Some((model.now, "other".into()));
        let (end, ms) = model.load(track, &[]);
        assert_eq!(end, Ok(Step::Loaded));
        model.ordered(&[&format!("sload {track}")]);
        assert!((5000..9000).contains(&ms), "{ms}");
    }
}

#[test]
fn an_order_that_was_lost_with_its_jack_is_given_again() {
    let mut model = Model::new();
    model.obeys = false;
    let killed: Happening = (300, |it| (it.jack, it.obeys) = (false, true));
    let (end, ms) = model.load("other", &[killed]);
    assert_eq!(end, Ok(Step::Loaded));
    model.ordered(&["sload other", "sload other"]);
    assert!((10_000..11_500).contains(&ms), "{ms}");
}

#[test]
fn a_project_under_whose_studio_jack_has_ended_is_not_ordered() {
    let mut model = Model::new();
    model.jack = false;
    let end = model.load("project:hall:/srv/noise", &[]).0;
    assert!(
        matches!(end, Err(SphereError::NoJackUnder { .. })),
        "{end:?}"
    );
    model.ordered(&[]);
}

#[test]
fn a_stuck_ladish_is_named_as_such_with_what_a_person_does() {
    let mut model = Model::new();
    let stuck: Happening = (300, |it| it.blocked = true);
    model.obeys = false;
    let (end, ms) = model.load("other", &[stuck]);
    let error = end.expect_err("stuck").to_string();
    assert!(error.contains("ladish_control exit"), "{error}");
    assert!((45_000..46_000).contains(&ms), "{ms}");
    model.ordered(&["sload other"]);
}

#[test]
fn nothing_connected_is_waited_for_and_then_an_error_that_says_so() {
    let mut model = Model::new();
    model.obeys = false;
    let named: Happening = (150, |it| {
        it.name = Some("other".into());
        it.connections = 0;
    });
    let late: Happening = (6000, |it| it.connections = 2);
    let (end, ms) = model.load("other", &[named, late]);
    assert_eq!(end, Ok(Step::Loaded));
    assert!((6000..6500).contains(&ms), "{ms}");

    let mut model = Model::new();
    model.obeys = false;
    assert_eq!(
        model.load("other", &[named]).0,
        Err(SphereError::Unconnected)
    );

    let mut model = Model::new();
    (model.connections, model.stray) = (0, true);
    assert_eq!(model.load("noise", &[]).0, Err(SphereError::Stray));
    model.ordered(&[]);
}

#[test]
fn players_that_are_gone_come_back_by_a_load_of_the_same_name() {
    let mut model = Model::new();
    model.connections = 0;
    assert_eq!(model.load("noise", &[]).0, Ok(Step::Loaded));
    model.ordered(&["sload noise"]);
}

#[test]
fn a_project_is_read_back_and_ended_before_its_studio_is_left() {
    let mut model = Model::new();
    let track = "project:hall:/srv/noise";
    assert_eq!(model.load(track, &[]).0, Ok(Step::Loaded));
    assert_eq!(model.load(track, &[]).0, Ok(Step::Kept));
    assert_eq!(model.load("other", &[]).0, Ok(Step::Loaded));
    model.ordered(&["pload hall /srv/noise", "punload hall", "sload other"]);
    let unknown = model.load("project:cellar:/srv/noise", &[]).0;
    let error = unknown.expect_err("no such room").to_string();
    assert!(
        error.contains("`cellar`") && error.contains("`hall`"),
        "{error}"
    );

    let mut model = Model::new();
    model.obeys = false;
    let error = model.load(track, &[]).0.expect_err("not there").to_string();
    assert!(error.contains("no project"), "{error}");

    let mut model = Model::new();
    model.name = None;
    let error = model.load(track, &[]).0;
    assert_eq!(error, Err(SphereError::NoStudio(track.into())));
}
