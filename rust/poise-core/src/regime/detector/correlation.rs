//! The average correlation of a market from the volatility of a sum, in `O(n_assets)` per bar.
//!
//! With weights `w`, volatilities `s` and the mean square `v` of `sum(w r)`, all about zero,
//! `rho = (v - sum w_i^2 s_i^2) / ((sum w_i s_i)^2 - sum w_i^2 s_i^2)` is the mean of the pairwise correlations,
//! weighted by `w_i s_i w_j s_j`. Numerator and denominator count pairs of different assets; where returns are missing,
//! the denominator is scaled by the (exponentially weighted) share of it that could be observed, so that a weekend
//! without half of the market does not look like a loss of correlation.

use super::saved;
use crate::Result;
use crate::snapshot::{Reader, Writer};

#[derive(Debug, Clone)]
pub(super) struct AverageCorrelation {
    decay: f64,
    squares: Vec<f64>,
    counts: Vec<f64>,
    products: f64,
    coverage: f64,
}

/// Sum and sum of squares of `x`: together the sum of `x_i x_j` over pairs of different assets.
#[derive(Default)]
struct Pairs {
    total: f64,
    squares: f64,
}

impl Pairs {
    fn add(&mut self, x: f64) {
        self.total += x;
        self.squares += x * x;
    }

    /// Rounding noise is zero.
    fn sum(&self) -> f64 {
        let all = self.total * self.total;
        if (all - self.squares).abs() > 1e-14 * self.squares { all - self.squares } else { 0.0 }
    }
}

impl AverageCorrelation {
    pub(super) fn new(n_assets: usize, half_life: f64) -> Self {
        let decay = 0.5_f64.powf(1.0 / half_life);
        Self {
            decay,
            squares: vec![0.0; n_assets],
            counts: vec![0.0; n_assets],
            products: 0.0,
            coverage: 0.0,
        }
    }

    /// Adds one row, NaN where missing; the correlation, or NaN where no pair varies.
    pub(super) fn push(&mut self, row: &[f64], weights: &[f64]) -> f64 {
        let (mut every, mut present, mut known) = (Pairs::default(), Pairs::default(), Pairs::default());
        let mut observed = Pairs::default();
        let mut newcomer = false;
        let assets = self.squares.iter_mut().zip(&mut self.counts).zip(row.iter().zip(weights));
        for ((square, count), (&value, &weight)) in assets {
            let is_present = !value.is_nan();
            let was_known = *count > 0.0;
            if is_present {
                *square = self.decay * *square + value * value;
                *count = self.decay * *count + 1.0;
                observed.add(weight * value);
            }
            let exposure = weight * (*square / count.max(1.0)).sqrt();
            every.add(exposure);
            present.add(if is_present { exposure } else { 0.0 });
            known.add(if was_known { exposure } else { 0.0 });
            newcomer |= is_present && !was_known;
        }
        let every_pair = every.sum();
        if every_pair.is_nan() || every_pair <= 0.0 {
            return f64::NAN;
        }
        if newcomer {
            // The history knows nothing of a newcomer's pairs: until now it covered this share of them.
            self.coverage *= known.sum() / every_pair;
        }
        self.coverage = self.decay * self.coverage + present.sum() / every_pair;
        self.products = self.decay * self.products + observed.sum();
        if self.coverage > 0.0 {
            (self.products / (self.coverage * every_pair)).clamp(-1.0, 1.0)
        } else {
            f64::NAN
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.reals(&self.squares);
        writer.reals(&self.counts);
        writer.reals(&[self.products, self.coverage]);
    }

    pub(super) fn read(reader: &mut Reader<'_>, n_assets: usize, half_life: f64) -> Result<Self> {
        let (squares, counts) = (reader.reals(n_assets)?, reader.reals(n_assets)?);
        saved::not_negative("the square of an asset", &squares)?;
        saved::not_negative("the count of an asset", &counts)?;
        let (products, coverage) = (reader.real()?, reader.real()?);
        saved::all_finite("the sum of products", &[products])?;
        saved::not_negative("a coverage", &[coverage])?;
        Ok(Self { squares, counts, products, coverage, ..Self::new(0, half_life) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_pairs() {
        for sign in [1.0, -1.0] {
            let mut estimate = AverageCorrelation::new(2, 20.0);
            let rows = (1..40).map(|t| 0.01 * f64::from(t % 7 - 3));
            let last = rows.map(|x| estimate.push(&[x, sign * x], &[0.5, 0.5])).last().unwrap();
            assert!((last - sign).abs() < 1e-12);
        }
    }

    #[test]
    fn no_pair_no_correlation() {
        let mut alone = AverageCorrelation::new(1, 20.0);
        assert!(alone.push(&[0.1], &[1.0]).is_nan());
        let mut one_moves = AverageCorrelation::new(2, 20.0);
        assert!(one_moves.push(&[0.1, 0.0], &[0.5, 0.5]).is_nan());
        assert!(one_moves.push(&[0.1, f64::NAN], &[0.5, 0.5]).is_nan());
    }
}
