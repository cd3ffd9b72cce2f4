//! A step along a face, and the signs of the multipliers where it ends.
//!
//! Vectors are padded to a multiple of [`super::products::PADDING`].

use poise_simd::{Kernel, Simd, dispatch};

use crate::optimization::active_set::NOISE;
use crate::optimization::bounds::{Bounds, Side};

/// More roundings than any multiplier is away from zero.
const ANY: f64 = 1e150;

/// A step of the free assets' weights to the minimum of their face.
pub(super) struct Step<'a> {
    pub(super) multiplier: f64,
    pub(super) even: &'a [f64],
    /// What the inverse makes of the gradient, before and after.
    pub(super) downhill: &'a mut [f64],
    pub(super) held: &'a mut [f64],
    pub(super) low: &'a [f64],
    pub(super) high: &'a [f64],
}

impl Step<'_> {
    /// Goes there; returns the distance to the nearest bound, negative beyond it.
    pub(super) fn go(self) -> f64 {
        dispatch(self)
    }
}

impl Kernel for Step<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f64 {
        let multiplier = simd.splat(self.multiplier);
        let (even, low, high) = (simd.blocks(self.even).0, simd.blocks(self.low).0, simd.blocks(self.high).0);
        let (held, downhill) = (simd.blocks_mut(self.held).0, simd.blocks_mut(self.downhill).0);
        let mut room = simd.splat(f64::INFINITY);
        for k in 0..even.len() {
            let level = simd.mul(multiplier, simd.load(&even[k]));
            let weight = simd.add(simd.load(&held[k]), simd.sub(level, simd.load(&downhill[k])));
            simd.store(&mut downhill[k], level);
            simd.store(&mut held[k], weight);
            let below = simd.sub(weight, simd.load(&low[k]));
            let above = simd.sub(simd.load(&high[k]), weight);
            room = simd.min(room, simd.min(below, above));
        }
        least(simd, room)
    }
}

#[inline(always)]
fn least<S: Simd>(simd: S, vector: S::Vector) -> f64 {
    let mut block = simd.zeros();
    simd.store(&mut block, vector);
    let mut least = f64::INFINITY;
    for value in block.as_ref() {
        least = if *value < least { *value } else { least };
    }
    least
}

/// By how many roundings the gradient of each asset may be below and above the multiplier of the budget.
///
/// One where its weight is free, one on one side at a bound, any number on the other and where both bounds meet.
#[derive(Debug)]
pub(super) struct Multipliers {
    below: Vec<f64>,
    above: Vec<f64>,
    /// Allowed on the wrong side at a bound; asked for on the right one where negative.
    slack: f64,
}

impl Multipliers {
    pub(super) fn new(slack: f64, stride: usize) -> Self {
        Self { below: vec![ANY; stride], above: vec![ANY; stride], slack }
    }

    /// Notes where asset `i` stands.
    pub(super) fn note(&mut self, i: usize, side: Side, bounds: &Bounds) {
        let is_fixed = bounds.lower[i] == bounds.upper[i];
        (self.below[i], self.above[i]) = match side {
            Side::Inside => (1.0, 1.0),
            _ if is_fixed => (ANY, ANY),
            Side::Lower => (self.slack, ANY),
            Side::Upper => (ANY, self.slack),
        };
    }

    /// How much less than allowed the gradients deviate, least of all, and what their roundings are multiples of.
    pub(super) fn room(
        &self,
        gradient: &[f64],
        multiplier: f64,
        volatility: &[f64],
        weights: &[f64],
    ) -> (f64, f64) {
        let Self { below, above, .. } = self;
        dispatch(Room { gradient, multiplier, volatility, weights, below, above })
    }
}

struct Room<'a> {
    gradient: &'a [f64],
    multiplier: f64,
    volatility: &'a [f64],
    weights: &'a [f64],
    below: &'a [f64],
    above: &'a [f64],
}

impl Kernel for Room<'_> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> (f64, f64) {
        let (gradient, volatility) = (simd.blocks(self.gradient).0, simd.blocks(self.volatility).0);
        let (weights, below) = (simd.blocks(self.weights).0, simd.blocks(self.below).0);
        let above = simd.blocks(self.above).0;
        let mut sum = simd.splat(0.0);
        for k in 0..weights.len() {
            let weight = simd.load(&weights[k]);
            let size = simd.max(weight, simd.sub(simd.splat(0.0), weight));
            sum = simd.mul_add(simd.load(&volatility[k]), size, sum);
        }
        let undiversified = simd.sum(sum);
        let (multiplier, scale) = (simd.splat(self.multiplier), simd.splat(NOISE * undiversified));
        let least_noise = simd.splat(NOISE * self.multiplier.abs());
        let mut room = simd.splat(f64::INFINITY);
        for k in 0..gradient.len() {
            let excess = simd.sub(simd.load(&gradient[k]), multiplier);
            let rounding = simd.mul_add(simd.load(&volatility[k]), scale, least_noise);
            let above = simd.sub(simd.mul(rounding, simd.load(&above[k])), excess);
            let below = simd.mul_add(rounding, simd.load(&below[k]), excess);
            room = simd.min(room, simd.min(below, above));
        }
        (least(simd, room), undiversified)
    }
}
