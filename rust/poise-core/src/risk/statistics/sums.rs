//! Sums over a series in which the order of the returns does not matter. Powers are taken about a first guess of
//! the mean and moved to the mean at the end.

use poise_simd::{Kernel, Simd, dispatch};

/// Sums and extremes, in which the order of the returns does not matter.
pub(super) struct Sums<V> {
    powers: [V; 4],
    lowest: V,
    highest: V,
    shortfalls: V,
    n_gains: V,
    gains: V,
    losses: V,
}

impl<V: Copy> Sums<V> {
    #[inline(always)]
    pub(super) fn new<S: Simd<Vector = V>>(simd: S) -> Self {
        let zero = simd.splat(0.0);
        Self {
            powers: [zero; 4],
            lowest: simd.splat(f64::INFINITY),
            highest: simd.splat(f64::NEG_INFINITY),
            shortfalls: zero,
            n_gains: zero,
            gains: zero,
            losses: zero,
        }
    }

    #[inline(always)]
    pub(super) fn add<S: Simd<Vector = V>>(&mut self, simd: S, r: V, guess: V, target: V) {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        self.powers = raised(simd, self.powers, simd.sub(r, guess));
        self.lowest = simd.min(r, self.lowest);
        self.highest = simd.max(r, self.highest);
        let short = simd.min(simd.sub(r, target), zero);
        self.shortfalls = simd.mul_add(short, short, self.shortfalls);
        self.n_gains = simd.add(self.n_gains, simd.where_at_most(r, zero, zero, one));
        self.gains = simd.add(self.gains, simd.max(r, zero));
        self.losses = simd.add(self.losses, simd.min(r, zero));
    }

    #[inline(always)]
    pub(super) fn found<S: Simd<Vector = V>>(&self, simd: S) -> FoundSums {
        let extreme = |vector, pick: fn(f64, f64) -> f64, start| {
            lanes(simd, vector).as_ref().iter().copied().fold(start, pick)
        };
        FoundSums {
            powers: self.powers.map(|sum| simd.sum(sum)),
            lowest: extreme(self.lowest, f64::min, f64::INFINITY),
            highest: extreme(self.highest, f64::max, f64::NEG_INFINITY),
            shortfalls: simd.sum(self.shortfalls),
            n_gains: simd.sum(self.n_gains),
            gains: simd.sum(self.gains),
            losses: simd.sum(self.losses),
        }
    }
}

/// The numbers of a vector.
#[inline(always)]
pub(super) fn lanes<S: Simd>(simd: S, vector: S::Vector) -> S::Block {
    let mut block = simd.zeros();
    simd.store(&mut block, vector);
    block
}

/// The sums of all lanes.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoundSums {
    /// Of the first four powers of `r - guess`.
    pub(super) powers: [f64; 4],
    pub(super) lowest: f64,
    pub(super) highest: f64,
    pub(super) shortfalls: f64,
    pub(super) n_gains: f64,
    pub(super) gains: f64,
    pub(super) losses: f64,
}

impl FoundSums {
    /// Takes in one more return.
    pub(super) fn add(&mut self, r: f64, guess: f64, target: f64) {
        self.powers = raised_one(self.powers, r - guess);
        self.lowest = self.lowest.min(r);
        self.highest = self.highest.max(r);
        self.shortfalls += (r - target).min(0.0).powi(2);
        self.n_gains += f64::from(u8::from(r > 0.0));
        self.gains += r.max(0.0);
        self.losses += r.min(0.0);
    }

    /// The mean, and the sums of the second, third and fourth powers about it.
    pub(super) fn moments(&self, values: &[f64], guess: f64) -> (f64, [f64; 3]) {
        let n = values.len() as f64;
        let [offset, second, third, fourth] = self.powers.map(|sum| sum / n);
        let mean = guess + offset;
        let variance = second - offset * offset;
        if offset * offset <= 0.25 * variance {
            let third_central = third - offset * (3.0 * second - 2.0 * offset * offset);
            let fourth = fourth - offset * (4.0 * third - offset * (6.0 * second - 3.0 * offset * offset));
            return (mean, [n * variance, n * third_central, n * fourth]);
        }
        // The guess was far off, and the differences above would be all rounding.
        let [_, second, third, fourth] = dispatch(Powers { values, about: mean });
        (mean, [second, third, fourth])
    }
}

/// Adds the first four powers.
#[inline(always)]
fn raised<S: Simd>(simd: S, sums: [S::Vector; 4], x: S::Vector) -> [S::Vector; 4] {
    let square = simd.mul(x, x);
    [
        simd.add(sums[0], x),
        simd.add(sums[1], square),
        simd.mul_add(square, x, sums[2]),
        simd.mul_add(square, square, sums[3]),
    ]
}

/// Sums of the first four powers about a point.
struct Powers<'a> {
    values: &'a [f64],
    about: f64,
}

impl Kernel for Powers<'_> {
    type Output = [f64; 4];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [f64; 4] {
        let (blocks, rest) = simd.blocks(self.values);
        let about = simd.splat(self.about);
        let mut sums = [simd.splat(0.0); 4];
        for block in blocks {
            sums = raised(simd, sums, simd.sub(simd.load(block), about));
        }
        let totals = sums.map(|sum| simd.sum(sum));
        rest.iter().fold(totals, |totals, value| raised_one(totals, value - self.about))
    }
}

/// As [`raised`], for one number.
fn raised_one(sums: [f64; 4], x: f64) -> [f64; 4] {
    let square = x * x;
    [sums[0] + x, sums[1] + square, sums[2] + square * x, sums[3] + square * square]
}
