//! How far the running covariance is pulled, and the pulled covariance.
//!
//! Names: `s` deviations, `mean_correlation` r-bar, `F` the target `r-bar s_i s_j`. The variance of an entry is
//! `pi_ij / n_ij` with the effective observations of its pair, which is the paper's where all pairs have seen the
//! same rows.

use ndarray::Array2;

use super::super::packed;
use super::super::shrinkage::{SAME_AS_TARGET, Shrunk};
use crate::Result;
use crate::linear::SymmetricEigen;
use crate::sums::{dot, sum};

/// What an intensity is made of.
pub(super) struct Sample<'a> {
    pub(super) n_assets: usize,
    pub(super) second: &'a [f64],
    pub(super) fourth: &'a [f64],
    pub(super) third: &'a [f64],
    /// One per pair, packed; or one for all, where no value was ever missing.
    pub(super) n_effective: Vec<f64>,
}

impl Sample<'_> {
    fn is_complete(&self) -> bool {
        self.n_effective.len() == 1
    }

    fn effective(&self, i: usize, j: usize) -> f64 {
        match self.n_effective[..] {
            [all] => all,
            _ => self.n_effective[packed::size(i) + j],
        }
    }

    fn is_seen(&self, i: usize) -> bool {
        self.effective(i, i) > 0.0
    }
}

/// The intensity that the noise of the entries alone asks for, whatever the covariance looks like.
pub(super) fn of_noise(sample: &Sample<'_>) -> f64 {
    let (s, unit) = deviations(sample);
    estimate(sample, &s, mean_correlation(sample, &s, unit), unit)
}

/// The pulled covariance; NaN beside assets that were never seen, the target for pairs never seen together.
pub(super) fn shrink(sample: &Sample<'_>) -> Result<Shrunk> {
    let n = sample.n_assets;
    let (s, unit) = deviations(sample);
    let mean_correlation = mean_correlation(sample, &s, unit);
    let estimated = estimate(sample, &s, mean_correlation, unit);
    let needed = if sample.is_complete() { 0.0 } else { least(sample, &s, mean_correlation, unit)? };
    let intensity = estimated.max(needed);
    let mut covariance = Array2::from_elem((n, n), f64::NAN);
    for (i, row) in packed::rows(sample.second, n).enumerate().filter(|&(i, _)| sample.is_seen(i)) {
        for (j, &entry) in row.iter().enumerate().filter(|&(j, _)| sample.is_seen(j)) {
            let target = mean_correlation * (s[i] * unit) * (s[j] * unit);
            let pulled = match (i == j, sample.effective(i, j) > 0.0) {
                (true, _) => entry,
                (false, true) => intensity * target + (1.0 - intensity) * entry,
                (false, false) => target,
            };
            covariance[(i, j)] = pulled;
            covariance[(j, i)] = pulled;
        }
    }
    Ok(Shrunk { covariance, intensity })
}

/// The deviations in units of the largest, so that squares of tiny covariances do not underflow, and the unit.
fn deviations(sample: &Sample<'_>) -> (Vec<f64>, f64) {
    let variance = |i: usize| sample.second[packed::diagonal(i)];
    let unit = (0..sample.n_assets).map(variance).fold(0.0, f64::max).sqrt();
    let in_units = |i: usize| if unit > 0.0 { variance(i).sqrt() / unit } else { 0.0 };
    ((0..sample.n_assets).map(in_units).collect(), unit)
}

/// The mean correlation of the pairs that move, where `F` is a covariance; 0 when there is no such pair.
fn mean_correlation(sample: &Sample<'_>, s: &[f64], unit: f64) -> f64 {
    if let Some(plain) = Plain::of(sample, s, unit) {
        return plain.mean_correlation();
    }
    let (mut sum, mut n_pairs) = (0.0, 0.0);
    for (i, row) in packed::rows(sample.second, s.len()).enumerate() {
        for (j, entry) in row[..i].iter().enumerate() {
            if s[i] > 0.0 && s[j] > 0.0 && sample.effective(i, j) > 0.0 {
                sum += entry / unit / unit / (s[i] * s[j]);
                n_pairs += 1.0;
            }
        }
    }
    if n_pairs == 0.0 {
        return 0.0;
    }
    // Pairs seen in different rows can have a mean that no correlation matrix has.
    let n_moving = s.iter().filter(|&&s| s > 0.0).count() as f64;
    (sum / n_pairs).clamp(-1.0 / (n_moving - 1.0), 1.0)
}

/// `(pi - rho) / gamma`, both by the observations of each pair.
fn estimate(sample: &Sample<'_>, s: &[f64], mean_correlation: f64, unit: f64) -> f64 {
    let n = s.len();
    if n == 1 || unit == 0.0 {
        return 0.0;
    }
    if let Some(plain) = Plain::of(sample, s, unit) {
        return plain.estimate(mean_correlation);
    }
    let (square, power) = (unit * unit, unit * unit * unit * unit);
    let (mut noise, mut gamma, mut norm) = (0.0, 0.0, 0.0);
    for (i, row) in packed::rows(sample.second, n).enumerate() {
        norm += (row[i] / square).powi(2);
        for (j, entry) in row[..i].iter().enumerate().filter(|&(j, _)| s[i] > 0.0 && s[j] > 0.0) {
            let n_effective = sample.effective(i, j);
            if n_effective == 0.0 {
                continue;
            }
            let entry = entry / square;
            let m31 = |i: usize, j: usize| sample.third[i * n + j] / power;
            let pi = sample.fourth[packed::size(i) + j] / power - entry * entry;
            let rho = s[j] / s[i] * m31(i, j) + s[i] / s[j] * m31(j, i) - 2.0 * s[i] * s[j] * entry;
            // Both triangles; on the diagonal pi and rho are the same.
            noise += (2.0 * pi - mean_correlation * rho) / n_effective;
            gamma += 2.0 * (mean_correlation * s[i] * s[j] - entry).powi(2);
            norm += 2.0 * entry * entry;
        }
    }
    if gamma <= SAME_AS_TARGET * norm { 1.0 } else { (noise / gamma).clamp(0.0, 1.0) }
}

