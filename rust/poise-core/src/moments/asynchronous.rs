//! Covariance of two series that are not observed at the same moments.
//!
//! Hayashi and Yoshida (2005), "On covariance estimation of non-synchronously observed diffusion processes":
//! the products of all increments whose intervals overlap. No price is carried forward, so that stale quotes
//! do not pull the covariance to zero. Intervals that meet none of the other series are left out.

use ndarray::ArrayView1;

use crate::{Error, Result, validate};

/// Realised over the time that the two series share, not per bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AsynchronousCovariance {
    /// The sum of the products of overlapping increments.
    pub covariance: f64,
    /// Over the root of the two sums of squares; NaN where a series never moves.
    pub correlation: f64,
}

/// The covariance of the increments of `x` and `y` (logarithms of prices), observed at increasing instants.
///
/// Only the order of the instants counts, so they may be in any unit.
pub fn hayashi_yoshida(
    times_x: ArrayView1<'_, i64>,
    x: ArrayView1<'_, f64>,
    times_y: ArrayView1<'_, i64>,
    y: ArrayView1<'_, f64>,
) -> Result<AsynchronousCovariance> {
    let x = increments(["times_x", "prices_x"], times_x, x)?;
    let y = increments(["times_y", "prices_y"], times_y, y)?;
    let (x, y) = (meeting(&x, &y), meeting(&y, &x));
    if x.is_empty() || y.is_empty() {
        return Err(Error::TooFew { what: "the time that both series share", needed: 2, found: 0 });
    }
    let (mut i, mut j, mut covariance) = (0, 0, 0.0);
    while let (Some(left), Some(right)) = (x.get(i), y.get(j)) {
        if left.start < right.end && right.start < left.end {
            covariance += left.change * right.change;
        }
        // The one that ends first meets nothing later.
        let (left_ends, right_ends) = (left.end <= right.end, right.end <= left.end);
        i += usize::from(left_ends);
        j += usize::from(right_ends);
    }
    let size = |increments: &[Increment]| increments.iter().map(|d| d.change * d.change).sum::<f64>().sqrt();
    let sizes = size(x) * size(y);
    let correlation = if sizes > 0.0 { covariance / sizes } else { f64::NAN };
    Ok(AsynchronousCovariance { covariance, correlation })
}

/// A change over the interval `(start, end]`.
#[derive(Debug, Clone, Copy)]
struct Increment {
    start: i64,
    end: i64,
    change: f64,
}

fn increments(
    [what_times, what_values]: [&'static str; 2],
    times: ArrayView1<'_, i64>,
    values: ArrayView1<'_, f64>,
) -> Result<Vec<Increment>> {
    validate::non_empty(what_values, "observation", values)?;
    if times.len() != values.len() {
        let (expected, found) = (format!("({},)", values.len()), format!("({},)", times.len()));
        return Err(Error::Shape { what: what_times, expected, found });
    }
    validate::finite(what_values, values)?;
    if values.len() < 2 {
        return Err(Error::TooFew { what: what_values, needed: 2, found: values.len() });
    }
    let pairs = times.iter().zip(times.iter().skip(1)).zip(values.iter().zip(values.iter().skip(1)));
    pairs
        .enumerate()
        .map(|(index, ((&start, &end), (before, after)))| {
            if end <= start {
                return Err(Error::NotIncreasing { what: what_times, index: index + 1 });
            }
            Ok(Increment { start, end, change: after - before })
        })
        .collect()
}

/// The intervals that reach into the span of the other series.
fn meeting<'a>(own: &'a [Increment], other: &[Increment]) -> &'a [Increment] {
    let (Some(first), Some(last)) = (other.first(), other.last()) else { return &[] };
    let from = own.partition_point(|d| d.end <= first.start);
    let to = own.partition_point(|d| d.start < last.end);
    own.get(from..to).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, arr1};

    #[test]
    fn by_hand() {
        // x moves by 1 over (0, 2] and by 2 over (2, 4]; y by 3 over (1, 3] and by -1 over (3, 4].
        let (x, y) = (arr1(&[0.0, 1.0, 3.0]), arr1(&[0.0, 3.0, 2.0]));
        let (times_x, times_y) = (arr1(&[0, 2, 4]), arr1(&[1, 3, 4]));
        let found = hayashi_yoshida(times_x.view(), x.view(), times_y.view(), y.view()).unwrap();
        assert_eq!(found.covariance, 3.0 + 6.0 - 2.0);
        assert!((found.correlation - 7.0 / 50.0_f64.sqrt()).abs() < 1e-15);
        let swapped = hayashi_yoshida(times_y.view(), y.view(), times_x.view(), x.view()).unwrap();
        assert_eq!(swapped.covariance, found.covariance);
    }

    #[test]
    fn the_pointers_equal_the_double_loop() {
        let times = |n: i64, step: i64| Array1::from_iter((0..n).map(|k| k * step + (k * k) % step));
        let levels = |n: i64, rate: f64| Array1::from_iter((0..n).map(|k| (k as f64 * rate).sin()));
        let (t, u) = (times(90, 7), times(50, 12));
        let (x, y) = (levels(90, 0.7), levels(50, 1.1));
        let mut expected = 0.0;
        for i in 1..90 {
            for j in 1..50 {
                if t[i - 1].max(u[j - 1]) < t[i].min(u[j]) {
                    expected += (x[i] - x[i - 1]) * (y[j] - y[j - 1]);
                }
            }
        }
        let found = hayashi_yoshida(t.view(), x.view(), u.view(), y.view()).unwrap();
        assert!((found.covariance - expected).abs() < 1e-13);
    }

    #[test]
    fn refuses_disorder_and_series_that_never_meet() {
        let x = arr1(&[0.0, 1.0, 3.0]);
        let good = arr1(&[0, 1, 2]);
        let error = hayashi_yoshida(good.view(), x.view(), arr1(&[0, 1, 1]).view(), x.view()).unwrap_err();
        assert_eq!(error, Error::NotIncreasing { what: "times_y", index: 2 });
        let late = arr1(&[2, 3, 4]);
        assert!(hayashi_yoshida(good.view(), x.view(), late.view(), x.view()).is_err());
        let still = hayashi_yoshida(good.view(), x.view(), good.view(), Array1::zeros(3).view()).unwrap();
        assert!(still.covariance == 0.0 && still.correlation.is_nan());
    }
}
