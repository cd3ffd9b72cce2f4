//! Drawdowns of a compounded value that starts at 1.
//!
//! The value relative to its running maximum obeys `u <- min(1, u (1 + r))`, so neither the value nor its maximum
//! is formed and nothing overflows. A value that reaches zero or less stays lost: the drawdown is 1 from there.
//!
//! One step is the map `u -> min(c, p u)`, and such maps compose: the largest drawdown of a long series is taken
//! on several segments at once, each keeping `p` (the product), `c` (the end when it starts at its maximum) and
//! their least values on the way.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::{Error, Result, validate};

/// Segments that advance together.
const LANES: usize = 4;

/// Series shorter than this are walked in one go.
const SEGMENTS_FROM: usize = 256;

/// Products below this, or above its inverse, might have left the range of a float on the way.
const SAFE_PRODUCT: f64 = 1e-250;

/// Drawdown after each return, column by column: a positive fraction of the running maximum of the value,
/// the initial value counted.
///
/// # Errors
/// Empty or not finite returns.
pub fn drawdowns(returns: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    refuse_bad_matrix(returns)?;
    let mut relative = vec![1.0; returns.ncols()];
    let mut out = Array2::zeros(returns.dim());
    for (row, mut out_row) in returns.outer_iter().zip(out.outer_iter_mut()) {
        for ((level, value), drawdown) in relative.iter_mut().zip(row).zip(&mut out_row) {
            *level = step(*level, *value);
            *drawdown = 1.0 - *level;
        }
    }
    Ok(out)
}

/// The largest drawdown of one series.
///
/// # Errors
/// As [`drawdowns`].
pub fn max_drawdown(returns: ArrayView1<'_, f64>) -> Result<f64> {
    validate::non_empty("returns", "observation", returns)?;
    if let Some(lowest) = returns.as_slice().and_then(lowest_by_segments) {
        return Ok(1.0 - lowest);
    }
    validate::finite("returns", returns)?;
    Ok(1.0 - walk((1.0, 1.0), returns).1)
}

/// As [`max_drawdown`], for every column.
///
/// # Errors
/// As [`drawdowns`].
pub fn max_drawdown_columns(returns: ArrayView2<'_, f64>) -> Result<Array1<f64>> {
    refuse_bad_matrix(returns)?;
    Ok(returns.axis_iter(Axis(1)).map(|column| 1.0 - walk((1.0, 1.0), column).1).collect())
}

/// Refuses returns without a row or with a value that is not finite.
pub(super) fn refuse_bad_matrix(returns: ArrayView2<'_, f64>) -> Result<()> {
    if returns.nrows() == 0 {
        return Err(Error::Empty { what: "returns", unit: "observation" });
    }
    validate::finite_matrix("returns", returns)
}

/// The relative value after one more return.
pub(super) fn step(relative: f64, value: f64) -> f64 {
    (relative * (1.0 + value)).clamp(0.0, 1.0)
}

/// The relative value and its minimum after `returns`.
fn walk(start: (f64, f64), returns: ArrayView1<'_, f64>) -> (f64, f64) {
    returns.iter().fold(start, |(relative, lowest), &value| {
        let relative = step(relative, value);
        (relative, lower(relative, lowest))
    })
}

