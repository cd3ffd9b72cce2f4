//! An exponentially weighted covariance that takes in one row at a time.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::accumulator::{Accumulator, ZeroVariance};
use super::gaps::{self, RowKind};
use super::scheme::{EwmaRule, Scheme};
use crate::{Error, Result, validate};

mod saved;

/// Far beyond any portfolio, and its square times a variance is still a number.
const LARGEST_WEIGHT: f64 = 1e100;

/// Running moments with the rule that moves them. A refused row leaves them as they were.
#[derive(Debug, Clone)]
pub struct EwmaState {
    rule: EwmaRule,
    scheme: Scheme,
    n_observations: u64,
    moments: Accumulator,
}

impl EwmaState {
    /// A state that has seen nothing.
    pub fn new(n_assets: usize, rule: EwmaRule) -> Result<Self> {
        if n_assets == 0 {
            return Err(Error::Empty { what: "row", unit: "asset" });
        }
        let scheme = Scheme::exponential(&rule)?;
        Ok(Self { rule, scheme, n_observations: 0, moments: Accumulator::new(n_assets) })
    }

    /// Takes in the next row; NaN is missing.
    pub fn update(&mut self, row: ArrayView1<'_, f64>) -> Result<()> {
        match row.as_slice() {
            Some(values) => self.update_slice(values),
            None => self.update_slice(&row.to_vec()),
        }
    }

    /// As [`EwmaState::update`], for values that stand one after another.
    pub fn update_slice(&mut self, row: &[f64]) -> Result<()> {
        validate::length("row", row.into(), self.n_assets())?;
        let kind = match gaps::is_ordinary(row) {
            true => RowKind::Complete,
            false => {
                gaps::refuse_infinite("row", row.into())?;
                gaps::refuse_giants("row", row.iter())?;
                gaps::kind_of(row.into())
            }
        };
        self.moments.update(&self.scheme, row, kind);
        self.n_observations += u64::from(kind != RowKind::Missing);
        Ok(())
    }

    /// Takes in many rows, as [`EwmaState::update`] would one by one, up to rounding.
    pub fn absorb(&mut self, returns: ArrayView2<'_, f64>) -> Result<()> {
        let (n_rows, n_columns) = returns.dim();
        let complete = !gaps::has_gaps_or_giants("R", returns)?;
        if n_columns != self.n_assets() {
            return Err(Error::Shape {
                what: "R",
                expected: format!("({n_rows}, {})", self.n_assets()),
                found: format!("({n_rows}, {n_columns})"),
            });
        }
        self.moments.absorb(&self.scheme, returns, complete);
        let observed = match complete {
            true => n_rows,
            false => returns.rows().into_iter().filter(|row| row.iter().any(|x| !x.is_nan())).count(),
        };
        self.n_observations += observed as u64;
        Ok(())
    }

    /// Adds the rows that still wait to the matrix. Reads give the same without it, but each then adds them
    /// for itself.
    pub fn fold(&mut self) {
        self.moments.fold();
    }

    /// The rule it runs by.
    pub fn rule(&self) -> &EwmaRule {
        &self.rule
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.moments.n_assets()
    }

    /// Rows taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// The covariance; NaN where there is no estimate yet.
    pub fn covariance(&self) -> Array2<f64> {
        self.moments.covariance(&self.scheme)
    }

    /// The correlation; NaN where the covariance is.
    pub fn correlation(&self, zero: ZeroVariance) -> Array2<f64> {
        self.moments.correlation(&self.scheme, zero)
    }

    /// The standard deviation of each asset per bar.
    pub fn volatility(&self) -> Array1<f64> {
        self.moments.variances(&self.scheme).mapv_into(f64::sqrt)
    }

    /// Writes the covariance into `out`, row by row, of length `n_assets^2`.
    pub fn write_covariance(&self, out: &mut [f64]) -> Result<()> {
        self.check_out(out)?;
        self.moments.write_covariance(&self.scheme, out);
        Ok(())
    }

    /// Writes the correlation into `out`, row by row, of length `n_assets^2`.
    pub fn write_correlation(&self, zero: ZeroVariance, out: &mut [f64]) -> Result<()> {
        self.check_out(out)?;
        self.moments.write_correlation(&self.scheme, zero, out);
        Ok(())
    }

    /// The variance per bar of a portfolio with these weights; NaN where the covariance has one.
    ///
    /// Reads the matrix and the rows that wait, and adds nothing.
    pub fn portfolio_variance(&self, weights: ArrayView1<'_, f64>) -> Result<f64> {
        validate::length("weights", weights, self.n_assets())?;
        validate::finite("weights", weights)?;
        if let Some(&value) = weights.iter().find(|weight| weight.abs() > LARGEST_WEIGHT) {
            return Err(Error::OutOfRange { what: "a weight", value, range: "at most 1e100 in size" });
        }
        Ok(match weights.as_slice() {
            Some(values) => self.moments.form(&self.scheme, values),
            None => self.moments.form(&self.scheme, &weights.to_vec()),
        })
    }

    fn check_out(&self, out: &[f64]) -> Result<()> {
        validate::length("out", out.into(), self.n_assets() * self.n_assets())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr1, arr2};

    fn fed(rows: &[[f64; 2]]) -> EwmaState {
        let mut state = EwmaState::new(2, EwmaRule::new(3.0)).unwrap();
        rows.iter().for_each(|row| state.update(arr1(row).view()).unwrap());
        state
    }

    #[test]
    fn a_refused_row_changes_nothing() {
        let mut state = fed(&[[0.1, 0.2], [0.3, -0.1]]);
        let before = state.to_bytes();
        let error = state.update(arr1(&[f64::NAN, f64::INFINITY]).view()).unwrap_err();
        assert!(error.to_string().contains("index 1"));
        assert!(state.update(arr1(&[0.1]).view()).is_err());
        assert!(state.absorb(arr2(&[[0.1, 0.2], [0.1, f64::INFINITY]]).view()).is_err());
        assert!(state.absorb(arr2(&[[0.1]]).view()).is_err());
        assert_eq!(state.to_bytes(), before);
    }

    #[test]
    fn giants_are_refused_before_they_overflow() {
        let mut state = fed(&[[0.1, 0.2], [0.3, -0.1]]);
        let before = state.to_bytes();
        for giant in [1e154, -1e200, f64::MAX] {
            let error = state.update(arr1(&[0.1, giant]).view()).unwrap_err();
            assert!(error.to_string().contains("below 1e154"), "{error}");
            assert!(state.update(arr1(&[f64::NAN, giant]).view()).is_err());
            assert!(state.absorb(arr2(&[[0.1, 0.2], [giant, 0.1]]).view()).is_err());
        }
        assert_eq!(state.to_bytes(), before);
        for _ in 0..40 {
            state.update(arr1(&[0.999e154, -0.999e154]).view()).unwrap();
            state.update(arr1(&[-0.999e154, 0.999e154]).view()).unwrap();
        }
        assert!(state.covariance().iter().all(|x| x.is_finite()));
    }

    #[test]
    fn missing_rows_are_no_observations() {
        let state = fed(&[[0.1, 0.2], [f64::NAN, f64::NAN], [f64::NAN, 0.1]]);
        assert_eq!(state.n_observations(), 2);
    }
}
