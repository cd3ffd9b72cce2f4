//! `min 1/2 x'Cx + p'x - kappa sum b_i ln x_i` within bounds, for one `kappa`.
//!
//! Coordinate descent (Griveau-Billion, Richard and Roncalli, 2013) always converges and finds out which
//! bounds bind; a Newton step on the others after each sweep makes the end quadratic.

use super::cholesky;
use super::dense::{Symmetric, add_scaled, dot};

const SWEEPS: usize = 2000;

/// Contributions this close to their budgets, relative to the risk at stake, are exact to rounding.
const GOAL: f64 = 1e-14;

/// The problem for all `kappa`. Every budget and every upper bound is positive.
#[derive(Debug)]
pub(super) struct Barrier<'a> {
    pub(super) correlation: &'a Symmetric,
    /// What assets outside the problem add to the gradient.
    pub(super) outside: &'a [f64],
    pub(super) budgets: &'a [f64],
    pub(super) lower: &'a [f64],
    pub(super) upper: &'a [f64],
}

/// A minimum for one `kappa`, and the start for the next.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) x: Vec<f64>,
    pub(super) sweeps: usize,
    /// The largest error of a contribution, relative to the risk at stake.
    pub(super) error: f64,
}

impl Barrier<'_> {
    /// Minimises from `start`, which is positive and within the bounds.
    pub(super) fn minimise(&self, kappa: f64, start: &[f64]) -> Point {
        let mut x = start.to_vec();
        let mut best = Point { x: x.clone(), sweeps: 0, error: f64::INFINITY };
        let mut without_progress = 0;
        for sweeps in 1..=SWEEPS {
            let mut slope = self.sweep(kappa, &mut x);
            if let Some(better) = self.newton(kappa, &x, &slope) {
                x = better;
                slope = self.slope(&x);
            }
            let error = self.error(kappa, &x, &slope);
            without_progress = if error < 0.5 * best.error { 0 } else { without_progress + 1 };
            if error < best.error {
                best = Point { x: x.clone(), sweeps, error };
            }
            // Rounding sets a floor; far above it the sweeps are only slow.
            let patience = if best.error < 1e-9 { 3 } else { 50 };
            if error <= GOAL || without_progress > patience {
                break;
            }
        }
        best
    }

    /// How each `x_i` inside its bounds follows `ln kappa`; zero at a bound.
    pub(super) fn response(&self, kappa: f64, x: &[f64]) -> Vec<f64> {
        let slope = self.slope(x);
        let free = self.free(kappa, x, &slope);
        let mut right: Vec<f64> = free.iter().map(|&i| kappa * self.budgets[i] / x[i]).collect();
        let mut response = vec![0.0; x.len()];
        if self.solve_on(kappa, x, &free, &mut right) {
            for (&i, value) in free.iter().zip(&right) {
                response[i] = *value;
            }
        }
        response
    }

    /// `Cx + p`.
    pub(super) fn slope(&self, x: &[f64]) -> Vec<f64> {
        let mut slope = self.correlation.multiply(x);
        add_scaled(&mut slope, 1.0, self.outside);
        slope
    }

    /// Each coordinate in turn to its minimum, the positive root of `c x^2 + a x = kappa b`; returns the slope.
    fn sweep(&self, kappa: f64, x: &mut [f64]) -> Vec<f64> {
        let mut slope = self.slope(x);
        for i in 0..x.len() {
            let own = self.correlation.get(i, i);
            let rest = slope[i] - own * x[i];
            let root = (rest * rest + 4.0 * own * kappa * self.budgets[i]).sqrt();
            let target = if rest > 0.0 {
                2.0 * kappa * self.budgets[i] / (rest + root)
            } else {
                (root - rest) / (2.0 * own)
            };
            let clipped = target.max(self.lower[i]).min(self.upper[i]);
            add_scaled(&mut slope, clipped - x[i], self.correlation.row(i));
            x[i] = clipped;
        }
        slope
    }

    /// A Newton step on the free assets; None where it does not improve.
    ///
    /// Cut asset by asset at the bounds it often ends in one go; cut as a whole at the first bound, and
    /// damped as Spinu does, it always descends.
    fn newton(&self, kappa: f64, x: &[f64], slope: &[f64]) -> Option<Vec<f64>> {
        let (free, step) = self.direction(kappa, x, slope)?;
        let mut damping = 1.0_f64;
        let mut room = 1.0_f64;
        for (&i, change) in free.iter().zip(&step) {
            damping = damping.max(1.0 + (change / x[i]).abs());
            let bound = if *change < 0.0 { self.lower[i] } else { self.upper[i] };
            if *change != 0.0 {
                room = room.min((bound - x[i]) / change);
            }
        }
        let gross: f64 = x.iter().sum();
        let (before, error) = (self.objective(kappa, x, slope), self.error(kappa, x, slope));
        [1.0, room.min(1.0 / damping)].into_iter().find_map(|length| {
            let mut next = x.to_vec();
            for (&i, change) in free.iter().zip(&step) {
                // The logarithm keeps every weight positive, so a step may not go all the way to zero.
                next[i] = (x[i] + length * change).max(0.1 * x[i]).max(self.lower[i]).min(self.upper[i]);
            }
            let slope_there = self.slope(&next);
            let after = self.objective(kappa, &next, &slope_there);
            // Below its rounding the objective no longer sees what the contributions still show.
            let level = (after - before).abs() <= 1e-15 * gross * gross;
            let improves =
                if level { self.error(kappa, &next, &slope_there) < error } else { after < before };
            improves.then_some(next)
        })
    }

    /// Newton's direction on the free assets, without those that it would push through their bound.
    fn direction(&self, kappa: f64, x: &[f64], slope: &[f64]) -> Option<(Vec<usize>, Vec<f64>)> {
        let mut free = self.free(kappa, x, slope);
        loop {
            let mut step: Vec<f64> =
                free.iter().map(|&i| kappa * self.budgets[i] / x[i] - slope[i]).collect();
            if free.is_empty() || !self.solve_on(kappa, x, &free, &mut step) {
                return None;
            }
            let blocked = |i: usize, change: f64| {
                (x[i] <= self.lower[i] && change < 0.0) || (x[i] >= self.upper[i] && change > 0.0)
            };
            let before = free.len();
            let mut changes = step.iter();
            free.retain(|&i| changes.next().is_some_and(|change| !blocked(i, *change)));
            if free.len() == before {
                return Some((free, step));
            }
        }
    }

    /// Assets inside their bounds, or at one that they are about to leave.
    fn free(&self, kappa: f64, x: &[f64], slope: &[f64]) -> Vec<usize> {
        let leaves = |i: &usize| {
            let i = *i;
            let gradient = slope[i] - kappa * self.budgets[i] / x[i];
            (x[i] > self.lower[i] || gradient < 0.0) && (x[i] < self.upper[i] || gradient > 0.0)
        };
        (0..x.len()).filter(leaves).collect()
    }

    /// Overwrites `right` with `(C + kappa diag(b / x^2))^-1 right` on the free assets; false without a factor.
    fn solve_on(&self, kappa: f64, x: &[f64], free: &[usize], right: &mut [f64]) -> bool {
        let n = free.len();
        let mut hessian = vec![0.0; n * n];
        for (row, &i) in free.iter().enumerate() {
            for (column, &j) in free[..=row].iter().enumerate() {
                hessian[row * n + column] = self.correlation.get(i, j);
            }
            hessian[row * n + row] += kappa * self.budgets[i] / (x[i] * x[i]);
        }
        if cholesky::factor(&mut hessian, n, 0.0).is_err() {
            return false;
        }
        cholesky::solve(&hessian, n, right);
        right.iter().all(|value| value.is_finite())
    }

    fn objective(&self, kappa: f64, x: &[f64], slope: &[f64]) -> f64 {
        let logarithms: f64 = self.budgets.iter().zip(x).map(|(b, x)| b * x.ln()).sum();
        0.5 * (dot(x, slope) + dot(x, self.outside)) - kappa * logarithms
    }

    fn error(&self, kappa: f64, x: &[f64], slope: &[f64]) -> f64 {
        let risk = x.iter().zip(slope).map(|(x, s)| (x * s).abs()).sum::<f64>().max(kappa);
        let one = |i: usize| {
            let error = (x[i] * slope[i] - kappa * self.budgets[i]) / risk;
            match (x[i] <= self.lower[i], x[i] >= self.upper[i]) {
                (true, true) => 0.0,
                (true, false) => (-error).max(0.0),
                (false, true) => error.max(0.0),
                (false, false) => error.abs(),
            }
        };
        (0..x.len()).map(one).fold(0.0, |worst, e| if e > worst || e.is_nan() { e } else { worst })
    }
}
