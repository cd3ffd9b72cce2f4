//! The answer of one window followed to the next.
//!
//! A window that moves changes the covariance of the free assets by two rows, and its inverse by as much (Sherman,
//! Morrison and Woodbury); an asset that comes or goes changes it by one. What the inverse makes of the gradient and
//! of ones goes along in the same way, so that the minimum of the face is a sum of vectors away: where assets pass
//! their bounds all of them stop there, where multipliers are wrong all of them join, and the next sum follows
//! (Portugal, Judice and Vicente 1994, "A comparison of block pivoting and interior-point algorithms"). The gradient
//! that judges an answer comes from the covariance itself: what updates have done to the inverse shows in the
//! optimality conditions, and whoever asked takes the long way.

use super::moving::Moving;
use super::products::{Aligned, PADDING, add_products, multiply};
use super::steps::{Multipliers, Step};
use super::vectors::{combine, dots, sums};
use crate::optimization::active_set::{MARGIN, NOISE};
use crate::optimization::bounds::{Bounds, Side};

/// A newcomer that leaves less of its variance unexplained is a combination of the others.
const LEAST_PIVOT: f64 = 1e-10;

/// Determinants below this part of their terms are rounding.
const LEAST_DETERMINANT: f64 = 1e-8;

/// What the optimality conditions say of the minimum of a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Optimal,
    /// Someone should join, or rounding has grown.
    Improvable,
    /// Nobody should join, but someone might without loss.
    Undecided,
}

/// The free assets of a window, the inverse of their covariance, and where the others stand.
///
/// Vectors over all assets, and those over the free ones in the order of the rows of `inverse`, are padded to a
/// multiple of [`PADDING`].
#[derive(Debug)]
pub(super) struct Face {
    stride: usize,
    free: Vec<usize>,
    side: Vec<Side>,
    weights: Vec<f64>,
    gradient: Vec<f64>,
    multipliers: Multipliers,
    /// Beginning at a cache line, so that no vector is stored across two.
    inverse: Aligned,
    /// Weights and bounds of the free assets.
    held: Vec<f64>,
    low: Vec<f64>,
    high: Vec<f64>,
    /// What the inverse makes of ones, and of the gradient.
    even: Vec<f64>,
    downhill: Vec<f64>,
    given: [Vec<f64>; 2],
    made: [Vec<f64>; 2],
    /// Who stands at a bound that is not zero.
    pinned: Vec<usize>,
    /// The free and the pinned.
    holders: Vec<usize>,
    newcomers: Vec<usize>,
}

impl Face {
    /// The face that `weights` lie on; none where nobody is free, or the covariance of who is has no inverse.
    ///
    /// Unless the covariance is known to be definite, answers must be the only ones by more than rounding.
    pub(super) fn at(
        covariance: &Moving,
        bounds: &Bounds,
        weights: &[f64],
        is_definite: bool,
    ) -> Option<Self> {
        let side = weights.iter().enumerate().map(|(i, weight)| bounds.side(i, *weight)).collect();
        Self::of(covariance, bounds, weights, side, if is_definite { 1.0 } else { -MARGIN / NOISE })
    }

    /// The face of everybody, begun with equal weights; none where the covariance has no inverse.
    pub(super) fn of_everyone(covariance: &Moving, bounds: &Bounds) -> Option<Self> {
        let n = bounds.lower.len();
        Self::of(covariance, bounds, &vec![1.0 / n as f64; n], vec![Side::Inside; n], 1.0)
    }

    fn of(
        covariance: &Moving,
        bounds: &Bounds,
        weights: &[f64],
        side: Vec<Side>,
        slack: f64,
    ) -> Option<Self> {
        let n = weights.len();
        let stride = n.next_multiple_of(PADDING);
        let zeros = || vec![0.0; stride];
        let mut face = Self {
            stride,
            free: Vec::with_capacity(n),
            multipliers: Multipliers::new(slack, stride),
            side,
            weights: zeros(),
            gradient: zeros(),
            inverse: Aligned::zeros(n * stride),
            held: zeros(),
            low: vec![f64::NEG_INFINITY; stride],
            high: vec![f64::INFINITY; stride],
            even: zeros(),
            downhill: zeros(),
            given: [zeros(), zeros()],
            made: [zeros(), zeros()],
            pinned: Vec::with_capacity(n),
            holders: Vec::with_capacity(n),
            newcomers: Vec::new(),
        };
        face.weights[..n].copy_from_slice(weights);
        let (inside, outside): (Vec<_>, Vec<_>) = (0..n).partition(|&i| face.side[i] == Side::Inside);
        outside.iter().for_each(|&i| face.multipliers.note(i, face.side[i], bounds));
        face.pinned.extend((0..n).filter(|&i| weights[i] != 0.0));
        face.take_gradient(covariance);
        let are_independent = inside.into_iter().all(|i| face.join(covariance, bounds, i));
        (are_independent && !face.free.is_empty()).then_some(face)
    }

