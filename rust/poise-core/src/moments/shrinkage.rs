//! Shrinkage towards constant correlation.
//!
//! Ledoit and Wolf (2004), "Honey, I shrunk the sample covariance matrix", appendix, with the expectations
//! taken under any weights `p` and `n_eff = 1 / sum p^2` for the number of observations. The double sums of
//! the paper factor over observations, so that beside the covariance one pass over the returns is enough:
//! `sum_ij E[z_i^2 z_j^2] = E[(sum_i z_i^2)^2]` and likewise for the mixed third moments.
//! Names: `s` deviations, `mean_correlation` r-bar, `target` F, `intensity` delta.

use ndarray::{Array2, ArrayView2};
use poise_simd::{Kernel, Simd, dispatch};

use super::accumulator::Accumulator;
use super::dense::Dense;
use super::gaps;
use super::scheme::{Correction, EwmaRule, Scheme};
use crate::{Error, Result, validate};

/// Below this share of the squared norm of the covariance the target is the covariance.
pub(super) const SAME_AS_TARGET: f64 = 1e-14;

/// A covariance pulled towards its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Shrunk {
    /// `intensity * target + (1 - intensity) * covariance`.
    pub covariance: Array2<f64>,
    /// How far it was pulled, between 0 and 1.
    pub intensity: f64,
}

/// Shrinks the covariance of complete rows towards constant correlation; equal weights, or exponential ones.
pub fn constant_correlation_shrinkage(
    returns: ArrayView2<'_, f64>,
    half_life: Option<f64>,
    demean: bool,
) -> Result<Shrunk> {
    let scheme = match half_life {
        Some(half_life) => Scheme::exponential(&EwmaRule { bias: true, demean, ..EwmaRule::new(half_life) })?,
        None => Scheme { demean, correction: Correction::None, ..Scheme::equal_weights(0) },
    };
    validate::finite_matrix("R", returns)?;
    gaps::has_gaps_or_giants("R", returns)?;
    if returns.nrows() < 2 {
        return Err(Error::TooFew { what: "constant-correlation shrinkage", needed: 2, found: 1 });
    }
    let mut moments = Dense::new(returns.ncols());
    moments.absorb(&scheme, returns);
    let sample = Accumulator::Dense(moments.clone()).covariance(&scheme);
    Ok(shrink(sample, returns, &moments, &scheme))
}

fn shrink(mut sample: Array2<f64>, returns: ArrayView2<'_, f64>, moments: &Dense, scheme: &Scheme) -> Shrunk {
    // Fourth moments of tiny returns would underflow: work in units of the largest deviation.
    let unit = sample.diag().iter().fold(0.0_f64, |most, &x| most.max(x)).sqrt();
    if unit == 0.0 || sample.nrows() == 1 {
        return Shrunk { covariance: sample, intensity: 0.0 };
    }
    let scaled = sample.mapv(|x| x / unit / unit);
    let s: Vec<f64> = scaled.diag().iter().map(|x| x.sqrt()).collect();
    let mean_correlation = mean_correlation(&scaled, &s);
    let mixed = fourth_moments(returns, moments, scheme, &s, unit);

    let (mut off_target, mut off_sample, mut gamma) = (0.0, 0.0, 0.0);
    for ((i, j), &entry) in scaled.indexed_iter().filter(|((i, j), _)| i != j) {
        let deviations = s[i] * s[j];
        off_target += deviations * entry;
        off_sample += entry * entry;
        gamma += (mean_correlation * deviations - entry).powi(2);
    }
    let squared_diagonal: f64 = scaled.diag().iter().map(|x| x * x).sum();
    let norm = squared_diagonal + off_sample;
    let pi = mixed.all_pairs - norm;
    let rho = mixed.own - squared_diagonal + mean_correlation * (mixed.third - mixed.own - off_target);
    let memory = &moments.memory;
    let n_effective = memory.sum * memory.sum / memory.sum_of_squares;
    let intensity = if gamma <= SAME_AS_TARGET * norm {
        1.0
    } else {
        let ratio = (pi - rho) / (gamma * n_effective);
        // Where weights fall so fast that fourth moments overflow, one observation counts: the sample is noise.
        if ratio.is_nan() { 1.0 } else { ratio.clamp(0.0, 1.0) }
    };
    for ((i, j), entry) in sample.indexed_iter_mut().filter(|((i, j), _)| i != j) {
        // The same product on both sides of the diagonal: exactly symmetric.
        let target = mean_correlation * ((s[i] * unit) * (s[j] * unit));
        *entry = intensity * target + (1.0 - intensity) * *entry;
    }
    Shrunk { covariance: sample, intensity }
}

