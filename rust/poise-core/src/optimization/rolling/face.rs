//! The answer of one window followed to the next.
//!
//! A window that moves changes the covariance of the free assets by two rows, and its inverse by as much (Sherman,
//! Morrison and Woodbury); an asset that comes or goes changes it by one. With the inverse the minimum of the face is
//! one product away: where assets pass their bounds all of them stop there, where multipliers are wrong all of them
//! join, and the next product follows (Portugal, Judice and Vicente 1994, "A comparison of block pivoting and
//! interior-point algorithms"). Gradients come from the covariance itself: what updates have done to the inverse
//! shows in the optimality conditions, and whoever asked takes the long way.

use super::moving::Moving;
use super::products::{Aligned, PADDING, add_products, multiply};
use crate::optimization::active_set::NOISE;
use crate::optimization::bounds::{Bounds, Side};
use crate::optimization::dense::size;
use crate::sums::{dot, sum};

/// Products after which the long way is shorter.
const MOST_STEPS: usize = 8;

/// A newcomer that leaves less of its variance unexplained is a combination of the others.
const LEAST_PIVOT: f64 = 1e-10;

/// Determinants below this part of their terms are rounding.
const LEAST_DETERMINANT: f64 = 1e-8;

/// The free assets of a window, the inverse of their covariance, and where the others stand.
#[derive(Debug)]
pub(super) struct Face {
    stride: usize,
    /// In the order of the rows of `inverse`.
    free: Vec<usize>,
    side: Vec<Side>,
    /// Beginning at a cache line, so that no vector is stored across two.
    inverse: Aligned,
    gradient: Vec<f64>,
    /// Two vectors over the free assets and what the inverse makes of them.
    given: [Vec<f64>; 2],
    made: [Vec<f64>; 2],
    newcomers: Vec<usize>,
    stopped: Vec<(usize, f64)>,
}

impl Face {
    /// The face that `weights` lie on; none where nobody is free, or the covariance of who is has no inverse.
    pub(super) fn at(covariance: &Moving, bounds: &Bounds, weights: &[f64]) -> Option<Self> {
        let n = weights.len();
        let stride = n.next_multiple_of(PADDING);
        let blank = || [vec![0.0; stride], vec![0.0; stride]];
        let mut face = Self {
            stride,
            free: Vec::with_capacity(n),
            side: weights.iter().enumerate().map(|(i, weight)| bounds.side(i, *weight)).collect(),
            inverse: Aligned::zeros(stride * stride),
            gradient: vec![0.0; n],
            given: blank(),
            made: blank(),
            newcomers: Vec::new(),
            stopped: Vec::new(),
        };
        let are_independent = (0..n)
            .filter(|&i| face.side[i] == Side::Inside)
            .collect::<Vec<_>>()
            .into_iter()
            .all(|i| face.join(covariance, i));
        covariance.multiply_into(weights, &mut face.gradient);
        (are_independent && !face.free.is_empty()).then_some(face)
    }

    /// Follows a window of `length` rows that lets go of `leaving` for `entering`, both over its old mean; whether it
    /// could.
    ///
    /// With the scatter over `length - 1` the covariance grows by `[u v] C [u v]'`, and the inverse `P` by
    /// `-[Pu Pv] G^-1 [Pu Pv]'` with `G = C^-1 + [u v]' P [u v]`.
    pub(super) fn roll(&mut self, entering: &[f64], leaving: &[f64], length: f64, weights: &[f64]) -> bool {
        self.move_gradient(entering, leaving, length, weights);
        for (given, row) in self.given.iter_mut().zip([entering, leaving]) {
            given.iter_mut().zip(&self.free).for_each(|(value, &i)| *value = row[i]);
        }
        self.multiply();
        let k = self.free.len();
        let product = |left: usize, right: usize| dot(&self.given[left][..k], &self.made[right]);
        let per_row = length - 1.0;
        let first = per_row * (1.0 + 1.0 / length) + product(0, 0);
        let cross = per_row / length + product(0, 1);
        let second = -per_row * (1.0 - 1.0 / length) + product(1, 1);
        let determinant = first * second - cross * cross;
        let is_certain = determinant.abs() > LEAST_DETERMINANT * ((first * second).abs() + cross * cross);
        if !is_certain {
            return false;
        }
        let [from_entering, from_leaving] = &self.made;
        let [for_entering, for_leaving] = &mut self.given;
        let (first, cross, second) = (first / determinant, cross / determinant, second / determinant);
        for i in 0..k {
            let (u, v) = (from_entering[i], from_leaving[i]);
            for_entering[i] = cross * v - second * u;
            for_leaving[i] = cross * u - first * v;
        }
        self.add_products();
        true
    }