    /// One weight per asset.
    pub(super) fn weights(&self) -> &[f64] {
        &self.weights[..self.side.len()]
    }

    /// Follows a window of `length` rows that lets go of `leaving` for `entering`, both over its old mean; whether it
    /// could.
    ///
    /// With the scatter over `length - 1` the covariance grows by `[u v] C [u v]'`, the inverse `P` by
    /// `-[Pu Pv] G^-1 [Pu Pv]'` with `G = C^-1 + [u v]' P [u v]`, and the gradient by `[u v] C [u v]' w`.
    pub(super) fn roll(&mut self, [entering, leaving]: [&[f64]; 2], length: f64) -> bool {
        let k = self.free.len();
        let width = k.next_multiple_of(PADDING);
        for (given, row) in self.given.iter_mut().zip([entering, leaving]) {
            given[k..width].fill(0.0);
            given.iter_mut().zip(&self.free).for_each(|(value, &i)| *value = row[i]);
        }
        self.multiply();
        let [earned, lost] = dots([[entering, &self.weights], [leaving, &self.weights]]);
        let (even, downhill) = (&mut self.even[..width], &mut self.downhill[..width]);
        let ([u, v], [pu, pv]) = (self.given.each_ref(), self.made.each_ref());
        let (u, v, pu, pv) = (&u[..width], &v[..width], &pu[..width], &pv[..width]);
        let [uu, uv, vv, of_even, beside_even, of_downhill, beside_downhill] =
            dots([[u, pu], [u, pv], [v, pv], [u, even], [v, even], [u, downhill], [v, downhill]]);
        let (per_row, share) = (length - 1.0, 1.0 / length);
        let first = per_row * (1.0 + share) + uu;
        let cross = per_row * share + uv;
        let second = -per_row * (1.0 - share) + vv;
        let determinant = first * second - cross * cross;
        let is_certain = determinant.abs() > LEAST_DETERMINANT * ((first * second).abs() + cross * cross);
        if !is_certain {
            return false;
        }
        let (first, cross, second) = (first / determinant, cross / determinant, second / determinant);
        // What the inverse grows by makes of a vector, by what `u` and `v` make of it.
        let grown = |of: f64, beside: f64| [cross * beside - second * of, cross * of - first * beside];
        let pull = ((1.0 - share) * earned + share * lost) / per_row;
        let push = (share * earned - (1.0 + share) * lost) / per_row;
        let [steeper, flatter] =
            grown(of_downhill + pull * uu + push * uv, beside_downhill + pull * uv + push * vv);
        let [given, other] = self.given.each_mut();
        combine(
            [&mut given[..width], &mut other[..width], even, downhill],
            [0.0, 0.0, 1.0, 1.0],
            [
                [-second, cross],
                [cross, -first],
                grown(of_even, beside_even),
                [pull + steeper, push + flatter],
            ],
            [pu, pv],
        );
        self.add_products();
        true
    }

    /// Goes from the answer of the window before, or from wherever it is, to the answer of this one, in at most so
    /// many steps; whether it is certain.
    pub(super) fn answer(
        &mut self,
        covariance: &Moving,
        bounds: &Bounds,
        total: f64,
        most_steps: usize,
    ) -> bool {
        for _ in 0..most_steps {
            let (multiplier, is_stopped) = self.step(total);
            if !multiplier.is_finite() {
                return false;
            }
            if is_stopped {
                self.stop_at_bounds(bounds);
                if self.free.is_empty() {
                    return false;
                }
                continue;
            }
            self.take_gradient(covariance);
            match self.judge(covariance.volatility(), bounds, multiplier) {
                Finding::Optimal => return true,
                Finding::Undecided => return false,
                Finding::Improvable => {}
            }
            if self.newcomers.is_empty() {
                self.refine();
            }
            while let Some(i) = self.newcomers.pop() {
                if !self.join(covariance, bounds, i) {
                    return false;
                }
            }
        }
        false
    }

