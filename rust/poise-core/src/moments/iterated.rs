//! Iterated EWMA covariance: volatilities first, then the correlation of returns measured in them.
//!
//! Johansson, Ogut, Pelger, Schmelzer and Boyd (2023), "A simple method for predicting covariance matrices of
//! financial returns", after the idea of Engle (2002). Names: `s` volatility (`volatility`), `z` a return in units
//! of it, `S` the moments of `z` over the members (`moments`). Gaps are filled by what the others let expect
//! (`masked`); an asset that came later keeps a row of its own until it knows enough to join (`listing`).

mod book;
mod decay;
mod factor;
mod listing;
mod masked;
mod regimes;
mod saved;
mod timeframes;
mod volatility;

pub use self::book::BookSums;
pub use self::regimes::RegimesState;
pub use self::timeframes::{Timeframe, TimeframesState};

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use self::decay::Decay;
use self::listing::{Block, Newcomer};
use self::volatility::Variance;
use super::gaps::{self, RowKind};
use super::packed;
use crate::{Error, Result, validate};

/// From which of its own observations on an asset has correlations to show.
const SHOWN_FROM: u64 = 20;

/// The choices of the estimator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IteratedRule {
    /// Own observations after which a weight of the volatility has halved.
    pub volatility_half_life: f64,
    /// Observations after which a weight of the correlation has halved.
    pub correlation_half_life: f64,
    /// A return is measured in the volatility before it; otherwise in the one that it has already moved.
    pub whiten_lag: bool,
    /// Volatilities beyond which a return is pulled in; `None` never does.
    pub winsor: Option<f64>,
}

impl Default for IteratedRule {
    fn default() -> Self {
        Self { volatility_half_life: 21.0, correlation_half_life: 63.0, whiten_lag: true, winsor: Some(4.2) }
    }
}

/// Running volatilities and correlations. A refused row leaves them as they were.
#[derive(Debug, Clone)]
pub struct IteratedState {
    rule: IteratedRule,
    volatility_decay: Decay,
    correlation_decay: Decay,
    n_observations: u64,
    variances: Vec<Variance>,
    /// Rows that have moved `moments`.
    n_joint: u64,
    is_member: Vec<bool>,
    /// Packed; zero beside assets that are no members.
    moments: Vec<f64>,
    /// In the order they came, by column where at the same row.
    newcomers: Vec<Newcomer>,
    /// Scratch: the last row, whitened.
    whitened: Vec<f64>,
}

impl IteratedState {
    /// A state that has seen nothing.
    pub fn new(n_assets: usize, rule: IteratedRule) -> Result<Self> {
        if n_assets == 0 {
            return Err(Error::Empty { what: "row", unit: "asset" });
        }
        if let Some(winsor) = rule.winsor
            && !(winsor.is_finite() && winsor >= 1.0)
        {
            let range = "at least one volatility, or none at all";
            return Err(Error::OutOfRange { what: "winsor", value: winsor, range });
        }
        Ok(Self {
            rule,
            volatility_decay: Decay::new("volatility_half_life", rule.volatility_half_life)?,
            correlation_decay: Decay::new("correlation_half_life", rule.correlation_half_life)?,
            n_observations: 0,
            variances: vec![Variance::default(); n_assets],
            n_joint: 0,
            is_member: vec![false; n_assets],
            moments: vec![0.0; packed::size(n_assets)],
            newcomers: Vec::new(),
            whitened: vec![f64::NAN; n_assets],
        })
    }

    /// Takes in the next row; NaN is missing.
    pub fn update(&mut self, row: ArrayView1<'_, f64>) -> Result<()> {
        validate::length("row", row, self.n_assets())?;
        gaps::refuse_infinite("row", row)?;
        refuse_unsquarable("row", row.iter())?;
        self.take(row);
        Ok(())
    }

    /// Takes in many rows, exactly as [`IteratedState::update`] would one by one.
    pub fn absorb(&mut self, returns: ArrayView2<'_, f64>) -> Result<()> {
        Self::check(self.n_assets(), returns)?;
        returns.rows().into_iter().for_each(|row| self.take(row));
        Ok(())
    }

    /// Refuses rows that a state of `n_assets` could not take in.
    fn check(n_assets: usize, returns: ArrayView2<'_, f64>) -> Result<()> {
        gaps::has_gaps("R", returns)?;
        let (n_rows, n_columns) = returns.dim();
        if n_columns != n_assets {
            return Err(Error::Shape {
                what: "R",
                expected: format!("({n_rows}, {n_assets})"),
                found: format!("({n_rows}, {n_columns})"),
            });
        }
        refuse_unsquarable("R", returns.iter())
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.variances.len()
    }

    /// Rows taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// The standard deviation of each asset per bar; NaN before its fifth observation.
    pub fn volatility(&self) -> Array1<f64> {
        self.variances.iter().map(Variance::volatility).collect()
    }

    /// Rows since each asset's last observation; NaN for one that was never seen.
    pub fn age(&self) -> Array1<f64> {
        let age = |seen: &Variance| match seen.count {
            0 => f64::NAN,
            _ => (self.n_observations - seen.last_row) as f64,
        };
        self.variances.iter().map(age).collect()
    }

