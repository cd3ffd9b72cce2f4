//! The recursions of a hidden Markov chain over given densities, in probabilities.
//!
//! Forward: the filter, scaled at every row (Rabiner, 1989). Backward: from the filtered and the predicted
//! probabilities (Kim, 1994), `smoothed_t(i) = filtered_t(i) * sum_j A_ij smoothed_{t+1}(j) / predicted_{t+1}(j)`;
//! no density enters a second time, so nothing can underflow that the filter got past.
//!
//! A row waits for the one before it, so what counts is the way through one row: a few states are held in
//! arrays of known length, which the compiler keeps in registers.

use poise_simd::{Kernel, Simd, dispatch};

use super::bayes::{Chain, NEGLIGIBLE, joint, normalize, normalize_logs, predict};
use super::columns::dot;
use super::densities::Densities;

/// Memory for one number per state: an array where their number is known, else a vector or a slice.
pub(super) trait PerState: AsRef<[f64]> + AsMut<[f64]> {}

impl<P: AsRef<[f64]> + AsMut<[f64]>> PerState for P {}

/// Evaluates an expression with `pair` two [`PerState`] of the number of states.
macro_rules! with_states {
    ($n_states:expr, $pair:ident => $body:expr) => {
        match $n_states {
            2 => {
                let $pair = [[0.0; 2]; 2];
                $body
            }
            3 => {
                let $pair = [[0.0; 3]; 2];
                $body
            }
            4 => {
                let $pair = [[0.0; 4]; 2];
                $body
            }
            n => {
                let $pair = [vec![0.0; n], vec![0.0; n]];
                $body
            }
        }
    };
}

/// Filtered and predicted probabilities of every row, `(n_states, pitch)` as the densities.
#[derive(Debug, Clone, Default)]
pub(super) struct Forward {
    pub(super) filtered: Vec<f64>,
    predicted: Vec<f64>,
    reciprocal: Vec<f64>,
    ratios: Vec<f64>,
    logs: Vec<f64>,
    pub(super) log_likelihood: f64,
    n_rows: usize,
    pitch: usize,
}

impl Forward {
    /// Runs the filter; the error is the first row out of reach.
    pub(super) fn run(&mut self, chain: &Chain, densities: &Densities) -> Result<(), usize> {
        let n_states = chain.n_states();
        (self.n_rows, self.pitch) = (densities.n_rows(), densities.pitch());
        self.filtered.resize(n_states * self.pitch, 0.0);
        self.predicted.resize(n_states * self.pitch, 0.0);
        self.logs.resize(n_states, 0.0);
        let (filtered, predicted, logs) = (&mut self.filtered, &mut self.predicted, &mut self.logs);
        self.log_likelihood = with_states!(n_states, pair => {
            let [prior, posterior] = pair;
            dispatch(Filtering { chain, densities, filtered, predicted, logs, prior, posterior })
        })?;
        Ok(())
    }

    /// Probabilities of one row.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = f64> {
        self.filtered.chunks_exact(self.pitch).map(move |state| state[row])
    }

    /// Runs back: writes smoothed probabilities `(n_states, pitch)` and the expected number of moves
    /// `(n_states, n_states)`.
    pub(super) fn smooth(&mut self, chain: &Chain, smoothed: &mut [f64], moves: &mut [f64]) {
        self.reciprocal.resize(self.predicted.len(), 0.0);
        self.ratios.resize(self.predicted.len(), 0.0);
        dispatch(Reciprocals { of: &self.predicted, out: &mut self.reciprocal });
        let mut ratios = std::mem::take(&mut self.ratios);
        let (forward, kept) = (&*self, &mut ratios[..]);
        with_states!(chain.n_states(), pair => {
            let [ratio, current] = pair;
            dispatch(Smoothing { chain, forward, smoothed, kept, ratio, current });
        });
        dispatch(Moves { chain, forward, ratios: &ratios, moves });
        self.ratios = ratios;
    }
}

struct Filtering<'a, P> {
    chain: &'a Chain,
    densities: &'a Densities,
    filtered: &'a mut [f64],
    predicted: &'a mut [f64],
    logs: &'a mut [f64],
    prior: P,
    posterior: P,
}