    /// Takes the free weights to the minimum of their face, and the sum to `total`; returns the multiplier there, and
    /// whether a bound is in the way.
    fn step(&mut self, total: f64) -> (f64, bool) {
        let width = self.free.len().next_multiple_of(PADDING);
        let pinned: f64 = self.pinned.iter().map(|&i| self.weights[i]).sum();
        let (even, downhill) = (&self.even[..width], &mut self.downhill[..width]);
        let [held, pulled, spread] = sums([&self.held[..width], downhill, even]);
        let multiplier = (total - pinned - held + pulled) / spread;
        let (low, high) = (&self.low[..width], &self.high[..width]);
        let room = Step { multiplier, even, downhill, held: &mut self.held[..width], low, high }.go();
        (multiplier, room <= 0.0)
    }

    /// Fixes the free assets that have passed a bound there.
    fn stop_at_bounds(&mut self, bounds: &Bounds) {
        for row in (0..self.free.len()).rev() {
            let weight = self.held[row];
            if weight <= self.low[row] {
                self.leave(bounds, row, Side::Lower);
            } else if weight >= self.high[row] {
                self.leave(bounds, row, Side::Upper);
            }
        }
    }

    /// The gradient at the weights held, from the covariance itself.
    fn take_gradient(&mut self, covariance: &Moving) {
        self.free.iter().zip(&self.held).for_each(|(&i, weight)| self.weights[i] = *weight);
        self.holders.clear();
        self.holders.extend_from_slice(&self.free);
        self.holders.extend_from_slice(&self.pinned);
        covariance.multiply_into(&self.holders, &self.weights, &mut self.gradient);
    }

    /// Looks at the optimality conditions; who should be free goes to `newcomers`.
    fn judge(&mut self, volatility: &[f64], bounds: &Bounds, multiplier: f64) -> Finding {
        let (room, undiversified) =
            self.multipliers.room(&self.gradient, multiplier, volatility, &self.weights);
        if room >= 0.0 {
            return Finding::Optimal;
        }
        let mut is_settled = true;
        for (i, side) in self.side.iter().enumerate() {
            let excess = self.gradient[i] - multiplier;
            let rounding = NOISE * (volatility[i] * undiversified + multiplier.abs());
            match side {
                Side::Inside => is_settled &= excess.abs() <= rounding,
                _ if bounds.lower[i] == bounds.upper[i] => {}
                Side::Lower if -excess > rounding => self.newcomers.push(i),
                Side::Upper if excess > rounding => self.newcomers.push(i),
                Side::Lower | Side::Upper => {}
            }
        }
        if is_settled && self.newcomers.is_empty() { Finding::Undecided } else { Finding::Improvable }
    }

    /// Takes what the inverse makes of the gradient from the gradient itself, where following it has not been enough.
    fn refine(&mut self) {
        let (k, width) = (self.free.len(), self.free.len().next_multiple_of(PADDING));
        let slopes = &mut self.given[0];
        slopes.iter_mut().zip(&self.free).for_each(|(slope, &i)| *slope = self.gradient[i]);
        let downhill = &mut self.downhill[..width];
        multiply(self.inverse.values(), self.stride, k, [&self.given[0]], [downhill]);
    }

