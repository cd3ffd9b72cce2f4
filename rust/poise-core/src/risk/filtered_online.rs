//! Filtered historical simulation that takes in one row at a time: `filtered`, its window moved on.
//!
//! Besides every return `r` and the volatility `sigma_s` before it the quotient is kept. While no quotient is
//! missing or huge, and none at today's volatility loses everything, what a portfolio earns in all scenarios is
//! one product of the quotients with `w sigma_{T+1}`; otherwise the scenarios are looked at one by one.

use ndarray::{Array2, ArrayView1};
use poise_simd::{Kernel, Simd, dispatch};

use super::filtered::{MIN_OBSERVATIONS, NEGLIGIBLE};
use super::historical::historical_tails;
use super::tail::Tail;
use crate::{Error, Result, validate};

mod saved;
mod window;

use window::Window;

/// Squares of this add up without overflow, however many there are.
const LARGEST: f64 = 1e150;

/// The scenarios of the last rows.
#[derive(Debug, Clone)]
pub struct FilteredHistory {
    half_life: f64,
    decay_factor: f64,
    window: Window,
    variance: Vec<f64>,
    mass: Vec<f64>,
    volatility: Vec<f64>,
    observations: Vec<u64>,
    n_observations: u64,
    /// `w sigma`, one per asset; kept so that a bar takes no memory.
    exposures: Vec<f64>,
    outcomes: Vec<f64>,
}

impl FilteredHistory {
    /// A history that has seen nothing and keeps `window` rows.
    ///
    /// # Errors
    /// No asset, a window of zero rows, a half-life that is not positive.
    pub fn new(n_assets: usize, window: usize, half_life: f64) -> Result<Self> {
        validate::half_life(half_life)?;
        if n_assets == 0 {
            return Err(Error::Empty { what: "row", unit: "asset" });
        }
        if window == 0 {
            return Err(Error::OutOfRange { what: "window", value: 0.0, range: "at least 1 observation" });
        }
        let zeros = vec![0.0; n_assets];
        Ok(Self {
            half_life,
            decay_factor: (-1.0 / half_life).exp2(),
            window: Window::new(n_assets, window),
            variance: zeros.clone(),
            mass: zeros.clone(),
            volatility: zeros.clone(),
            observations: vec![0; n_assets],
            n_observations: 0,
            exposures: zeros,
            outcomes: Vec::new(),
        })
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.variance.len()
    }

    /// Rows kept.
    pub fn window(&self) -> usize {
        self.window.capacity()
    }

    /// The half-life of the volatility.
    pub fn half_life(&self) -> f64 {
        self.half_life
    }

    /// Rows seen.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// The volatility of each asset expected for the next row; 0 before its first return.
    pub fn volatility(&self) -> &[f64] {
        &self.volatility
    }

    /// Own returns of each asset seen.
    pub fn observations(&self) -> &[u64] {
        &self.observations
    }

