//! The sample that the shrinkage estimators start from: complete rows, divisor `n_observations`.

use ndarray::{Array2, ArrayView2, Axis};
use poise_simd::Simd;

use super::gaps;
use super::gram::{BLOCK_ROWS, Gram};
use super::packed;
use super::panels::{Slots, Source};
use crate::{Error, Result, validate};

/// Covariance of complete rows, in a unit near the largest deviation, so that fourth moments of tiny returns
/// do not underflow.
#[derive(Debug)]
pub(super) struct CompleteSample {
    pub(super) n_observations: usize,
    /// A power of two; zero where nothing moves.
    pub(super) unit: f64,
    /// With divisor `n_observations`, over `unit^2`.
    pub(super) covariance: Array2<f64>,
    /// `E ||x - mean||^4 / unit^4`.
    pub(super) mean_fourth_power: f64,
}

impl CompleteSample {
    /// Refuses gaps, and rows fewer than `least`.
    pub(super) fn of(what: &'static str, returns: ArrayView2<'_, f64>, least: usize) -> Result<Self> {
        validate::finite_matrix("R", returns)?;
        if returns.is_empty() {
            gaps::has_gaps("R", returns)?;
        }
        let (n_observations, n_assets) = returns.dim();
        if n_observations < least {
            return Err(Error::TooFew { what, needed: least, found: n_observations });
        }
        let (mean, unit) = mean_and_unit(returns);
        let mut sample = Self {
            n_observations,
            unit,
            covariance: Array2::zeros((n_assets, n_assets)),
            mean_fourth_power: 0.0,
        };
        if unit > 0.0 {
            sample.measure(returns, &mean);
        }
        let total = sample.covariance.diag().sum() * unit * unit;
        if !total.is_finite() {
            let what = "the sample covariance of R";
            return Err(Error::NonFinite { what, value: total, position: "its diagonal".into() });
        }
        Ok(sample)
    }

    fn measure(&mut self, returns: ArrayView2<'_, f64>, mean: &[f64]) {
        let n_assets = mean.len();
        let mut gram = Gram::default();
        let mut sums = vec![0.0; packed::size(n_assets)];
        let mut centred = Centred { mean, inverse: 1.0 / self.unit, fourth_powers: 0.0 };
        for rows in returns.axis_chunks_iter(Axis(0), BLOCK_ROWS) {
            gram.add_made(&mut sums, 1.0, rows, &mut centred);
        }
        let n_observations = self.n_observations as f64;
        self.covariance = packed::symmetric(&sums, n_assets, |_, _, sum| sum / n_observations);
        self.mean_fourth_power = centred.fourth_powers / n_observations;
    }

    /// In the unit of the returns.
    pub(super) fn restore(&self, mut covariance: Array2<f64>) -> Array2<f64> {
        covariance.mapv_inplace(|x| x * self.unit * self.unit);
        covariance
    }
}

/// Means, taken as distances from the first row so that a constant asset has its value exactly, and the power
/// of two below the largest such distance, held where its inverse is a number.
fn mean_and_unit(returns: ArrayView2<'_, f64>) -> (Vec<f64>, f64) {
    let first = returns.row(0).to_vec();
    let (mut sums, mut largest) = (vec![0.0; returns.ncols()], vec![0.0_f64; returns.ncols()]);
    for_each_row(returns, |row| {
        for (((sum, most), x), start) in sums.iter_mut().zip(&mut largest).zip(row).zip(&first) {
            let distance = x - start;
            *sum += distance;
            *most = most.max(distance.abs());
        }
    });
    let n = returns.nrows() as f64;
    let mean = sums.iter().zip(&first).map(|(sum, start)| start + sum / n).collect();
    let most = largest.iter().fold(0.0_f64, |most, &x| most.max(x));
    let unit = if most > 0.0 { most.log2().floor().clamp(-1000.0, 1000.0).exp2() } else { 0.0 };
    (mean, unit)
}

/// Hands over each row as a slice, whose loops the compiler can vectorise; strided rows are copied.
pub(super) fn for_each_row(returns: ArrayView2<'_, f64>, mut visit: impl FnMut(&[f64])) {
    let mut copy = Vec::new();
    for row in returns.rows() {
        if let Some(values) = row.as_slice() {
            visit(values);
        } else {
            copy.clear();
            copy.extend(row);
            visit(&copy);
        }
    }
}

/// Makes centred rows, and adds up their norms to the fourth power.
struct Centred<'a> {
    mean: &'a [f64],
    inverse: f64,
    fourth_powers: f64,
}

impl Source for Centred<'_> {
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, _k: usize, row: &[f64], mut slots: Slots<'_, S::Block>) {
        let (inverse, mut norm) = (simd.splat(self.inverse), simd.splat(0.0));
        let ((means, means_rest), (rows, row_rest)) = (simd.blocks(self.mean), simd.blocks(row));
        for (v, (mean, row)) in means.iter().zip(rows).enumerate() {
            let z = simd.mul(simd.sub(simd.load(row), simd.load(mean)), inverse);
            norm = simd.mul_add(z, z, norm);
            if let Some(slot) = slots.get(v) {
                simd.store(slot, z);
            }
        }
        if let Some(slot) = slots.get(rows.len()).filter(|_| !row_rest.is_empty()) {
            let z = simd.mul(simd.sub(simd.load_partial(row_rest), simd.load_partial(means_rest)), inverse);
            norm = simd.mul_add(z, z, norm);
            simd.store(slot, z);
        }
        self.fourth_powers += simd.sum(norm).powi(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn by_hand() {
        let sample = CompleteSample::of("test", arr2(&[[1.0, 2.0], [5.0, 2.0]]).view(), 2).unwrap();
        assert_eq!((sample.unit, sample.mean_fourth_power), (4.0, 1.0 / 16.0));
        assert_eq!(sample.covariance, arr2(&[[0.25, 0.0], [0.0, 0.0]]));
        assert_eq!(sample.restore(sample.covariance.clone()), arr2(&[[4.0, 0.0], [0.0, 0.0]]));
    }

    #[test]
    fn refuses_gaps_few_rows_and_returns_whose_squares_overflow() {
        let gap = arr2(&[[1.0, 2.0], [1.0, f64::NAN]]);
        let error = CompleteSample::of("test", gap.view(), 2).unwrap_err();
        assert!(error.to_string().contains("row 1, column 1"));
        let error = CompleteSample::of("test", arr2(&[[1.0, 2.0]]).view(), 2).unwrap_err();
        assert_eq!(error, Error::TooFew { what: "test", needed: 2, found: 1 });
        for shape in [(0, 3), (3, 0)] {
            let error = CompleteSample::of("test", Array2::zeros(shape).view(), 2).unwrap_err();
            assert!(matches!(error, Error::Empty { .. }));
        }
        for huge in [1e200, 1e308] {
            let error = CompleteSample::of("test", arr2(&[[huge], [-huge]]).view(), 2).unwrap_err();
            assert!(matches!(error, Error::NonFinite { what: "the sample covariance of R", .. }));
        }
    }
}
