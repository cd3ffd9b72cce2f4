//! The recursions of a hidden Markov chain over given log densities, in probabilities.
//!
//! Forward: the filter, scaled at every row (Rabiner, 1989). Backward: from the filtered and the predicted
//! probabilities (Kim, 1994), `smoothed_t(i) = filtered_t(i) * sum_j A_ij smoothed_{t+1}(j) / predicted_{t+1}(j)`;
//! no density enters a second time, so nothing can underflow that the filter got past.

use crate::{Error, Result};

/// A predicted probability below this counts as none: its inverse must stay finite.
const NEGLIGIBLE: f64 = 1e-290;

/// The chain: where it starts and how it moves.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    pub(super) start: Vec<f64>,
    /// `(n_states, n_states)`, rows sum to one.
    pub(super) transition: Vec<f64>,
}

impl Chain {
    pub(super) fn n_states(&self) -> usize {
        self.start.len()
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.transition.chunks_exact(self.n_states())
    }

    /// Probabilities of the next state from those of this one.
    #[inline]
    pub(super) fn predict(&self, filtered: &[f64], predicted: &mut [f64]) {
        predicted.fill(0.0);
        for (p, row) in filtered.iter().zip(self.rows()) {
            for (predicted, a) in predicted.iter_mut().zip(row) {
                *predicted += p * a;
            }
        }
        for predicted in predicted {
            *predicted = if *predicted < NEGLIGIBLE { 0.0 } else { *predicted };
        }
    }
}

/// Filtered and predicted probabilities of every row, `(n_rows, n_states)`.
#[derive(Debug, Clone, Default)]
pub(super) struct Forward {
    pub(super) filtered: Vec<f64>,
    pub(super) predicted: Vec<f64>,
    pub(super) log_likelihood: f64,
}

/// Bayes' rule at one row: turns `predicted` into `filtered` and returns the row's log-likelihood.
///
/// `None` where no reachable state has a density above zero.
#[inline]
pub(super) fn update(predicted: &[f64], log_densities: &[f64], filtered: &mut [f64]) -> Option<f64> {
    let largest = log_densities.iter().fold(f64::NEG_INFINITY, |largest, l| largest.max(*l));
    let mut total = 0.0;
    for ((filtered, p), l) in filtered.iter_mut().zip(predicted).zip(log_densities) {
        let gap = l - largest;
        *filtered = p * if gap == 0.0 { 1.0 } else { gap.exp() };
        total += *filtered;
    }
    if total > NEGLIGIBLE {
        let scale = 1.0 / total;
        filtered.iter_mut().for_each(|filtered| *filtered *= scale);
        return Some(largest + total.ln());
    }
    update_in_logs(predicted, log_densities, filtered)
}

/// The same where the likeliest state is out of reach and the others underflowed beside it.
#[cold]
fn update_in_logs(predicted: &[f64], log_densities: &[f64], filtered: &mut [f64]) -> Option<f64> {
    for ((filtered, p), l) in filtered.iter_mut().zip(predicted).zip(log_densities) {
        *filtered = p.ln() + l;
    }
    let largest = filtered.iter().fold(f64::NEG_INFINITY, |largest, x| largest.max(*x));
    if !largest.is_finite() {
        return None;
    }
    filtered.iter_mut().for_each(|filtered| *filtered = (*filtered - largest).exp());
    let total: f64 = filtered.iter().sum();
    filtered.iter_mut().for_each(|filtered| *filtered /= total);
    Some(largest + total.ln())
}

/// The error of a row that no state can have produced.
pub(super) fn out_of_reach(value: f64) -> Error {
    let range = "values that some state can reach: this one lies so far off that every density is zero";
    Error::OutOfRange { what: "the largest absolute value of a row", value, range }
}

impl Forward {
    /// Runs the filter; the error is the first row out of reach.
    pub(super) fn run(&mut self, chain: &Chain, log_densities: &[f64]) -> std::result::Result<(), usize> {
        let n_states = chain.n_states();
        self.filtered.resize(log_densities.len(), 0.0);
        self.predicted.resize(log_densities.len(), 0.0);
        self.log_likelihood = 0.0;
        self.predicted[..n_states].copy_from_slice(&chain.start);
        let n_rows = log_densities.len() / n_states;
        for (t, log_densities) in log_densities.chunks_exact(n_states).enumerate() {
            let here = t * n_states..(t + 1) * n_states;
            let filtered = &mut self.filtered[here.clone()];
            self.log_likelihood += update(&self.predicted[here.clone()], log_densities, filtered).ok_or(t)?;
            if t + 1 < n_rows {
                chain.predict(filtered, &mut self.predicted[here.end..here.end + n_states]);
            }
        }
        Ok(())
    }

