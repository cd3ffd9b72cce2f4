//! Two hidden states on the volatility score: how likely the volatile one is.
//!
//! More states, or returns themselves, change too often on fat tails (Ryden, Terasvirta and Asbrink, 1998). The trend
//! axis stays that of the rules.

use ndarray::{ArrayView1, ArrayView2, Axis, Slice};

use super::super::features::Reading;
use super::super::rules::{FLOOR, HIGH_VOLATILITY, Probabilities, normalised};
use super::super::saved;
use super::history::Scale;
use super::naming::is_volatile;
use crate::Result;
use crate::regime::{GaussianHmm, HmmSettings, fit_gaussian_hmm};
use crate::snapshot::{Reader, Writer, refused};

const SETTINGS: HmmSettings = HmmSettings {
    n_states: 2,
    full: false,
    n_restarts: 10,
    // Days are that much likelier to be followed by their like, as if so many had been seen.
    sticky: 50.0,
    max_iterations: 200,
    tolerance: 1e-6,
    seed: 0,
};

/// States come in ascending order of their mean.
const WILD: usize = 1;

#[derive(Debug, Clone)]
pub(super) struct Hidden {
    model: GaussianHmm,
    /// Whether the wilder state is wild enough to be named so.
    has_volatile: bool,
}

impl Hidden {
    /// None where the volatility score does not vary or no fit is found.
    pub(super) fn fit(rows: ArrayView2<'_, f64>) -> Option<Self> {
        if !Scale::volatility_varies(rows) {
            return None;
        }
        let scores = rows.slice_axis(Axis(1), Slice::from(..1));
        let model = fit_gaussian_hmm(scores, &SETTINGS).ok()?.model;
        let has_volatile = is_volatile(model.means()[(WILD, 0)]);
        Some(Self { model, has_volatile })
    }

    pub(super) fn has_volatile(&self) -> bool {
        self.has_volatile
    }

    pub(super) fn step(&mut self, reading: &Reading) {
        // A score that no state can have produced, which is none of a real market, leaves the filter alone.
        let _ = self.model.step(ArrayView1::from(&[reading.volatility_score]));
    }

    /// The volatile state's probability; the rest as the rules share it out.
    pub(super) fn probabilities(&self, rules: &Probabilities) -> Probabilities {
        let volatile = if self.has_volatile { self.model.probabilities()[WILD] } else { 0.0 };
        let calm: f64 = rules[..HIGH_VOLATILITY].iter().sum();
        let mut shared: Probabilities = std::array::from_fn(|k| {
            let share = if calm > 0.0 { rules[k] / calm } else { 1.0 / HIGH_VOLATILITY as f64 };
            (1.0 - volatile) * share
        });
        shared[HIGH_VOLATILITY] = volatile;
        normalised(shared.map(|p| p.max(FLOOR)))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.model.to_bytes());
        writer.flag(self.has_volatile);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let model = GaussianHmm::from_bytes(reader.bytes()?).map_err(saved::unfit)?;
        if (model.n_states(), model.n_features()) != (SETTINGS.n_states, 1) {
            return Err(refused(format!("the hidden Markov engine has {} states", model.n_states())));
        }
        Ok(Self { model, has_volatile: reader.flag()? })
    }
}
