//! Bounds on weights, drawn from bytes.

use arbitrary::{Arbitrary, Result, Unstructured};
use ndarray::Array1;
use poise_core::optimization::{Bounds, fill};

use super::draw::real;

/// What was asked for, beside what the core made of it.
#[derive(Debug, Clone)]
pub struct Limits {
    pub lower: Array1<f64>,
    pub upper: Array1<f64>,
    pub bounds: Bounds,
}

impl Limits {
    /// Whether there is a bound beside which one is rounding.
    pub fn are_vast(&self) -> bool {
        self.lower.iter().chain(&self.upper).any(|bound| bound.is_finite() && bound.abs() > 1e9)
    }

    /// Other weights that keep the bounds and sum to `total`, where pulling finds some.
    pub fn rival(&self, u: &mut Unstructured<'_>, total: f64) -> Result<Option<Vec<f64>>> {
        let pull: Array1<f64> =
            (0..self.lower.len()).map(|_| Ok(f64::from(u8::arbitrary(u)?))).collect::<Result<_>>()?;
        let weights = fill(pull.view(), &self.bounds, total).expect("a sound pull");
        Ok(Some(weights).filter(|weights| (weights.iter().sum::<f64>() - total).abs() < 1e-12))
    }
}

/// Bounds for about `n` assets; `None` where the core refuses them.
pub fn limits(u: &mut Unstructured<'_>, n: usize) -> Result<Option<Limits>> {
    let n = if u.ratio(1, 64)? { n + 1 } else { n };
    let (low, high) = match u.int_in_range(0..=5)? {
        0 | 1 => (0.0, 1.0),
        2 => (0.0, f64::from(u8::arbitrary(u)?) / (64.0 * n.max(1) as f64)),
        3 => (-f64::from(u8::arbitrary(u)?) / 64.0, f64::from(u8::arbitrary(u)?) / 64.0),
        4 => (f64::NEG_INFINITY, f64::INFINITY),
        _ => (real(u)?, real(u)?),
    };
    let (mut lower, mut upper) = (Array1::from_elem(n, low), Array1::from_elem(n, high));
    if n > 0 {
        for _ in 0..u.int_in_range(0..=5)? {
            let asset = u.int_in_range(0..=n - 1)?;
            let value = if u.ratio(1, 8)? { real(u)? } else { f64::from(i8::arbitrary(u)?) / 100.0 };
            match u.int_in_range(0..=3)? {
                0 => lower[asset] = value,
                1 => upper[asset] = value,
                2 => (lower[asset], upper[asset]) = (value, value),
                _ => (lower[asset], upper[asset]) = (value, value + 0.1),
            }
        }
    }
    Ok(match Bounds::new(lower.view(), upper.view()) {
        Ok(bounds) => Some(Limits { lower, upper, bounds }),
        Err(error) => {
            let is_vast = |bound: &f64| bound.is_finite() && bound.abs() > 1e100;
            let is_unsound = |(low, high): (&f64, &f64)| {
                let contradict = low > high || (low == high && low.is_infinite());
                contradict || low.is_nan() || high.is_nan() || is_vast(low) || is_vast(high)
            };
            assert!(lower.iter().zip(&upper).any(is_unsound), "sound bounds were refused: {error}");
            None
        }
    })
}
