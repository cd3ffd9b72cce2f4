//! From a guess of what binds to an answer that is exact.
//!
//! Held assets stand at a bound or at their current weight, binding rows at a limit; the rest is one linear system
//! (with impact costs, Newton's method on one). Where its answer leaves a limit or a multiplier has the wrong sign,
//! the guess is mended, many places at once (Hintermueller, Ito and Kunisch, 2002, "The Primal-Dual Active Set
//! Strategy as a Semismooth Newton Method"); near the optimum a few rounds do. Rows that repeat each other, and more
//! rows than free assets, are met by steps from the multipliers at hand that stay as short as possible.

use super::statement::Statement;
use super::system::System;
use crate::optimization::cholesky;
use crate::optimization::dense::{add_scaled, dot};

/// Rounds of mending a guess.
const ROUNDS: usize = 25;

/// Steps of refinement in a round; impact costs need more, being curved.
const REFINEMENTS: usize = 10;
const CURVED_REFINEMENTS: usize = 30;

/// Steps onto the limits at the end.
const LANDINGS: usize = 2;

/// Errors below this part of the terms they are made of are rounding.
pub(super) const NOISE: f64 = 1e-13;

/// The root of an amount so small that impact is felt as a wall.
const LEAST_ROOT: f64 = 1e-10;

/// Keeps rows that repeat each other apart.
const SOFTNESS: f64 = 1e-10;

/// Where an asset stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    /// At a bound or its current weight.
    Held,
    /// Below its current weight (-1), above it (1), or anywhere where trades do not matter (0).
    Free(i8),
}

/// What a row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Post {
    /// Away from its limits.
    Off,
    /// At its lower limit.
    Lower,
    /// At its upper limit.
    Upper,
    /// Below its lower limit, at a price.
    Under,
    /// Above its upper limit, at a price.
    Over,
}

/// A guess of what binds, with the weights and multipliers that go with it.
#[derive(Debug, Clone)]
pub(super) struct Face {
    pub(super) seats: Vec<Seat>,
    pub(super) posts: Vec<Post>,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
}

impl Face {
    /// What binds at given weights, without multipliers.
    pub(super) fn at(statement: &Statement, weights: &[f64]) -> Self {
        let n = statement.n();
        let mut x = weights.to_vec();
        let mut seats = vec![Seat::Held; n];
        for i in 0..n {
            x[i] = x[i].max(statement.lower[i]).min(statement.upper[i]);
            if x[i] > statement.lower[i] && x[i] < statement.upper[i] {
                seats[i] = free_seat(statement, i, x[i]);
            }
        }
        let m = statement.n_rows() + 2;
        let activities = statement.activities(&x);
        let posts = (0..m).map(|j| post_at(statement.limits(j), activities[j])).collect();
        Self { seats, posts, x, y: vec![0.0; m] }
    }

    /// Mends the guess until it is right; false where that does not come about.
    ///
    /// `penalty` is the price at which rows give way.
    pub(super) fn settle(&mut self, statement: &Statement, penalty: f64) -> bool {
        for _ in 0..ROUNDS {
            if !self.solve(statement, penalty) {
                return false;
            }
            if !self.mend(statement, penalty) {
                self.land(statement);
                return true;
            }
        }
        false
    }

    /// The assets that are free, in order.
    pub(super) fn free(&self) -> Vec<usize> {
        (0..self.seats.len()).filter(|&i| self.seats[i] != Seat::Held).collect()
    }

    /// The rows that hold the free assets: linear ones, and trades in all.
    fn binding(&self) -> Vec<usize> {
        (0..self.posts.len()).filter(|&j| matches!(self.posts[j], Post::Lower | Post::Upper)).collect()
    }

    /// How row `j` follows the free assets.
    pub(super) fn row_of(&self, statement: &Statement, j: usize, free: &[usize]) -> Vec<f64> {
        let m = statement.n_rows();
        let traded = |&i: &usize| match (self.seats[i], j == m) {
            (Seat::Free(1), true) => 1.0,
            (Seat::Free(-1), false) => -1.0,
            _ => 0.0,
        };
        if j < m { free.iter().map(|&i| statement.row(j)[i]).collect() } else { free.iter().map(traded).collect() }
    }