    /// Runs back: writes smoothed probabilities `(n_states, n_rows)` and adds the expected number of moves
    /// `(n_states, n_states)` to `moves`.
    pub(super) fn smooth(&self, chain: &Chain, smoothed: &mut [f64], moves: &mut [f64]) {
        let n_states = chain.n_states();
        let n_rows = self.filtered.len() / n_states;
        let mut ratio = vec![0.0; n_states];
        let mut current = vec![0.0; n_states];
        moves.fill(0.0);
        for t in (0..n_rows).rev() {
            let filtered = &self.filtered[t * n_states..(t + 1) * n_states];
            if t + 1 == n_rows {
                current.copy_from_slice(filtered);
            } else {
                let predicted = &self.predicted[(t + 1) * n_states..(t + 2) * n_states];
                for ((ratio, smoothed), p) in ratio.iter_mut().zip(&current).zip(predicted) {
                    *ratio = if *p > 0.0 { smoothed / p } else { 0.0 };
                }
                let lines = chain.rows().zip(moves.chunks_exact_mut(n_states));
                for ((current, p), (row, moves)) in current.iter_mut().zip(filtered).zip(lines) {
                    let mut onward = 0.0;
                    for ((a, ratio), moves) in row.iter().zip(&ratio).zip(moves) {
                        onward += a * ratio;
                        *moves += p * ratio;
                    }
                    *current = p * onward;
                }
            }
            for (state, current) in current.iter().enumerate() {
                smoothed[state * n_rows + t] = *current;
            }
        }
        for (moves, a) in moves.iter_mut().zip(&chain.transition) {
            *moves *= a;
        }
    }
}

/// The likeliest path (Viterbi, 1967); among equals the lowest state. The error is the first row out of reach.
pub(super) fn viterbi(chain: &Chain, log_densities: &[f64]) -> std::result::Result<Vec<usize>, usize> {
    let n_states = chain.n_states();
    let log_transition: Vec<f64> = chain.transition.iter().map(|a| a.ln()).collect();
    let n_rows = log_densities.len() / n_states;
    let mut came_from = vec![0; log_densities.len()];
    let mut best: Vec<f64> = chain.start.iter().map(|p| p.ln()).collect();
    for (t, log_densities) in log_densities.chunks_exact(n_states).enumerate() {
        if t > 0 {
            let before = best.clone();
            for j in 0..n_states {
                let scores = (0..n_states).map(|i| before[i] + log_transition[i * n_states + j]);
                let (from, score) = first_largest(scores);
                (came_from[t * n_states + j], best[j]) = (from, score);
            }
        }
        for (best, l) in best.iter_mut().zip(log_densities) {
            *best += l;
        }
        if best.iter().all(|score| *score == f64::NEG_INFINITY) {
            return Err(t);
        }
    }
    let mut path = vec![0; n_rows];
    let mut state = first_largest(best.into_iter()).0;
    for t in (0..n_rows).rev() {
        path[t] = state;
        state = came_from[t * n_states + state];
    }
    Ok(path)
}

fn first_largest(values: impl Iterator<Item = f64>) -> (usize, f64) {
    values.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, x)| if x > best.1 { (i, x) } else { best })
}

