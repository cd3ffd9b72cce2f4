//! The filter of a hidden Markov model, one row at a time: states side by side in the lanes of a vector.

use poise_simd::{Kernel, Simd, dispatch};

use super::bayes::{Chain, NEGLIGIBLE, joint, normalize, normalize_logs, predict};
use super::columns::Line;
use super::gaussians::{Gaussians, log_density};

/// States side by side: up to eight, a whole number of vectors of any set.
type Eight = Line<[f64; 8]>;

/// What the filter knows after the rows so far, and all that a step reads and writes.
#[derive(Debug, Clone)]
pub(super) struct OnlineFilter {
    filtered: Vec<f64>,
    n_rows: u64,
    densities: Parameters,
    // Scratch, so that a step allocates nothing.
    centered: Vec<f64>,
    logs: Vec<Eight>,
    relative: Vec<Eight>,
    log_joint: Vec<f64>,
    scratch: [Vec<f64>; 2],
}

/// The parameters of the densities: for every eight states constant, means and entries of `W`. States that fill up
/// the last eight have density zero.
#[derive(Debug, Clone)]
struct Parameters {
    /// `(eights of states, 1 + n_features + entries of W)`.
    values: Vec<Eight>,
    n_entries: usize,
    n_states: usize,
    diagonal: bool,
}

impl Parameters {
    fn new(gaussians: &Gaussians) -> Self {
        const NOTHING: [f64; 1] = [f64::NEG_INFINITY];
        let states: Vec<Vec<f64>> = gaussians.states().map(|state| state.parameters()).collect();
        let n_entries = states.first().map_or(0, Vec::len);
        let entry = |state: usize, entry: usize| {
            let parameters = states.get(state).map_or(&NOTHING[..], Vec::as_slice);
            parameters.get(entry).copied().unwrap_or(0.0)
        };
        let eight = |first: usize, index: usize| Line(std::array::from_fn(|i| entry(first + i, index)));
        let firsts = (0..states.len()).step_by(8);
        let values = firsts.flat_map(|first| (0..n_entries).map(move |index| (first, index)));
        Self {
            values: values.map(|(first, index)| eight(first, index)).collect(),
            n_entries,
            n_states: states.len(),
            diagonal: gaussians.diagonal(),
        }
    }
}

impl OnlineFilter {
    /// A filter before the first row.
    pub(super) fn new(gaussians: &Gaussians) -> Self {
        let n_states = gaussians.n_states();
        Self {
            filtered: vec![0.0; n_states],
            n_rows: 0,
            densities: Parameters::new(gaussians),
            centered: vec![0.0; gaussians.n_features() * 8],
            logs: vec![Line([0.0; 8]); n_states.div_ceil(8)],
            relative: vec![Line([0.0; 8]); n_states.div_ceil(8)],
            log_joint: vec![0.0; n_states],
            scratch: [vec![0.0; n_states], vec![0.0; n_states]],
        }
    }

    /// Filtered probabilities after the rows so far; zeros before the first.
    pub(super) fn filtered(&self) -> &[f64] {
        &self.filtered
    }

    pub(super) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// Stands after `n_rows` rows that ended in these probabilities.
    pub(super) fn stand(&mut self, filtered: impl IntoIterator<Item = f64>, n_rows: u64) {
        self.filtered.iter_mut().zip(filtered).for_each(|(to, from)| *to = from);
        self.n_rows = n_rows;
    }

    pub(super) fn reset(&mut self) {
        self.filtered.fill(0.0);
        self.n_rows = 0;
    }

    /// Takes in one row of finite numbers; `false`, and nothing has changed, where no state can have produced it.
    pub(super) fn step(&mut self, chain: &Chain, row: &[f64]) -> bool {
        let filter = self;
        match row.len() {
            1 => dispatch(Weigh::<1> { filter, row }),
            2 => dispatch(Weigh::<2> { filter, row }),
            3 => dispatch(Weigh::<3> { filter, row }),
            4 => dispatch(Weigh::<4> { filter, row }),
            5 => dispatch(Weigh::<5> { filter, row }),
            6 => dispatch(Weigh::<6> { filter, row }),
            _ => dispatch(Weigh::<MANY> { filter, row }),
        }
        let reached = match chain.n_states() {
            2 => dispatch(Bayes::<2> { filter, chain }),
            3 => dispatch(Bayes::<3> { filter, chain }),
            4 => dispatch(Bayes::<4> { filter, chain }),
            _ => dispatch(Bayes::<MANY> { filter, chain }),
        };
        filter.n_rows += u64::from(reached);
        reached
    }