    /// What row `j` comes to on this face, whose signs of trades hold beyond the current weight too.
    fn activity(&self, statement: &Statement, j: usize) -> f64 {
        let m = statement.n_rows();
        if j < m {
            return dot(statement.row(j), &self.x);
        }
        let Some(trade) = &statement.trade else { return 0.0 };
        let sign = if j == m { 1.0 } else { -1.0 };
        let moved = |i: usize| {
            let moved = sign * (self.x[i] - trade.current[i]);
            match self.seats[i] {
                Seat::Free(side) => if f64::from(side) == sign { moved } else { 0.0 },
                Seat::Held => moved.max(0.0),
            }
        };
        (0..self.x.len()).map(moved).sum()
    }

    /// The prices of what is bought and sold in all.
    pub(super) fn prices(&self) -> [f64; 2] {
        let m = self.y.len();
        [-self.y[m - 2], -self.y[m - 1]]
    }

    /// `Hx - q - G'y`, for linear rows.
    pub(super) fn slope(&self, statement: &Statement) -> Vec<f64> {
        let mut slope = statement.gradient(&self.x);
        for (j, y) in self.y[..statement.n_rows()].iter().enumerate() {
            if *y != 0.0 {
                add_scaled(&mut slope, -y, statement.row(j));
            }
        }
        slope
    }