/// Maps the row that [`Forward::run`] or [`viterbi`] stopped at to an error.
pub(super) fn reachable<T>(
    outcome: std::result::Result<T, usize>,
    largest: impl Fn(usize) -> f64,
) -> Result<T> {
    outcome.map_err(|row| out_of_reach(largest(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Russell and Norvig, "Artificial Intelligence", chapter on temporal models: an umbrella is seen on days
    /// 1, 2, 4 and 5.
    fn umbrella() -> (Chain, Vec<f64>) {
        let chain = Chain { start: vec![0.5, 0.5], transition: vec![0.7, 0.3, 0.3, 0.7] };
        let seen = [true, true, false, true, true];
        let densities = seen.iter().flat_map(|&seen| if seen { [0.9_f64, 0.2] } else { [0.1, 0.8] });
        (chain, densities.map(f64::ln).collect())
    }

    #[test]
    fn the_umbrella_world() {
        let (chain, densities) = umbrella();
        let mut forward = Forward::default();
        forward.run(&chain, &densities).unwrap();
        let (mut smoothed, mut moves) = (vec![0.0; 10], vec![0.0; 4]);
        forward.smooth(&chain, &mut smoothed, &mut moves);
        for (t, expected) in [0.8182, 0.8834, 0.1907, 0.7308, 0.8673].iter().enumerate() {
            assert!((forward.filtered[2 * t] - expected).abs() < 5e-5);
        }
        for (smoothed, expected) in smoothed.iter().zip([0.8673, 0.8204, 0.3075, 0.8204, 0.8673]) {
            assert!((smoothed - expected).abs() < 5e-5);
        }
        assert!((forward.log_likelihood + 3.372_502_044).abs() < 1e-9);
        assert!((moves.iter().sum::<f64>() - 4.0).abs() < 1e-12);
        assert_eq!(viterbi(&chain, &densities).unwrap(), [0, 0, 1, 0, 0]);
    }

    #[test]
    fn equals_the_sum_over_all_paths() {
        let n_states = 3_usize;
        let chain = Chain {
            start: vec![0.5, 0.5, 0.0],
            transition: vec![0.8, 0.2, 0.0, 0.1, 0.6, 0.3, 0.0, 0.25, 0.75],
        };
        let n_rows = 6;
        let densities: Vec<f64> =
            (0..n_rows * n_states).map(|i| ((i * i) as f64).sin() * 3.0 - 1.0).collect();
        let (mut total, mut marginal, mut expected_moves) = (0.0, vec![0.0; n_rows * n_states], vec![0.0; 9]);
        let (mut best, mut best_path) = (0.0, vec![]);
        for code in 0..n_states.pow(n_rows as u32) {
            let path: Vec<usize> = (0..n_rows).map(|t| code / n_states.pow(t as u32) % n_states).collect();
            let mut joint = chain.start[path[0]];
            for t in 0..n_rows {
                joint *= densities[t * n_states + path[t]].exp();
                if t > 0 {
                    joint *= chain.transition[path[t - 1] * n_states + path[t]];
                }
            }
            total += joint;
            for t in 0..n_rows {
                marginal[path[t] * n_rows + t] += joint;
                if t > 0 {
                    expected_moves[path[t - 1] * n_states + path[t]] += joint;
                }
            }
            if joint > best {
                (best, best_path) = (joint, path);
            }
        }
        let mut forward = Forward::default();
        forward.run(&chain, &densities).unwrap();
        assert!((forward.log_likelihood - f64::ln(total)).abs() < 1e-12);
        let (mut smoothed, mut moves) = (vec![0.0; n_rows * n_states], vec![0.0; 9]);
        forward.smooth(&chain, &mut smoothed, &mut moves);
        assert!(smoothed.iter().zip(&marginal).all(|(a, b)| (a - b / total).abs() < 1e-13));
        assert!(moves.iter().zip(&expected_moves).all(|(a, b)| (a - b / total).abs() < 1e-13));
        assert_eq!(viterbi(&chain, &densities).unwrap(), best_path);
    }

    #[test]
    fn a_state_out_of_reach_may_be_the_likeliest() {
        let chain = Chain { start: vec![1.0, 0.0], transition: vec![1.0, 0.0, 0.0, 1.0] };
        let mut forward = Forward::default();
        forward.run(&chain, &[-5000.0, 0.0, -2000.0, 0.0]).unwrap();
        assert_eq!(forward.filtered, [1.0, 0.0, 1.0, 0.0]);
        assert_eq!(forward.log_likelihood, -7000.0);
        let (mut smoothed, mut moves) = (vec![0.0; 4], vec![0.0; 4]);
        forward.smooth(&chain, &mut smoothed, &mut moves);
        assert_eq!((smoothed, moves), (vec![1.0, 1.0, 0.0, 0.0], vec![1.0, 0.0, 0.0, 0.0]));
        assert_eq!(forward.run(&chain, &[0.0, 0.0, f64::NEG_INFINITY, 0.0]), Err(1));
        assert_eq!(viterbi(&chain, &[0.0, 0.0, f64::NEG_INFINITY, 0.0]), Err(1));
    }
}
