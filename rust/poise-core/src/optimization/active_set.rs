//! The walk of a primal active set through the faces of a box under a budget.
//!
//! Nocedal and Wright (2006), "Numerical Optimization", section 16.5, in the null space of the budget. From
//! a feasible point: minimise over the face of the free assets; a bound in the way takes its asset out of
//! the face; at the face's minimum the asset whose multiplier is most wrong joins. Every point on the way is
//! feasible and none is worse than the one before.

mod proof;

pub(super) use proof::MARGIN;

use super::bounds::Side;
use super::dense::add_scaled;
use super::free_block::FreeBlock;
use super::quadratic::Quadratic;

/// A multiplier of the wrong sign below this part of the terms it is made of is rounding.
pub(super) const NOISE: f64 = 1e-13;

/// The state of the descent.
pub(super) struct Walk<'a> {
    problem: Quadratic<'a>,
    weights: Vec<f64>,
    side: Vec<Side>,
    free: FreeBlock,
    /// `Hw - q` at the last minimum of a face, and how far each weight has moved since.
    gradient: Vec<f64>,
    moved: Vec<f64>,
    /// The gradient of the free assets, kept up to date on the way.
    slope: Vec<f64>,
    multiplier: f64,
    /// Steps of length zero since the last real one, and assets that rounding threw straight back.
    stalled: usize,
    thrown_back: Vec<bool>,
    released: Option<usize>,
    /// The step to the face's minimum, by asset.
    step: Vec<(usize, f64)>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(problem: Quadratic<'a>, weights: Vec<f64>) -> Self {
        let n = weights.len();
        let mut side: Vec<Side> =
            weights.iter().enumerate().map(|(i, &w)| problem.bounds.side(i, w)).collect();
        let movable = |i: &usize| problem.bounds.lower[*i] < problem.bounds.upper[*i];
        if !side.contains(&Side::Inside) {
            // The budget needs one asset to give its multiplier a value, if only at its bound.
            if let Some(i) = (0..n).find(movable) {
                side[i] = Side::Inside;
            }
        }
        let mut free = FreeBlock::new(n);
        for (i, place) in side.iter_mut().enumerate() {
            if *place == Side::Inside && free.push(&problem.hessian.matrix, i).is_err() {
                // Rounding makes the row a combination of the others: it waits, the certificate judges.
                *place = Side::Lower;
            }
        }
        let mut walk = Self {
            problem,
            weights,
            side,
            free,
            gradient: vec![0.0; n],
            moved: vec![0.0; n],
            slope: vec![0.0; n],
            multiplier: 0.0,
            stalled: 0,
            thrown_back: vec![false; n],
            released: None,
            step: Vec::with_capacity(n),
        };
        walk.compute_gradient();
        walk
    }

    /// Goes from face to face until no multiplier is wrong; returns the number of steps.
    pub(super) fn descend(&mut self) -> usize {
        let limit = 100 + 50 * self.weights.len();
        for steps in 1..limit {
            if self.advance() {
                continue;
            }
            self.update_gradient();
            if !self.release() {
                return steps;
            }
        }
        limit
    }

    /// Moves towards the minimum of the face; true where a bound stopped it and shrank the face.
    fn advance(&mut self) -> bool {
        self.compute_step();
        if self.free.len() < 2 {
            return false;
        }
        let (length, blocked) = self.longest_step();
        for &(i, step) in &self.step {
            self.weights[i] += length * step;
            self.moved[i] += length * step;
            self.slope[i] += length * (self.multiplier - self.slope[i]);
        }
        if length > 0.0 {
            self.stalled = 0;
            self.thrown_back.fill(false);
        } else {
            self.stalled += 1;
        }
        let Some((i, side)) = blocked else { return false };
        self.stop_at_bound(i, side, length);
        true
    }

    /// The step to the face's minimum, where all free assets have the same gradient, the multiplier.
    fn compute_step(&mut self) {
        self.free.exchange(&self.slope, -1.0, &mut self.step);
        if let Some(reference) = self.free.reference() {
            let row = self.problem.hessian.matrix.row(reference);
            let change: f64 = self.step.iter().map(|&(i, step)| row[i] * step).sum();
            self.multiplier = self.slope[reference] + change;
        }
    }

    /// How much of the step the bounds allow, and which asset stops it; ties go to the lowest asset.
    fn longest_step(&self) -> (f64, Option<(usize, Side)>) {
        let mut longest = 1.0;
        let mut blocked: Option<(usize, Side)> = None;
        for &(i, step) in &self.step {
            let (room, side) = if step < 0.0 {
                (self.problem.bounds.lower[i] - self.weights[i], Side::Lower)
            } else {
                (self.problem.bounds.upper[i] - self.weights[i], Side::Upper)
            };
            if step == 0.0 || room.abs() > step.abs() {
                continue;
            }
            let length = (room / step).max(0.0);
            let sooner = blocked
                .map_or(length <= longest, |(other, _)| length < longest || (length == longest && i < other));
            if sooner {
                longest = length;
                blocked = Some((i, side));
            }
        }
        (longest, blocked)
    }

    fn stop_at_bound(&mut self, i: usize, side: Side, length: f64) {
        let bounds = self.problem.bounds;
        let at = if side == Side::Lower { bounds.lower[i] } else { bounds.upper[i] };
        self.moved[i] += at - self.weights[i];
        self.weights[i] = at;
        self.side[i] = side;
        self.leave_face(i);
        if length == 0.0 && self.released == Some(i) {
            self.thrown_back[i] = true;
        }
        self.released = None;
    }

    /// A factor that rounding makes impossible leaves assets where they are: the certificate judges.
    fn leave_face(&mut self, i: usize) {
        if let Err(refused) = self.free.remove(&self.problem.hessian.matrix, i) {
            self.thrown_back[refused.index] = true;
        }
    }

    /// Brings the gradient up to date with what moved.
    fn update_gradient(&mut self) {
        for (i, moved) in self.moved.iter_mut().enumerate() {
            if *moved != 0.0 {
                add_scaled(&mut self.gradient, *moved, self.problem.hessian.matrix.row(i));
                *moved = 0.0;
            }
        }
        self.slope.copy_from_slice(&self.gradient);
    }

    fn compute_gradient(&mut self) {
        self.problem.hessian.matrix.multiply_into(&self.weights, &mut self.gradient);
        for (g, q) in self.gradient.iter_mut().zip(self.problem.linear) {
            *g -= q;
        }
        self.moved.fill(0.0);
        self.slope.copy_from_slice(&self.gradient);
    }

    /// Frees the asset whose multiplier is most wrong; false at the optimum.
    fn release(&mut self) -> bool {
        let n = self.weights.len();
        // After many steps without progress the lowest index decides (Bland), and after more it ends.
        let careful = self.stalled > n;
        if self.stalled > 3 * n + 20 {
            return false;
        }
        let scale = self.scale();
        let mut worst: Option<(usize, f64)> = None;
        for i in 0..n {
            if self.thrown_back[i] || self.side[i] == Side::Inside {
                continue;
            }
            let violation = self.violation(i, self.side[i]);
            if violation > NOISE * self.magnitude(i, scale) && worst.is_none_or(|(_, most)| violation > most)
            {
                worst = Some((i, violation));
                if careful {
                    break;
                }
            }
        }
        let Some((i, _)) = worst else { return false };
        if self.free.push(&self.problem.hessian.matrix, i).is_err() {
            self.thrown_back[i] = true;
            return self.release();
        }
        self.side[i] = Side::Inside;
        self.released = Some(i);
        true
    }

    /// By how much asset `i` fails its optimality condition.
    fn violation(&self, i: usize, side: Side) -> f64 {
        let excess = self.gradient[i] - self.multiplier;
        match side {
            Side::Inside => excess.abs(),
            _ if self.problem.bounds.lower[i] == self.problem.bounds.upper[i] => 0.0,
            Side::Lower => (-excess).max(0.0),
            Side::Upper => excess.max(0.0),
        }
    }

    /// The volatility all weights would have if nothing diversified.
    fn scale(&self) -> f64 {
        self.problem.hessian.volatility.iter().zip(&self.weights).map(|(v, w)| v * w.abs()).sum()
    }

    /// The size of the terms in asset `i`'s optimality condition (by Cauchy and Schwarz).
    fn magnitude(&self, i: usize, scale: f64) -> f64 {
        let Quadratic { hessian, linear, .. } = self.problem;
        hessian.volatility[i] * scale + linear[i].abs() + self.multiplier.abs()
    }

    /// One refinement with a fresh factor and gradient; then the sum, to rounding.
    pub(super) fn polish(&mut self) {
        if self.free.refresh(&self.problem.hessian.matrix).is_ok() {
            self.compute_gradient();
            self.compute_step();
            let (length, _) = self.longest_step();
            for &(i, step) in &self.step {
                self.weights[i] += length * step;
            }
        }
        self.problem.bounds.settle(&mut self.weights, self.problem.total);
        self.compute_gradient();
        self.compute_step();
    }

    /// Gives assets that differ in nothing the same weight.
    ///
    /// The ridge alone would do it, but only as far as a multiplier of `1e-10` shows above rounding.
    pub(super) fn share_among(&mut self, twins: &[Vec<usize>]) {
        if !twins.is_empty() {
            let Quadratic { linear, bounds, .. } = self.problem;
            bounds.share_among(&mut self.weights, twins, linear);
            self.compute_gradient();
        }
    }

    pub(super) fn into_weights(self) -> Vec<f64> {
        self.weights
    }

    /// The weights, where each asset stands, and the factor of those that are free.
    pub(super) fn into_face(self) -> (Vec<f64>, Vec<Side>, FreeBlock) {
        (self.weights, self.side, self.free)
    }

    /// The change of the weights per unit of `extra` in `linear`, the face and the budget held; none where that is empty.
    pub(super) fn response(&mut self, extra: &[f64]) -> Vec<f64> {
        if extra.is_empty() {
            return Vec::new();
        }
        let mut response = vec![0.0; self.weights.len()];
        self.free.exchange(extra, 1.0, &mut self.step);
        self.step.iter().for_each(|&(i, change)| response[i] = change);
        response
    }
}
