//! One bar for a risk model on trial: what it forecast for the bar is held against what came, and then it learns.

use ndarray::ArrayView1;

use super::forecasts::{Forecast, Forecasts, LEVELS};
use super::{FilteredHistory, Tail};
use crate::{Result, validate};

/// What was forecast for a bar at every level.
pub type Outlook = [Tail; LEVELS];

/// Takes the row of a bar into `history`, after what is held by `weights` was put on trial with `outlook`, the
/// forecast made before it. Without one, and where no loss was forecast, nothing is tried.
///
/// `false`, and nothing changed, where a return is missing.
///
/// # Errors
/// Other lengths, weights that are not finite; what [`FilteredHistory::push`] and [`Forecast::check`] refuse, with
/// nothing changed.
pub fn judge(
    history: &mut FilteredHistory,
    forecasts: &mut Forecasts,
    row: ArrayView1<'_, f64>,
    weights: ArrayView1<'_, f64>,
    outlook: Option<Outlook>,
) -> Result<bool> {
    validate::length("weights", weights, history.n_assets())?;
    validate::length("row", row, history.n_assets())?;
    validate::finite("weights", weights)?;
    if !row.iter().all(|value| value.is_finite()) {
        return Ok(false);
    }
    let tried = outlook.filter(|[first, ..]| first.conditional_value_at_risk > 0.0).map(|tails| Forecast {
        realised: weights.dot(&row),
        value_at_risk: tails.map(|tail| tail.value_at_risk),
        expected_shortfall: tails.map(|tail| tail.conditional_value_at_risk),
    });
    if let Some(forecast) = tried {
        forecast.check()?;
    }
    history.push(row)?;
    if let Some(forecast) = tried {
        forecasts.push(forecast)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use super::*;

    fn rows() -> Array2<f64> {
        Array2::from_shape_fn((300, 3), |(t, i)| 0.02 * ((t * (i + 3)) as f64 * 0.7).sin() - 1e-4)
    }

    fn tails(history: &mut FilteredHistory, weights: &Array1<f64>) -> Option<Outlook> {
        history.tails(weights.view(), &[0.95, 0.975, 0.99], 50).unwrap().try_into().ok()
    }

    #[test]
    fn it_is_both_taken_one_after_the_other() {
        let (rows, weights) = (rows(), Array1::from(vec![0.5, 0.2, 0.1]));
        let mut together = FilteredHistory::new(3, 200, 21.0).unwrap();
        let (mut apart, mut tried) = (together.clone(), Forecasts::new(150).unwrap());
        let mut expected = tried.clone();
        for row in rows.outer_iter() {
            let outlook = tails(&mut together, &weights);
            assert!(judge(&mut together, &mut tried, row, weights.view(), outlook).unwrap());
            if let Some(found) = outlook {
                let value_at_risk = found.map(|tail| tail.value_at_risk);
                let expected_shortfall = found.map(|tail| tail.conditional_value_at_risk);
                let realised = weights.dot(&row);
                expected.push(Forecast { realised, value_at_risk, expected_shortfall }).unwrap();
            }
            apart.push(row).unwrap();
        }
        assert_eq!(together.to_bytes(), apart.to_bytes());
        assert!(tried.rows().eq(expected.rows()));
        assert_eq!(tried.n_observations(), expected.n_observations());
    }

    #[test]
    fn what_is_missing_or_refused_changes_nothing() {
        let (rows, weights) = (rows(), Array1::from(vec![0.5, 0.2, 0.1]));
        let mut history = FilteredHistory::new(3, 200, 21.0).unwrap();
        rows.outer_iter().take(100).for_each(|row| history.push(row).unwrap());
        let mut tried = Forecasts::new(150).unwrap();
        let outlook = tails(&mut history, &weights);
        let swapped = outlook.map(|tails| {
            tails.map(|tail| Tail {
                value_at_risk: tail.conditional_value_at_risk,
                conditional_value_at_risk: tail.value_at_risk,
            })
        });
        let before = history.to_bytes();
        let row = |first: f64| Array1::from(vec![first, 0.01, 0.01]);
        let mut judged = |first: f64, weights: &Array1<f64>, outlook| {
            judge(&mut history, &mut tried, row(first).view(), weights.view(), outlook)
        };
        assert!(!judged(f64::NAN, &weights, outlook).unwrap());
        assert!(judged(1e200, &weights, outlook).is_err());
        assert!(judged(0.1, &weights, swapped).is_err());
        assert!(judged(0.1, &Array1::from(vec![0.5, f64::NAN, 0.1]), outlook).is_err());
        assert!(judged(0.1, &Array1::from(vec![0.5]), outlook).is_err());
        assert_eq!((history.to_bytes(), tried.n_observations()), (before, 0));
    }
}