/// The mean correlation of all pairs that move; zero when there is no such pair.
fn mean_correlation(covariance: &Array2<f64>, s: &[f64]) -> f64 {
    let (mut sum, mut n_pairs) = (0.0, 0.0);
    for i in 0..s.len() {
        for j in (0..i).filter(|&j| s[i] > 0.0 && s[j] > 0.0) {
            sum += covariance[(i, j)] / (s[i] * s[j]);
            n_pairs += 1.0;
        }
    }
    if n_pairs > 0.0 { sum / n_pairs } else { 0.0 }
}

/// Sums of fourth moments over pairs of assets.
#[derive(Default)]
struct FourthMoments {
    /// `sum_ij E[z_i^2 z_j^2]`.
    all_pairs: f64,
    /// `sum_i E[z_i^4]`.
    own: f64,
    /// `sum_ij (s_j / s_i) E[z_i^3 z_j]`.
    third: f64,
}

fn fourth_moments(
    returns: ArrayView2<'_, f64>,
    moments: &Dense,
    scheme: &Scheme,
    s: &[f64],
    unit: f64,
) -> FourthMoments {
    let mut sums = FourthMoments::default();
    let mut weight = 1.0 / moments.memory.sum;
    // What never moves has no part: a scale of zero makes its deviations zero.
    let scale: Vec<f64> = s.iter().map(|&s| if s > 0.0 { 1.0 / unit } else { 0.0 }).collect();
    let inverse: Vec<f64> = s.iter().map(|&s| if s > 0.0 { 1.0 / s } else { 0.0 }).collect();
    let mut z = vec![0.0; s.len()];
    for row in returns.rows().into_iter().rev() {
        for (((z, &x), mean), scale) in z.iter_mut().zip(row).zip(&moments.mean).zip(&scale) {
            *z = (x - mean) * scale;
        }
        let PowerSums { squares, fourths, cubes, firsts } = dispatch(Powers { z: &z, s, inverse: &inverse });
        sums.all_pairs += weight * squares * squares;
        sums.own += weight * fourths;
        sums.third += weight * cubes * firsts;
        weight *= scheme.decay_factor;
    }
    sums
}

/// Sums over the assets of one row.
struct PowerSums {
    /// `sum z^2`.
    squares: f64,
    /// `sum z^4`.
    fourths: f64,
    /// `sum z^3 / s`.
    cubes: f64,
    /// `sum s z`.
    firsts: f64,
}

struct Powers<'a> {
    z: &'a [f64],
    s: &'a [f64],
    inverse: &'a [f64],
}

