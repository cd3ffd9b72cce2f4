//! Value at risk and conditional value at risk of weighted observations.
//!
//! Boudoukh, Richardson and Whitelaw (1998), "The best of both worlds": sort, cumulate weight from the worst loss
//! up to the tail mass `1 - a`, and count the observation at the boundary in part. Equal weights give the
//! convention of `tail` exactly.

use ndarray::{Array1, ArrayView1, ArrayView2, Axis};

use super::tail::{RANK_GUARD, Tail};
use crate::{Error, Result, validate};

/// Value at risk and conditional value at risk of every column, each row with a non-negative weight of any scale.
///
/// A row of weight zero is as good as absent.
///
/// # Errors
/// Empty or not finite arguments, lengths that differ, a negative weight, no positive weight, a level outside
/// (0, 1).
pub fn weighted_tail(
    returns: ArrayView2<'_, f64>,
    observation_weights: ArrayView1<'_, f64>,
    confidence_level: f64,
) -> Result<(Array1<f64>, Array1<f64>)> {
    validate::confidence_level(confidence_level)?;
    if returns.nrows() == 0 {
        return Err(Error::Empty { what: "returns", unit: "observation" });
    }
    validate::finite_matrix("returns", returns)?;
    let shares = in_units_of_the_largest(observation_weights, returns.nrows())?;
    let mut pairs = Vec::with_capacity(returns.nrows());
    let mut value_at_risk = Array1::zeros(returns.ncols());
    let mut conditional = Array1::zeros(returns.ncols());
    for (asset, column) in returns.axis_iter(Axis(1)).enumerate() {
        pairs.clear();
        pairs.extend(column.iter().copied().zip(shares.iter().copied()).filter(|(_, share)| *share > 0.0));
        pairs.sort_by(|a: &(f64, f64), b| a.0.total_cmp(&b.0));
        let tail = tail_of_sorted(&pairs, confidence_level);
        value_at_risk[asset] = tail.value_at_risk;
        conditional[asset] = tail.conditional_value_at_risk;
    }
    Ok((value_at_risk, conditional))
}

/// The weights scaled so that sums neither overflow nor vanish.
fn in_units_of_the_largest(weights: ArrayView1<'_, f64>, n_observations: usize) -> Result<Array1<f64>> {
    validate::length("weights", weights, n_observations)?;
    validate::finite("weights", weights)?;
    if let Some(&value) = weights.iter().find(|weight| **weight < 0.0) {
        return Err(Error::OutOfRange {
            what: "weights",
            value,
            range: "zero or more for every observation",
        });
    }
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest == 0.0 {
        return Err(Error::OutOfRange {
            what: "the sum of weights",
            value: 0.0,
            range: "a positive number; give at least one observation a weight",
        });
    }
    Ok(weights.mapv(|weight| weight / largest))
}

fn tail_of_sorted(pairs: &[(f64, f64)], confidence_level: f64) -> Tail {
    let total: f64 = pairs.iter().map(|(_, weight)| weight).sum();
    let mass = total - confidence_level * total;
    let guard = RANK_GUARD * total / pairs.len() as f64;
    let (mut counted, mut loss) = (0.0, 0.0);
    let last = pairs.len() - 1;
    for &(value, weight) in &pairs[..last] {
        if counted + weight > mass + guard {
            return finish(value, counted, loss, mass);
        }
        counted += weight;
        loss += weight * value;
    }
    finish(pairs[last].0, counted, loss, mass)
}

/// Counts of the boundary observation what is missing to the tail mass.
fn finish(boundary: f64, counted: f64, loss: f64, mass: f64) -> Tail {
    let mean = if mass > 0.0 { (loss + (mass - counted) * boundary) / mass } else { boundary };
    Tail::from_returns(boundary, mean)
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};
    use proptest::prelude::*;

    use super::super::historical::historical_tail;
    use super::super::testing::noise;
    use super::*;

    fn one(returns: &[f64], weights: &[f64], level: f64) -> Result<(f64, f64)> {
        let column = ArrayView2::from_shape((returns.len(), 1), returns).unwrap();
        let (var, cvar) = weighted_tail(column, ArrayView1::from(weights), level)?;
        Ok((var[0], cvar[0]))
    }

    #[test]
    fn the_boundary_is_split_by_weight() {
        // Tail mass 0.3: the worst takes 0.2, the next 0.1 of its 0.5.
        let (var, cvar) = one(&[0.01, -0.05, -0.02], &[0.3, 0.2, 0.5], 0.7).unwrap();
        assert_eq!(var, 0.02);
        assert!((cvar - (0.2 * 0.05 + 0.1 * 0.02) / 0.3).abs() < 1e-15);
    }

    #[test]
    fn scale_and_absent_rows_do_not_matter() {
        let plain = one(&[0.01, -0.05, -0.02], &[0.3, 0.2, 0.5], 0.7).unwrap();
        let tiny = one(&[0.01, -0.05, -0.02, -9.0], &[3e-309, 2e-309, 5e-309, 0.0], 0.7).unwrap();
        assert!((plain.0 - tiny.0).abs() < 1e-15 && (plain.1 - tiny.1).abs() < 1e-12);
    }

    #[test]
    fn useless_weights_are_refused() {
        assert!(one(&[0.1, 0.2], &[1.0, -1.0], 0.9).unwrap_err().to_string().contains("-1"));
        assert!(one(&[0.1, 0.2], &[0.0, 0.0], 0.9).unwrap_err().to_string().contains("sum of weights"));
        assert!(one(&[0.1, 0.2], &[1.0], 0.9).unwrap_err().to_string().contains("(2,)"));
        assert!(one(&[0.1, 0.2], &[1.0, f64::NAN], 0.9).unwrap_err().to_string().contains("index 1"));
        assert!(weighted_tail(arr2(&[[]]).view(), arr1(&[1.0]).view(), 0.9).unwrap().0.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn equal_weights_are_no_weights(
            n in 1_usize..200, seed in any::<u32>(), levels in 1_u32..1000, weight in 1e-3_f64..1e3,
        ) {
            let level = f64::from(levels) / 1000.0;
            let returns = noise(n, seed, seed % 2 == 0);
            let (var, cvar) = one(&returns, &vec![weight; n], level).unwrap();
            let plain = historical_tail(arr1(&returns).view(), level).unwrap();
            prop_assert_eq!(var, plain.value_at_risk);
            prop_assert!((cvar - plain.conditional_value_at_risk).abs() < 1e-12);
        }
    }
}
