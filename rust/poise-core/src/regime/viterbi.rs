//! The likeliest path of a hidden Markov chain (Viterbi, 1967).

use super::bayes::Chain;
use super::densities::Densities;

/// The likeliest path; among equals the lowest state. The error is the first row out of reach.
pub(super) fn viterbi(chain: &Chain, densities: &Densities) -> Result<Vec<usize>, usize> {
    let (n_states, n_rows, pitch) = (chain.n_states(), densities.n_rows(), densities.pitch());
    let log_transition: Vec<f64> = chain.transition.iter().map(|a| a.ln()).collect();
    let mut came_from = vec![0_u32; n_rows * n_states];
    let mut best: Vec<f64> = chain.start.iter().map(|p| p.ln()).collect();
    let mut before = best.clone();
    for (t, came_from) in came_from.chunks_exact_mut(n_states).enumerate() {
        if t > 0 {
            before.copy_from_slice(&best);
            for (j, (best, came_from)) in best.iter_mut().zip(came_from).enumerate() {
                let scores = before.iter().zip(log_transition[j..].iter().step_by(n_states));
                let (from, score) = first_largest(scores.map(|(before, a)| before + a));
                (*came_from, *best) = (from as u32, score);
            }
        }
        for (best, log) in best.iter_mut().zip(densities.logs()[t..].iter().step_by(pitch)) {
            *best += log;
        }
        if best.iter().all(|score| *score == f64::NEG_INFINITY) {
            return Err(t);
        }
    }
    let mut path = vec![0; n_rows];
    let mut state = first_largest(best.into_iter()).0;
    for t in (0..n_rows).rev() {
        path[t] = state;
        state = came_from[t * n_states + state] as usize;
    }
    Ok(path)
}

fn first_largest(values: impl Iterator<Item = f64>) -> (usize, f64) {
    values.enumerate().fold((0, f64::NEG_INFINITY), |best, (i, x)| if x > best.1 { (i, x) } else { best })
}
