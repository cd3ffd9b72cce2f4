//! What a series of returns did, in one pass: moments, extremes, growth, drawdown.
//!
//! A long series is cut into segments that advance together, one per lane (`segments`); a short one, and one whose
//! size asks for care, is walked return by return in units of its largest value.

use ndarray::ArrayView1;

use super::drawdown::step;
use super::underwater::RECOVERED;
use crate::{Error, Result, validate};

mod segments;
mod sums;

/// Returns are read off prices, ratios near 1: what they differ by below this is rounding.
const ROUNDING: f64 = 1e-14;

/// Figures of one series. Fractions; NaN where a figure has no meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReturnStatistics {
    /// Returns in the series.
    pub n_observations: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (one degree of freedom lost); 0 where all agree up to rounding.
    pub deviation: f64,
    /// The third standardised moment; NaN where all agree.
    pub skewness: f64,
    /// The fourth standardised moment, 3 for a normal; NaN where all agree.
    pub kurtosis: f64,
    /// The least return.
    pub lowest: f64,
    /// The largest return.
    pub highest: f64,
    /// The root of the mean square of the shortfalls from the target, over all returns; NaN without any.
    pub downside_deviation: f64,
    /// Returns above zero.
    pub n_gains: usize,
    /// Their sum.
    pub sum_of_gains: f64,
    /// The sum of the returns below zero, negative.
    pub sum_of_losses: f64,
    /// The logarithm of the final value per unit invested; minus infinity after ruin.
    pub log_growth: f64,
    /// The largest fall from a peak, the initial value included.
    pub max_drawdown: f64,
    /// The longest run of returns under water.
    pub longest_duration: u64,
}

/// Figures of a series of returns; `target` is what a return must reach to be no shortfall.
///
/// # Errors
/// Empty or not finite returns, a target that is not finite.
pub fn return_statistics(returns: ArrayView1<'_, f64>, target: f64) -> Result<ReturnStatistics> {
    validate::non_empty("returns", "observation", returns)?;
    if !target.is_finite() {
        return Err(Error::OutOfRange { what: "target", value: target, range: "a finite number" });
    }
    let owned;
    let values = match returns.as_slice() {
        Some(values) => values,
        None => {
            owned = returns.to_vec();
            &owned
        }
    };
    if let Some(totals) = segments::totals(values, target) {
        return Ok(totals.figures(target));
    }
    validate::finite("returns", returns)?;
    Ok(careful_totals(values, target).figures(target))
}

/// Sums over a series, the powers in units of `unit` and the shortfalls in units of `worst`.
#[derive(Debug, Clone, Copy)]
struct Totals {
    n: usize,
    unit: f64,
    mean: f64,
    /// Sums of the second, third and fourth powers of what the returns differ from their mean.
    central: [f64; 3],
    lowest: f64,
    highest: f64,
    /// The unit of the shortfalls and the sum of their squares.
    worst: f64,
    shortfalls: f64,
    n_gains: usize,
    gains: f64,
    losses: f64,
    log_growth: f64,
    path: Path,
}

impl Totals {
    fn figures(self, target: f64) -> ReturnStatistics {
        let n = self.n as f64;
        let [second, third, fourth] = self.central;
        let scale = self.lowest.abs().max(self.highest.abs()).max(1.0);
        let agree = self.highest - self.lowest <= ROUNDING * scale;
        let variance = second / n;
        let (deviation, skewness, kurtosis) = match (self.n, agree) {
            (1, _) => (f64::NAN, f64::NAN, f64::NAN),
            (_, true) => (0.0, f64::NAN, f64::NAN),
            _ => (
                self.unit * (second / (n - 1.0)).sqrt(),
                third / n / variance.powf(1.5),
                fourth / n / (variance * variance),
            ),
        };
        let short = target - self.lowest > ROUNDING;
        ReturnStatistics {
            n_observations: self.n,
            mean: self.mean,
            deviation,
            skewness,
            kurtosis,
            lowest: self.lowest,
            highest: self.highest,
            downside_deviation: if short { self.worst * (self.shortfalls / n).sqrt() } else { f64::NAN },
            n_gains: self.n_gains,
            sum_of_gains: self.gains,
            sum_of_losses: self.losses,
            log_growth: self.log_growth,
            max_drawdown: 1.0 - self.path.lowest,
            longest_duration: self.path.longest,
        }
    }
}

/// Where a compounded value stands beside its maximum, and how deep and how long it has been below.
#[derive(Debug, Clone, Copy)]
struct Path {
    relative: f64,
    lowest: f64,
    run: u64,
    longest: u64,
}

impl Path {
    const START: Self = Self { relative: 1.0, lowest: 1.0, run: 0, longest: 0 };

    fn advance(&mut self, value: f64) {
        self.relative = step(self.relative, value);
        self.lowest = self.lowest.min(self.relative);
        self.run = if 1.0 - self.relative > RECOVERED { self.run + 1 } else { 0 };
        self.longest = self.longest.max(self.run);
    }
}

/// Return by return, in units in which no power overflows or vanishes.
fn careful_totals(values: &[f64], target: f64) -> Totals {
    let n = values.len();
    let lowest = values.iter().fold(f64::INFINITY, |least, value| least.min(*value));
    let highest = values.iter().fold(f64::NEG_INFINITY, |most, value| most.max(*value));
    let largest = lowest.abs().max(highest.abs());
    let unit = if largest > 0.0 { largest } else { 1.0 };
    let mean = values.iter().map(|value| value / unit).sum::<f64>() / n as f64;
    let worst = (target - lowest).max(0.0);
    let mut totals = Totals {
        n,
        unit,
        mean: mean * unit,
        central: [0.0; 3],
        lowest,
        highest,
        worst,
        shortfalls: 0.0,
        n_gains: 0,
        gains: 0.0,
        losses: 0.0,
        log_growth: 0.0,
        path: Path::START,
    };
    for &value in values {
        let deviation = value / unit - mean;
        let square = deviation * deviation;
        for (sum, power) in totals.central.iter_mut().zip([square, square * deviation, square * square]) {
            *sum += power;
        }
        if value < target {
            totals.shortfalls += ((target - value) / worst).powi(2);
        }
        totals.n_gains += usize::from(value > 0.0);
        totals.gains += value.max(0.0);
        totals.losses += value.min(0.0);
        totals.path.advance(value);
    }
    totals.log_growth =
        if lowest <= -1.0 { f64::NEG_INFINITY } else { values.iter().map(|value| value.ln_1p()).sum() };
    totals
}

#[cfg(test)]
mod tests;
