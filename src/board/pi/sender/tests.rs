use super::controller::{Controller, Glass as Seen};
use super::*;
use crate::board::profile::{Colors, Driver, Panel as Wiring};
use embedded_graphics::pixelcolor::raw::{RawData, RawU16};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};

fn wiring(driver: Driver, [width, height]: [u32; 2], rotation: u16) -> Wiring {
    let turned = rotation % 180 == 90;
    Wiring {
        driver,
        width: if turned { height } else { width },
        height: if turned { width } else { height },
        spi: "0.0".into(),
        hz: 40_000_000,
        spi_mode: 0,
        mirror: None,
        dc: Some(25),
        reset: None,
        backlight: None,
        dim_after_s: None,
        rotation,
        invert: false,
        colors: None,
        offset: [0, 0],
    }
}

fn size(wiring: &Wiring) -> Size {
    Size::new(wiring.width, wiring.height)
}

fn sender(wiring: &Wiring) -> Sender {
    Sender::new(Glass::of(wiring).expect("a panel"), size(wiring), wiring.hz)
}

/// A glass for which the wiring is right.
fn controller(wiring: &Wiring) -> Controller {
    Controller::new(Seen {
        size: wiring.upright(),
        offset: wiring.offset.map(u32::from).into(),
        rotation: wiring.rotation.into(),
        mirrored: wiring.mirror.unwrap_or(wiring.driver == Driver::Ili9341),
        inverts: wiring.invert,
        bgr: wiring.colors() == Colors::Bgr,
    })
}

/// Every pixel differs from its neighbours, so that a shift or a swap is seen.
fn picture(size: Size, seed: u32) -> Picture {
    let mut picture = Picture::new(size);
    for y in 0..size.height {
        for x in 0..size.width {
            let n = (x * 7919 + y * 104_729 + seed).wrapping_mul(2_654_435_761);
            let colour = Rgb565::from(RawU16::new((n >> 13) as u16));
            picture.blend(x as i32, y as i32, colour, 255);
        }
    }
    picture
}

/// Turns of 10 ms until the panel shows `picture`; how many there were, and rows sent.
fn show(sender: &mut Sender, to: &mut Controller, picture: &Picture) -> (u32, usize) {
    let (mut turns, mut bytes) = (1, 0);
    while let Some(of_turn) = turn(sender, to, picture) {
        (turns, bytes) = (turns + 1, bytes + of_turn);
        assert!(turns < 200, "no end");
    }
    (turns, bytes / picture.size().width as usize / 2)
}

/// One turn of 10 ms, and the bytes of pixels sent in it; none if there was nothing to do.
fn turn(sender: &mut Sender, to: &mut Controller, picture: &Picture) -> Option<usize> {
    let mut bytes = 0;
    match sender.next(Nanos(to.now_ms() * 1_000_000), picture) {
        Turn::Done => return None,
        Turn::Later => {}
        Turn::Send(steps) => {
            for step in steps {
                match step {
                    Step::Command(command, args) => to.command(command, &args),
                    Step::Pixels(pixels) => {
                        bytes += pixels.len();
                        to.data(&pixels);
                    }
                    Step::Reset(high) => to.reset(high),
                    Step::Pause(_) => panic!("a pause is waited for, not sent"),
                }
            }
            sender.sent(Nanos(to.now_ms() * 1_000_000));
        }
    }
    assert!(bytes <= BAND_BYTES);
    to.pass_ms(10);
    Some(bytes)
}

#[track_caller]
fn assert_shows(controller: &Controller, picture: &Picture) {
    let pixels: Vec<u16> = picture
        .pixels()
        .iter()
        .map(|pixel| RawU16::from(*pixel).into_inner())
        .collect();
    assert!(controller.seen().expect("it is on") == pixels);
}

/// Both drivers, every rotation, panels and offsets that are sold, inversion and colour order.
fn panels() -> Vec<Wiring> {
    let mut all = Vec::new();
    for driver in [Driver::St7789, Driver::Ili9341] {
        for rotation in [0, 90, 180, 270] {
            for (size, offset) in [
                ([240, 320], [0, 0]),
                ([240, 240], [0, 0]),
                ([240, 240], [0, 80]),
                ([135, 240], [52, 40]),
            ] {
                for (n, colors) in [None, Some(Colors::Rgb), Some(Colors::Bgr)]
                    .into_iter()
                    .enumerate()
                {
                    all.push(Wiring {
                        offset,
                        colors,
                        invert: n == 1,
                        mirror: (n == 2).then_some(driver == Driver::St7789),
                        reset: (n == 2).then_some(24),
                        ..wiring(driver, size, rotation)
                    });
                }
            }
        }
    }
    all
}

#[test]
fn what_is_sent_decodes_to_the_picture_drawn_on_every_panel() {
    for wiring in panels() {
        let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
        let mut drawn = picture(size(&wiring), 1);
        show(&mut sender, &mut to, &drawn);
        assert!(sender.is_whole());
        assert_shows(&to, &drawn);
        for (row, colour) in [(3, Rgb565::RED), (100, Rgb565::BLUE)] {
            drawn.blend(row, row, colour, 255);
        }
        let (_, rows) = show(&mut sender, &mut to, &drawn);
        assert_eq!(rows, 2, "only what changed");
        assert_shows(&to, &drawn);
    }
}