    /// The correlation: 0 beside an asset that never moved, NaN beside one with less than 20 observations.
    pub fn correlation(&self) -> Array2<f64> {
        let n = self.n_assets();
        let is_shown = |asset: usize| self.variances[asset].count >= SHOWN_FROM;
        let mut block = self.member_block();
        for newcomer in self.newcomers.iter().filter(|newcomer| is_shown(newcomer.asset)) {
            let row = block.fit(newcomer);
            block.push(newcomer.asset, &row.correlations);
        }
        let mut correlation = Array2::from_elem((n, n), f64::NAN);
        for (&i, row) in block.assets.iter().zip(packed::rows(&block.packed, block.assets.len())) {
            for (&j, &rho) in block.assets.iter().zip(row).filter(|&(&j, _)| is_shown(i) && is_shown(j)) {
                correlation[(i, j)] = rho;
                correlation[(j, i)] = rho;
            }
        }
        correlation
    }

    /// The covariance per bar, `s_i s_j rho_ij`; NaN where the correlation is.
    pub fn covariance(&self) -> Array2<f64> {
        let volatility = self.volatility();
        let mut covariance = self.correlation();
        for ((i, j), entry) in covariance.indexed_iter_mut() {
            *entry *= volatility[i] * volatility[j];
        }
        covariance
    }

    fn take(&mut self, row: ArrayView1<'_, f64>) {
        if gaps::kind_of(row) == RowKind::Missing {
            return;
        }
        self.n_observations += 1;
        let (variances, whitened) = (&mut self.variances, &mut self.whitened);
        volatility::whiten(variances, &self.rule, self.volatility_decay, row, self.n_observations, whitened);
        self.admit();
        self.learn();
        let keep = self.correlation_decay.factor();
        self.newcomers.iter_mut().for_each(|newcomer| newcomer.update(keep, &self.whitened));
        self.join();
    }

    /// The assets of the first whitened row found `S`; whoever comes later gets a row of its own.
    fn admit(&mut self) {
        let n_assets = self.n_assets();
        let is_founding = self.n_joint == 0;
        for asset in (0..n_assets).filter(|&asset| !self.whitened[asset].is_nan()) {
            if is_founding {
                self.is_member[asset] = true;
            } else if !self.is_member[asset] && self.newcomers.iter().all(|known| known.asset != asset) {
                self.newcomers.push(Newcomer::new(asset, n_assets));
            }
        }
    }

    /// Moves `S` by the whitened row of its members.
    fn learn(&mut self) {
        let z = &self.whitened;
        let members = || (0..z.len()).filter(|&i| self.is_member[i]);
        let (missing, observed): (Vec<usize>, Vec<usize>) = members().partition(|&i| z[i].is_nan());
        if observed.is_empty() {
            return;
        }
        self.n_joint += 1;
        let gain = self.correlation_decay.gain(self.n_joint);
        let mut step = vec![0.0; z.len()];
        observed.iter().for_each(|&i| step[i] = z[i]);
        let open = if missing.is_empty() {
            Vec::new()
        } else {
            masked::expect(&self.moments, &observed, &missing, &mut step)
        };
        step.iter_mut().for_each(|z| *z *= gain.sqrt());
        packed::decay_and_add(&mut self.moments, 1.0 - gain, &step);
        for (&i, row) in missing.iter().zip(open.chunks_exact(missing.len().max(1))) {
            for (&j, rest) in missing.iter().zip(row).take_while(|&(&j, _)| j <= i) {
                self.moments[packed::size(i) + j] += gain * rest;
            }
        }
    }

    /// Lets newcomers into `S` whose rows are long enough and fit as they are, the oldest first.
    fn join(&mut self) {
        let is_grown = |newcomer: &Newcomer| newcomer.is_grown(self.correlation_decay);
        if !self.newcomers.iter().any(is_grown) {
            return;
        }
        let mut block = self.member_block();
        let mut waiting = Vec::new();
        for newcomer in std::mem::take(&mut self.newcomers) {
            if newcomer.is_grown(self.correlation_decay) {
                let row = block.fit(&newcomer);
                if !row.scaled {
                    self.write_member(&newcomer, &block.assets, &row.correlations);
                    block.push(newcomer.asset, &row.correlations);
                    continue;
                }
            }
            waiting.push(newcomer);
        }
        self.newcomers = waiting;
    }

    fn write_member(&mut self, newcomer: &Newcomer, members: &[usize], correlations: &[f64]) {
        let (i, variance) = (newcomer.asset, newcomer.variance());
        for (&j, rho) in members.iter().zip(correlations) {
            let scale = variance.sqrt() * self.moments[packed::diagonal(j)].sqrt();
            self.moments[packed::size(i.max(j)) + i.min(j)] = rho * scale;
        }
        self.moments[packed::diagonal(i)] = variance;
        self.is_member[i] = true;
    }

    fn member_block(&self) -> Block {
        Block::of_members(&self.moments, (0..self.n_assets()).filter(|&i| self.is_member[i]))
    }
}

/// Refuses a finite return whose square is not.
fn refuse_unsquarable<'a>(what: &'static str, mut values: impl Iterator<Item = &'a f64>) -> Result<()> {
    match values.find(|&x| (x * x).is_infinite()) {
        Some(&value) => Err(Error::OutOfRange { what, value, range: "returns as fractions, below 1e154" }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