impl<P: PerState> Kernel for Filtering<'_, P> {
    type Output = Result<f64, usize>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Result<f64, usize> {
        let Self { chain, densities, filtered, predicted, logs, mut prior, mut posterior } = self;
        let (prior, posterior) = (prior.as_mut(), posterior.as_mut());
        let (relative, pitch) = (densities.relative(), densities.pitch());
        let (mut levels, mut totals) = (0.0, LogOfProduct::ONE);
        prior.copy_from_slice(&chain.start);
        for (t, largest) in densities.largest()[..densities.n_rows()].iter().enumerate() {
            for (state, prior) in prior.iter().enumerate() {
                predicted[state * pitch + t] = *prior;
            }
            let total = joint(prior, |state| relative[state * pitch + t], posterior);
            if total > NEGLIGIBLE {
                normalize(posterior, total);
                totals.times(total);
                levels += largest;
            } else {
                for ((log, prior), density) in logs.iter_mut().zip(&*prior).zip(densities.row(t)) {
                    *log = prior.ln() + density;
                }
                levels += normalize_logs(logs).ok_or(t)?;
                posterior.iter_mut().zip(&*logs).for_each(|(to, from)| *to = *from);
            }
            for (state, posterior) in posterior.iter().enumerate() {
                filtered[state * pitch + t] = *posterior;
            }
            predict(simd, posterior, &chain.transition, prior);
        }
        Ok(levels + totals.value())
    }
}

/// A sum of logarithms that takes one only when the product of what it has seen becomes small.
struct LogOfProduct {
    log: f64,
    product: f64,
}

impl LogOfProduct {
    const ONE: Self = Self { log: 0.0, product: 1.0 };
    const SMALL: f64 = 1e-150;

    /// Takes in a factor between 0 and about 1.
    #[inline(always)]
    fn times(&mut self, factor: f64) {
        if factor < Self::SMALL {
            self.log += factor.ln();
            return;
        }
        // Both were at least SMALL: no underflow.
        self.product *= factor;
        if self.product < Self::SMALL {
            self.log += self.product.ln();
            self.product = 1.0;
        }
    }

    fn value(&self) -> f64 {
        self.log + self.product.ln()
    }
}

/// `1 / x`, and 0 of 0.
struct Reciprocals<'a> {
    of: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for Reciprocals<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        for (x, out) in simd.blocks(self.of).0.iter().zip(simd.blocks_mut(self.out).0) {
            let x = simd.load(x);
            simd.store(out, simd.where_at_most(x, zero, zero, simd.div(one, x)));
        }
    }
}

struct Smoothing<'a, P> {
    chain: &'a Chain,
    forward: &'a Forward,
    smoothed: &'a mut [f64],
    /// Where the ratios of row `t + 1` go, at `t`.
    kept: &'a mut [f64],
    ratio: P,
    current: P,
}

impl<P: PerState> Kernel for Smoothing<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { chain, forward, smoothed, kept, mut ratio, mut current } = self;
        let (ratio, current) = (ratio.as_mut(), current.as_mut());
        let (n_states, last, pitch) = (current.len(), forward.n_rows - 1, forward.pitch);
        let (filtered, reciprocal) = (&forward.filtered[..], &forward.reciprocal[..]);
        let transition = &chain.transition[..n_states * n_states];
        for (state, current) in current.iter_mut().enumerate() {
            *current = filtered[state * pitch + last];
            smoothed[state * pitch + last] = *current;
            kept[state * pitch + last] = 0.0;
        }
        for t in (0..last).rev() {
            for (state, (ratio, current)) in ratio.iter_mut().zip(&*current).enumerate() {
                *ratio = current * reciprocal[state * pitch + t + 1];
                kept[state * pitch + t] = *ratio;
            }
            for (i, current) in current.iter_mut().enumerate() {
                let mut onward = transition[i * n_states] * ratio[0];
                for j in 1..n_states {
                    onward = simd.fma(transition[i * n_states + j], ratio[j], onward);
                }
                *current = filtered[i * pitch + t] * onward;
                smoothed[i * pitch + t] = *current;
            }
        }
    }
}

/// Expected moves: `A_ij sum_t filtered_t(i) ratio_{t+1}(j)`.
struct Moves<'a> {
    chain: &'a Chain,
    forward: &'a Forward,
    ratios: &'a [f64],
    moves: &'a mut [f64],
}

impl Kernel for Moves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { chain, forward, ratios, moves } = self;
        let filtered = forward.filtered.chunks_exact(forward.pitch);
        let mut entries = moves.iter_mut().zip(&chain.transition);
        for filtered in filtered {
            for (ratios, (moves, a)) in ratios.chunks_exact(forward.pitch).zip(&mut entries) {
                *moves = a * dot(simd, filtered, ratios);
            }
        }
    }
}

#[cfg(test)]
mod tests;