#[test]
fn a_panel_that_was_plugged_in_again_shows_the_picture_after_a_new_set_up() {
    for wiring in panels() {
        let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
        let drawn = picture(size(&wiring), 2);
        show(&mut sender, &mut to, &drawn);
        to.lose_power();
        assert_eq!(show(&mut sender, &mut to, &drawn).0, 1, "it cannot be seen");
        assert!(to.seen().is_none());
        sender.set_up();
        assert!(!sender.is_whole());
        let (turns, rows) = show(&mut sender, &mut to, &drawn);
        assert_shows(&to, &drawn);
        assert_eq!(rows, size(&wiring).height as usize);
        assert!(turns < 60, "{turns} turns of 10 ms");
    }
}

#[test]
fn a_set_up_that_is_asked_for_in_the_middle_of_one_or_of_a_picture_begins_anew() {
    let wiring = wiring(Driver::St7789, [240, 320], 90);
    for turns in 0..45 {
        let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
        let (old, new) = (picture(size(&wiring), 3), picture(size(&wiring), 4));
        for _ in 0..turns {
            if let Turn::Send(steps) = sender.next(Nanos(to.now_ms() * 1_000_000), &old) {
                for step in steps {
                    match step {
                        Step::Command(command, args) => to.command(command, &args),
                        Step::Pixels(pixels) => to.data(&pixels),
                        _ => {}
                    }
                }
                sender.sent(Nanos(to.now_ms() * 1_000_000));
            }
            to.pass_ms(10);
        }
        sender.set_up();
        show(&mut sender, &mut to, &new);
        assert_shows(&to, &new);
    }
}

#[test]
fn rows_that_change_in_every_turn_keep_no_other_row_from_being_sent() {
    let wiring = wiring(Driver::St7789, [240, 320], 90);
    let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
    show(&mut sender, &mut to, &picture(size(&wiring), 6));
    let mut drawn = picture(size(&wiring), 7);
    // As the bar of a short step does, and the level.
    for x in 0..30 {
        for row in [33, 200] {
            drawn.blend(x, row, Rgb565::RED, 255);
        }
        turn(&mut sender, &mut to, &drawn);
    }
    let width = drawn.size().width as usize;
    let seen = to.seen().expect("it is on");
    for (y, row) in drawn.pixels().chunks(width).enumerate() {
        let row: Vec<u16> = row.iter().map(|p| RawU16::from(*p).into_inner()).collect();
        let live = y == 33 || y == 200;
        assert!(live || seen[y * width..][..width] == row, "row {y}");
    }
}

#[test]
fn a_slow_bus_gets_fewer_rows_a_turn_and_at_least_one() {
    for (hz, rows) in [(60_000_000, 34), (10_000_000, 10), (1_000_000, 1)] {
        let wiring = Wiring {
            hz,
            ..wiring(Driver::St7789, [240, 320], 0)
        };
        let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
        let drawn = picture(size(&wiring), 8);
        let mut most = 0;
        while let Some(bytes) = turn(&mut sender, &mut to, &drawn) {
            most = most.max(bytes / 480);
        }
        assert_eq!(most, rows, "{hz} Hz");
        assert_shows(&to, &drawn);
    }
}

#[test]
fn after_a_failure_nothing_is_sent_until_the_set_up_is_due() {
    let wiring = wiring(Driver::St7789, [240, 320], 0);
    let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
    let drawn = picture(size(&wiring), 9);
    show(&mut sender, &mut to, &drawn);
    let failed = to.now_ms();
    sender.set_up_at(Nanos((failed + 500) * 1_000_000));
    while sender.next(Nanos(to.now_ms() * 1_000_000), &drawn) == Turn::Later {
        to.pass_ms(10);
    }
    assert_eq!(to.now_ms(), failed + 500);
    assert!(!sender.is_whole());
}

#[test]
fn a_wrong_profile_is_seen_by_this_decoder() {
    let right = wiring(Driver::St7789, [240, 240], 0);
    for wrong in [
        Wiring {
            invert: true,
            ..right.clone()
        },
        Wiring {
            colors: Some(Colors::Bgr),
            ..right.clone()
        },
        Wiring {
            rotation: 180,
            ..right.clone()
        },
        Wiring {
            mirror: Some(true),
            ..right.clone()
        },
        Wiring {
            offset: [0, 80],
            ..right.clone()
        },
    ] {
        let (mut sender, mut to) = (sender(&wrong), controller(&right));
        let drawn = picture(size(&right), 5);
        show(&mut sender, &mut to, &drawn);
        let pixels: Vec<u16> = drawn
            .pixels()
            .iter()
            .map(|pixel| RawU16::from(*pixel).into_inner())
            .collect();
        assert!(to.seen() != Some(pixels), "{wrong:?}");
    }
}

#[test]
fn the_last_picture_is_black_and_a_panel_that_is_not_set_up_gets_none() {
    let wiring = wiring(Driver::Ili9341, [240, 320], 270);
    let (mut sender, mut to) = (sender(&wiring), controller(&wiring));
    assert!(sender.black().is_empty());
    show(&mut sender, &mut to, &picture(size(&wiring), 6));
    for step in sender.black() {
        match step {
            Step::Command(command, args) => to.command(command, &args),
            Step::Pixels(pixels) => to.data(&pixels),
            other => panic!("{other:?}"),
        }
    }
    assert_shows(&to, &Picture::new(size(&wiring)));
}
