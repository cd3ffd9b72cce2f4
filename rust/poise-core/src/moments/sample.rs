//! The covariance in which every observation counts the same.

use ndarray::{Array2, ArrayView2};

use super::accumulator::Accumulator;
use super::scheme::Scheme;
use crate::Result;

/// The sample covariance with divisor `n - ddof`, over the common observations of each pair.
///
/// NaN where a pair has no more than `ddof` common observations, as in `pandas.DataFrame.cov`.
pub fn sample_covariance(returns: ArrayView2<'_, f64>, ddof: u64) -> Result<Array2<f64>> {
    let scheme = Scheme::equal_weights(ddof);
    Ok(Accumulator::of(&scheme, "R", returns)?.covariance(&scheme))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn by_hand() {
        let covariance = sample_covariance(arr2(&[[1.0, 2.0], [3.0, 1.0], [5.0, 6.0]]).view(), 1).unwrap();
        let expected = arr2(&[[4.0, 4.0], [4.0, 7.0]]);
        assert!((covariance - expected).iter().all(|difference| difference.abs() < 1e-14));
    }

    #[test]
    fn too_few_observations_have_no_covariance() {
        let rows = arr2(&[[1.0, 2.0], [f64::NAN, 1.0], [f64::NAN, 4.0]]);
        let covariance = sample_covariance(rows.view(), 1).unwrap();
        assert!(covariance[(0, 0)].is_nan() && covariance[(0, 1)].is_nan());
        assert!((covariance[(1, 1)] - 7.0 / 3.0).abs() < 1e-15);
    }
}
