//! What several horizons say together.
//!
//! Assets that the same horizons know get the convex combination `sum w_k R_k`, which is positive semidefinite.
//! The others follow one by one: each has the combination over the horizons that it shares with the asset on the
//! other side, so that nothing is pulled to zero, scaled where it would not fit (`listing`).

use ndarray::{Array1, Array2};

use super::super::listing::Block;

/// One horizon's estimates.
pub(super) struct Horizon {
    pub(super) weight: f64,
    pub(super) bars_per_day: f64,
    /// NaN beside assets that it does not know yet.
    pub(super) correlation: Array2<f64>,
    /// Per bar of its own.
    pub(super) volatility: Array1<f64>,
    /// Assets for which it is too short.
    pub(super) is_quiet: Vec<bool>,
}

impl Horizon {
    fn knows(&self, i: usize) -> bool {
        !self.correlation[(i, i)].is_nan()
    }

    fn suits(&self, i: usize) -> bool {
        self.knows(i) && !self.is_quiet[i]
    }
}

/// Volatility and correlation over a day.
pub(super) struct Blend {
    pub(super) volatility: Array1<f64>,
    pub(super) correlation: Array2<f64>,
}

impl Blend {
    pub(super) fn of(horizons: &[Horizon]) -> Self {
        let n = horizons.first().map_or(0, |horizon| horizon.volatility.len());
        let chosen: Vec<Vec<usize>> = (0..n).map(|i| choose(horizons, i)).collect();
        Self {
            volatility: (0..n).map(|i| volatility(horizons, &chosen[i], i)).collect(),
            correlation: correlation(horizons, &chosen),
        }
    }

    pub(super) fn covariance(&self) -> Array2<f64> {
        let mut covariance = self.correlation.clone();
        for ((i, j), entry) in covariance.indexed_iter_mut() {
            *entry *= self.volatility[i] * self.volatility[j];
        }
        covariance
    }
}

/// The horizons that count for an asset: those that suit it, else those that know it.
fn choose(horizons: &[Horizon], i: usize) -> Vec<usize> {
    let all = 0..horizons.len();
    let suited: Vec<usize> = all.clone().filter(|&k| horizons[k].suits(i)).collect();
    if suited.is_empty() { all.filter(|&k| horizons[k].knows(i)).collect() } else { suited }
}

fn weight(horizons: &[Horizon], chosen: &[usize]) -> f64 {
    chosen.iter().map(|&k| horizons[k].weight).sum()
}

fn volatility(horizons: &[Horizon], chosen: &[usize], i: usize) -> f64 {
    let variance = |&k: &usize| {
        let horizon = &horizons[k];
        horizon.weight * horizon.volatility[i].powi(2) * horizon.bars_per_day
    };
    // NaN where no horizon knows the asset: zero over zero.
    (chosen.iter().map(variance).sum::<f64>() / weight(horizons, chosen)).sqrt()
}

fn correlation(horizons: &[Horizon], chosen: &[Vec<usize>]) -> Array2<f64> {
    let n = chosen.len();
    let mut correlation = Array2::from_elem((n, n), f64::NAN);
    let known: Vec<usize> = (0..n).filter(|&i| !chosen[i].is_empty()).collect();
    let Some(common) = most_common(horizons, chosen, &known) else { return correlation };
    let (together, mut apart): (Vec<usize>, Vec<usize>) = known.iter().partition(|&&i| chosen[i] == common);
    apart.sort_by(|&i, &j| weight(horizons, &chosen[j]).total_cmp(&weight(horizons, &chosen[i])));
    let mut block = Block::default();
    for i in together {
        let row: Vec<f64> = block.assets.iter().map(|&j| combined(horizons, &common, i, j)).collect();
        block.push(i, &row);
    }
    for i in apart {
        let row: Vec<f64> = block.assets.iter().map(|&j| shared(horizons, chosen, i, j)).collect();
        let fitted = block.fit_row(&row);
        block.push(i, &fitted.correlations);
    }
    for (&i, row) in block.assets.iter().zip(super::super::packed::rows(&block.packed, block.assets.len())) {
        for (&j, &rho) in block.assets.iter().zip(row) {
            correlation[(i, j)] = rho;
            correlation[(j, i)] = rho;
        }
    }
    correlation
}

/// The set of horizons that most assets share; of equals the one with the most weight, then the first asset's.
fn most_common(horizons: &[Horizon], chosen: &[Vec<usize>], known: &[usize]) -> Option<Vec<usize>> {
    let size = |i: usize| known.iter().filter(|&&j| chosen[j] == chosen[i]).count();
    let rank = |i: usize| (size(i), weight(horizons, &chosen[i]));
    let best = known.iter().copied().reduce(|best, i| {
        let ((most, heaviest), (own, heavy)) = (rank(best), rank(i));
        if own > most || (own == most && heavy > heaviest) { i } else { best }
    });
    best.map(|i| chosen[i].clone())
}

/// The correlation over the horizons that count for both; failing that over those that know both, or none.
fn shared(horizons: &[Horizon], chosen: &[Vec<usize>], i: usize, j: usize) -> f64 {
    let both: Vec<usize> = chosen[i].iter().copied().filter(|k| chosen[j].contains(k)).collect();
    if !both.is_empty() {
        return combined(horizons, &both, i, j);
    }
    let known: Vec<usize> =
        (0..horizons.len()).filter(|&k| horizons[k].knows(i) && horizons[k].knows(j)).collect();
    if known.is_empty() { 0.0 } else { combined(horizons, &known, i, j) }
}

fn combined(horizons: &[Horizon], over: &[usize], i: usize, j: usize) -> f64 {
    let sum: f64 = over.iter().map(|&k| horizons[k].weight * horizons[k].correlation[(i, j)]).sum();
    (sum / weight(horizons, over)).clamp(-1.0, 1.0)
}
