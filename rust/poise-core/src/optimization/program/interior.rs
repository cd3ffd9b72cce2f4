//! A primal-dual interior-point method.
//!
//! Mehrotra (1992), "On the Implementation of a Primal-Dual Interior Point Method": a step towards complementarity
//! without regard for the walls says how much to centre and what the second order is. Every slack, every split into
//! bought and sold and every price of a limit is eliminated by hand, so that a step is one Cholesky factor of the
//! size of the assets and a Schur complement of the size of the rows.

use super::kink::{self, Kink, Start};
use super::statement::Statement;
use super::system::System;
use super::trades::Trades;
use super::wall::Wall;
use crate::optimization::dense::{add_scaled, dot};

/// Goals, relative: of the residuals, and of what the objective can still gain.
const RESIDUAL: f64 = 1e-10;
const GAP: f64 = 1e-12;

/// What a step leaves of the way to a wall.
const KEPT: f64 = 0.005;

/// How far from its bounds a weight starts, as a part of their distance.
const INSET: f64 = 0.1;

/// How rows that repeat each other are kept apart.
const SOFTNESS: f64 = 1e-13;

/// The state of the descent.
pub(super) struct Interior<'a> {
    statement: &'a Statement,
    pub(super) x: Vec<f64>,
    pub(super) lower: Wall,
    pub(super) upper: Wall,
    pub(super) trades: Trades,
    pub(super) kinks: Vec<Kink>,
    /// The rows that have limits.
    rows: Vec<usize>,
    gradient: Vec<f64>,
    activity: Vec<f64>,
    system: System,
    scratch: Scratch,
    /// The size of a gradient.
    pub(super) pull: f64,
}

/// Room for one step.
struct Scratch {
    diagonal: Vec<f64>,
    right: Vec<f64>,
    rows: Vec<f64>,
    corner: Vec<f64>,
    dx: Vec<f64>,
    dy: Vec<f64>,
}

/// How far from the goals a point is, relative.
#[derive(Debug, Clone, Copy)]
pub(super) struct Distance {
    pub(super) primal: f64,
    pub(super) dual: f64,
    pub(super) gap: f64,
}

impl Distance {
    pub(super) fn is_reached(&self) -> bool {
        self.primal <= RESIDUAL && self.dual <= RESIDUAL && self.gap <= GAP
    }
}

impl<'a> Interior<'a> {
    /// Starts between the bounds; `penalty` is the price at which rows give way, infinite where they may not.
    pub(super) fn new(statement: &'a Statement, penalty: f64) -> Self {
        let n = statement.n();
        let x = between(statement);
        let gradient = statement.gradient(&x);
        let mean = |values: &[f64]| values.iter().map(|v| v.abs()).sum::<f64>() / n as f64;
        let costs = statement.trade.as_ref().map_or(0.0, |trade| mean(&trade.cost) + mean(&trade.impact));
        let pull = (mean(&gradient) + mean(&statement.linear) + costs).max(1e-8);
        let room = |i: usize| [x[i] - statement.lower[i], statement.upper[i] - x[i]];
        let typical = (0..n).flat_map(room).map(|room| room.min(1.0)).sum::<f64>() / (2 * n) as f64;
        let product = pull * typical;
        let walls = |side: usize| (0..n).map(|i| room(i)[side]).collect::<Vec<f64>>();
        let lower = Wall::new(1.0, walls(0), product);
        let upper = Wall::new(-1.0, walls(1), product);
        let trades = Trades::new(statement, &x, typical.min(1.0 / n as f64), product);
        let m = statement.n_rows();
        let mut activity: Vec<f64> = (0..m).map(|j| dot(statement.row(j), &x)).collect();
        activity.extend(trades.totals());
        let start = Start { distance: typical, product };
        let kinks: Vec<Kink> = (0..m + 2)
            .flat_map(|j| kink::of_row(statement.limits(j), j, penalty, activity[j], start))
            .collect();
        let mut rows: Vec<usize> = kinks.iter().map(|kink| kink.row).collect();
        rows.dedup();
        let k = rows.len();
        let scratch = Scratch {
            diagonal: vec![0.0; n],
            right: vec![0.0; n],
            rows: vec![0.0; k * n],
            corner: vec![0.0; k * k],
            dx: vec![0.0; n],
            dy: vec![0.0; k],
        };
        let system = System::new(n, k);
        Self { statement, x, lower, upper, trades, kinks, rows, gradient, activity, system, scratch, pull }
    }