    /// Makes the gradient at the weights held that of the new window: `C` with its numbers.
    fn move_gradient(&mut self, entering: &[f64], leaving: &[f64], length: f64, weights: &[f64]) {
        let (earned, lost) = (dot(entering, weights), dot(leaving, weights));
        let share = 1.0 / length;
        let of_entering = ((1.0 - share) * earned + share * lost) / (length - 1.0);
        let of_leaving = (share * earned - (1.0 + share) * lost) / (length - 1.0);
        for ((slope, u), v) in self.gradient.iter_mut().zip(entering).zip(leaving) {
            *slope += of_entering * u + of_leaving * v;
        }
    }

    /// Moves `weights`, which answer the window before, to the answer of this one; whether that is certain.
    pub(super) fn answer(
        &mut self,
        covariance: &Moving,
        bounds: &Bounds,
        total: f64,
        weights: &mut [f64],
    ) -> bool {
        for _ in 0..MOST_STEPS {
            let multiplier = self.step(total, weights);
            self.stop_at_bounds(bounds, weights);
            if self.free.is_empty() || !multiplier.is_finite() {
                return false;
            }
            if !self.stopped.is_empty() {
                self.expect_gradient(covariance, multiplier);
                continue;
            }
            covariance.multiply_into(weights, &mut self.gradient);
            let is_settled = self.judge(covariance.volatility(), bounds, weights, multiplier);
            if self.newcomers.is_empty() && is_settled {
                return true;
            }
            while let Some(i) = self.newcomers.pop() {
                if !self.join(covariance, i) {
                    return false;
                }
                self.side[i] = Side::Inside;
            }
        }
        false
    }

    /// Takes the free weights to the minimum of their face, and the sum to `total`; returns the multiplier there.
    fn step(&mut self, total: f64, weights: &mut [f64]) -> f64 {
        let k = self.free.len();
        let [slopes, ones] = &mut self.given;
        for (row, &i) in self.free.iter().enumerate() {
            slopes[row] = self.gradient[i];
            ones[row] = 1.0;
        }
        self.multiply();
        let [downhill, even] = &self.made;
        let missing = total - sum(weights);
        let multiplier = (missing + sum(&downhill[..k])) / sum(&even[..k]);
        for (row, &i) in self.free.iter().enumerate() {
            weights[i] += multiplier * even[row] - downhill[row];
        }
        multiplier
    }

    /// Fixes the free assets that have passed a bound there, and keeps in `stopped` how far they had gone.
    fn stop_at_bounds(&mut self, bounds: &Bounds, weights: &mut [f64]) {
        self.stopped.clear();
        for row in (0..self.free.len()).rev() {
            let i = self.free[row];
            let (low, high) = (bounds.lower[i], bounds.upper[i]);
            let (side, bound) = match weights[i] {
                weight if weight <= low => (Side::Lower, low),
                weight if weight >= high => (Side::Upper, high),
                _ => continue,
            };
            self.stopped.push((i, bound - weights[i]));
            weights[i] = bound;
            self.side[i] = side;
            self.leave(row);
        }
    }

