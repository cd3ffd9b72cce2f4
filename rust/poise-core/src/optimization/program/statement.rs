//! The problem in the units in which it is solved: weights of size 1, mean variance 1, rows of largest entry 1.

use crate::optimization::dense::{Symmetric, dot};
use crate::optimization::quadratic::Hessian;

/// What trading costs and how much of it is allowed.
#[derive(Debug, Clone)]
pub(super) struct Trade {
    /// Where trades start from.
    pub(super) current: Vec<f64>,
    /// Cost per unit traded.
    pub(super) cost: Vec<f64>,
    /// Cost per unit to the power 3/2.
    pub(super) impact: Vec<f64>,
    /// Most that may be bought in all, and sold.
    pub(super) limits: [f64; 2],
}

/// `min 1/2 x'Hx - q'x + costs` over a box, rows with limits, and limits of what is bought and sold.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) hessian: Hessian,
    pub(super) linear: Vec<f64>,
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
    /// One after another, each of largest entry 1; the first is the budget.
    pub(super) rows: Vec<f64>,
    pub(super) row_lower: Vec<f64>,
    pub(super) row_upper: Vec<f64>,
    pub(super) trade: Option<Trade>,
}

impl Statement {
    pub(super) fn n(&self) -> usize {
        self.linear.len()
    }

    /// Number of linear rows.
    pub(super) fn n_rows(&self) -> usize {
        self.row_lower.len()
    }

    pub(super) fn row(&self, j: usize) -> &[f64] {
        &self.rows[j * self.n()..(j + 1) * self.n()]
    }

    /// Limits of the linear rows, then of what is bought and of what is sold.
    pub(super) fn limits(&self, j: usize) -> (f64, f64) {
        match (j.checked_sub(self.n_rows()), &self.trade) {
            (None, _) => (self.row_lower[j], self.row_upper[j]),
            (Some(side), Some(trade)) => (f64::NEG_INFINITY, trade.limits[side]),
            (Some(_), None) => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// What the rows come to, then what is bought and what is sold.
    pub(super) fn activities(&self, x: &[f64]) -> Vec<f64> {
        let mut found: Vec<f64> = (0..self.n_rows()).map(|j| dot(self.row(j), x)).collect();
        let traded = |sign: f64| {
            let Some(trade) = &self.trade else { return 0.0 };
            x.iter().zip(&trade.current).map(|(x, c)| (sign * (x - c)).max(0.0)).sum()
        };
        found.extend([traded(1.0), traded(-1.0)]);
        found
    }

    /// `Hx - q`.
    pub(super) fn gradient(&self, x: &[f64]) -> Vec<f64> {
        let mut gradient = self.hessian.matrix.multiply(x);
        for (g, q) in gradient.iter_mut().zip(&self.linear) {
            *g -= q;
        }
        gradient
    }

    /// Whether trades of asset `i` matter: they cost, or what is traded in all is limited.
    pub(super) fn is_split(&self, i: usize) -> bool {
        self.trade.as_ref().is_some_and(|trade| {
            trade.limits.iter().any(|limit| limit.is_finite()) || trade.cost[i] > 0.0 || trade.impact[i] > 0.0
        })
    }

    /// The derivative of the costs of asset `i` to the left and to the right of `x`, where buying and selling have
    /// the prices `prices`.
    pub(super) fn cost_slopes(&self, i: usize, x: f64, prices: [f64; 2]) -> (f64, f64) {
        let Some(trade) = &self.trade else { return (0.0, 0.0) };
        let moved = x - trade.current[i];
        let slope = |price: f64| trade.cost[i] + 1.5 * trade.impact[i] * moved.abs().sqrt() + price;
        let (buying, selling) = (slope(prices[0]), -slope(prices[1]));
        if moved > 0.0 {
            (buying, buying)
        } else if moved < 0.0 {
            (selling, selling)
        } else {
            (selling, buying)
        }
    }

    /// Whether no weights within the bounds can meet some row taken alone.
    pub(super) fn contradicts_itself(&self) -> bool {
        (0..self.n_rows()).any(|j| {
            let (mut least, mut most, mut size) = (0.0, 0.0, 0.0_f64);
            for (a, (low, high)) in self.row(j).iter().zip(self.lower.iter().zip(&self.upper)) {
                if *a != 0.0 {
                    let (one, other) = (a * low, a * high);
                    least += one.min(other);
                    most += one.max(other);
                    size = size.max(if one.is_finite() { one.abs() } else { 0.0 });
                }
            }
            let slack = 1e-12 * size.max(1.0);
            least > self.row_upper[j] + slack || most < self.row_lower[j] - slack
        })
    }

    /// The same problem with limits that gave way: an upper one where the activity is above it, else a lower one.
    pub(super) fn relaxed_by(&self, relaxations: &[f64], x: &[f64]) -> Self {
        let mut relaxed = self.clone();
        for (j, activity) in self.activities(x).into_iter().enumerate() {
            if relaxations[j] == 0.0 {
                continue;
            }
            let (low, high) = self.limits(j);
            match (j.checked_sub(self.n_rows()), &mut relaxed.trade) {
                (Some(side), Some(trade)) => trade.limits[side] = activity,
                _ if low == high => (relaxed.row_lower[j], relaxed.row_upper[j]) = (activity, activity),
                _ if activity < low => relaxed.row_lower[j] = activity,
                _ => relaxed.row_upper[j] = activity,
            }
        }
        relaxed
    }

    /// The problem of the assets that can move, the others held where their bounds leave them.
    pub(super) fn of(&self, movable: &[usize], x: &[f64]) -> Self {
        let n = self.n();
        let pick = |values: &[f64]| movable.iter().map(|&i| values[i]).collect::<Vec<f64>>();
        let mut held = x.to_vec();
        movable.iter().for_each(|&i| held[i] = 0.0);
        let pull = self.hessian.matrix.multiply(&held);
        let mut fixed = vec![true; n];
        movable.iter().for_each(|&i| fixed[i] = false);
        let part: Vec<f64> = movable
            .iter()
            .flat_map(|&i| movable.iter().map(move |&j| (i, j)))
            .map(|(i, j)| self.hessian.matrix.get(i, j))
            .collect();
        let m = self.n_rows();
        let taken: Vec<f64> = (0..m).map(|j| dot(self.row(j), &held)).collect();
        let less = |limits: &[f64]| limits.iter().zip(&taken).map(|(limit, t)| limit - t).collect();
        let trade = self.trade.as_ref().map(|trade| {
            let traded = |sign: f64| -> f64 {
                let moved = |i: usize| (sign * (x[i] - trade.current[i])).max(0.0);
                (0..n).filter(|&i| fixed[i]).map(moved).sum()
            };
            Trade {
                current: pick(&trade.current),
                cost: pick(&trade.cost),
                impact: pick(&trade.impact),
                limits: [trade.limits[0] - traded(1.0), trade.limits[1] - traded(-1.0)],
            }
        });
        Self {
            hessian: Hessian::regular(Symmetric::scaled(&part, movable.len(), 1.0)),
            linear: movable.iter().map(|&i| self.linear[i] - pull[i]).collect(),
            lower: pick(&self.lower),
            upper: pick(&self.upper),
            rows: (0..m).flat_map(|j| pick(self.row(j))).collect(),
            row_lower: less(&self.row_lower),
            row_upper: less(&self.row_upper),
            trade,
        }
    }
}
