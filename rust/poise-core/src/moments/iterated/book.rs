//! What the correlation says of a book, without writing it out.

use ndarray::ArrayView1;

use super::super::packed;
use super::{IteratedState, SHOWN_FROM};
use crate::{Error, Result, validate};

/// Products of larger weights are no numbers.
const LARGEST: f64 = 1e100;

/// Sums over the pairs of a book; `x` is a weight times the asset's volatility, `C` the correlation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BookSums {
    /// `x'Cx`, the variance per bar.
    pub variance: f64,
    /// `sum x`.
    pub exposure: f64,
    /// `sum x^2`.
    pub squares: f64,
    /// `sum |x|`, the volatility if nothing diversified.
    pub gross: f64,
    /// Assets with a weight.
    pub n_held: usize,
    /// The mean correlation of their pairs; NaN for fewer than two.
    pub mean_of_held: f64,
    /// The mean correlation of all pairs; NaN for one asset.
    pub mean: f64,
}

impl IteratedState {
    /// The sums of a book; `None` unless every asset is one of `S`, moves, and has correlations to show.
    ///
    /// # Errors
    /// Another number of weights, one that is not finite or absurdly large.
    pub fn book(&self, weights: ArrayView1<'_, f64>) -> Result<Option<BookSums>> {
        validate::length("weights", weights, self.n_assets())?;
        validate::finite("weights", weights)?;
        if let Some(&value) = weights.iter().find(|weight| weight.abs() > LARGEST) {
            return Err(Error::OutOfRange { what: "a weight", value, range: "at most 1e100 in size" });
        }
        let n = self.n_assets();
        let own = |i: usize| self.moments[packed::diagonal(i)];
        let sound = |i: usize| self.is_member[i] && self.variances[i].count >= SHOWN_FROM;
        if !(0..n).all(|i| sound(i) && own(i) > 0.0) {
            return Ok(None);
        }
        let each: Vec<f64> = (0..n).map(|i| 1.0 / own(i).sqrt()).collect();
        let exposures: Vec<f64> =
            weights.iter().zip(&self.variances).map(|(w, variance)| w * variance.volatility()).collect();
        let scaled: Vec<f64> = exposures.iter().zip(&each).map(|(x, each)| x * each).collect();
        let held: Vec<f64> =
            weights.iter().zip(&each).map(|(w, each)| if *w == 0.0 { 0.0 } else { *each }).collect();
        let n_held = weights.iter().filter(|w| **w != 0.0).count();
        let form = |v: &[f64]| packed::quadratic_form(&self.moments, v);
        let mean = |total: f64, n: usize| match n {
            0 | 1 => f64::NAN,
            _ => (total - n as f64) / (n * (n - 1)) as f64,
        };
        let all = form(&each);
        let of_held = if n_held == n { all } else { form(&held) };
        Ok(Some(BookSums {
            variance: form(&scaled).max(0.0),
            exposure: exposures.iter().sum(),
            squares: exposures.iter().map(|x| x * x).sum(),
            gross: exposures.iter().map(|x| x.abs()).sum(),
            n_held,
            mean_of_held: mean(of_held, n_held),
            mean: mean(all, n),
        }))
    }
}
