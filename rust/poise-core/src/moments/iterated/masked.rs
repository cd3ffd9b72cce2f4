//! Rows with gaps: one step of online expectation maximisation.
//!
//! With `o` the observed and `m` the missing members, `A = S_mo S_oo^-1` gives what is expected of the missing
//! ones, `z_m = A z_o`, and what stays open of them, `C = S_mm - A S_om`. `S` then moves towards
//! `z z' + C`, which is positive semidefinite because a Schur complement is; so `S` always is.

use super::super::packed;
use super::factor::{Factor, dot};

/// A ridge on `S_oo`, relative to each variance. It makes `A` well defined where `S` is not of full rank yet
/// (or an asset has not moved), and can only raise `C`.
const RIDGE: f64 = 1e-6;

/// Fills the missing entries of `z` with what the observed let expect and gives `C`, row by row in the order
/// of `missing`.
pub(super) fn expect(moments: &[f64], observed: &[usize], missing: &[usize], z: &mut [f64]) -> Vec<f64> {
    let entry = |i: usize, j: usize| moments[packed::size(i.max(j)) + i.min(j)];
    let mut factor = Factor::default();
    for (k, &i) in observed.iter().enumerate() {
        let beside: Vec<f64> = observed[..k].iter().map(|&j| entry(i, j)).collect();
        let variance = entry(i, i);
        factor.push(&beside, if variance > 0.0 { (1.0 + RIDGE) * variance } else { 1.0 });
    }
    let mut scaled: Vec<f64> = observed.iter().map(|&i| z[i]).collect();
    factor.forward(&mut scaled);
    let halves: Vec<Vec<f64>> = missing
        .iter()
        .map(|&i| {
            let mut half: Vec<f64> = observed.iter().map(|&j| entry(i, j)).collect();
            factor.forward(&mut half);
            half
        })
        .collect();
    for (&i, half) in missing.iter().zip(&halves) {
        z[i] = dot(half, &scaled);
    }
    let open = |(a, &i): (usize, &usize)| {
        let halves = &halves;
        missing.iter().enumerate().map(move |(b, &j)| entry(i, j) - dot(&halves[a], &halves[b]))
    };
    missing.iter().enumerate().flat_map(open).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_assets_by_hand() {
        // Variances 1 and 4, covariance 1: the regression of the second on the first has slope 1.
        let mut z = [2.0, f64::NAN];
        let open = expect(&[1.0, 1.0, 4.0], &[0], &[1], &mut z);
        assert!((z[1] - 2.0).abs() < 1e-5);
        assert!((open[0] - 3.0).abs() < 1e-5);
    }

    #[test]
    fn an_asset_that_never_moved_says_nothing_about_others() {
        let mut z = [0.0, f64::NAN];
        assert_eq!(expect(&[0.0, 0.0, 4.0], &[0], &[1], &mut z), [4.0]);
        assert_eq!(z[1], 0.0);
    }
}
