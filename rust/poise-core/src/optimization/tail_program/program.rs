//! The program of losses beyond a quantile: exact risks, and bounds that need no solver.

use crate::optimization::box_program;
use crate::optimization::dense::dot;
use crate::optimization::scenarios::Scenarios;

/// The program in the weights that the bounds leave free, in units of the largest return.
#[derive(Debug)]
pub(super) struct TailProgram {
    /// Returns, and a last column of ones for the quantile.
    pub(super) x: Scenarios,
    /// Returns of what is held at equal bounds.
    pub(super) base: Vec<f64>,
    pub(super) shares: Vec<f64>,
    pub(super) caps: Vec<f64>,
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
    pub(super) total: f64,
    pub(super) floor: Option<(Vec<f64>, f64)>,
    /// The scenarios that count, by their place in the table, and the size of the floor's gains.
    pub(super) rows: Vec<usize>,
    pub(super) unit: f64,
    /// Mean absolute returns of the assets.
    pub(super) sizes: Vec<f64>,
}

/// What bounds every allowed CVaR from below: probabilities of the scenarios, and the price of the floor.
#[derive(Debug, Clone)]
pub(super) struct Dual {
    pub(super) lam: Vec<f64>,
    pub(super) y: f64,
}

impl TailProgram {
    pub(super) fn n(&self) -> usize {
        self.lower.len()
    }

    /// Weights with room on both sides, and a quantile of 0.
    pub(super) fn middle(&self) -> Vec<f64> {
        let (least, most) = (self.lower.iter().sum::<f64>(), self.upper.iter().sum::<f64>());
        let part = (self.total - least) / (most - least);
        let pairs = self.lower.iter().zip(&self.upper);
        pairs.map(|(low, high)| low + part * (high - low)).chain([0.0]).collect()
    }

    /// The mean absolute size of the returns that weights add up.
    pub(super) fn size(&self, w: &[f64]) -> f64 {
        w.iter().zip(&self.sizes).map(|(w, size)| (w * size).abs()).sum()
    }

    /// Losses of weights whose quantile is 0.
    pub(super) fn losses_into(&self, w: &[f64], out: &mut [f64]) {
        self.x.times(w, out);
        for (out, base) in out.iter_mut().zip(&self.base) {
            *out = -*out - base;
        }
    }

    /// A loss that the tail begins at.
    pub(super) fn quantile(&self, losses: &[f64]) -> f64 {
        let mut order: Vec<usize> = (0..losses.len()).collect();
        order.sort_unstable_by(|&a, &b| losses[b].total_cmp(&losses[a]));
        let mut mass = 0.0;
        for &s in &order {
            mass += self.caps[s];
            if mass >= 1.0 {
                return losses[s];
            }
        }
        order.last().map_or(0.0, |&s| losses[s])
    }

    /// The conditional value at risk of weights, and the probabilities that attain it.
    pub(super) fn worst(&self, w: &[f64]) -> (f64, Vec<f64>) {
        let mut losses = vec![0.0; self.x.n_rows()];
        let mut flat = w.to_vec();
        flat[self.n()] = 0.0;
        self.losses_into(&flat, &mut losses);
        let lam = worst_of(&losses, &self.caps);
        (dot(&lam, &losses), lam)
    }

    /// A bound from below of every allowed CVaR: the least expected loss under probabilities near `lam`, the floor
    /// of the return priced at `y`.
    pub(super) fn bound(&self, lam: &[f64], y: f64) -> f64 {
        let lam = self.within_caps(lam);
        let mut gain = vec![0.0; self.n() + 1];
        self.x.transposed_times(&lam, &mut gain);
        gain.truncate(self.n());
        let mut priced = 0.0;
        if let Some((expected, least)) = &self.floor {
            gain.iter_mut().zip(expected).for_each(|(gain, expected)| *gain += y.max(0.0) * expected);
            priced = y.max(0.0) * least;
        }
        let best = box_program::greedy(&gain, &self.lower, &self.upper, self.total, false);
        priced - dot(&gain, &best) - dot(&lam, &self.base)
    }

    /// The probabilities moved until they keep their caps and sum to 1.
    pub(super) fn within_caps(&self, lam: &[f64]) -> Vec<f64> {
        let mut lam: Vec<f64> = lam.iter().zip(&self.caps).map(|(lam, cap)| lam.clamp(0.0, *cap)).collect();
        let excess = lam.iter().sum::<f64>() - 1.0;
        if excess > 0.0 {
            lam.iter_mut().for_each(|lam| *lam /= 1.0 + excess);
        } else {
            let room: f64 = lam.iter().zip(&self.caps).map(|(lam, cap)| cap - lam).sum();
            let part = if room > 0.0 { -excess / room } else { 0.0 };
            lam.iter_mut().zip(&self.caps).for_each(|(lam, cap)| *lam += part * (cap - *lam));
        }
        lam
    }

    /// A dual by the rows of the table and in units of the returns.
    pub(super) fn in_returns(&self, dual: Dual, scale: f64) -> Dual {
        let most = self.rows.last().map_or(0, |last| last + 1);
        let mut lam = vec![0.0; most];
        self.rows.iter().zip(dual.lam).for_each(|(&s, value)| lam[s] = value);
        Dual { lam, y: dual.y.max(0.0) * (scale / self.unit) }
    }

    /// Gives assets that nothing tells apart their mean weight.
    pub(super) fn share_alike(&self, w: &mut [f64]) {
        let mut order: Vec<usize> = (0..self.n()).collect();
        order.sort_by(|&i, &j| self.sizes[i].total_cmp(&self.sizes[j]));
        for group in order.chunk_by(|&i, &j| self.are_alike(i, j)) {
            let mean = group.iter().map(|&i| w[i]).sum::<f64>() / group.len() as f64;
            group.iter().for_each(|&i| w[i] = mean.clamp(self.lower[i], self.upper[i]));
        }
    }

    fn are_alike(&self, i: usize, j: usize) -> bool {
        let same = |side: &[f64]| side[i] == side[j];
        [&self.sizes, &self.lower, &self.upper].into_iter().all(|side| same(side))
            && self.floor.as_ref().is_none_or(|(gain, _)| same(gain))
            && (0..self.x.n_rows()).all(|s| same(self.x.row(s)))
    }

    pub(super) fn shortfall(&self, w: &[f64]) -> f64 {
        self.floor.as_ref().map_or(0.0, |(gain, least)| (least - dot(gain, &w[..self.n()])).max(0.0))
    }
}

/// The probabilities within their caps under which the losses are expected to be largest.
pub(super) fn worst_of(losses: &[f64], caps: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_unstable_by(|&a, &b| losses[b].total_cmp(&losses[a]));
    let (mut left, mut lam) = (1.0_f64, vec![0.0; losses.len()]);
    for s in order {
        lam[s] = caps[s].min(left);
        left -= lam[s];
    }
    lam
}
