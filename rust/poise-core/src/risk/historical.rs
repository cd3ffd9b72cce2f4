//! One-shot historical value at risk and conditional value at risk, by selection.
//!
//! Nothing is sorted. A large sample is first sieved: a threshold taken from an evenly spaced subsample keeps a
//! little more than the tail in one branch-free pass, and the selection works on those few. The sieve only
//! saves time: where it keeps too few or too many, the selection runs on everything.

use ndarray::{Array1, ArrayView1, ArrayView2, Axis};
use poise_simd::{Kernel, Simd, dispatch};

use super::tail::{Tail, TailRank};
use crate::sums::sum;
use crate::{Result, validate};

/// Sample sizes from which the sieve pays.
const SIEVE_FROM: usize = 256;

/// Value at risk and conditional value at risk of a sample of returns.
///
/// # Errors
/// Empty or not finite returns, a level outside (0, 1).
pub fn historical_tail(returns: ArrayView1<'_, f64>, confidence_level: f64) -> Result<Tail> {
    validate::confidence_level(confidence_level)?;
    validate::non_empty("returns", "observation", returns)?;
    let rank = TailRank::new(returns.len(), confidence_level);
    Ok(select(&mut worst(returns, rank)?, rank))
}

/// As [`historical_tail`], at every one of several levels: the sample is looked through once.
///
/// # Errors
/// As [`historical_tail`].
pub fn historical_tails(returns: ArrayView1<'_, f64>, confidence_levels: &[f64]) -> Result<Vec<Tail>> {
    validate::non_empty("returns", "observation", returns)?;
    confidence_levels.iter().try_for_each(|level| validate::confidence_level(*level))?;
    let ranks = confidence_levels.iter().map(|level| TailRank::new(returns.len(), *level));
    let Some(widest) = ranks.clone().max_by_key(|rank| rank.index) else { return Ok(Vec::new()) };
    let mut scratch = worst(returns, widest)?;
    Ok(ranks.map(|rank| select(&mut scratch, rank)).collect())
}

/// Every return up to the boundary of the tail, and others, in no order.
fn worst(returns: ArrayView1<'_, f64>, rank: TailRank) -> Result<Vec<f64>> {
    if let Some(kept) = returns.as_slice().and_then(|values| sieve(values, rank)) {
        return Ok(kept);
    }
    validate::finite("returns", returns)?;
    Ok(returns.to_vec())
}

/// As [`historical_tail`], for every column of `returns`: the values at risk and the conditional ones.
///
/// # Errors
/// As [`historical_tail`]; the position of a bad value is its row and column.
pub fn historical_tail_columns(
    returns: ArrayView2<'_, f64>,
    confidence_level: f64,
) -> Result<(Array1<f64>, Array1<f64>)> {
    validate::confidence_level(confidence_level)?;
    let (n_observations, n_assets) = returns.dim();
    if n_observations == 0 {
        return Err(crate::Error::Empty { what: "returns", unit: "observation" });
    }
    validate::finite_matrix("returns", returns)?;
    let rank = TailRank::new(n_observations, confidence_level);
    let mut scratch = Vec::with_capacity(n_observations);
    let mut value_at_risk = Array1::zeros(n_assets);
    let mut conditional = Array1::zeros(n_assets);
    for (asset, column) in returns.axis_iter(Axis(1)).enumerate() {
        scratch.clear();
        scratch.extend(column);
        let tail = select(&mut scratch, rank);
        value_at_risk[asset] = tail.value_at_risk;
        conditional[asset] = tail.conditional_value_at_risk;
    }
    Ok((value_at_risk, conditional))
}

/// Puts the worst returns first and reads both numbers off.
pub(super) fn select(values: &mut [f64], rank: TailRank) -> Tail {
    let (worst, boundary, _) = values.select_nth_unstable_by(rank.index, f64::total_cmp);
    rank.tail(sum(worst), *boundary)
}

/// The returns at or below a threshold guessed to keep just over the tail; `None` where the guess fails or
/// does not pay, or where a value is not finite.
fn sieve(returns: &[f64], rank: TailRank) -> Option<Vec<f64>> {
    let n = returns.len();
    if n < SIEVE_FROM || 4 * rank.index > n {
        return None;
    }
    let sample_size = if n < 16_384 { 64 } else { 2048 };
    let share = (rank.index + 1) as f64 / n as f64;
    // Four standard deviations of the sampled count above its mean: the guess falls short once in 30 000.
    let mean = share * sample_size as f64;
    let position = (mean + 4.0 * mean.sqrt()).ceil() as usize;
    let capacity = (2 * position + 8) * n / sample_size;
    let mut sample: Vec<f64> = returns.iter().step_by(n / sample_size).copied().take(sample_size).collect();
    if position >= sample.len() {
        return None;
    }
    let threshold = *sample.select_nth_unstable_by(position, f64::total_cmp).1;

    let mut kept = vec![0.0; capacity];
    let count = dispatch(Sieve { returns, threshold, kept: &mut kept })?;
    kept.truncate(count);
    (count > rank.index).then_some(kept)
}

/// Puts the returns at or below the threshold into `kept` and says how many there are; `None` where they do not
/// fit, or a return is not finite.
struct Sieve<'a> {
    returns: &'a [f64],
    threshold: f64,
    kept: &'a mut [f64],
}