/// The lesser of two numbers, as one instruction (`f64::min` also sorts out NaN).
fn lower(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The least relative value, or `None` for a short series, one that is not finite, or one with a loss so large
/// that products of segments may have left the range of a float.
fn lowest_by_segments(returns: &[f64]) -> Option<f64> {
    if returns.len() < SEGMENTS_FROM {
        return None;
    }
    let length = returns.len() / LANES;
    let (body, rest) = returns.split_at(length * LANES);
    let mut segments = body.chunks_exact(length);
    let (first, second) = (segments.next()?, segments.next()?);
    let (third, fourth) = (segments.next()?, segments.next()?);
    let mut product = [1.0; LANES];
    let mut ending = [1.0; LANES];
    let mut least_product = [1.0; LANES];
    let mut least_ending = [1.0; LANES];
    for (((a, b), c), d) in first.iter().zip(second).zip(third).zip(fourth) {
        let growth = [1.0 + a, 1.0 + b, 1.0 + c, 1.0 + d];
        for lane in 0..LANES {
            product[lane] *= growth[lane];
            least_product[lane] = lower(product[lane], least_product[lane]);
            ending[lane] = lower(ending[lane] * growth[lane], 1.0);
            least_ending[lane] = lower(ending[lane], least_ending[lane]);
        }
    }
    // A NaN or an infinity anywhere leaves its product NaN, infinite or below zero on the way.
    let safe = |lane: usize| least_product[lane] > SAFE_PRODUCT && product[lane] < 1.0 / SAFE_PRODUCT;
    if !(0..LANES).all(safe) {
        return None;
    }
    let mut relative = 1.0;
    let mut lowest = 1.0;
    for lane in 0..LANES {
        lowest = lower(lower(least_ending[lane], relative * least_product[lane]), lowest);
        relative = lower(relative * product[lane], ending[lane]);
    }
    if !rest.iter().all(|value| value.is_finite()) {
        return None;
    }
    Some(walk((relative, lowest), ArrayView1::from(rest)).1)
}

#[cfg(test)]
mod tests {
    use ndarray::arr1;
    use proptest::prelude::*;

    use super::super::testing::noise;
    use super::*;

    fn series(returns: &[f64]) -> Vec<f64> {
        let column = ArrayView2::from_shape((returns.len(), 1), returns).unwrap();
        drawdowns(column).unwrap().into_raw_vec_and_offset().0
    }

    #[test]
    fn the_initial_value_counts() {
        assert_eq!(series(&[-0.25, 1.0, -0.5]), [0.25, 0.0, 0.5]);
        assert_eq!(max_drawdown(arr1(&[-0.25, 1.0]).view()).unwrap(), 0.25);
    }

    #[test]
    fn what_is_lost_stays_lost() {
        assert_eq!(series(&[0.1, -1.0, 5.0]), [0.0, 1.0, 1.0]);
        assert_eq!(series(&[-1.5, -1.5, 0.1]), [1.0, 1.0, 1.0]);
        let mut long = vec![0.001; 1000];
        long[700] = -1.0;
        assert_eq!(max_drawdown(arr1(&long).view()).unwrap(), 1.0);
    }

    #[test]
    fn values_beyond_a_float_do_no_harm() {
        // The compounded value would reach 1e2000, then fall to a part in 1e300 of it.
        let mut returns = vec![9.0; 2000];
        returns.extend(vec![-0.9; 300]);
        returns.extend(vec![9.0; 2000]);
        let all = series(&returns);
        assert!(all.iter().all(|drawdown| (0.0..=1.0).contains(drawdown)));
        assert_eq!(all[4299], 0.0);
        let largest = max_drawdown(arr1(&returns).view()).unwrap();
        assert!(largest > 1.0 - 1e-15 && largest <= 1.0);
    }

    #[test]
    fn bad_input_is_named_wherever_it_hides() {
        for n in [3, 1000] {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                for place in [0, n / 2, n - 1] {
                    let mut returns = vec![0.01; n];
                    returns[place] = bad;
                    let error = max_drawdown(arr1(&returns).view()).unwrap_err();
                    assert!(error.to_string().contains(&format!("index {place}")), "{error}");
                }
            }
        }
        assert!(max_drawdown(arr1(&[]).view()).is_err());
        assert!(max_drawdown_columns(Array2::zeros((0, 3)).view()).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_largest_is_the_maximum_of_all(n in 1_usize..3000, seed in any::<u32>(), scale in 0.01_f64..8.0) {
            let returns: Vec<f64> = noise(n, seed, false).iter().map(|value| value * scale).collect();
            let largest = series(&returns).into_iter().fold(0.0, f64::max);
            let quick = max_drawdown(arr1(&returns).view()).unwrap();
            let column = ArrayView2::from_shape((n, 1), &returns).unwrap();
            prop_assert!((quick - largest).abs() <= 1e-12, "{quick} {largest}");
            prop_assert_eq!(max_drawdown_columns(column).unwrap()[0], largest);
        }
    }
}
