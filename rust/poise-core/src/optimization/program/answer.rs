//! The answer in the caller's units.

use super::checks::Program;
use super::face::{Face, free_seat};
use super::judge::judge;
use super::search::{ACCEPTED, Found};
use super::statement::Statement;
use super::units::Units;
use crate::optimization::solution::Status;

/// Weights with their proof, and what each limit costs.
///
/// A price says by how much the objective falls for a unit by which a limit gives way: negative at a lower limit,
/// positive at an upper one, zero away from both.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgramSolution {
    /// Weights that keep every bound exactly.
    pub weights: Vec<f64>,
    /// `Relaxed` where no weights meet all limits: then the relaxations say what gave way.
    pub status: Status,
    /// Steps through the interior; 0 where the start led to the answer.
    pub iterations: usize,
    /// The objective at the weights.
    pub objective: f64,
    /// How much lower the objective may be anywhere else within the limits, an open side counted as one unit wide.
    pub duality_gap: f64,
    /// The largest violation of the optimality conditions, relative to the terms they are made of.
    pub certificate: f64,
    /// The part of each variance that makes the matrix definite.
    pub ridge: f64,
    /// Price of each bound.
    pub bound_prices: Vec<f64>,
    /// Price of each row.
    pub row_prices: Vec<f64>,
    /// Price of the budget.
    pub budget_price: f64,
    /// Price of the turnover limit, never negative.
    pub turnover_price: f64,
    /// By how much each row is missed.
    pub row_relaxations: Vec<f64>,
    /// By how much the budget is missed.
    pub budget_relaxation: f64,
    /// By how much the turnover limit is exceeded.
    pub turnover_relaxation: f64,
}

pub(super) fn of(
    program: &Program<'_>,
    units: &Units,
    statement: &Statement,
    found: Found,
    ridge: f64,
) -> ProgramSolution {
    let weights = weights(program, units, statement, &found.face.x);
    let m = statement.n_rows();
    let per_weight = units.objective * units.weight;
    let price = |j: usize| -found.face.y[j] / per_weight / units.row.get(j).copied().unwrap_or(1.0) + 0.0;
    let missed = |j: usize| found.relaxations[j] * units.weight * units.row.get(j).copied().unwrap_or(1.0);
    let status = if found.relaxations.iter().any(|by| *by > 0.0) {
        Status::Relaxed
    } else if found.verdict.certificate.is_nan() || found.verdict.certificate > 100.0 * ACCEPTED {
        Status::Inaccurate
    } else if ridge > 0.0 {
        Status::Degenerate
    } else {
        Status::Optimal
    };
    ProgramSolution {
        objective: objective(program, &weights),
        weights,
        status,
        iterations: found.iterations,
        duality_gap: found.verdict.gap / units.objective,
        certificate: found.verdict.certificate,
        ridge,
        bound_prices: found.verdict.bound_prices.iter().map(|price| price / per_weight + 0.0).collect(),
        row_prices: (1..m).map(price).collect(),
        // The multiplier of a fixed budget also pays for what was taken from every return.
        budget_price: price(0) + units.shift,
        turnover_price: price(m) + price(m + 1),
        row_relaxations: (1..m).map(missed).collect(),
        budget_relaxation: missed(0),
        turnover_relaxation: missed(m).max(missed(m + 1)),
    }
}

/// The caller's weights: at a bound or the current weight to the bit, never a negative zero.
fn weights(program: &Program<'_>, units: &Units, statement: &Statement, x: &[f64]) -> Vec<f64> {
    let own = |i: usize| {
        let (low, high) = (program.bounds.lower[i], program.bounds.upper[i]);
        let held = statement.trade.as_ref().is_some_and(|trade| trade.current[i] == x[i]);
        let weight = match (held, program.trading) {
            _ if x[i] <= statement.lower[i] => low,
            _ if x[i] >= statement.upper[i] => high,
            (true, Some(trading)) => trading.current[i],
            _ => (x[i] * units.weight).clamp(-f64::MAX, f64::MAX),
        };
        weight.max(low).min(high) + 0.0
    };
    (0..x.len()).map(own).collect()
}

fn objective(program: &Program<'_>, weights: &[f64]) -> f64 {
    let w = ndarray::ArrayView1::from(weights);
    let mut value = 0.5 * w.dot(&program.hessian.dot(&w)) - program.linear.dot(&w);
    if let Some(trading) = program.trading {
        for (i, moved) in w.iter().zip(trading.current).map(|(w, c)| (w - c).abs()).enumerate() {
            let cost = |costs: Option<ndarray::ArrayView1<'_, f64>>| costs.map_or(0.0, |costs| costs[i]);
            value += cost(trading.linear_cost) * moved + cost(trading.impact_cost) * moved * moved.sqrt();
        }
    }
    value
}

impl Found {
    /// Weights that nothing can move: the rows give way to them.
    pub(super) fn immovable(statement: &Statement, face: Face) -> Self {
        Self::within(statement, face, 0)
    }

    /// The answer of the movable assets, back among all; prices of the held ones are judged anew.
    pub(super) fn lifted(self, statement: &Statement, movable: &[usize], mut x: Vec<f64>) -> Self {
        for (&i, value) in movable.iter().zip(&self.face.x) {
            x[i] = *value;
        }
        let mut face = Face::at(statement, &x);
        for (&i, seat) in movable.iter().zip(&self.face.seats) {
            face.seats[i] = *seat;
        }
        (face.y, face.posts) = (self.face.y, self.face.posts);
        let relaxed = statement.relaxed_by(&self.relaxations, &x);
        let verdict = judge(&relaxed, &face);
        Self { face, verdict, ..self }
    }

    /// The answer to the same problem with another Hessian, from what binds in this one.
    pub(super) fn settled_again(&self, statement: &Statement) -> Option<Self> {
        let relaxed = statement.relaxed_by(&self.relaxations, &self.face.x);
        let mut face = self.face.clone();
        if !face.settle(&relaxed, f64::INFINITY, f64::INFINITY) {
            return None;
        }
        let verdict = judge(&relaxed, &face);
        (verdict.certificate <= ACCEPTED).then(|| Self { face, verdict, ..self.clone() })
    }

    /// Gives assets that differ in nothing the same weight: rows and objective stay.
    pub(super) fn share_among_twins(&mut self, statement: &Statement) {
        let alike = |i: usize, j: usize| {
            let same = |values: &[f64]| values[i] == values[j];
            let trade = statement.trade.as_ref();
            same(&statement.linear)
                && same(&statement.lower)
                && same(&statement.upper)
                && (0..statement.n_rows()).all(|k| same(statement.row(k)))
                && trade.is_none_or(|t| same(&t.current) && same(&t.cost) && same(&t.impact))
        };
        let mut changed = false;
        for twins in &statement.hessian.twins {
            for (position, &i) in twins.iter().enumerate() {
                if twins[..position].iter().any(|&j| alike(i, j)) {
                    continue;
                }
                let group: Vec<usize> = twins.iter().copied().filter(|&j| alike(i, j)).collect();
                let mean = group.iter().map(|&j| self.face.x[j]).sum::<f64>() / group.len() as f64;
                for j in group {
                    let x = mean.max(statement.lower[j]).min(statement.upper[j]);
                    changed |= x != self.face.x[j];
                    self.face.x[j] = x;
                    self.face.seats[j] = free_seat(statement, j, x);
                }
            }
        }
        if changed {
            let relaxed = statement.relaxed_by(&self.relaxations, &self.face.x);
            self.verdict = judge(&relaxed, &self.face);
        }
    }
}