    /// Adds asset `i` as the last row; whether it is no combination of the others.
    ///
    /// With `b` for its covariances with the free assets, `z = Pb` and `s` for what `b'z` leaves of its variance, the
    /// inverse becomes `[P + zz'/s, -z/s; -z'/s, 1/s]`.
    fn join(&mut self, covariance: &Moving, bounds: &Bounds, i: usize) -> bool {
        let (k, width) = (self.free.len(), self.free.len().next_multiple_of(PADDING));
        let ([beside, row], [z, _]) = (self.given.each_mut(), self.made.each_mut());
        let variance = covariance.row_into(i, row);
        beside[k..width].fill(0.0);
        beside.iter_mut().zip(&self.free).for_each(|(entry, &other)| *entry = row[other]);
        multiply(self.inverse.values(), self.stride, k, [beside], [z]);
        let (beside, z) = (&mut beside[..width], &z[..width]);
        let (even, downhill) = (&mut self.even[..width], &mut self.downhill[..width]);
        let [explained, of_even, of_downhill] = dots([[beside, z], [beside, even], [beside, downhill]]);
        let pivot = variance - explained;
        let is_independent = pivot > LEAST_PIVOT * variance;
        if !is_independent {
            return false;
        }
        let (spread, drop) = ((1.0 - of_even) / pivot, (self.gradient[i] - of_downhill) / pivot);
        let factors = [[1.0 / pivot, 0.0], [-spread, 0.0], [-drop, 0.0]];
        combine([&mut *beside, even, downhill], [0.0, 1.0, 1.0], factors, [z, z]);
        let (stride, inverse) = (self.stride, self.inverse.values_mut());
        add_products(inverse, stride, k, [z], [beside]);
        inverse[k * stride..(k + 1) * stride].fill(0.0);
        for (other, entry) in beside[..k].iter().enumerate() {
            inverse[other * stride + k] = -entry;
            inverse[k * stride + other] = -entry;
        }
        inverse[k * stride + k] = 1.0 / pivot;
        (self.even[k], self.downhill[k]) = (spread, drop);
        (self.held[k], self.low[k], self.high[k]) = (self.weights[i], bounds.lower[i], bounds.upper[i]);
        self.side[i] = Side::Inside;
        self.multipliers.note(i, Side::Inside, bounds);
        self.pinned.retain(|&pinned| pinned != i);
        self.free.push(i);
        true
    }

    /// Fixes the asset of a row at a bound, and takes the row out; the last row takes its place.
    ///
    /// Without it the inverse is `P - pp' / P_ii` with `p` for its column; what it falls short of its weight changes
    /// the gradient of the others, of which the inverse makes as much of `-p / P_ii`.
    fn leave(&mut self, bounds: &Bounds, row: usize, side: Side) {
        let (i, k, stride) = (self.free[row], self.free.len(), self.stride);
        let bound = if side == Side::Lower { bounds.lower[i] } else { bounds.upper[i] };
        let width = k.next_multiple_of(PADDING);
        let inverse = self.inverse.values_mut();
        let ([given, _], [column, _]) = (self.given.each_mut(), self.made.each_mut());
        let (given, column) = (&mut given[..width], &mut column[..width]);
        column.copy_from_slice(&inverse[row * stride..row * stride + width]);
        let own = column[row];
        let short = bound - self.held[row];
        let factors =
            [[-1.0 / own, 0.0], [-self.even[row] / own, 0.0], [-(self.downhill[row] + short) / own, 0.0]];
        let (even, downhill) = (&mut self.even[..width], &mut self.downhill[..width]);
        combine([&mut *given, even, downhill], [0.0, 1.0, 1.0], factors, [column, column]);
        add_products(inverse, stride, k, [column], [given]);
        let last = k - 1;
        inverse.copy_within(last * stride..last * stride + k, row * stride);
        for other in 0..last {
            inverse[other * stride + row] = inverse[other * stride + last];
            inverse[other * stride + last] = 0.0;
        }
        let vectors = [&mut self.held, &mut self.even, &mut self.downhill, &mut self.low, &mut self.high];
        let neutral = [0.0, 0.0, 0.0, f64::NEG_INFINITY, f64::INFINITY];
        for (vector, neutral) in vectors.into_iter().zip(neutral) {
            vector[row] = vector[last];
            vector[last] = neutral;
        }
        self.free.swap_remove(row);
        self.weights[i] = bound;
        self.side[i] = side;
        self.multipliers.note(i, side, bounds);
        if bound != 0.0 {
            self.pinned.push(i);
        }
    }

    /// `made = inverse given`, both vectors.
    fn multiply(&mut self) {
        let Self { stride, free, inverse, given: [first, second], made: [into, other], .. } = self;
        multiply(inverse.values(), *stride, free.len(), [first, second], [into, other]);
    }

    /// `inverse += made given'`, both vectors.
    fn add_products(&mut self) {
        let Self { stride, free, inverse, given: [first, second], made: [left, other], .. } = self;
        add_products(inverse.values_mut(), *stride, free.len(), [left, other], [first, second]);
    }
}
