//! The answer on a face, by refining the solution of one linear system.
//!
//! Rows that repeat each other, and more rows than free assets, are met by steps from the multipliers at hand that
//! stay as short as possible: proximal steps, whose error is the next one's to correct.

use super::face::{Face, NOISE, Post, Seat, segment};
use super::statement::Statement;
use super::system::System;
use crate::optimization::cholesky;
use crate::optimization::dense::dot;

/// Steps of refinement in a round; impact costs need more, being curved.
const REFINEMENTS: usize = 10;
const CURVED_REFINEMENTS: usize = 40;

/// Steps onto the limits at the end.
const LANDINGS: usize = 2;

/// The root of the least amount that rounding can tell from none: there impact is felt as a wall.
const LEAST_ROOT: f64 = 3e-8;

/// Keeps rows that repeat each other apart.
const SOFTNESS: f64 = 1e-10;

/// What keeps multipliers in place where no free asset can follow, beside a curvature of one.
const STIFF: f64 = 1e-12;

impl Face {
    /// Solves for the free assets and the multipliers of what binds.
    pub(super) fn solve(&mut self, statement: &Statement, penalty: f64) -> bool {
        for (y, post) in self.y.iter_mut().zip(&self.posts) {
            match post {
                Post::Off => *y = 0.0,
                Post::Under => *y = penalty,
                Post::Over => *y = -penalty,
                Post::Lower | Post::Upper => {}
            }
        }
        let (free, rows) = (self.free(), self.binding());
        if free.is_empty() {
            return true;
        }
        let (n, k) = (free.len(), rows.len());
        let coefficients: Vec<f64> = rows.iter().flat_map(|&j| self.row_of(statement, j, &free)).collect();
        let curved =
            statement.trade.as_ref().is_some_and(|trade| free.iter().any(|&i| trade.impact[i] > 0.0));
        let mut system = System::new(n, k);
        let mut corner = vec![0.0; k * k];
        for (entry, row) in corner.iter_mut().step_by(k + 1).zip(coefficients.chunks_exact(n)) {
            *entry = STIFF * dot(row, row);
        }
        let mut best = f64::INFINITY;
        for round in 0..if curved { CURVED_REFINEMENTS } else { REFINEMENTS } {
            if (round == 0 || curved)
                && !self.factorise(statement, &free, &mut system, &coefficients, &corner)
            {
                return false;
            }
            let (mut dx, mut dy, error) = self.errors(statement, &free, &rows);
            if error.is_nan() {
                return false;
            }
            if error <= 0.01 * NOISE || (!curved && round > 2 && error > 0.7 * best) {
                break;
            }
            best = best.min(error);
            system.solve(&mut dx, &mut dy);
            let length = self.within_curves(statement, &free, &dx);
            free.iter().zip(&dx).for_each(|(&i, step)| self.x[i] += length * step);
            rows.iter().zip(&dy).for_each(|(&j, step)| self.y[j] += length * step);
        }
        self.return_to_current(statement);
        self.x.iter().chain(&self.y).all(|value| value.is_finite())
    }

    fn factorise(
        &self,
        statement: &Statement,
        free: &[usize],
        system: &mut System,
        coefficients: &[f64],
        corner: &[f64],
    ) -> bool {
        let prices = self.prices();
        let n = free.len();
        for (target, &i) in system.block_mut().chunks_exact_mut(n).zip(free) {
            let row = statement.hessian.matrix.row(i);
            target.iter_mut().zip(free).for_each(|(entry, &j)| *entry = row[j]);
        }
        for (k, &i) in free.iter().enumerate() {
            if let Seat::Free(side) = self.seats[i] {
                system.block_mut()[k * (n + 1)] += self.cost(statement, i, side, prices).1;
            }
        }
        system.compute(coefficients, corner, SOFTNESS)
    }

    /// The right-hand sides of a refinement, and the largest of their errors, relative.
    fn errors(&self, statement: &Statement, free: &[usize], rows: &[usize]) -> (Vec<f64>, Vec<f64>, f64) {
        let (slope, sizes, prices) = (self.slope(statement), self.magnitudes(statement), self.prices());
        let mut error = 0.0_f64;
        let mut worse = |value: f64, size: f64| {
            let relative = value.abs() / size.max(f64::MIN_POSITIVE);
            error = if relative > error || relative.is_nan() { relative } else { error };
        };
        let dx = free
            .iter()
            .map(|&i| {
                let Seat::Free(side) = self.seats[i] else { return 0.0 };
                let off = slope[i] + self.cost(statement, i, side, prices).0;
                worse(off, sizes[i]);
                -off
            })
            .collect();
        let dy = rows
            .iter()
            .map(|&j| {
                let off = self.shortfall(statement, j);
                worse(off, 1.0);
                off
            })
            .collect();
        (dx, dy, error)
    }

