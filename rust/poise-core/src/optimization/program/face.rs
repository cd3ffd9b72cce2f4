//! A guess of what binds, and the way from it to an answer that is exact.
//!
//! Held assets stand at a bound or at their current weight, binding rows at a limit; the rest is one linear system
//! (with impact costs, Newton's method on one; `refine`). Where its answer leaves a limit or a multiplier has the
//! wrong sign, the guess is mended, many places at once (`mend`; Hintermueller, Ito and Kunisch, 2002, "The
//! Primal-Dual Active Set Strategy as a Semismooth Newton Method"); near the optimum a few rounds do.

use super::statement::Statement;
use crate::optimization::dense::{add_scaled, dot};

/// Rounds of mending a guess.
const ROUNDS: usize = 25;

/// Errors below this part of the terms they are made of are rounding.
pub(super) const NOISE: f64 = 1e-13;

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

    /// The guess that nothing binds but rows that leave no choice, and what trades would have to leave.
    pub(super) fn open(statement: &Statement) -> Self {
        let n = statement.n();
        let mut face = Self::at(statement, &vec![1.0 / n as f64; n]);
        for i in 0..n {
            if let Some(trade) = statement.trade.as_ref().filter(|_| statement.is_split(i)) {
                face.x[i] = trade.current[i].max(statement.lower[i]).min(statement.upper[i]);
                face.seats[i] = Seat::Held;
            } else {
                face.seats[i] = Seat::Free(0);
            }
        }
        for (j, post) in face.posts.iter_mut().enumerate() {
            let (low, high) = statement.limits(j);
            if low < high {
                *post = Post::Off;
            }
        }
        face
    }

    /// Mends the guess until it is right; false where that does not come about.
    ///
    /// `penalty` is the price at which rows give way; `effort` the most factors of all assets' size that it may cost.
    pub(super) fn settle(&mut self, statement: &Statement, penalty: f64, effort: f64) -> bool {
        let mut spent = 0.0;
        for _ in 0..ROUNDS {
            if !self.solve(statement, penalty) {
                return false;
            }
            if !self.mend(statement, penalty) {
                self.land(statement);
                return true;
            }
            spent += (self.free().len() as f64 / self.x.len() as f64).powi(3);
            if spent > effort {
                return false;
            }
        }
        false
    }

    /// The assets that are free, in order.
    pub(super) fn free(&self) -> Vec<usize> {
        (0..self.seats.len()).filter(|&i| self.seats[i] != Seat::Held).collect()
    }

    /// The rows that hold the free assets: linear ones, and trades in all.
    pub(super) fn binding(&self) -> Vec<usize> {
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
        if j < m {
            free.iter().map(|&i| statement.row(j)[i]).collect()
        } else {
            free.iter().map(traded).collect()
        }
    }

    /// What row `j` comes to on this face, whose signs of trades hold beyond the current weight too.
    pub(super) fn activity(&self, statement: &Statement, j: usize) -> f64 {
        let m = statement.n_rows();
        if j < m {
            return dot(statement.row(j), &self.x);
        }
        let Some(trade) = &statement.trade else { return 0.0 };
        let sign = if j == m { 1.0 } else { -1.0 };
        let moved = |i: usize| {
            let moved = sign * (self.x[i] - trade.current[i]);
            match self.seats[i] {
                Seat::Free(side) => {
                    if f64::from(side) == sign {
                        moved
                    } else {
                        0.0
                    }
                }
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
