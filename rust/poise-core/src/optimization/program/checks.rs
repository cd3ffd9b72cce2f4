//! What a caller states, and what of it is refused.

use ndarray::{ArrayView1, ArrayView2};

use crate::optimization::bounds::Bounds;
use crate::{Error, Result, validate};

/// Beyond it sums of limits may be no number.
const LARGEST: f64 = 1e100;

/// What trading from the current weights costs, and how much of it is allowed.
#[derive(Debug, Clone, Copy)]
pub struct Trading<'a> {
    /// Weights that trades start from.
    pub current: ArrayView1<'a, f64>,
    /// Cost per unit of weight traded; none without it.
    pub linear_cost: Option<ArrayView1<'a, f64>>,
    /// Cost per unit of weight traded to the power 3/2; none without it.
    pub impact_cost: Option<ArrayView1<'a, f64>>,
    /// The most that may be bought, and sold, in all; infinite for no limit.
    pub turnover: f64,
}

/// A portfolio's quadratic program.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// `H`, positive semidefinite.
    pub hessian: ArrayView2<'a, f64>,
    /// `q`, what a unit of each weight earns.
    pub linear: ArrayView1<'a, f64>,
    /// Bounds of each weight.
    pub bounds: &'a Bounds,
    /// The least and the most that the weights may sum to.
    pub total: (f64, f64),
    /// `A`, a row per constraint.
    pub rows: ArrayView2<'a, f64>,
    /// The least each row may come to; `-inf` for no limit.
    pub row_lower: ArrayView1<'a, f64>,
    /// The most each row may come to; `inf` for no limit.
    pub row_upper: ArrayView1<'a, f64>,
    /// Costs and limits of trading, if any.
    pub trading: Option<Trading<'a>>,
}

impl Program<'_> {
    /// The same limits with another linear term.
    pub(super) fn with_linear<'b>(&'b self, linear: ArrayView1<'b, f64>) -> Program<'b> {
        Program {
            hessian: self.hessian.reborrow(),
            linear,
            bounds: self.bounds,
            total: self.total,
            rows: self.rows.reborrow(),
            row_lower: self.row_lower.reborrow(),
            row_upper: self.row_upper.reborrow(),
            trading: self.trading.map(|trading| Trading {
                current: trading.current.reborrow(),
                linear_cost: trading.linear_cost.map(ArrayView1::reborrow),
                impact_cost: trading.impact_cost.map(ArrayView1::reborrow),
                turnover: trading.turnover,
            }),
        }
    }

    /// Refuses shapes that differ, NaN, limits that cross and costs below zero.
    pub(super) fn check(&self) -> Result<()> {
        let n = self.hessian.nrows();
        validate::length("linear", self.linear, n)?;
        validate::finite("linear", self.linear)?;
        validate::length("bounds", ArrayView1::from(&self.bounds.lower), n)?;
        let m = self.row_lower.len();
        if self.rows.dim() != (m, n) {
            let found = format!("({}, {})", self.rows.nrows(), self.rows.ncols());
            return Err(Error::Shape { what: "rows", expected: format!("({m}, {n})"), found });
        }
        validate::finite_matrix("rows", self.rows)?;
        validate::length("row_upper", self.row_upper, m)?;
        limits("total", self.total)?;
        for pair in self.row_lower.iter().copied().zip(self.row_upper.iter().copied()) {
            limits("a limit of a row", pair)?;
        }
        self.trading.map_or(Ok(()), |trading| trading.check(n))
    }
}

impl Trading<'_> {
    fn check(&self, n: usize) -> Result<()> {
        validate::length("current", self.current, n)?;
        validate::finite("current", self.current)?;
        if let Some(&value) = self.current.iter().find(|weight| weight.abs() > LARGEST) {
            return Err(Error::OutOfRange {
                what: "a current weight",
                value,
                range: "at most 1e100 in size",
            });
        }
        for (what, costs) in [("linear_cost", self.linear_cost), ("impact_cost", self.impact_cost)] {
            let Some(costs) = costs else { continue };
            validate::length(what, costs, n)?;
            validate::finite(what, costs)?;
            if let Some(&value) = costs.iter().find(|cost| **cost < 0.0) {
                return Err(Error::OutOfRange { what, value, range: "a number that is not negative" });
            }
        }
        if self.turnover >= 0.0 {
            return Ok(());
        }
        let range = "a number that is not negative, or infinite for no limit";
        Err(Error::OutOfRange { what: "turnover", value: self.turnover, range })
    }
}

fn limits(what: &'static str, (low, high): (f64, f64)) -> Result<()> {
    let sound = |limit: f64, open: f64| limit == open || limit.abs() <= LARGEST;
    let range = "at most 1e100 in size, or infinite to leave that side open";
    if !sound(low, f64::NEG_INFINITY) {
        return Err(Error::OutOfRange { what, value: low, range });
    }
    if !sound(high, f64::INFINITY) {
        return Err(Error::OutOfRange { what, value: high, range });
    }
    if low > high {
        return Err(Error::Infeasible { reason: format!("{what} has {low} above {high}") });
    }
    Ok(())
}