    /// The size of the terms in each asset's condition.
    pub(super) fn magnitudes(&self, statement: &Statement) -> Vec<f64> {
        let volatility = &statement.hessian.volatility;
        let risk: f64 = volatility.iter().zip(&self.x).map(|(v, x)| v * x.abs()).sum();
        let prices = self.prices();
        let mut sizes: Vec<f64> = (0..self.x.len())
            .map(|i| {
                let (down, up) = statement.cost_slopes(i, self.x[i], prices);
                volatility[i] * risk + statement.linear[i].abs() + down.abs().max(up.abs())
            })
            .collect();
        for (j, y) in self.y[..statement.n_rows()].iter().enumerate() {
            for (size, a) in sizes.iter_mut().zip(statement.row(j)) {
                *size += (y * a).abs();
            }
        }
        sizes
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
        let curved = statement.trade.as_ref().is_some_and(|trade| free.iter().any(|&i| trade.impact[i] > 0.0));
        let mut system = System::new(n, k);
        let corner = vec![0.0; k * k];
        let mut best = f64::INFINITY;
        for round in 0..if curved { CURVED_REFINEMENTS } else { REFINEMENTS } {
            if (round == 0 || curved) && !self.factorise(statement, &free, &mut system, &coefficients, &corner) {
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

    /// An amount that rounding cannot tell from none is none: its square root would still be felt.
    fn return_to_current(&mut self, statement: &Statement) {
        let Some(trade) = &statement.trade else { return };
        for (i, (x, current)) in self.x.iter_mut().zip(&trade.current).enumerate() {
            if statement.is_split(i) && (*x - current).abs() <= untraded(*current) {
                *x = *current;
            }
        }
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

    /// The part of a step after which every amount with impact keeps a tenth of what it was.
    fn within_curves(&self, statement: &Statement, free: &[usize], dx: &[f64]) -> f64 {
        let Some(trade) = &statement.trade else { return 1.0 };
        free.iter().zip(dx).fold(1.0, |length: f64, (&i, step)| match self.seats[i] {
            Seat::Free(side) if trade.impact[i] > 0.0 => {
                let sign = f64::from(side);
                let (amount, step) = (sign * (self.x[i] - trade.current[i]), sign * step);
                if step < -0.9 * amount { length.min((-0.9 * amount / step).max(1e-3)) } else { length }
            }
            _ => length,
        })
    }

    /// Corrects what is wrong with the guess; false where nothing is.
    fn mend(&mut self, statement: &Statement, penalty: f64) -> bool {
        let seats = self.mend_seats(statement);
        self.mend_posts(statement, penalty) || seats
    }

    fn mend_seats(&mut self, statement: &Statement) -> bool {
        let (slope, sizes, prices) = (self.slope(statement), self.magnitudes(statement), self.prices());
        let mut changed = false;
        for i in 0..self.x.len() {
            let (low, high) = (statement.lower[i], statement.upper[i]);
            match self.seats[i] {
                Seat::Free(side) => {
                    let (low, high) = segment(statement, i, side);
                    if self.x[i] < low || self.x[i] > high {
                        self.x[i] = self.x[i].max(low).min(high);
                        self.seats[i] = Seat::Held;
                        changed = true;
                    }
                }
                Seat::Held if low < high => {
                    let (down, up) = statement.cost_slopes(i, self.x[i], prices);
                    let noise = NOISE * sizes[i];
                    if self.x[i] < high && slope[i] + up < -noise {
                        self.release(statement, i, 1, slope[i] + up);
                        changed = true;
                    } else if self.x[i] > low && slope[i] + down > noise {
                        self.release(statement, i, -1, slope[i] + down);
                        changed = true;
                    }
                }
                Seat::Held => {}
            }
        }
        changed
    }

    /// Frees an asset to move to one side; where impact is felt it begins near where it will end.
    fn release(&mut self, statement: &Statement, i: usize, side: i8, slope: f64) {
        let Some(trade) = statement.trade.as_ref().filter(|_| statement.is_split(i)) else {
            self.seats[i] = Seat::Free(0);
            return;
        };
        let current = trade.current[i];
        let side = if self.x[i] == current { side } else if self.x[i] > current { 1 } else { -1 };
        self.seats[i] = Seat::Free(side);
        if self.x[i] == current && trade.impact[i] > 0.0 {
            let curved = (slope / (1.5 * trade.impact[i])).powi(2);
            let straight = slope.abs() / statement.hessian.matrix.get(i, i).max(f64::MIN_POSITIVE);
            self.x[i] += f64::from(side) * curved.min(straight).max(1e-18);
        }
    }

    fn mend_posts(&mut self, statement: &Statement, penalty: f64) -> bool {
        let activities = statement.activities(&self.x);
        let mut changed = false;
        for j in 0..self.posts.len() {
            let (low, high) = statement.limits(j);
            let (y, activity) = (self.y[j], activities[j]);
            let noise = 1e-12 * activity.abs().max(1.0);
            let equal = low == high;
            let next = match self.posts[j] {
                Post::Off if activity < low - noise => Post::Lower,
                Post::Off if activity > high + noise => Post::Upper,
                Post::Lower | Post::Upper if y > penalty => Post::Under,
                Post::Lower | Post::Upper if y < -penalty => Post::Over,
                Post::Lower if y < 0.0 && !equal => Post::Off,
                Post::Upper if y > 0.0 && !equal => Post::Off,
                Post::Under if activity > low + noise => Post::Lower,
                Post::Over if activity < high - noise => Post::Upper,
                same => same,
            };
            changed |= next != self.posts[j];
            self.posts[j] = next;
        }
        changed
    }
}

/// What a difference to a current weight may be by rounding.
fn untraded(current: f64) -> f64 {
    1e-15 * current.abs().max(1.0)
}

/// The part of the box on one side of the current weight.
pub(super) fn segment(statement: &Statement, i: usize, side: i8) -> (f64, f64) {
    let (low, high) = (statement.lower[i], statement.upper[i]);
    match (&statement.trade, side) {
        (Some(trade), 1) => (low.max(trade.current[i]), high),
        (Some(trade), -1) => (low, high.min(trade.current[i])),
        _ => (low, high),
    }
}

/// A free asset's side of its current weight; held where it stands exactly there.
pub(super) fn free_seat(statement: &Statement, i: usize, x: f64) -> Seat {
    match &statement.trade {
        Some(trade) if statement.is_split(i) => match x.total_cmp(&trade.current[i]) {
            std::cmp::Ordering::Less => Seat::Free(-1),
            std::cmp::Ordering::Equal => Seat::Held,
            std::cmp::Ordering::Greater => Seat::Free(1),
        },
        _ => Seat::Free(0),
    }
}

fn post_at((low, high): (f64, f64), activity: f64) -> Post {
    let noise = 1e-9 * activity.abs().max(1.0);
    if low == high || activity <= low + noise {
        Post::Lower
    } else if activity >= high - noise {
        Post::Upper
    } else {
        Post::Off
    }
}