impl Kernel for Sieve<'_> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<usize> {
        let (blocks, rest) = simd.blocks(self.returns);
        let (threshold, zero) = (simd.splat(self.threshold), simd.splat(0.0));
        // A NaN or an infinity times zero is NaN, and stays; one sum would be a chain of additions.
        let mut poison = [zero; 4];
        let mut count = 0;
        let (quads, last_blocks) = blocks.as_chunks::<4>();
        for quad in quads {
            for (poison, block) in poison.iter_mut().zip(quad) {
                count += simd.compress_at_most(block, threshold, place(simd, self.kept, count)?);
                *poison = simd.mul_add(simd.load(block), zero, *poison);
            }
        }
        for block in last_blocks {
            count += simd.compress_at_most(block, threshold, place(simd, self.kept, count)?);
            poison[0] = simd.mul_add(simd.load(block), zero, poison[0]);
        }
        for value in rest.iter().filter(|value| **value <= self.threshold) {
            *self.kept.get_mut(count)? = *value;
            count += 1;
        }
        let finite =
            poison.iter().all(|sum| simd.sum(*sum) == 0.0) && rest.iter().all(|value| value.is_finite());
        finite.then_some(count)
    }
}

/// Where the next block of kept returns may be written.
#[inline(always)]
fn place<S: Simd>(simd: S, kept: &mut [f64], count: usize) -> Option<&mut S::Block> {
    simd.blocks_mut(kept.get_mut(count..)?).0.first_mut()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, arr1, arr2};
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    /// The convention read off a full sort.
    fn sorted_tail(returns: &[f64], confidence_level: f64) -> Tail {
        let mut sorted = returns.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = TailRank::new(sorted.len(), confidence_level);
        rank.tail(sorted[..rank.index].iter().sum(), sorted[rank.index])
    }

    #[test]
    fn ranks_of_the_convention() {
        let losses: Array1<f64> = Array::range(1.0, 101.0, 1.0);
        assert_eq!(historical_tail((-losses).view(), 0.99).unwrap().value_at_risk, 99.0);
        let ten = arr1(&[-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -9.0, -10.0]);
        let tail = historical_tail(ten.view(), 0.975).unwrap();
        assert_eq!((tail.value_at_risk, tail.conditional_value_at_risk), (10.0, 10.0));
    }

    #[test]
    fn the_boundary_counts_in_part() {
        // a n = 3.75: the worst wholly, a quarter of the next. (5 + 0.25 * 2) / 1.25
        let tail = historical_tail(arr1(&[1.0, -2.0, 0.5, -5.0, 3.0]).view(), 0.75).unwrap();
        assert_eq!(tail.value_at_risk, 2.0);
        assert!((tail.conditional_value_at_risk - 4.4).abs() < 1e-15);
    }

    #[test]
    fn one_observation_is_both_numbers() {
        let tail = historical_tail(arr1(&[0.0]).view(), 0.95).unwrap();
        assert_eq!(tail, Tail { value_at_risk: 0.0, conditional_value_at_risk: 0.0 });
        assert!(tail.value_at_risk.is_sign_positive());
    }

    #[test]
    fn bad_input_is_named() {
        let empty = historical_tail(arr1(&[]).view(), 0.95).unwrap_err();
        assert!(matches!(empty, Error::Empty { .. }));
        for n in [3, 5000] {
            let mut returns = Array1::from_shape_fn(n, |i| (i as f64).sin());
            returns[n - 1] = f64::INFINITY;
            let error = historical_tail(returns.view(), 0.95).unwrap_err();
            assert!(error.to_string().contains(&format!("index {}", n - 1)), "{error}");
            returns[n / 2] = f64::NAN;
            let error = historical_tail(returns.view(), 0.95).unwrap_err();
            assert!(error.to_string().contains(&format!("index {}", n / 2)), "{error}");
        }
        let matrix = arr2(&[[0.0, 1.0], [0.0, f64::NAN]]);
        let error = historical_tail_columns(matrix.view(), 0.95).unwrap_err();
        assert!(error.to_string().contains("row 1, column 1"), "{error}");
        for level in [0.0, 1.0, -0.5, f64::NAN] {
            assert!(historical_tail(arr1(&[0.1]).view(), level).is_err());
        }
    }

    #[test]
    fn a_sample_that_misleads_the_sieve_changes_nothing() {
        // The subsample sees only zeros, or only the worst.
        let n = 6400;
        let mut hidden = vec![-1.0; n];
        let mut seen = vec![0.0; n];
        for i in (0..n).step_by(n / 64) {
            hidden[i] = 0.0;
            seen[i] = -1.0;
        }
        for returns in [hidden, seen] {
            let tail = historical_tail(arr1(&returns).view(), 0.95).unwrap();
            assert_eq!(tail, sorted_tail(&returns, 0.95));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn selection_agrees_with_a_full_sort(
            n in 1_usize..3000, seed in any::<u32>(), levels in 1_u32..1000, coarse in any::<bool>(),
        ) {
            let confidence_level = f64::from(levels) / 1000.0;
            let returns = super::super::testing::noise(n, seed, coarse);
            let tail = historical_tail(arr1(&returns).view(), confidence_level).unwrap();
            let expected = sorted_tail(&returns, confidence_level);
            prop_assert_eq!(tail.value_at_risk, expected.value_at_risk);
            let error = (tail.conditional_value_at_risk - expected.conditional_value_at_risk).abs();
            prop_assert!(error <= 1e-12, "{error}");
            prop_assert!(tail.conditional_value_at_risk >= tail.value_at_risk);
        }
    }
}
