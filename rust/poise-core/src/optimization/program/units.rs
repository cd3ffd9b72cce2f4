//! The units in which a program is solved.

use super::checks::Program;
use super::kink::are_one;
use super::statement::{Statement, Trade};
use crate::optimization::dense::Symmetric;
use crate::optimization::quadratic::Hessian;

/// How much larger than the variances returns and costs may be: beyond it the least of them loses its digits.
const MOST: f64 = 1e10;

/// How a statement's numbers follow from the caller's.
#[derive(Debug, Clone)]
pub(super) struct Units {
    /// A weight of 1 of the statement.
    pub(super) weight: f64,
    /// What the objective is multiplied by.
    pub(super) objective: f64,
    /// What the covariance of mean variance 1 is multiplied by.
    damping: f64,
    /// The largest entry of each row, the budget's first.
    pub(super) row: Vec<f64>,
    /// What is taken from every return: under a fixed budget it changes nothing, and digits stay.
    pub(super) shift: f64,
}

impl Units {
    /// `factor` makes the mean variance 1.
    pub(super) fn of(program: &Program<'_>, factor: f64) -> Self {
        let weight = typical_weight(program);
        let largest =
            |values: &mut dyn Iterator<Item = &f64>| values.fold(0.0_f64, |most, v| most.max(v.abs()));
        let fixed = program.total.0 == program.total.1;
        let best = program.linear.iter().fold(f64::NEG_INFINITY, |best, &q| best.max(q));
        let spread = program.linear.iter().fold(0.0_f64, |most, &q| most.max(0.5 * best - 0.5 * q));
        let shift = if fixed && spread < 0.5 * f64::MAX { best } else { 0.0 };
        let mut pull = if shift == 0.0 { largest(&mut program.linear.iter()) } else { 2.0 * spread };
        if let Some(trading) = program.trading {
            let cost = trading.linear_cost.map_or(0.0, |costs| largest(&mut costs.iter()));
            let impact = trading.impact_cost.map_or(0.0, |costs| largest(&mut costs.iter()));
            pull = pull.max(cost).max(impact * weight.sqrt());
        }
        let least = MOST * weight / pull.max(f64::MIN_POSITIVE);
        let scale = factor.min(least);
        let row_unit = |row: ndarray::ArrayView1<'_, f64>| match largest(&mut row.iter()) {
            0.0 => 1.0,
            most => most,
        };
        let row = std::iter::once(1.0).chain(program.rows.rows().into_iter().map(row_unit)).collect();
        Self { weight, objective: scale / weight / weight, damping: scale / factor, row, shift }
    }

    /// The statement in these units.
    pub(super) fn statement(&self, program: &Program<'_>, hessian: Hessian) -> Statement {
        let (n, unit) = (program.linear.len(), self.weight);
        let per_weight = self.objective * unit;
        let hessian = if self.damping == 1.0 {
            hessian
        } else {
            let matrix = Symmetric::scaled(hessian.matrix.rows(), n, self.damping);
            Hessian { twins: hessian.twins, ..Hessian::regular(matrix) }
        };
        let mut rows = vec![1.0; n];
        for (row, scale) in program.rows.rows().into_iter().zip(&self.row[1..]) {
            rows.extend(row.iter().map(|a| a / scale));
        }
        let (lows, highs) = (program.row_lower.iter(), program.row_upper.iter());
        let pairs = std::iter::once(program.total).chain(lows.copied().zip(highs.copied()));
        let (mut row_lower, mut row_upper) = (Vec::new(), Vec::new());
        for ((low, high), scale) in pairs.zip(&self.row) {
            let (low, high) = (low / scale / unit, high / scale / unit);
            let mean = 0.5 * low + 0.5 * high;
            let (low, high) = if are_one(low, high) { (mean, mean) } else { (low, high) };
            row_lower.push(low);
            row_upper.push(high);
        }
        let trade = program.trading.map(|trading| {
            let costs = |costs: Option<ndarray::ArrayView1<'_, f64>>, unit: f64| match costs {
                Some(costs) => costs.iter().map(|cost| cost * unit).collect(),
                None => vec![0.0; n],
            };
            Trade {
                current: trading.current.iter().map(|c| c / unit).collect(),
                cost: costs(trading.linear_cost, per_weight),
                impact: costs(trading.impact_cost, per_weight * unit.sqrt()),
                limits: [trading.turnover / unit; 2],
            }
        });
        let statement = Statement {
            hessian,
            linear: program.linear.iter().map(|q| (q - self.shift) * per_weight).collect(),
            lower: program.bounds.lower.iter().map(|w| w / unit).collect(),
            upper: program.bounds.upper.iter().map(|w| w / unit).collect(),
            rows,
            row_lower,
            row_upper,
            trade,
        };
        let trades = (0..n).any(|i| statement.is_split(i));
        Statement { trade: statement.trade.filter(|_| trades), ..statement }
    }
}

/// The size of a portfolio: its budget, else what is held, else what the bounds allow.
fn typical_weight(program: &Program<'_>) -> f64 {
    let usable = |size: &f64| size.is_finite() && *size > 0.0;
    let largest = |values: &mut dyn Iterator<Item = f64>| values.filter(usable).fold(0.0_f64, f64::max);
    let budget = largest(&mut [program.total.0.abs(), program.total.1.abs()].into_iter());
    let held = program.trading.map_or(0.0, |trading| largest(&mut trading.current.iter().map(|c| c.abs())));
    let bounds = program.bounds.lower.iter().chain(&program.bounds.upper);
    let allowed = bounds.map(|bound| bound.abs()).filter(usable).fold(f64::INFINITY, f64::min);
    [budget, held, allowed].into_iter().find(|size| usable(size)).unwrap_or(1.0)
}
