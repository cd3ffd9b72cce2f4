//! A risk model on trial, read from the forecasts of a window in one pass; the tests are those of `backtests`.

use ndarray::ArrayView2;

use super::backtests::{Christoffersen, LikelihoodRatio, christoffersen_of, kupiec};
use crate::{Error, Result};

/// Of a forecast.
const LEVELS: usize = 3;

/// The level of the shortfall test.
const MIDDLE: usize = LEVELS / 2;

/// What came, then both forecasts at every level.
const COLUMNS: usize = 1 + 2 * LEVELS;

/// How often losses passed the value at risk of one level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coverage {
    /// Bars on which they did.
    pub n_exceptions: u64,
    /// Whether that is as often as promised.
    pub kupiec: LikelihoodRatio,
    /// Whether also one after another as often as by chance.
    pub christoffersen: Christoffersen,
}

/// What a window of forecasts says of the model.
#[derive(Debug, Clone, PartialEq)]
pub struct OnTrial {
    /// At the first and at the last level.
    pub coverage: [Coverage; 2],
    /// Exceptions at the last level among the last `recent` bars.
    pub n_recent: u64,
    /// Z2 at the middle level.
    pub shortfall_statistic: f64,
    /// The median of shortfall over value at risk at the middle level; NaN where no value at risk is positive.
    pub tail_ratio: f64,
}

/// Reads the rows of a ring, of which `oldest` is where the oldest stands.
///
/// # Errors
/// Fewer than two rows, another number of columns, a place outside the ring; those of the tests.
pub fn on_trial(
    ring: ArrayView2<'_, f64>,
    oldest: usize,
    levels: [f64; LEVELS],
    recent: usize,
) -> Result<OnTrial> {
    let (n_rows, n_columns) = ring.dim();
    if n_columns != COLUMNS {
        let expected = format!("({n_rows}, {COLUMNS})");
        return Err(Error::Shape { what: "ring", expected, found: format!("({n_rows}, {n_columns})") });
    }
    if n_rows < 2 {
        return Err(Error::TooFew { what: "a trial", needed: 2, found: n_rows });
    }
    if oldest >= n_rows {
        let range = "a place in the ring";
        return Err(Error::OutOfRange { what: "oldest", value: oldest as f64, range });
    }
    let ring = ring.as_standard_layout();
    let Some(numbers) = ring.as_slice() else {
        return Err(Error::Shape { what: "ring", expected: "rows in order".into(), found: "others".into() });
    };
    // Without an early end it is done many at a time.
    if !numbers.iter().fold(true, |all, value| all & value.is_finite())
        && let Some(&value) = numbers.iter().find(|value| !value.is_finite())
    {
        return Err(Error::NonFinite { what: "ring", value, position: "a forecast".into() });
    }
    let (older, newer) = numbers.split_at(oldest * n_columns);
    let mut tallies = [Tally::default(), Tally::default()];
    let (mut excess, mut n_recent, mut ratios) = (0.0, 0_u64, Vec::with_capacity(n_rows));
    let first_recent = n_rows.saturating_sub(recent);
    let (newer, older) = (newer.as_chunks::<COLUMNS>().0, older.as_chunks::<COLUMNS>().0);
    for (k, row) in newer.iter().chain(older).enumerate() {
        let (value, var, shortfall) = (row[0], row[1 + MIDDLE], row[1 + MIDDLE + LEVELS]);
        if shortfall <= 0.0 {
            let range = "a positive loss at every observation";
            return Err(Error::OutOfRange { what: "expected_shortfall", value: shortfall, range });
        }
        tallies[0].see(value < -row[1]);
        tallies[1].see(value < -row[LEVELS]);
        n_recent += u64::from(k >= first_recent && tallies[1].last);
        if value < -var {
            excess += value / shortfall;
        }
        if var > 0.0 {
            ratios.push(shortfall / var);
        }
    }
    Ok(OnTrial {
        coverage: [tallies[0].judge(levels[0])?, tallies[1].judge(levels[LEVELS - 1])?],
        n_recent,
        shortfall_statistic: excess / (n_rows as f64 * (1.0 - levels[MIDDLE])) + 1.0,
        tail_ratio: median(ratios),
    })
}

/// Exceptions as they come.
#[derive(Default)]
struct Tally {
    last: bool,
    n_bars: u64,
    n_exceptions: u64,
    transitions: [u64; 4],
}

impl Tally {
    fn see(&mut self, hit: bool) {
        self.transitions[2 * usize::from(self.last) + usize::from(hit)] += u64::from(self.n_bars > 0);
        self.n_bars += 1;
        self.n_exceptions += u64::from(hit);
        self.last = hit;
    }

    fn judge(&self, level: f64) -> Result<Coverage> {
        let kupiec = kupiec(self.n_exceptions, self.n_bars, level)?;
        let christoffersen = christoffersen_of(self.transitions, level);
        Ok(Coverage { n_exceptions: self.n_exceptions, kupiec, christoffersen })
    }
}

/// The middle number, or the mean of the two in the middle; NaN of none.
fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    if values.is_empty() {
        return f64::NAN;
    }
    let even = values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !even {
        return *upper;
    }
    let lower = below.iter().fold(f64::NEG_INFINITY, |most, value| most.max(*value));
    0.5 * (lower + *upper)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Axis, concatenate};

    use super::*;

    fn forecasts() -> Array2<f64> {
        Array2::from_shape_fn((400, 7), |(i, k)| match k {
            0 if i % 17 == 0 => -0.06 - 0.001 * (i % 5) as f64,
            0 => 0.001,
            _ => 0.01 * k as f64 + 1e-4 * ((i * (k + 3)) % 11) as f64,
        })
    }

    #[test]
    fn a_ring_is_read_from_its_oldest_row_on() {
        let rows = forecasts();
        let levels = [0.95, 0.975, 0.99];
        let straight = on_trial(rows.view(), 0, levels, 250).unwrap();
        let (first, rest) = rows.view().split_at(Axis(0), 150);
        let turned = concatenate![Axis(0), rest, first];
        assert_eq!(on_trial(turned.view(), 250, levels, 250).unwrap(), straight);
        assert_eq!(straight.coverage[0].n_exceptions, 24);
        assert_eq!(straight.n_recent, 15);
    }

    #[test]
    fn medians_by_hand() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn every_broken_promise_has_its_error() {
        let rows = forecasts();
        let levels = [0.95, 0.975, 0.99];
        assert!(on_trial(rows.view(), 400, levels, 250).is_err());
        assert!(on_trial(rows.view().split_at(Axis(0), 1).0, 0, levels, 250).is_err());
        assert!(on_trial(rows.view().split_at(Axis(1), 6).0, 0, levels, 250).is_err());
    }
}