    /// The multipliers of all rows.
    pub(super) fn multipliers(&self) -> Vec<f64> {
        let mut y = vec![0.0; self.activity.len()];
        for kink in &self.kinks {
            y[kink.row] += kink.y;
        }
        y
    }

    /// Prices of what is bought and sold in all.
    fn prices(&self) -> [f64; 2] {
        let y = self.multipliers();
        [-y[y.len() - 2], -y[y.len() - 1]]
    }

    /// The residual of the weights' own conditions.
    fn residual(&self) -> Vec<f64> {
        let mut residual = self.gradient.clone();
        let y = self.multipliers();
        for (j, y) in y[..self.statement.n_rows()].iter().enumerate() {
            if *y != 0.0 {
                add_scaled(&mut residual, -y, self.statement.row(j));
            }
        }
        self.trades.pull(&mut residual);
        for (i, value) in residual.iter_mut().enumerate() {
            *value += self.upper.price[i] - self.lower.price[i];
        }
        residual
    }

    fn products(&self) -> (f64, usize) {
        let mut all = vec![self.lower.products(), self.upper.products(), self.trades.products()];
        all.extend(self.kinks.iter().map(Kink::products));
        all.into_iter().fold((0.0, 0), |(sum, count), (s, c)| (sum + s, count + c))
    }

    fn products_at(&self, length: f64) -> f64 {
        let kinks: f64 = self.kinks.iter().map(|kink| kink.products_at(length)).sum();
        let walls = self.lower.products_at(length) + self.upper.products_at(length);
        walls + self.trades.products_at(length) + kinks
    }

    /// How far this point is from the goals.
    pub(super) fn distance(&self) -> Distance {
        let largest = |values: &[f64]| values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let scale = self.pull.max(largest(&self.gradient)).max(largest(&self.statement.linear));
        let own = self.trades.residual(self.statement, self.prices());
        let off = |kink: &Kink| kink.residual(self.activity[kink.row]).abs() / kink.at.abs().max(1.0);
        let worth = 0.5 * (dot(&self.gradient, &self.x) - dot(&self.statement.linear, &self.x)).abs();
        let primal = self.kinks.iter().map(off).fold(0.0, f64::max);
        let gap = self.products().0 / worth.max(1.0);
        Distance { primal, dual: largest(&self.residual()).max(own) / scale, gap }
    }

    /// One step of the method; false where rounding stops it, with weights that are finite still.
    pub(super) fn advance(&mut self) -> bool {
        let (sum, count) = self.products();
        let mean = sum / count.max(1) as f64;
        self.aim(0.0, false);
        if !self.factorise() {
            return false;
        }
        self.solve();
        let length = self.longest(1.0);
        let centring = (self.products_at(length) / sum.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0).powi(3);
        self.aim(centring * mean, true);
        self.solve();
        let length = (1.0 - KEPT) * self.longest(1.0 / (1.0 - KEPT));
        let reached = |(x, dx): (&f64, &f64)| (x + length * dx).is_finite();
        if !self.x.iter().zip(&self.scratch.dx).all(reached) || !self.scratch.dy.iter().all(|y| y.is_finite())
        {
            return false;
        }
        self.take(length);
        length > 1e-9
    }

    fn aim(&mut self, mean: f64, corrected: bool) {
        self.lower.aim(mean, corrected);
        self.upper.aim(mean, corrected);
        self.trades.aim(mean, corrected);
        self.kinks.iter_mut().for_each(|kink| kink.aim(mean, corrected));
    }

