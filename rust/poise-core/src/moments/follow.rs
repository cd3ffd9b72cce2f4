//! One bar for an outlook on a market where nobody is missing: both estimates and two returns in one call.

use ndarray::{Array1, ArrayView1};

use super::{IteratedState, ShrunkState};
use crate::{Result, validate};

/// What one bar left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// The standard deviations expected for the next bar.
    pub volatility: Array1<f64>,
    /// The least of them.
    pub least_volatility: f64,
    /// The mean return of the bar.
    pub market_return: f64,
    /// The mean weighted by one over the volatility before the bar.
    pub base_return: f64,
}

/// Takes a row into both states, the second in units of the volatility before it and pulled in to `winsor` of them.
///
/// `None`, and nothing changed, where a return is missing.
///
/// # Errors
/// Other lengths; what [`IteratedState::update`] refuses, with nothing changed.
pub fn follow(
    iterated: &mut IteratedState,
    noise: &mut ShrunkState,
    row: ArrayView1<'_, f64>,
    volatility: ArrayView1<'_, f64>,
    winsor: f64,
) -> Result<Option<Followed>> {
    let n_assets = iterated.n_assets();
    validate::length("row", row, n_assets)?;
    validate::length("volatility", volatility, n_assets)?;
    validate::length("the noise", row, noise.n_assets())?;
    if !row.iter().all(|value| value.is_finite()) {
        return Ok(None);
    }
    let whitened: Array1<f64> = row
        .iter()
        .zip(volatility)
        .map(|(value, deviation)| (value / deviation).clamp(-winsor, winsor))
        .collect();
    iterated.update(row)?;
    noise.update(whitened.view())?;
    let next = iterated.volatility();
    Ok(Some(Followed {
        least_volatility: next.iter().fold(f64::INFINITY, |least, value| least.min(*value)),
        volatility: next,
        market_return: mean(row),
        base_return: inverse_volatility_mean(row, volatility),
    }))
}

/// The mean of a row.
pub fn mean(row: ArrayView1<'_, f64>) -> f64 {
    lanes(row.iter().copied()) / row.len() as f64
}

/// The mean of a row weighted by one over the volatilities.
pub fn inverse_volatility_mean(row: ArrayView1<'_, f64>, volatility: ArrayView1<'_, f64>) -> f64 {
    let earned = lanes(row.iter().zip(volatility).map(|(value, deviation)| value / deviation));
    earned / lanes(volatility.iter().map(|deviation| 1.0 / deviation))
}

/// A sum in eight lanes, whatever the layout and the machine.
fn lanes(values: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0; 8];
    values.enumerate().for_each(|(k, value)| sums[k % 8] += value);
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr1};

    use super::*;
    use crate::moments::IteratedRule;

    #[test]
    fn both_states_go_on_as_if_fed_apart() {
        let rows = Array2::from_shape_fn((60, 11), |(t, i)| 0.01 * ((t * (i + 3)) as f64 * 0.7).sin() + 1e-4);
        let mut together = IteratedState::new(11, IteratedRule::default()).unwrap();
        let mut noise = ShrunkState::new(11, 63.0, true).unwrap();
        rows.rows().into_iter().take(20).for_each(|row| together.update(row).unwrap());
        let (mut apart, mut noise_apart) = (together.clone(), noise.clone());
        for row in rows.rows().into_iter().skip(20) {
            let volatility = together.volatility();
            let whitened = (&row / &volatility).mapv(|z| z.clamp(-1.5, 1.5));
            apart.update(row).unwrap();
            noise_apart.update(whitened.view()).unwrap();
            let found = follow(&mut together, &mut noise, row, volatility.view(), 1.5).unwrap().unwrap();
            assert_eq!(found.volatility, apart.volatility());
            assert_eq!(together.to_bytes(), apart.to_bytes());
            assert_eq!(noise.to_bytes(), noise_apart.to_bytes());
            let weights = volatility.mapv(|deviation| 1.0 / deviation);
            assert!((found.base_return - weights.dot(&row) / weights.sum()).abs() < 1e-16);
            assert!((found.market_return - row.sum() / 11.0).abs() < 1e-17);
            assert_eq!(found.least_volatility, found.volatility.iter().copied().reduce(f64::min).unwrap());
        }
    }

    #[test]
    fn what_is_missing_or_refused_changes_nothing() {
        let mut iterated = IteratedState::new(2, IteratedRule::default()).unwrap();
        let mut noise = ShrunkState::new(2, 63.0, true).unwrap();
        let before = (iterated.to_bytes(), noise.to_bytes());
        let volatility = arr1(&[0.1, 0.2]);
        let mut fed = |row: [f64; 2], volatility: &Array1<f64>| {
            follow(&mut iterated, &mut noise, arr1(&row).view(), volatility.view(), 4.2)
        };
        assert_eq!(fed([0.1, f64::NAN], &volatility).unwrap(), None);
        assert_eq!(fed([0.1, f64::INFINITY], &volatility).unwrap(), None);
        assert!(fed([0.1, 1e200], &volatility).is_err());
        assert!(fed([0.1, 0.2], &arr1(&[0.1])).is_err());
        assert_eq!((iterated.to_bytes(), noise.to_bytes()), before);
    }
}
