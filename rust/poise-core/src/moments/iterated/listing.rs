//! Assets that came later than the others: a row of their own until they know enough to join.

use super::super::packed;
use super::decay::Decay;
use super::factor::{Factor, dot};

/// How far from singular a new row is kept, and the ridge under the block it is compared with.
const MARGIN: f64 = 1e-6;

/// Decayed sums over the common observations of a new asset (`x`) and another (`y`) since it was listed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) weight: f64,
    pub(super) xx: f64,
    pub(super) xy: f64,
    pub(super) yy: f64,
}

impl Sums {
    fn add(&mut self, keep: f64, x: f64, y: f64) {
        self.weight = keep * self.weight + 1.0;
        self.xx = keep * self.xx + x * x;
        self.xy = keep * self.xy + x * y;
        self.yy = keep * self.yy + y * y;
    }

    fn correlation(&self) -> f64 {
        let scale = self.xx.sqrt() * self.yy.sqrt();
        if scale > 0.0 { (self.xy / scale).clamp(-1.0, 1.0) } else { 0.0 }
    }
}

/// An asset with a row of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Newcomer {
    pub(super) asset: usize,
    /// Whitened returns it has given.
    pub(super) count: u64,
    /// One per asset; the one beside itself holds its own variance.
    pub(super) sums: Vec<Sums>,
}

impl Newcomer {
    pub(super) fn new(asset: usize, n_assets: usize) -> Self {
        Self { asset, count: 0, sums: vec![Sums::default(); n_assets] }
    }

    /// Takes in a whitened row; pairs without a common observation do not age.
    pub(super) fn update(&mut self, keep: f64, whitened: &[f64]) {
        let x = whitened[self.asset];
        if x.is_nan() {
            return;
        }
        self.count += 1;
        for (sums, &y) in self.sums.iter_mut().zip(whitened).filter(|(_, y)| !y.is_nan()) {
            sums.add(keep, x, y);
        }
    }

    /// Whether its row holds enough to be one of `S`: more than half the weight of an endless past, and
    /// something that moved.
    pub(super) fn is_grown(&self, decay: Decay) -> bool {
        decay.is_half_filled(self.count) && self.variance() > 0.0
    }

    /// Its own second moment; the weight is positive from its first observation.
    pub(super) fn variance(&self) -> f64 {
        let own = self.sums[self.asset];
        own.xx / own.weight
    }
}

/// A correlation matrix that grows row by row and stays positive semidefinite.
#[derive(Default)]
pub(super) struct Block {
    /// The assets of its rows.
    pub(super) assets: Vec<usize>,
    /// Its packed lower triangle.
    pub(super) packed: Vec<f64>,
    /// Of the block plus `MARGIN` on the diagonal, as far as a row had to be fitted.
    factor: Factor,
}

/// The row of a new asset, fitted to a block.
pub(super) struct FittedRow {
    pub(super) correlations: Vec<f64>,
    /// Whether it had to be scaled to fit.
    pub(super) scaled: bool,
}

impl Block {
    /// The correlations of `members` out of the packed moments `S`.
    pub(super) fn of_members(moments: &[f64], members: impl Iterator<Item = usize>) -> Self {
        let mut block = Self::default();
        let mut deviations: Vec<f64> = Vec::new();
        for i in members {
            let deviation = moments[packed::diagonal(i)].sqrt();
            let row = block.assets.iter().zip(&deviations).map(|(&j, other)| {
                let scale = deviation * other;
                if scale > 0.0 { (moments[packed::size(i) + j] / scale).clamp(-1.0, 1.0) } else { 0.0 }
            });
            let row: Vec<f64> = row.collect();
            block.push(i, &row);
            deviations.push(deviation);
        }
        block
    }

    /// The row of a new asset beside the block `R`: `x = (R + margin)^-1 rho` gives the nearby row `R x` that
    /// lies in the range of `R`; beside it `R` stays positive semidefinite exactly while `x' R x <= 1`.
    pub(super) fn fit(&mut self, newcomer: &Newcomer) -> FittedRow {
        let own: Vec<f64> = self.assets.iter().map(|&j| newcomer.sums[j].correlation()).collect();
        self.fit_row(&own)
    }

    /// As [`Block::fit`], given the correlations `rho` themselves.
    pub(super) fn fit_row(&mut self, own: &[f64]) -> FittedRow {
        for row in packed::rows(&self.packed, self.assets.len()).skip(self.factor.n_rows()) {
            let (beside, diagonal) = row.split_at(row.len() - 1);
            self.factor.push(beside, diagonal[0] + MARGIN);
        }
        let x = self.factor.solve(own);
        let mut row: Vec<f64> = own.iter().zip(&x).map(|(rho, x)| rho - MARGIN * x).collect();
        let explained = dot(&x, &row);
        let most = 1.0 - MARGIN;
        let scaled = explained > most;
        if scaled {
            let scale = (most / explained).sqrt();
            row.iter_mut().for_each(|rho| *rho *= scale);
        }
        FittedRow { correlations: row, scaled }
    }

    /// Appends a row.
    pub(super) fn push(&mut self, asset: usize, correlations: &[f64]) {
        self.packed.extend_from_slice(correlations);
        self.packed.push(1.0);
        self.assets.push(asset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A newcomer (asset 2) whose correlations with assets 0 and 1 are given.
    fn newcomer(rho: [f64; 2]) -> Newcomer {
        let beside = |xy| Sums { weight: 1.0, xx: 1.0, xy, yy: 1.0 };
        Newcomer { asset: 2, count: 99, sums: vec![beside(rho[0]), beside(rho[1]), beside(1.0)] }
    }

    #[test]
    fn a_row_that_fits_stays() {
        let mut block = Block::of_members(&[4.0, 2.0, 4.0], 0..2);
        let row = block.fit(&newcomer([0.5, 0.4]));
        assert!(!row.scaled);
        assert!((row.correlations[0] - 0.5).abs() < 1e-5 && (row.correlations[1] - 0.4).abs() < 1e-5);
    }

    #[test]
    fn a_row_that_does_not_is_scaled_to_the_edge() {
        // Correlation 0.5 between the two; (0.9, -0.3) would need 1.08 / 0.75 of one.
        let mut block = Block::of_members(&[1.0, 0.5, 1.0], 0..2);
        let row = block.fit(&newcomer([0.9, -0.3]));
        let [a, b] = row.correlations[..] else { panic!("two entries") };
        let determinant = 1.0 + 2.0 * 0.5 * a * b - 0.25 - a * a - b * b;
        assert!(row.scaled && (a / b + 3.0).abs() < 1e-5);
        assert!((0.0..1e-5).contains(&determinant), "{determinant}");
    }

    #[test]
    fn beside_twins_the_row_is_made_equal_for_both() {
        let mut block = Block::of_members(&[1.0, 1.0, 1.0], 0..2);
        let row = block.fit(&newcomer([0.6, 0.4]));
        assert!(!row.scaled);
        assert!(row.correlations.iter().all(|rho| (rho - 0.5).abs() < 1e-5));
    }

    #[test]
    fn pairs_age_by_their_common_observations() {
        let mut asset = Newcomer::new(1, 2);
        for row in [[2.0, 1.0], [f64::NAN, 5.0], [1.0, f64::NAN], [-1.0, 1.0]] {
            asset.update(0.5, &row);
        }
        assert_eq!(asset.count, 3);
        assert_eq!(asset.sums[0], Sums { weight: 1.5, xx: 1.5, xy: 0.0, yy: 3.0 });
        assert_eq!(asset.sums[1].weight, 1.75);
    }
}
