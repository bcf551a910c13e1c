//! The band in which a channel is heard.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

/// The lower end of a band where none is given, Hz: below voices, above steps and wind.
const LEAST_HZ: f64 = 80.0;

/// The band of a channel: two filters of second order, Butterworth's, by R. Bristow-Johnson's formulas
/// ("Cookbook formulae for audio EQ biquad filter coefficients").
#[derive(Clone, Copy, Debug)]
pub struct Band {
    high_pass: [f32; 5],
    low_pass: [f32; 5],
}

impl Band {
    /// The band from `hz[0]` to `hz[1]` at a sampling rate; without one, all above 80 Hz.
    #[must_use]
    pub fn of(hz: Option<[f64; 2]>, rate: u32) -> Band {
        let [low, high] = hz.unwrap_or([LEAST_HZ, f64::INFINITY]);
        let rate = f64::from(rate);
        let turn = |hz: f64| (2.0 * f64::from(PI) * hz / rate) as f32;
        let pass = |angle: f32, ends: f32, middle: f32| {
            let alpha = angle.sin() * FRAC_1_SQRT_2;
            let whole = 1.0 + alpha;
            [
                ends / whole,
                middle / whole,
                ends / whole,
                -2.0 * angle.cos() / whole,
                (1.0 - alpha) / whole,
            ]
        };
        let angle = turn(low.clamp(1.0, rate * 0.4));
        let high_pass = pass(angle, f32::midpoint(1.0, angle.cos()), -(1.0 + angle.cos()));
        let low_pass = if high < rate * 0.45 {
            let angle = turn(high);
            pass(angle, (1.0 - angle.cos()) / 2.0, 1.0 - angle.cos())
        } else {
            [1.0, 0.0, 0.0, 0.0, 0.0]
        };
        Band {
            high_pass,
            low_pass,
        }
    }
}

/// What the filters of a channel remember, transposed direct form II.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory([f32; 4]);

impl Memory {
    pub(super) fn pass(&mut self, band: &Band, sample: f32) -> f32 {
        let [a, b, c, d] = &mut self.0;
        let through = |x: f32, [b0, b1, b2, a1, a2]: [f32; 5], z1: &mut f32, z2: &mut f32| {
            let y = b0 * x + *z1;
            *z1 = b1 * x - a1 * y + *z2;
            *z2 = b2 * x - a2 * y;
            y
        };
        let high = through(sample, band.high_pass, a, b);
        through(high, band.low_pass, c, d)
    }
}