impl Kernel for Powers<'_> {
    type Output = PowerSums;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> PowerSums {
        let (z, z_rest) = simd.blocks(self.z);
        let (s, s_rest) = simd.blocks(self.s);
        let (inverse, inverse_rest) = simd.blocks(self.inverse);
        let zero = simd.splat(0.0);
        let (mut squares, mut fourths, mut cubes, mut firsts) = (zero, zero, zero, zero);
        for ((z, s), inverse) in z.iter().zip(s).zip(inverse) {
            let z = simd.load(z);
            let square = simd.mul(z, z);
            squares = simd.add(squares, square);
            fourths = simd.mul_add(square, square, fourths);
            cubes = simd.mul_add(simd.mul(square, z), simd.load(inverse), cubes);
            firsts = simd.mul_add(simd.load(s), z, firsts);
        }
        let mut sums = PowerSums {
            squares: simd.sum(squares),
            fourths: simd.sum(fourths),
            cubes: simd.sum(cubes),
            firsts: simd.sum(firsts),
        };
        for ((z, s), inverse) in z_rest.iter().zip(s_rest).zip(inverse_rest) {
            let square = z * z;
            sums.squares += square;
            sums.fourths += square * square;
            sums.cubes += square * z * inverse;
            sums.firsts += s * z;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, arr2};

    /// The double loops of the paper, divisor T.
    fn paper(x: &Array2<f64>) -> f64 {
        let (t, n) = x.dim();
        let mean = x.mean_axis(ndarray::Axis(0)).unwrap();
        let z = x - &mean;
        let e = |f: &dyn Fn(usize) -> f64| (0..t).map(f).sum::<f64>() / t as f64;
        let s = Array2::from_shape_fn((n, n), |(i, j)| e(&|k| z[(k, i)] * z[(k, j)]));
        let sd: Vec<f64> = (0..n).map(|i| s[(i, i)].sqrt()).collect();
        let r = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| s[(i, j)] / (sd[i] * sd[j]));
        let r = r.sum::<f64>() * 2.0 / (n * (n - 1)) as f64;
        let (mut pi, mut rho, mut gamma) = (0.0, 0.0, 0.0);
        for i in 0..n {
            for j in 0..n {
                let pi_ij = e(&|k| (z[(k, i)] * z[(k, j)] - s[(i, j)]).powi(2));
                pi += pi_ij;
                if i == j {
                    rho += pi_ij;
                    continue;
                }
                let theta =
                    |a: usize| e(&|k| (z[(k, a)].powi(2) - s[(a, a)]) * (z[(k, i)] * z[(k, j)] - s[(i, j)]));
                rho += r / 2.0 * (sd[j] / sd[i] * theta(i) + sd[i] / sd[j] * theta(j));
                gamma += (r * sd[i] * sd[j] - s[(i, j)]).powi(2);
            }
        }
        ((pi - rho) / (gamma * t as f64)).clamp(0.0, 1.0)
    }

    #[test]
    fn both_sides_of_the_diagonal_are_the_same_bits() {
        // Found by fuzzing: the target was rounded in another order above the diagonal.
        for seed in 1..20 {
            let x = Array2::from_shape_fn((5, 7), |(t, i)| ((seed * (t + 2) * (i + 3)) as f64).sin());
            let covariance = constant_correlation_shrinkage(x.view(), None, true).unwrap().covariance;
            assert_eq!(covariance, covariance.t());
        }
    }

    #[test]
    fn weights_that_leave_one_observation_leave_the_target() {
        // Found by fuzzing: NaN.
        let shrunk = constant_correlation_shrinkage(returns().view(), Some(1e-3), true).unwrap();
        assert_eq!(shrunk.intensity, 1.0);
        assert!(shrunk.covariance.iter().all(|x| x.is_finite()));
    }

    fn returns() -> Array2<f64> {
        Array2::from_shape_fn((60, 4), |(t, i)| {
            let market = (t as f64 * 1.7).sin();
            0.01 * (market + (1.0 + i as f64) * ((t * (i + 2)) as f64 * 0.9).cos())
        })
    }

    #[test]
    fn equals_the_double_loops_of_the_paper() {
        let x = returns();
        let shrunk = constant_correlation_shrinkage(x.view(), None, true).unwrap();
        let expected = paper(&x);
        assert!(expected > 0.0 && expected < 1.0, "{expected}");
        assert!((shrunk.intensity - expected).abs() < 1e-12 * expected);
    }

    #[test]
    fn does_not_depend_on_the_unit() {
        let x = returns();
        let one = constant_correlation_shrinkage(x.view(), Some(20.0), true).unwrap();
        let tiny = constant_correlation_shrinkage((&x * 1e-90).view(), Some(20.0), true).unwrap();
        assert!((one.intensity - tiny.intensity).abs() < 1e-12);
    }

    #[test]
    fn assets_that_never_move_stay_out() {
        let mut x = returns();
        x.column_mut(2).fill(0.001);
        let shrunk = constant_correlation_shrinkage(x.view(), None, true).unwrap();
        assert!(shrunk.covariance.row(2).iter().all(|&entry| entry == 0.0));
        assert!(shrunk.covariance.iter().all(|entry| entry.is_finite()));
    }

    #[test]
    fn refuses_gaps_and_a_single_row() {
        let gap = arr2(&[[1.0, 2.0], [1.0, f64::NAN]]);
        let error = constant_correlation_shrinkage(gap.view(), None, true).unwrap_err();
        assert!(error.to_string().contains("row 1, column 1"));
        let error = constant_correlation_shrinkage(arr2(&[[1.0, 2.0]]).view(), None, true).unwrap_err();
        assert_eq!(error, Error::TooFew { what: "constant-correlation shrinkage", needed: 2, found: 1 });
    }
}
