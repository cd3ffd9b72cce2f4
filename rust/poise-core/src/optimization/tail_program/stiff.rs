//! The equations that hold the weights hardest, kept apart from the rest of an interior point's system.
//!
//! Near the answer some scenarios hold the weights a thousand million times harder than the bounds do. In one
//! product `X' D X` they would leave nothing of the others but rounding, and where many weights are nearly best the
//! others decide. So what exceeds [`SOFT`] of a scenario is a row of its own, as are the floor and the budget:
//! `M w - A' p = r`, `A w + E p = a`, with `p` the prices of the rows and `E` what each gives.

use super::point::{Point, add};
use super::program::TailProgram;
use crate::optimization::{cholesky, dense::dot};

/// The stiffness up to which a scenario is a part of `X' D X`.
const SOFT: f64 = 100.0;

/// The part of what a row is held with that it always gives: scenarios that repeat one another leave open which of
/// them holds.
const LEAST_GIVE: f64 = 1e-14;

/// Rows of their own, scenarios first, then the floor where there is one, then the budget.
#[derive(Debug, Default)]
pub(super) struct Stiff {
    pub(super) scenarios: Vec<usize>,
    /// `A L^-T`, row by row, `L` the factor of `M`.
    reduced: Vec<f64>,
    give: Vec<f64>,
    /// Factor of `A M^-1 A' + E`.
    factor: Vec<f64>,
}

impl Stiff {
    /// Takes as many of the stiffest scenarios as there are unknowns, and leaves `SOFT` of them.
    pub(super) fn take(&mut self, stiffness: &mut [f64], program: &TailProgram) {
        let (scenarios, most) = (&mut self.scenarios, program.n() + 1);
        scenarios.clear();
        scenarios.extend((0..stiffness.len()).filter(|&s| stiffness[s] > SOFT));
        if scenarios.len() > most {
            scenarios.select_nth_unstable_by(most, |&a, &b| stiffness[b].total_cmp(&stiffness[a]));
            scenarios.truncate(most);
        }
        self.give.clear();
        for &s in scenarios.iter() {
            self.give.push((stiffness[s] - SOFT).recip());
            stiffness[s] = SOFT;
        }
    }

    /// Factors what `lower`, the factor of `M`, leaves to the rows; false where rounding left no factor.
    pub(super) fn factor(&mut self, program: &TailProgram, at: &Point, lower: &[f64]) -> bool {
        let (n, size) = (program.n(), program.n() + 1);
        let Self { scenarios, reduced, give, factor } = self;
        reduced.clear();
        scenarios.iter().for_each(|&s| reduced.extend_from_slice(program.x.row(s)));
        if let Some((gain, _)) = &program.floor {
            reduced.extend(gain.iter().chain([&0.0]));
            give.push(at.q / at.y);
        }
        reduced.extend((0..size).map(|i| if i < n { 1.0 } else { 0.0 }));
        give.push(0.0);
        reduced.chunks_exact_mut(size).for_each(|row| cholesky::solve_lower(lower, size, row));
        let count = give.len();
        factor.clear();
        factor.resize(count * count, 0.0);
        let rows = || reduced.chunks_exact(size);
        for (j, (products, row)) in factor.chunks_exact_mut(count).zip(rows()).enumerate() {
            products
                .iter_mut()
                .zip(rows().take(j + 1))
                .for_each(|(product, other)| *product = dot(row, other));
            products[j] = products[j] * (1.0 + LEAST_GIVE) + give[j];
        }
        cholesky::factor(factor, count, 0.0).is_ok()
    }

    /// Overwrites `right` with the weights' step and `asked` of each row with its price.
    pub(super) fn solve(&self, lower: &[f64], right: &mut [f64], asked: &mut [f64]) {
        let size = right.len();
        let rows = || self.reduced.chunks_exact(size);
        cholesky::solve_lower(lower, size, right);
        asked.iter_mut().zip(rows()).for_each(|(asked, row)| *asked -= dot(row, right));
        cholesky::solve(&self.factor, asked.len(), asked);
        asked.iter().zip(rows()).for_each(|(price, row)| add(right, *price, row));
        cholesky::solve_upper(lower, size, right);
    }
}