/// The same sums where every asset moves and was always seen: then whole rows are multiplied at a time, as a live
/// loop asks with every bar.
struct Plain<'a> {
    sample: &'a Sample<'a>,
    n_effective: f64,
    /// Deviations and one over them, in the unit.
    s: &'a [f64],
    inverse: Vec<f64>,
    /// One over the square and over the fourth power of the unit.
    per_square: f64,
    per_power: f64,
}

impl<'a> Plain<'a> {
    fn of(sample: &'a Sample<'a>, s: &'a [f64], unit: f64) -> Option<Self> {
        let [n_effective] = sample.n_effective[..] else { return None };
        let per_square = 1.0 / (unit * unit);
        let inverse: Vec<f64> = s.iter().map(|s| 1.0 / s).collect();
        let per_power = per_square * per_square;
        let sound = s.len() > 1 && per_power.is_normal() && inverse.iter().all(|one| one.is_normal());
        sound.then_some(Self { sample, n_effective, s, inverse, per_square, per_power })
    }

    fn mean_correlation(&self) -> f64 {
        let n = self.s.len();
        let mut sum = 0.0;
        for (row, inverse) in packed::rows(self.sample.second, n).zip(&self.inverse) {
            sum += inverse * dot(&row[..row.len() - 1], &self.inverse);
        }
        (2.0 * self.per_square * sum / (n * (n - 1)) as f64).clamp(-1.0 / (n as f64 - 1.0), 1.0)
    }

    fn estimate(&self, mean_correlation: f64) -> f64 {
        let (n, s) = (self.s.len(), self.s);
        // Below the diagonal: of the fourth moments, of squared entries and of their distance from the target.
        let (mut fourth, mut squares, mut apart, mut weighted, mut diagonal) = (0.0, 0.0, 0.0, 0.0, 0.0);
        let mut third = 0.0;
        let rows = packed::rows(self.sample.second, n).zip(packed::rows(self.sample.fourth, n));
        for (i, (second, moments)) in rows.enumerate() {
            let below = &second[..i];
            fourth += sum(&moments[..i]);
            diagonal += (second[i] * self.per_square).powi(2);
            weighted += s[i] * dot(below, s);
            let [own, distance] = self.distances(below, mean_correlation * s[i]);
            (squares, apart) = (squares + own, apart + distance);
            let skewed = &self.sample.third[i * n..(i + 1) * n];
            third += self.inverse[i] * (dot(skewed, s) - skewed[i] * s[i]);
        }
        let pi = 2.0 * (fourth * self.per_power - squares);
        let rho = third * self.per_power - 2.0 * weighted * self.per_square;
        let gamma = 2.0 * apart;
        if gamma <= SAME_AS_TARGET * (diagonal + 2.0 * squares) {
            return 1.0;
        }
        ((pi - mean_correlation * rho) / self.n_effective / gamma).clamp(0.0, 1.0)
    }

    /// Of entries beside one asset: their squares, and those of what they are away from `pull s_j`.
    fn distances(&self, entries: &[f64], pull: f64) -> [f64; 2] {
        let (mut own, mut apart) = ([0.0; 8], [0.0; 8]);
        let s = &self.s[..entries.len()];
        for (entries, s) in entries.chunks(8).zip(s.chunks(8)) {
            for (lane, (entry, s)) in entries.iter().zip(s).enumerate() {
                let entry = entry * self.per_square;
                own[lane] += entry * entry;
                apart[lane] += (pull * s - entry) * (pull * s - entry);
            }
        }
        [own.iter().sum(), apart.iter().sum()]
    }
}

/// The intensity from which on the covariance is positive semidefinite whatever was missing: by Weyl's
/// inequality `delta lambda_min(F) + (1 - delta) lambda_min(S)` must not be negative.
fn least(sample: &Sample<'_>, s: &[f64], mean_correlation: f64, unit: f64) -> Result<f64> {
    let moving: Vec<usize> = (0..s.len()).filter(|&i| s[i] > 0.0).collect();
    if moving.len() < 2 {
        return Ok(0.0);
    }
    let correlation = Array2::from_shape_fn((moving.len(), moving.len()), |(a, b)| {
        let (i, j) = (moving[a.max(b)], moving[a.min(b)]);
        match (a == b, sample.effective(i, j) > 0.0) {
            (true, _) => 1.0,
            (false, true) => sample.second[packed::size(i) + j] / unit / unit / (s[i] * s[j]),
            (false, false) => mean_correlation,
        }
    });
    let smallest = SymmetricEigen::of(correlation.view())?.values[0];
    if smallest >= 0.0 {
        return Ok(0.0);
    }
    let others = (moving.len() - 1) as f64;
    let of_target = (1.0 - mean_correlation).min(1.0 + others * mean_correlation).max(0.0);
    Ok(-smallest / (of_target - smallest))
}