    /// Takes in the returns of one row, NaN where one is missing.
    ///
    /// # Errors
    /// Another number of assets, an infinite return, one whose square would be infinite; nothing has changed then.
    pub fn push(&mut self, row: ArrayView1<'_, f64>) -> Result<()> {
        validate::length("row", row, self.n_assets())?;
        refuse_giants("row", "column", row)?;
        let young = |seen: u64| seen < MIN_OBSERVATIONS as u64;
        let before = self.volatility.iter().zip(&self.observations);
        let before = before.map(|(sigma, seen)| if young(*seen) { f64::NAN } else { *sigma });
        self.window.push(row, before);
        for (asset, value) in row.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
            self.mass[asset] = self.decay_factor * self.mass[asset] + 1.0;
            self.variance[asset] += (value * value - self.variance[asset]) / self.mass[asset];
            self.volatility[asset] = self.variance[asset].sqrt();
            self.observations[asset] += 1;
        }
        self.n_observations += 1;
        Ok(())
    }

    /// The kept rows at today's volatility, oldest first; rows before the first scenario are left out, NaN where
    /// an asset has none.
    pub fn scenarios(&self) -> Array2<f64> {
        let skipped = self.window.rows_without_scenario();
        let mut scenarios = Array2::zeros((self.window.n_rows() - skipped, self.n_assets()));
        for (age, mut scenario) in (skipped..).zip(scenarios.outer_iter_mut()) {
            let (values, before) = self.window.row(age);
            scenario.assign(&ArrayView1::from(values));
            if let Some(scenario) = scenario.as_slice_mut() {
                dispatch(Rescaling { scenario, before, today: &self.volatility });
            }
        }
        scenarios
    }

    /// What a portfolio earns in the scenarios that all of its assets have, oldest first.
    ///
    /// # Errors
    /// Another number of weights, one that is not finite or absurdly large.
    pub fn outcomes(&mut self, weights: ArrayView1<'_, f64>) -> Result<&[f64]> {
        validate::length("weights", weights, self.n_assets())?;
        validate::finite("weights", weights)?;
        refuse_giants("weights", "index", weights)?;
        self.outcomes.clear();
        let wildest = self.volatility.iter().fold(0.0_f64, |most, sigma| most.max(*sigma));
        if self.window.largest_loss() * wildest < 1.0 {
            for ((exposure, weight), sigma) in self.exposures.iter_mut().zip(weights).zip(&self.volatility) {
                *exposure = weight * sigma;
            }
            self.outcomes.resize(self.window.n_rows(), 0.0);
            let [older, newer] = self.window.quotients();
            let exposures = &self.exposures;
            let (first, last) = self.outcomes.split_at_mut(older.len() / exposures.len());
            dispatch(Products { exposures, quotients: older, outcomes: first });
            dispatch(Products { exposures, quotients: newer, outcomes: last });
        } else {
            let held: Vec<(usize, f64)> =
                weights.iter().copied().enumerate().filter(|(_, weight)| *weight != 0.0).collect();
            let mut outcomes = std::mem::take(&mut self.outcomes);
            let told = self.window.rows_without_scenario()..self.window.n_rows();
            outcomes.extend(told.filter_map(|age| self.scenario_of(age, &held)));
            self.outcomes = outcomes;
        }
        Ok(&self.outcomes)
    }

    /// What is held earns in one kept row at today's volatility; `None` where an asset has no scenario.
    fn scenario_of(&self, age: usize, held: &[(usize, f64)]) -> Option<f64> {
        let (values, before) = self.window.row(age);
        let mut sum = 0.0;
        for &(asset, weight) in held {
            let scenario = at(values[asset], before[asset], self.volatility[asset]);
            if !scenario.is_finite() {
                return None;
            }
            sum += weight * scenario;
        }
        Some(sum)
    }

    /// Value at risk and conditional value at risk of a portfolio at every level; none where there are fewer
    /// scenarios than `least`.
    ///
    /// # Errors
    /// As [`FilteredHistory::outcomes`]; a level outside (0, 1).
    pub fn tails(&mut self, weights: ArrayView1<'_, f64>, levels: &[f64], least: usize) -> Result<Vec<Tail>> {
        let outcomes = self.outcomes(weights)?;
        if outcomes.len() < least.max(1) {
            return Ok(Vec::new());
        }
        historical_tails(ArrayView1::from(outcomes), levels)
    }
}

/// Past returns at today's volatility, in place; NaN where one or the volatility before it is missing.
struct Rescaling<'a> {
    scenario: &'a mut [f64],
    before: &'a [f64],
    today: &'a [f64],
}

impl Kernel for Rescaling<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) {
        for ((value, past), now) in self.scenario.iter_mut().zip(self.before).zip(self.today) {
            *value = at(*value, *past, *now);
        }
    }
}

