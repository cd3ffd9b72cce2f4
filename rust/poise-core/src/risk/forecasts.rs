//! A risk model on trial: its last forecasts beside what came. The tests are those of `backtests`.
//!
//! What a test needs of one bar (was it an exception, how long is the tail) is told once, when the bar comes in:
//! to read the window takes a few passes over small numbers.

use super::backtests::{Christoffersen, LikelihoodRatio, christoffersen_of, kupiec};
use crate::{Error, Result};

/// Of a forecast.
pub const LEVELS: usize = 3;

/// The level of the shortfall test.
const MIDDLE: usize = LEVELS / 2;

/// How far a shortfall may lie below its value at risk: rounding.
const ROUNDING: f64 = 1e-9;

/// One bar: what was forecast for it, and what came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// The return that came.
    pub realised: f64,
    /// Value at risk at each level, a positive loss.
    pub value_at_risk: [f64; LEVELS],
    /// Expected shortfall at each level, a positive loss.
    pub expected_shortfall: [f64; LEVELS],
}

impl Forecast {
    /// Numbers in a row: what came, then both forecasts at every level.
    pub const N_COLUMNS: usize = 1 + 2 * LEVELS;

    /// The numbers of the row.
    pub fn to_row(&self) -> [f64; Self::N_COLUMNS] {
        let [a, b, c] = self.value_at_risk;
        let [d, e, f] = self.expected_shortfall;
        [self.realised, a, b, c, d, e, f]
    }

    /// What [`Forecast::to_row`] wrote.
    pub fn of_row([realised, a, b, c, d, e, f]: [f64; Self::N_COLUMNS]) -> Self {
        Self { realised, value_at_risk: [a, b, c], expected_shortfall: [d, e, f] }
    }

    /// Refuses what cannot be tried.
    ///
    /// # Errors
    /// A number that is not finite, a shortfall that is not positive or below its value at risk.
    pub fn check(&self) -> Result<()> {
        if let Some(value) = self.to_row().into_iter().find(|value| !value.is_finite()) {
            return Err(Error::NonFinite { what: "a forecast", value, position: "the new bar".to_owned() });
        }
        for (&loss, &shortfall) in self.value_at_risk.iter().zip(&self.expected_shortfall) {
            let refused = |range| Error::OutOfRange { what: "expected_shortfall", value: shortfall, range };
            if shortfall <= 0.0 {
                return Err(refused("a positive loss; leave out bars on which nothing can be lost"));
            }
            if shortfall < loss - ROUNDING * loss.abs() {
                return Err(refused("at least its value_at_risk; are the two swapped?"));
            }
        }
        Ok(())
    }

    fn is_exception(&self, level: usize) -> bool {
        self.realised < -self.value_at_risk[level]
    }

    /// Shortfall over value at risk at the middle level; none where no loss is forecast.
    fn tail_ratio(&self) -> Option<f64> {
        let loss = self.value_at_risk[MIDDLE];
        (loss > 0.0).then(|| self.expected_shortfall[MIDDLE] / loss)
    }
}

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

/// The last forecasts of a model, oldest forgotten first.
#[derive(Debug, Clone)]
pub struct Forecasts {
    window: usize,
    n_observations: u64,
    /// A ring, as is `exceptions`.
    rows: Vec<Forecast>,
    /// At the first and at the last level, 0 or 1.
    exceptions: [Vec<u8>; 2],
    /// In ascending order.
    tail_ratios: Vec<f64>,
}

impl Forecasts {
    /// Nothing forecast yet, and `window` bars to be remembered.
    ///
    /// # Errors
    /// A window of fewer than two bars.
    pub fn new(window: usize) -> Result<Self> {
        if window < 2 {
            return Err(Error::OutOfRange { what: "window", value: window as f64, range: "at least 2 bars" });
        }
        Ok(Self {
            window,
            n_observations: 0,
            rows: Vec::new(),
            exceptions: [Vec::new(), Vec::new()],
            tail_ratios: Vec::new(),
        })
    }

    /// What `rows`, oldest first, leave of `n_observations` forecasts.
    ///
    /// # Errors
    /// Other rows than the last of so many; as [`Forecasts::new`] and [`Forecasts::push`].
    pub fn restored(window: usize, n_observations: u64, rows: &[Forecast]) -> Result<Self> {
        let mut forecasts = Self::new(window)?;
        let n_rows = rows.len() as u64;
        if n_rows != n_observations.min(window as u64) {
            let range = "the last of the forecasts counted";
            return Err(Error::OutOfRange { what: "rows", value: n_rows as f64, range });
        }
        rows.iter().try_for_each(|row| forecasts.push(*row))?;
        // The ring goes on where it stood.
        let turn = (n_observations % window as u64) as usize;
        if n_rows == window as u64 {
            forecasts.rows.rotate_right(turn);
            forecasts.exceptions.iter_mut().for_each(|hits| hits.rotate_right(turn));
        }
        forecasts.n_observations = n_observations;
        Ok(forecasts)
    }

