//! Correlation by regime, on top of the iterated EWMA.
//!
//! Every regime `k` has moments `S_k` of the whitened returns that learn by its probability,
//! `S_k <- S_k + (1 - beta) pi_k (z z' - S_k)`, and the correlation of now is
//! `sum_k pi_k (v_k R_k + (1 - v_k) R)` with `v_k = n_k / (n_k + 5 N)`: a regime that was seldom seen speaks with the
//! voice of the whole past. All of it is sums of positive semidefinite matrices. Missing returns are filled as in
//! `masked`; an asset that joins later is given in every regime what the others let expect of it (`complete`).

mod complete;
mod saved;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::decay::Decay;
use super::{IteratedRule, IteratedState, masked};
use crate::moments::gaps::{self, RowKind};
use crate::moments::packed;
use crate::{Error, Result};

/// Observations per asset that make a regime count as much as the whole past.
const PRIOR: f64 = 5.0;

/// How far probabilities may be from summing to one.
const UNIT: f64 = 1e-9;

/// What one regime has seen.
#[derive(Debug, Clone, PartialEq)]
struct Regime {
    /// The share of an endless past that `moments` hold.
    weight: f64,
    /// Packed; zero beside assets that are no members.
    moments: Vec<f64>,
}

/// Running correlations of each regime. A refused row leaves them as they were.
#[derive(Debug, Clone)]
pub struct RegimesState {
    whole: IteratedState,
    decay: Decay,
    /// Of the last row.
    probabilities: Vec<f64>,
    regimes: Vec<Regime>,
    is_member: Vec<bool>,
}

impl RegimesState {
    /// A state that has seen nothing.
    pub fn new(n_assets: usize, n_regimes: usize, rule: IteratedRule) -> Result<Self> {
        if n_regimes == 0 {
            return Err(Error::Empty { what: "regimes", unit: "regime" });
        }
        let whole = IteratedState::new(n_assets, rule)?;
        let empty = Regime { weight: 0.0, moments: vec![0.0; packed::size(n_assets)] };
        Ok(Self {
            decay: whole.correlation_decay,
            whole,
            probabilities: vec![f64::NAN; n_regimes],
            regimes: vec![empty; n_regimes],
            is_member: vec![false; n_assets],
        })
    }

    /// Takes in the next row, NaN is missing, and the probability of each regime in it.
    pub fn update(&mut self, row: ArrayView1<'_, f64>, probabilities: ArrayView1<'_, f64>) -> Result<()> {
        check_probabilities("probabilities", None, probabilities, self.regimes.len())?;
        self.whole.update(row)?;
        self.learn(row, probabilities);
        Ok(())
    }

    /// Takes in many rows, exactly as [`RegimesState::update`] would one by one.
    pub fn absorb(&mut self, returns: ArrayView2<'_, f64>, probabilities: ArrayView2<'_, f64>) -> Result<()> {
        let n_regimes = self.regimes.len();
        if probabilities.dim() != (returns.nrows(), n_regimes) {
            return Err(Error::Shape {
                what: "probabilities",
                expected: format!("({}, {n_regimes})", returns.nrows()),
                found: format!("{:?}", probabilities.dim()),
            });
        }
        for (t, row) in probabilities.rows().into_iter().enumerate() {
            check_probabilities("probabilities", Some(t), row, n_regimes)?;
        }
        // Nothing is taken before everything is checked.
        IteratedState::check(self.n_assets(), returns)?;
        for (row, probabilities) in returns.rows().into_iter().zip(probabilities.rows()) {
            self.whole.take(row);
            self.learn(row, probabilities);
        }
        Ok(())
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.whole.n_assets()
    }

    /// Regimes.
    pub fn n_regimes(&self) -> usize {
        self.regimes.len()
    }

