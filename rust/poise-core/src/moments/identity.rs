//! Shrinkage towards a multiple of the identity.
//!
//! Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices", and
//! Chen, Wiesel, Eldar and Hero (2010), "Shrinkage algorithms for MMSE covariance estimation" (OAS).
//! Names: `mu` the mean variance m, `p` assets, `n` observations, `gamma` `||S - mu I||^2` (d^2 p),
//! `pi` `sum_t ||x_t x_t' - S||^2 / n` (b-bar^2 n p). The sum over observations needs no products of squares:
//! `sum_t ||x_t x_t'||^2 = sum_t ||x_t||^4`.

use ndarray::{Array2, ArrayView2};

use super::complete::CompleteSample;
use super::shrinkage::{SAME_AS_TARGET, Shrunk};
use crate::Result;

/// Which formula of the oracle approximating intensity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OasFormula {
    /// Without the terms in `2 / p`, as scikit-learn has it.
    ScikitLearn,
    /// Equation 23 of the paper.
    Paper,
}

/// Shrinks the covariance of complete rows towards its mean variance, by Ledoit and Wolf's intensity.
pub fn ledoit_wolf(returns: ArrayView2<'_, f64>) -> Result<Shrunk> {
    let sample = CompleteSample::of("Ledoit-Wolf shrinkage", returns, 2)?;
    Ok(shrink(&sample, |size| {
        let n = sample.n_observations as f64;
        let pi = sample.mean_fourth_power - size.norm;
        (pi / (n * size.gamma)).clamp(0.0, 1.0)
    }))
}

/// Shrinks the covariance of complete rows towards its mean variance, by the oracle approximating intensity.
pub fn oas(returns: ArrayView2<'_, f64>, formula: OasFormula) -> Result<Shrunk> {
    let sample = CompleteSample::of("oracle approximating shrinkage", returns, 2)?;
    Ok(shrink(&sample, |size| {
        let (n, p) = (sample.n_observations as f64, size.n_assets);
        let squared_trace = (p * size.mu).powi(2);
        let intensity = match formula {
            OasFormula::ScikitLearn => (size.norm + squared_trace) / ((n + 1.0) * size.gamma),
            OasFormula::Paper => {
                let left_out = 2.0 / p;
                ((1.0 - left_out) * size.norm + squared_trace) / ((n + 1.0 - left_out) * size.gamma)
            }
        };
        intensity.min(1.0)
    }))
}

/// What the intensities are made of, in the unit of the sample.
struct Size {
    n_assets: f64,
    mu: f64,
    /// `||S||^2`.
    norm: f64,
    gamma: f64,
}

fn shrink(sample: &CompleteSample, intensity: impl FnOnce(&Size) -> f64) -> Shrunk {
    let covariance = &sample.covariance;
    let n_assets = covariance.nrows();
    if sample.unit == 0.0 || n_assets == 1 {
        return Shrunk { covariance: sample.restore(covariance.clone()), intensity: 0.0 };
    }
    let mu = covariance.diag().sum() / n_assets as f64;
    let (mut norm, mut gamma) = (0.0, 0.0);
    for ((i, j), &entry) in covariance.indexed_iter() {
        let target = if i == j { mu } else { 0.0 };
        norm += entry * entry;
        gamma += (entry - target) * (entry - target);
    }
    let intensity = if gamma <= SAME_AS_TARGET * norm {
        1.0
    } else {
        intensity(&Size { n_assets: n_assets as f64, mu, norm, gamma })
    };
    let pulled = Array2::from_shape_fn((n_assets, n_assets), |(i, j)| {
        let target = if i == j { intensity * mu } else { 0.0 };
        target + (1.0 - intensity) * covariance[(i, j)]
    });
    Shrunk { covariance: sample.restore(pulled), intensity }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Axis, Slice};

    fn returns() -> Array2<f64> {
        Array2::from_shape_fn((60, 11), |(t, i)| {
            let market = (t as f64 * 1.7).sin();
            0.01 * (market + (1.0 + i as f64) * ((t * (i + 2)) as f64 * 0.9).cos())
        })
    }

    /// The mean squared distance of the observations' outer products from their mean, as the paper has it.
    fn paper(x: &Array2<f64>) -> f64 {
        let (t, n) = x.dim();
        let z = x - &x.mean_axis(Axis(0)).unwrap();
        let s = z.t().dot(&z) / t as f64;
        let mu = s.diag().sum() / n as f64;
        let squared = |m: Array2<f64>| m.iter().map(|x| x * x).sum::<f64>();
        let gamma = squared(&s - &(Array2::<f64>::eye(n) * mu));
        let outer = |k: usize| Array2::from_shape_fn((n, n), |(i, j)| z[(k, i)] * z[(k, j)]);
        let pi = (0..t).map(|k| squared(outer(k) - &s)).sum::<f64>() / t as f64;
        (pi / t as f64 / gamma).min(1.0)
    }

    #[test]
    fn ledoit_wolf_equals_the_sum_over_outer_products() {
        let x = returns();
        let shrunk = ledoit_wolf(x.view()).unwrap();
        let expected = paper(&x);
        assert!(expected > 0.0 && expected < 1.0, "{expected}");
        assert!((shrunk.intensity - expected).abs() < 1e-12 * expected);
        let strided = Array2::from_shape_fn((120, 22), |(t, i)| x[(t / 2, i / 2)]);
        let every_second = Slice::new(0, None, 2);
        let mut view = strided.slice_axis(Axis(0), every_second);
        view.slice_axis_inplace(Axis(1), every_second);
        assert_eq!(ledoit_wolf(view).unwrap(), shrunk);
    }

    #[test]
    fn the_trace_stays_and_the_unit_does_not_matter() {
        let x = returns();
        let sample = CompleteSample::of("test", x.view(), 2).unwrap();
        let trace = sample.restore(sample.covariance.clone()).diag().sum();
        let estimators: [fn(&Array2<f64>) -> Shrunk; 3] = [
            |x| ledoit_wolf(x.view()).unwrap(),
            |x| oas(x.view(), OasFormula::ScikitLearn).unwrap(),
            |x| oas(x.view(), OasFormula::Paper).unwrap(),
        ];
        for estimate in estimators {
            let shrunk = estimate(&x);
            assert!(shrunk.intensity > 0.0 && shrunk.intensity < 1.0);
            assert!((shrunk.covariance.diag().sum() - trace).abs() < 1e-13 * trace);
            assert!((estimate(&(&x * 1e-90)).intensity - shrunk.intensity).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_to_shrink() {
        let still = ledoit_wolf(Array2::from_elem((5, 3), 0.01).view()).unwrap();
        assert_eq!(still, Shrunk { covariance: Array2::zeros((3, 3)), intensity: 0.0 });
        let single = oas(ndarray::arr2(&[[1.0], [3.0]]).view(), OasFormula::Paper).unwrap();
        assert_eq!(single, Shrunk { covariance: ndarray::arr2(&[[1.0]]), intensity: 0.0 });
        // Two uncorrelated assets of one variance are their own target.
        let square = ndarray::arr2(&[[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]);
        let shrunk = ledoit_wolf(square.view()).unwrap();
        assert_eq!(shrunk, Shrunk { covariance: Array2::eye(2), intensity: 1.0 });
    }
}