    /// The gradient of those who are still free: `multiplier`, which the step led to, and what the others held back.
    fn expect_gradient(&mut self, covariance: &Moving, multiplier: f64) {
        self.free.iter().for_each(|&i| self.gradient[i] = multiplier);
        let beside = &mut self.given[0];
        for &(stopped, short) in &self.stopped {
            covariance.row_into(stopped, &self.free, beside);
            self.free.iter().zip(beside.iter()).for_each(|(&i, entry)| self.gradient[i] += short * entry);
        }
    }

    /// Whether the free assets agree on the multiplier up to rounding; who else should be free goes to `newcomers`.
    fn judge(&mut self, volatility: &[f64], bounds: &Bounds, weights: &[f64], multiplier: f64) -> bool {
        let Bounds { lower, upper } = bounds;
        let undiversified = size(volatility, weights);
        let mut is_settled = true;
        for (i, &gradient) in self.gradient.iter().enumerate() {
            let excess = gradient - multiplier;
            let rounding = NOISE * (volatility[i] * undiversified + multiplier.abs());
            match self.side[i] {
                Side::Inside => is_settled &= excess.abs() <= rounding,
                Side::Lower if -excess > rounding && lower[i] < upper[i] => self.newcomers.push(i),
                Side::Upper if excess > rounding && lower[i] < upper[i] => self.newcomers.push(i),
                _ => {}
            }
        }
        is_settled
    }

    /// Adds asset `i` as the last row; whether it is no combination of the others.
    fn join(&mut self, covariance: &Moving, i: usize) -> bool {
        let k = self.free.len();
        let variance = covariance.row_into(i, &self.free, &mut self.given[0]);
        self.multiply();
        let [beside, minus] = &mut self.given;
        let pivot = variance - dot(&beside[..k], &self.made[0]);
        let is_independent = pivot > LEAST_PIVOT * variance;
        if !is_independent {
            return false;
        }
        let share = 1.0 / pivot;
        for row in 0..k {
            beside[row] = self.made[0][row] * share;
            minus[row] = 0.0;
        }
        self.add_products();
        let (stride, inverse) = (self.stride, self.inverse.values());
        inverse[k * stride..(k + 1) * stride].fill(0.0);
        for row in 0..k {
            let entry = -self.given[0][row];
            inverse[row * stride + k] = entry;
            inverse[k * stride + row] = entry;
        }
        inverse[k * stride + k] = share;
        self.free.push(i);
        true
    }

    /// Takes the asset of a row out; the last row takes its place.
    fn leave(&mut self, row: usize) {
        let (k, stride) = (self.free.len(), self.stride);
        let inverse = self.inverse.values();
        let share = -1.0 / inverse[row * stride + row];
        for other in 0..k {
            let entry = inverse[row * stride + other];
            self.made[0][other] = entry;
            self.given[0][other] = share * entry;
            self.given[1][other] = 0.0;
        }
        self.add_products();
        let last = k - 1;
        self.free.swap_remove(row);
        let inverse = self.inverse.values();
        inverse.copy_within(last * stride..last * stride + k, row * stride);
        for other in 0..last {
            inverse[other * stride + row] = inverse[other * stride + last];
            inverse[other * stride + last] = 0.0;
        }
        for vector in self.given.iter_mut().chain(&mut self.made) {
            vector[last] = 0.0;
        }
    }

    /// `made = inverse given`, both vectors.
    fn multiply(&mut self) {
        let Self { stride, free, inverse, given: [first, second], made: [into, other], .. } = self;
        let (given, made) = ([&first[..], &second[..]], [&mut into[..], &mut other[..]]);
        multiply(inverse.values(), *stride, free.len(), given, made);
    }

    /// `inverse += made given'`, both vectors.
    fn add_products(&mut self) {
        let Self { stride, free, inverse, given: [first, second], made: [left, other], .. } = self;
        let (left, right) = ([&left[..], &other[..]], [&first[..], &second[..]]);
        add_products(inverse.values(), *stride, free.len(), left, right);
    }
}