    /// The part of a step after which every amount with impact keeps a tenth of what it was, if it is one.
    fn within_curves(&self, statement: &Statement, free: &[usize], dx: &[f64]) -> f64 {
        let Some(trade) = &statement.trade else { return 1.0 };
        free.iter().zip(dx).fold(1.0, |length: f64, (&i, step)| match self.seats[i] {
            Seat::Free(side) if trade.impact[i] > 0.0 => {
                let sign = f64::from(side);
                let (amount, step) = (sign * (self.x[i] - trade.current[i]), sign * step);
                if amount > untraded(trade.current[i]) && step < -0.9 * amount {
                    length.min((-0.9 * amount / step).max(1e-3))
                } else {
                    length
                }
            }
            _ => length,
        })
    }

    /// The slope of a free asset's costs on its side of the current weight, and their curvature.
    fn cost(&self, statement: &Statement, i: usize, side: i8, prices: [f64; 2]) -> (f64, f64) {
        let Some(trade) = &statement.trade else { return (0.0, 0.0) };
        if side == 0 {
            return (0.0, 0.0);
        }
        let sign = f64::from(side);
        let amount = sign * (self.x[i] - trade.current[i]);
        let root = if amount > untraded(trade.current[i]) { amount.sqrt() } else { 0.0 };
        let price = prices[usize::from(side < 0)];
        let curvature = 0.75 * trade.impact[i] / root.max(LEAST_ROOT);
        (sign * (trade.cost[i] + 1.5 * trade.impact[i] * root + price), curvature)
    }

    /// An amount that rounding cannot tell from none is none: its square root would still be felt.
    fn return_to_current(&mut self, statement: &Statement) {
        let Some(trade) = &statement.trade else { return };
        for (i, (x, current)) in self.x.iter_mut().zip(&trade.current).enumerate() {
            if statement.is_split(i) && (*x - current).abs() <= untraded(*current) {
                *x = *current;
            }
        }
    }

    /// Brings what binds to its limit to the last digits, on the shortest way that leaves nobody's side.
    ///
    /// A nearly singular Hessian leaves the rows errors that only weigh there: moving by as much costs nothing.
    pub(super) fn land(&mut self, statement: &Statement) {
        let (free, rows) = (self.free(), self.binding());
        let k = rows.len();
        let coefficients: Vec<Vec<f64>> = rows.iter().map(|&j| self.row_of(statement, j, &free)).collect();
        for _ in 0..LANDINGS {
            let room: Vec<f64> = free.iter().map(|&i| self.room(statement, i)).collect();
            let weighted = |row: &[f64]| row.iter().zip(&room).map(|(a, r)| a * r * r).collect::<Vec<f64>>();
            let pulls: Vec<Vec<f64>> = coefficients.iter().map(|row| weighted(row)).collect();
            let mut gram = vec![0.0; k * k];
            for (a, pull) in pulls.iter().enumerate() {
                for (b, row) in coefficients.iter().enumerate() {
                    gram[a * k + b] = dot(pull, row);
                }
                let entry = &mut gram[a * k + a];
                *entry += if *entry > 0.0 { SOFTNESS * *entry } else { 1.0 };
            }
            if cholesky::factor(&mut gram, k, 0.0).is_err() {
                return;
            }
            let mut y: Vec<f64> = rows.iter().map(|&j| self.shortfall(statement, j)).collect();
            cholesky::solve(&gram, k, &mut y);
            for (place, &i) in free.iter().enumerate() {
                let step: f64 = pulls.iter().zip(&y).map(|(pull, y)| y * pull[place]).sum();
                if step.abs() < room[place] {
                    self.x[i] += step;
                }
            }
        }
    }

    /// How far a free asset is from the nearer end of its side, at most 1.
    fn room(&self, statement: &Statement, i: usize) -> f64 {
        let Seat::Free(side) = self.seats[i] else { return 0.0 };
        let (low, high) = segment(statement, i, side);
        (self.x[i] - low).min(high - self.x[i]).clamp(0.0, 1.0)
    }

    /// How far a binding row is from its limit.
    fn shortfall(&self, statement: &Statement, j: usize) -> f64 {
        let (low, high) = statement.limits(j);
        let limit = if self.posts[j] == Post::Lower { low } else { high };
        limit - self.activity(statement, j)
    }
}

/// What a difference to a current weight may be by rounding.
fn untraded(current: f64) -> f64 {
    1e-15 * current.abs().max(1.0)
}
