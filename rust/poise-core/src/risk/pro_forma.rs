//! What the weights held today would have earned: their returns bar by bar, the tail and the variance of those.
//!
//! The last `window` rows of asset returns are kept, so that other weights are told at once what they would have
//! gone through. A bar in which a held asset is missing says nothing about the portfolio and leaves its place in
//! the window empty.

use poise_simd::{Kernel, Simd, dispatch};

use super::rolling::RollingTail;
use super::tail::Tail;
use crate::{Error, Result};

/// Weights above this could make a sum of products infinite.
const LARGEST_WEIGHT: f64 = 1e100;

/// Numbers up to which a window takes its memory at once; a longer one grows as it fills.
const RESERVED: usize = 1 << 24;

/// The window of a portfolio.
#[derive(Debug, Clone)]
pub(super) struct ProForma {
    weights: Vec<f64>,
    window: usize,
    /// The last rows; `next` is the place of the oldest once there are `window` of them.
    rows: Vec<f64>,
    next: usize,
    tail: RollingTail,
    /// The tail after the last bar.
    current: Option<Tail>,
    variance: DecayedMean,
    decay_factor: f64,
}

/// An exponentially weighted mean whose weights are divided by their sum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct DecayedMean {
    pub(super) value: f64,
    pub(super) weight: f64,
}

impl DecayedMean {
    /// A bar passes.
    fn age(&mut self, decay_factor: f64) {
        self.weight *= decay_factor;
    }

    /// Whether some values could have led to it.
    pub(super) fn is_possible(self) -> bool {
        let ordinary = |number: f64| number >= 0.0 && number.is_finite();
        ordinary(self.value) && ordinary(self.weight)
    }

    fn add(&mut self, value: f64) {
        self.weight += 1.0;
        self.value += (value - self.value) / self.weight;
    }
}

impl ProForma {
    /// A portfolio of cash that has seen nothing.
    pub(super) fn new(n_assets: usize, window: usize, confidence_level: f64, half_life: f64) -> Result<Self> {
        let mut pro_forma = Self {
            weights: vec![0.0; n_assets],
            window,
            rows: Vec::new(),
            next: 0,
            tail: RollingTail::new(window, confidence_level)?,
            current: None,
            variance: DecayedMean::default(),
            decay_factor: (-std::f64::consts::LN_2 / half_life).exp(),
        };
        if window.saturating_mul(n_assets + 3) <= RESERVED {
            pro_forma.tail.reserve();
            pro_forma.rows.reserve_exact(window * n_assets);
        }
        Ok(pro_forma)
    }

    /// The portfolio's return over a bar without infinities; NaN where a held asset is missing.
    pub(super) fn outcome(&self, row: &[f64]) -> Result<f64> {
        let outcome = dispatch(Outcome { weights: &self.weights, row });
        if outcome.is_nan() || (outcome * outcome).is_finite() {
            return Ok(outcome);
        }
        Err(Error::OutOfRange {
            what: "the portfolio's return",
            value: outcome,
            range: "a number whose square is finite",
        })
    }

    /// Takes in a bar and what [`ProForma::outcome`] made of it.
    pub(super) fn advance(&mut self, row: &[f64], outcome: f64) {
        if self.n_rows() < self.window {
            self.rows.extend_from_slice(row);
        } else {
            let start = self.next * row.len();
            self.rows[start..start + row.len()].copy_from_slice(row);
            self.next = if self.next + 1 == self.window { 0 } else { self.next + 1 };
        }
        self.variance.age(self.decay_factor);
        if !outcome.is_nan() {
            self.variance.add(outcome * outcome);
        }
        self.tail.admit(outcome);
        self.current = self.tail.measure();
    }

    /// Sends the rows of the window through other weights. `variance` is what their whole past says, if that is
    /// known; the window speaks for it otherwise.
    ///
    /// # Errors
    /// A weight that is no number of ordinary size, returns so large that the portfolio's has no square; nothing
    /// has changed then.
    pub(super) fn hold(&mut self, weights: &[f64], variance: Option<f64>) -> Result<()> {
        refuse_bad_weights(weights)?;
        let before = std::mem::replace(&mut self.weights, weights.to_vec());
        let outcomes: Result<Vec<f64>> = self.oldest_first().map(|row| self.past_outcome(row)).collect();
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => {
                self.weights = before;
                return Err(error);
            }
        };
        let mut windowed = DecayedMean::default();
        self.tail.clear();
        for outcome in outcomes {
            windowed.age(self.decay_factor);
            if !outcome.is_nan() {
                windowed.add(outcome * outcome);
            }
            self.tail.admit(outcome);
        }
        self.current = self.tail.measure();
        match variance {
            Some(value) => self.variance.value = value,
            None => self.variance = windowed,
        }
        Ok(())
    }

    fn past_outcome(&self, row: &[f64]) -> Result<f64> {
        if is_missing(row) { Ok(f64::NAN) } else { self.outcome(row) }
    }

    pub(super) fn weights(&self) -> &[f64] {
        &self.weights
    }

    pub(super) fn n_rows(&self) -> usize {
        self.rows.len() / self.weights.len()
    }

    /// Bars of the window in which every held asset had a return.
    pub(super) fn n_returns(&self) -> usize {
        self.tail.n_returns()
    }

    pub(super) fn tail(&self) -> Option<Tail> {
        self.current
    }

    /// The mean of the squared returns; NaN before the first.
    pub(super) fn variance(&self) -> f64 {
        if self.variance.weight > 0.0 { self.variance.value } else { f64::NAN }
    }

    pub(super) fn mean_square(&self) -> DecayedMean {
        self.variance
    }

    pub(super) fn oldest_first(&self) -> impl Iterator<Item = &[f64]> {
        let n_assets = self.weights.len();
        let (newer, older) = self.rows.split_at(self.next * n_assets);
        older.chunks_exact(n_assets).chain(newer.chunks_exact(n_assets))
    }

    /// Puts back what was saved: rows oldest first, at most `window` of them.
    pub(super) fn restore(&mut self, rows: Vec<f64>, weights: &[f64], variance: DecayedMean) -> Result<()> {
        self.rows.extend(rows);
        self.hold(weights, None)?;
        self.variance = variance;
        Ok(())
    }
}

/// Whether a bar holds no value at all.
fn is_missing(row: &[f64]) -> bool {
    row.iter().all(|value| value.is_nan())
}

/// Refuses the first weight that is no number of ordinary size.
pub(super) fn refuse_bad_weights(weights: &[f64]) -> Result<()> {
    match weights.iter().find(|weight| weight.is_nan() || weight.abs() > LARGEST_WEIGHT) {
        Some(&value) => {
            Err(Error::OutOfRange { what: "weight", value, range: "a finite fraction of ordinary size" })
        }
        None => Ok(()),
    }
}

/// `w' r`, in eight running sums whatever the instruction set: a restored window replays to the same bits on any
/// machine. What is not held counts as zero, also where it is missing.
struct Outcome<'a> {
    weights: &'a [f64],
    row: &'a [f64],
}

impl Kernel for Outcome<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> f64 {
        let (weights, last_weights) = self.weights.as_chunks::<8>();
        let (row, last_row) = self.row.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for (weights, row) in weights.iter().zip(row) {
            for lane in 0..8 {
                let product = weights[lane] * row[lane];
                sums[lane] += if weights[lane] == 0.0 { 0.0 } else { product };
            }
        }
        for (sum, (weight, value)) in sums.iter_mut().zip(last_weights.iter().zip(last_row)) {
            *sum += if *weight == 0.0 { 0.0 } else { weight * value };
        }
        sums.iter().sum()
    }
}