    /// Writes and factorises the matrix of both solves of a step.
    fn factorise(&mut self) -> bool {
        self.trades.prepare(self.statement, self.prices());
        let n = self.x.len();
        let Scratch { diagonal, right, rows, corner, .. } = &mut self.scratch;
        diagonal.fill(0.0);
        self.lower.push(diagonal, right);
        self.upper.push(diagonal, right);
        self.trades.push(diagonal, right);
        let block = self.system.block_mut();
        block.copy_from_slice(self.statement.hessian.matrix.rows());
        for (entry, added) in block.iter_mut().step_by(n + 1).zip(diagonal.iter()) {
            *entry += added;
        }
        let (mut bought, mut sold) = (vec![0.0; n], vec![0.0; n]);
        let (_, give) = self.trades.rows(&mut bought, &mut sold);
        let (k, m) = (self.rows.len(), self.statement.n_rows());
        corner.fill(0.0);
        for (a, &j) in self.rows.iter().enumerate() {
            let from = if j < m { self.statement.row(j) } else { [&bought, &sold][j - m] };
            rows[a * n..(a + 1) * n].copy_from_slice(from);
            corner[a * k + a] += kink::line(&self.kinks, j, &self.activity).1;
            for (b, &other) in self.rows.iter().enumerate() {
                if j >= m && other >= m {
                    corner[a * k + b] += give;
                }
            }
        }
        self.system.compute(rows, corner, SOFTNESS)
    }

    /// Solves for the step towards the aim.
    fn solve(&mut self) {
        self.trades.prepare(self.statement, self.prices());
        let residual = self.residual();
        let n = self.x.len();
        let (mut bought, mut sold) = (vec![0.0; n], vec![0.0; n]);
        let (constant, _) = self.trades.rows(&mut bought, &mut sold);
        let Scratch { diagonal, dx, dy, .. } = &mut self.scratch;
        for (value, residual) in dx.iter_mut().zip(&residual) {
            *value = -residual;
        }
        self.lower.push(diagonal, dx);
        self.upper.push(diagonal, dx);
        self.trades.push(diagonal, dx);
        let m = self.statement.n_rows();
        for (value, &j) in dy.iter_mut().zip(&self.rows) {
            *value = kink::line(&self.kinks, j, &self.activity).0 - if j < m { 0.0 } else { constant };
        }
        self.system.solve(dx, dy);
        self.lower.take(dx);
        self.upper.take(dx);
        let of = |row: usize| self.rows.iter().position(|&j| j == row).map_or(0.0, |a| dy[a]);
        self.trades.take(dx, [of(m), of(m + 1)]);
        kink::share(&mut self.kinks, &self.rows, dy, &self.activity);
    }

    fn longest(&self, limit: f64) -> f64 {
        let walls = self.upper.longest(self.lower.longest(limit));
        self.kinks.iter().fold(self.trades.longest(walls), |length, kink| kink.longest(length))
    }

    fn take(&mut self, length: f64) {
        add_scaled(&mut self.x, length, &self.scratch.dx);
        self.lower.advance(length);
        self.upper.advance(length);
        self.trades.advance(length);
        self.kinks.iter_mut().for_each(|kink| kink.advance(length));
        self.gradient = self.statement.gradient(&self.x);
        let m = self.statement.n_rows();
        for j in 0..m {
            self.activity[j] = dot(self.statement.row(j), &self.x);
        }
        self.activity[m..].copy_from_slice(&self.trades.totals());
    }
}

/// A point well inside the bounds, near equal weights.
fn between(statement: &Statement) -> Vec<f64> {
    let n = statement.n() as f64;
    let (least, most) = statement.limits(0);
    let total = match (least.is_finite(), most.is_finite()) {
        (true, true) => 0.5 * least + 0.5 * most,
        (true, false) => least,
        (false, true) => most,
        (false, false) => 0.0,
    };
    let inside = |(low, high): (&f64, &f64)| {
        let inset = (INSET * (high - low)).min(1.0);
        (total / n).max(low + inset).min(high - inset)
    };
    statement.lower.iter().zip(&statement.upper).map(inside).collect()
}