/// A past return at today's volatility, as in `filtered`; NaN where it or the volatility before it is missing.
///
/// Comparisons in place of `max` and `min`, which pass over a NaN, and no way out before the end: so several are
/// worked on at a time.
#[inline(always)]
fn at(value: f64, past: f64, today: f64) -> f64 {
    let scaled = value * (today / past);
    let floor = if value < -1.0 { value } else { -1.0 };
    let cut = if scaled < floor { floor } else { scaled };
    if past <= NEGLIGIBLE * today { value } else { cut }
}

/// Refuses the first number that is infinite or has an infinite square; NaN passes.
fn refuse_giants(what: &'static str, axis: &str, values: ArrayView1<'_, f64>) -> Result<()> {
    match values.iter().enumerate().find(|(_, value)| value.abs() > LARGEST) {
        Some((place, &value)) if value.is_infinite() => {
            Err(Error::NonFinite { what, value, position: format!("{axis} {place}") })
        }
        Some((_, &value)) => Err(Error::OutOfRange { what, value, range: "at most 1e150 in size" }),
        None => Ok(()),
    }
}

/// `q' e` of every row of quotients, in eight running sums whatever the instruction set, so that a restored
/// history goes on with the same bits on any machine.
struct Products<'a> {
    exposures: &'a [f64],
    quotients: &'a [f64],
    outcomes: &'a mut [f64],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let n_assets = self.exposures.len();
        let (groups, last) = self.outcomes.as_chunks_mut::<4>();
        let (grouped, last_rows) = self.quotients.split_at(4 * groups.len() * n_assets);
        // Four rows at a time: none waits for its own sums, and the exposures are loaded once.
        for (outcomes, rows) in groups.iter_mut().zip(grouped.chunks_exact(4 * n_assets)) {
            let (front, back) = rows.split_at(2 * n_assets);
            let ((first, second), (third, fourth)) = (front.split_at(n_assets), back.split_at(n_assets));
            *outcomes = products_of_rows(simd, self.exposures, [first, second, third, fourth]);
        }
        for (outcome, row) in last.iter_mut().zip(last_rows.chunks_exact(n_assets)) {
            [*outcome] = products_of_rows(simd, self.exposures, [row]);
        }
    }
}

/// Sums that run side by side.
const RUNNING: usize = 8;

// Loops and no closures: what is not inlined here would be compiled for the oldest machine.
#[inline(always)]
fn products_of_rows<S: Simd, const R: usize>(simd: S, exposures: &[f64], rows: [&[f64]; R]) -> [f64; R] {
    // Of four lanes or eight, one vector or two hold the sums.
    let n_parts = RUNNING / S::LANES;
    let n_blocks = exposures.len() / RUNNING * n_parts;
    let mut sums = [[simd.splat(0.0); R]; 2];
    for first in (0..n_blocks).step_by(n_parts) {
        // Counted by hand: over an iterator the compiler keeps the sums in memory.
        let mut part = 0;
        while part < n_parts {
            let exposure = simd.load(&simd.blocks(exposures).0[first + part]);
            for row in 0..R {
                // Multiplied and added, not fused: to the same bits without an instruction for both.
                let product = simd.mul(exposure, simd.load(&simd.blocks(rows[row]).0[first + part]));
                sums[part][row] = simd.add(sums[part][row], product);
            }
            part += 1;
        }
    }
    let mut found = [0.0; R];
    for row in 0..R {
        let mut lanes = [0.0; RUNNING];
        for (block, sum) in simd.blocks_mut(&mut lanes).0.iter_mut().zip(&sums) {
            simd.store(block, sum[row]);
        }
        let mut rest = 0.0;
        for place in n_blocks * S::LANES..exposures.len() {
            rest += exposures[place] * rows[row][place];
        }
        let [a, b, c, d, e, f, g, h] = lanes;
        found[row] = ((a + e) + (c + g)) + ((b + f) + (d + h)) + rest;
    }
    found
}

#[cfg(test)]
mod tests;