    /// Bars remembered at most.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Forecasts taken in so far.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// What is remembered, oldest first.
    pub fn rows(&self) -> impl Iterator<Item = &Forecast> {
        let (newer, older) = self.rows.split_at(self.oldest());
        older.iter().chain(newer)
    }

    fn oldest(&self) -> usize {
        if self.rows.len() < self.window { 0 } else { self.place() }
    }

    /// Where the next row goes.
    fn place(&self) -> usize {
        (self.n_observations % self.window as u64) as usize
    }

    /// Takes in one bar.
    ///
    /// # Errors
    /// As [`Forecast::check`]; nothing has changed then.
    pub fn push(&mut self, row: Forecast) -> Result<()> {
        row.check()?;
        let hits = [row.is_exception(0), row.is_exception(LEVELS - 1)].map(u8::from);
        let place = self.place();
        if self.rows.len() < self.window {
            self.rows.push(row);
            self.exceptions.iter_mut().zip(hits).for_each(|(ring, hit)| ring.push(hit));
        } else {
            if let Some(ratio) = self.rows[place].tail_ratio() {
                let known = self.tail_ratios.partition_point(|other| *other < ratio);
                self.tail_ratios.remove(known);
            }
            self.rows[place] = row;
            self.exceptions.iter_mut().zip(hits).for_each(|(ring, hit)| ring[place] = hit);
        }
        if let Some(ratio) = row.tail_ratio() {
            let place = self.tail_ratios.partition_point(|other| *other < ratio);
            self.tail_ratios.insert(place, ratio);
        }
        self.n_observations += 1;
        Ok(())
    }

    /// What the remembered forecasts say of the model at these levels.
    ///
    /// # Errors
    /// Fewer than two bars; those of the tests.
    pub fn on_trial(&self, levels: [f64; LEVELS], recent: usize) -> Result<OnTrial> {
        let n_rows = self.rows.len();
        if n_rows < 2 {
            return Err(Error::TooFew { what: "a trial", needed: 2, found: n_rows });
        }
        let oldest = self.oldest();
        let is_exception = |row: &&Forecast| row.is_exception(MIDDLE);
        let weigh = |row: &Forecast| row.realised / row.expected_shortfall[MIDDLE];
        let excess: f64 = self.rows().filter(is_exception).map(weigh).sum();
        let [first, last] = &self.exceptions;
        Ok(OnTrial {
            coverage: [judge(first, oldest, levels[0])?, judge(last, oldest, levels[LEVELS - 1])?],
            n_recent: newest(last, oldest, recent),
            shortfall_statistic: excess / (n_rows as f64 * (1.0 - levels[MIDDLE])) + 1.0,
            tail_ratio: median(&self.tail_ratios),
        })
    }
}

/// Whether the exceptions of a ring came as often as promised, and as if by chance.
fn judge(ring: &[u8], oldest: usize, level: f64) -> Result<Coverage> {
    let (newer, older) = ring.split_at(oldest);
    let after_each_other = |hits: &[u8]| hits.iter().zip(hits.get(1..).unwrap_or(&[])).map(both).sum::<u64>();
    let across = older.last().zip(newer.first()).map_or(0, both);
    let hit_hit = after_each_other(older) + after_each_other(newer) + across;
    let n_exceptions = ring.iter().map(|hit| u64::from(*hit)).sum::<u64>();
    let end = if newer.is_empty() { older.last() } else { newer.last() };
    let [first, last] = [older.first(), end].map(|hit| hit.map_or(0, |hit| u64::from(*hit)));
    let (calm_hit, hit_calm) = (n_exceptions - first - hit_hit, n_exceptions - last - hit_hit);
    let n_bars = ring.len() as u64;
    let calm_calm = n_bars - 1 - calm_hit - hit_calm - hit_hit;
    let christoffersen = christoffersen_of([calm_calm, calm_hit, hit_calm, hit_hit], level);
    Ok(Coverage { n_exceptions, kupiec: kupiec(n_exceptions, n_bars, level)?, christoffersen })
}

fn both((before, after): (&u8, &u8)) -> u64 {
    u64::from(before & after)
}

/// Exceptions among the last `recent` places of a ring.
fn newest(ring: &[u8], oldest: usize, recent: usize) -> u64 {
    let (newer, older) = ring.split_at(oldest);
    let from_newer = newer.len().min(recent);
    let from_older = older.len().min(recent - from_newer);
    let counted = [&newer[newer.len() - from_newer..], &older[older.len() - from_older..]];
    counted.into_iter().flatten().map(|hit| u64::from(*hit)).sum()
}

/// The middle of numbers in ascending order, or the mean of the two in the middle; NaN of none.
fn median(ordered: &[f64]) -> f64 {
    let middle = ordered.len() / 2;
    match ordered {
        [] => f64::NAN,
        _ if ordered.len().is_multiple_of(2) => 0.5 * (ordered[middle - 1] + ordered[middle]),
        _ => ordered[middle],
    }
}

#[cfg(test)]
mod tests;