    /// Rows taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.whole.n_observations()
    }

    /// Observations that each regime can speak of, each counted by its probability and by how recent it is.
    pub fn n_effective(&self) -> Array1<f64> {
        let forgotten = self.decay.forgotten();
        self.regimes.iter().map(|regime| regime.weight / forgotten).collect()
    }

    /// The standard deviation of each asset per bar; NaN before its fifth observation.
    pub fn volatility(&self) -> Array1<f64> {
        self.whole.volatility()
    }

    /// The correlation under the probabilities of the last row; NaN beside an asset with less than 20
    /// observations.
    pub fn correlation(&self) -> Array2<f64> {
        let whole = self.whole.correlation();
        let mut mixed = Array2::zeros(whole.dim());
        for (regime, &probability) in (0..).zip(&self.probabilities) {
            mixed.scaled_add(probability, &self.shrunk(regime, &whole));
        }
        mixed.diag_mut().assign(&whole.diag());
        mixed
    }

    /// The covariance per bar under the probabilities of the last row.
    pub fn covariance(&self) -> Array2<f64> {
        self.scaled(self.correlation())
    }

    /// The correlation `v_k R_k + (1 - v_k) R` of one regime.
    pub fn conditional_correlation(&self, regime: usize) -> Result<Array2<f64>> {
        self.check_regime(regime)?;
        Ok(self.shrunk(regime, &self.whole.correlation()))
    }

    /// The covariance per bar of one regime, at the volatilities of now.
    pub fn conditional_covariance(&self, regime: usize) -> Result<Array2<f64>> {
        Ok(self.scaled(self.conditional_correlation(regime)?))
    }

    fn scaled(&self, mut correlation: Array2<f64>) -> Array2<f64> {
        let volatility = self.volatility();
        for ((i, j), entry) in correlation.indexed_iter_mut() {
            *entry *= volatility[i] * volatility[j];
        }
        correlation
    }

    fn check_regime(&self, regime: usize) -> Result<()> {
        if regime < self.regimes.len() {
            return Ok(());
        }
        let range = "the number of a regime, counted from 0";
        Err(Error::OutOfRange { what: "regime", value: regime as f64, range })
    }

    fn shrunk(&self, regime: usize, whole: &Array2<f64>) -> Array2<f64> {
        let shown: Vec<usize> = (0..self.n_assets()).filter(|&i| !whole[(i, i)].is_nan()).collect();
        let n_effective = self.regimes[regime].weight / self.decay.forgotten();
        let v = n_effective / (n_effective + PRIOR * shown.len() as f64);
        let own = complete::correlation(&self.regimes[regime].moments, &self.is_member, &shown, whole);
        let mut shrunk = whole.clone();
        for (&i, row) in shown.iter().zip(own.rows()) {
            for (&j, rho) in shown.iter().zip(row).filter(|&(&j, _)| j != i) {
                shrunk[(i, j)] = v * rho + (1.0 - v) * whole[(i, j)];
            }
        }
        shrunk
    }

    /// Moves every regime by a row that the whole has just taken.
    fn learn(&mut self, row: ArrayView1<'_, f64>, probabilities: ArrayView1<'_, f64>) {
        // To the last digit, so that no correlation leaves [-1, 1].
        let sum = probabilities.sum();
        self.probabilities.iter_mut().zip(probabilities).for_each(|(kept, new)| *kept = new / sum);
        if gaps::kind_of(row) == RowKind::Missing {
            return;
        }
        if !self.is_member.contains(&true) {
            self.is_member.clone_from(&self.whole.is_member);
        }
        self.move_by_whitened();
        self.join();
    }

    fn move_by_whitened(&mut self) {
        let z = &self.whole.whitened;
        let members = (0..z.len()).filter(|&i| self.is_member[i]);
        let (missing, observed): (Vec<usize>, Vec<usize>) = members.partition(|&i| z[i].is_nan());
        if observed.is_empty() {
            return;
        }
        let mut filled = vec![0.0; z.len()];
        observed.iter().for_each(|&i| filled[i] = z[i]);
        let open = if missing.is_empty() {
            Vec::new()
        } else {
            masked::expect(&self.whole.moments, &observed, &missing, &mut filled)
        };
        let mut step = vec![0.0; z.len()];
        for (regime, probability) in self.regimes.iter_mut().zip(&self.probabilities) {
            let gain = self.decay.forgotten() * probability;
            step.iter_mut().zip(&filled).for_each(|(step, z)| *step = gain.sqrt() * z);
            packed::decay_and_add(&mut regime.moments, 1.0 - gain, &step);
            for (&i, row) in missing.iter().zip(open.chunks_exact(missing.len().max(1))) {
                for (&j, rest) in missing.iter().zip(row).take_while(|&(&j, _)| j <= i) {
                    regime.moments[packed::size(i) + j] += gain * rest;
                }
            }
            regime.weight += gain * (1.0 - regime.weight);
        }
    }

    /// Gives assets that have joined the whole a row in every regime.
    fn join(&mut self) {
        let joined = (0..self.n_assets()).filter(|&i| self.whole.is_member[i] && !self.is_member[i]);
        for i in joined.collect::<Vec<_>>() {
            let members: Vec<usize> = (0..self.n_assets()).filter(|&j| self.is_member[j]).collect();
            let expected = complete::Expected::of(&self.whole.moments, &members, i);
            for regime in &mut self.regimes {
                expected.write(&mut regime.moments, regime.weight, &members, i);
            }
            self.is_member[i] = true;
        }
    }
}

/// Refuses probabilities that are none, by index; `row` is where they stand, if there are many.
fn check_probabilities(
    what: &'static str,
    row: Option<usize>,
    probabilities: ArrayView1<'_, f64>,
    n_regimes: usize,
) -> Result<()> {
    crate::validate::length(what, probabilities, n_regimes)?;
    for (index, &value) in probabilities.iter().enumerate() {
        if !value.is_finite() {
            let position = match row {
                Some(row) => format!("row {row}, column {index}"),
                None => format!("index {index}"),
            };
            return Err(Error::NonFinite { what, value, position });
        }
        if value < 0.0 {
            return Err(Error::OutOfRange { what, value, range: "no probability below 0" });
        }
    }
    let sum = probabilities.sum();
    if (sum - 1.0).abs() > UNIT {
        return Err(Error::OutOfRange {
            what: "the sum of probabilities",
            value: sum,
            range: "1 to within 1e-9",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