    #[inline(always)]
    fn weigh<S: Simd>(&mut self, simd: S, row: &[f64], centered: &mut [S::Block]) {
        let Self { densities, logs, relative, .. } = self;
        let row = &row[..centered.len()];
        let vectors = 0..densities.n_states.div_ceil(S::LANES);
        for vector in vectors.clone() {
            let (eight, part) = (vector * S::LANES / 8, vector % (8 / S::LANES));
            let entries = &densities.values[eight * densities.n_entries..][..densities.n_entries];
            let Some((constant, entries)) = entries.split_first() else { return };
            let (means, whiteners) = entries.split_at(row.len());
            for ((centered, mean), x) in centered.iter_mut().zip(means).zip(row) {
                simd.store(centered, simd.sub(simd.splat(*x), load(simd, mean, part)));
            }
            let squares = if densities.diagonal {
                squares(simd, whiteners, part, centered, true)
            } else {
                squares(simd, whiteners, part, centered, false)
            };
            let log = log_density(simd, load(simd, constant, part), squares);
            simd.store(&mut simd.blocks_mut(&mut logs[eight].0).0[part], log);
        }
        let mut largest = f64::NEG_INFINITY;
        for state in 0..densities.n_states {
            let log = logs[state / 8].0[state % 8];
            largest = if log > largest { log } else { largest };
        }
        for vector in vectors {
            let (eight, part) = (vector * S::LANES / 8, vector % (8 / S::LANES));
            let gap = simd.sub(load(simd, &logs[eight], part), simd.splat(largest));
            simd.store(&mut simd.blocks_mut(&mut relative[eight].0).0[part], simd.exp(gap));
        }
    }

    #[inline(always)]
    fn bayes<S: Simd>(&mut self, simd: S, chain: &Chain, prior: &mut [f64], posterior: &mut [f64]) -> bool {
        if self.n_rows == 0 {
            prior.copy_from_slice(&chain.start);
        } else {
            // Through memory of known length, as the batch does.
            posterior.copy_from_slice(&self.filtered);
            predict(simd, posterior, &chain.transition, prior);
        }
        let total = joint(prior, |state| self.relative[state / 8].0[state % 8], posterior);
        if total > NEGLIGIBLE {
            normalize(posterior, total);
            self.filtered.copy_from_slice(posterior);
            return true;
        }
        for (state, (log, prior)) in self.log_joint.iter_mut().zip(&*prior).enumerate() {
            *log = prior.ln() + self.logs[state / 8].0[state % 8];
        }
        let reached = normalize_logs(&mut self.log_joint).is_some();
        if reached {
            self.filtered.copy_from_slice(&self.log_joint);
        }
        reached
    }
}

/// In the place of a number that the compiler knows.
const MANY: usize = 0;

/// The densities of one row, in the order in which [`Gaussians::densities`] adds. Like [`Bayes`] it holds few
/// pointers: a step is so short that copying a larger value would be a good part of it.
struct Weigh<'a, const N_FEATURES: usize> {
    filter: &'a mut OnlineFilter,
    row: &'a [f64],
}

impl<const N_FEATURES: usize> Kernel for Weigh<'_, N_FEATURES> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        if N_FEATURES != MANY {
            return self.filter.weigh(simd, self.row, &mut [simd.zeros(); N_FEATURES]);
        }
        let mut centered = std::mem::take(&mut self.filter.centered);
        self.filter.weigh(simd, self.row, &mut simd.blocks_mut(&mut centered).0[..self.row.len()]);
        self.filter.centered = centered;
    }
}

/// Bayes' rule; whether some state can have produced the row.
struct Bayes<'a, const N_STATES: usize> {
    filter: &'a mut OnlineFilter,
    chain: &'a Chain,
}

impl<const N_STATES: usize> Kernel for Bayes<'_, N_STATES> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> bool {
        if N_STATES != MANY {
            return self.filter.bayes(simd, self.chain, &mut [0.0; N_STATES], &mut [0.0; N_STATES]);
        }
        let [mut prior, mut posterior] = std::mem::take(&mut self.filter.scratch);
        let reached = self.filter.bayes(simd, self.chain, &mut prior, &mut posterior);
        self.filter.scratch = [prior, posterior];
        reached
    }
}

/// The numbers of eight states that are one vector.
#[inline(always)]
fn load<S: Simd>(simd: S, eight: &Eight, part: usize) -> S::Vector {
    simd.load(&simd.blocks(&eight.0).0[part])
}

/// `|W d|^2` of a vector of states.
#[inline(always)]
fn squares<S: Simd>(
    simd: S,
    whiteners: &[Eight],
    part: usize,
    centered: &[S::Block],
    diagonal: bool,
) -> S::Vector {
    let mut squares = simd.splat(0.0);
    let mut rest = whiteners;
    for i in 0..centered.len() {
        let from = if diagonal { i } else { 0 };
        let (line, after) = rest.split_at(i + 1 - from);
        rest = after;
        let mut z = simd.splat(0.0);
        for (w, d) in line.iter().zip(&centered[from..]) {
            z = simd.mul_add(load(simd, w, part), simd.load(d), z);
        }
        squares = simd.mul_add(z, z, squares);
    }
    squares
}

#[cfg(test)]
mod tests;
