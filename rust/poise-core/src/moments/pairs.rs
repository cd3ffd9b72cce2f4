//! Moments of rows with gaps: every pair of assets has its own chain of weights.
//!
//! As in pandas a pair sees only the rows in which both assets have a value, and its means, variances and
//! covariance are all taken over those. The matrix of such covariances need not be positive semidefinite.

use super::dense::Dense;
use super::packed;
use super::scheme::{Memory, Scheme};

/// Moments of two assets over their common observations.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Pair {
    pub(super) memory: Memory,
    pub(super) mean_x: f64,
    pub(super) mean_y: f64,
    pub(super) xx: f64,
    pub(super) xy: f64,
    pub(super) yy: f64,
}

impl Pair {
    fn update(&mut self, scheme: &Scheme, x: f64, y: f64) {
        // A NaN in either makes the sum NaN; infinities never come here.
        if (x + y).is_nan() {
            return self.memory.miss(scheme);
        }
        let shares = self.memory.observe(scheme);
        let (dx, dy, size) = if scheme.demean {
            let (dx, dy) = (x - self.mean_x, y - self.mean_y);
            self.mean_x += shares.new * dx;
            self.mean_y += shares.new * dy;
            (dx, dy, shares.past * shares.new)
        } else {
            (x, y, shares.new)
        };
        self.xx = shares.past * self.xx + size * (dx * dx);
        self.xy = shares.past * self.xy + size * (dx * dy);
        self.yy = shares.past * self.yy + size * (dy * dy);
    }
}

/// One [`Pair`] for each entry of the lower triangle.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pairs {
    pub(super) n_assets: usize,
    pub(super) pairs: Vec<Pair>,
}

impl Pairs {
    /// The same moments with a chain of weights for each pair.
    pub(super) fn split(dense: &Dense) -> Self {
        let (n_assets, moments) = (dense.mean.len(), dense.moments());
        let mut pairs = Vec::with_capacity(packed::size(n_assets));
        for (i, row) in packed::rows(&moments, n_assets).enumerate() {
            for (j, &xy) in row.iter().enumerate() {
                pairs.push(Pair {
                    memory: dense.memory,
                    mean_x: dense.mean[i],
                    mean_y: dense.mean[j],
                    xx: moments[packed::diagonal(i)],
                    xy,
                    yy: moments[packed::diagonal(j)],
                });
            }
        }
        Self { n_assets, pairs }
    }

    /// Takes in one row without infinities.
    pub(super) fn update(&mut self, scheme: &Scheme, row: &[f64]) {
        let mut rest = self.pairs.as_mut_slice();
        for (i, &x) in row.iter().enumerate() {
            let (pairs, after) = std::mem::take(&mut rest).split_at_mut(i + 1);
            for (pair, &y) in pairs.iter_mut().zip(row) {
                pair.update(scheme, x, y);
            }
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::scheme::EwmaRule;

    #[test]
    fn splitting_goes_on_where_the_common_chain_stopped() {
        let scheme = Scheme::exponential(&EwmaRule::new(4.0)).unwrap();
        let rows = [[0.1, -0.2], [0.3, 0.4], [-0.5, 0.2], [0.2, 0.1]];
        let mut dense = Dense::new(2);
        let mut apart = Pairs::split(&dense);
        for row in rows {
            dense.update(&scheme, &row);
            apart.update(&scheme, &row);
        }
        for (a, b) in apart.pairs.iter().zip(&Pairs::split(&dense).pairs) {
            assert_eq!(a.memory, b.memory);
            assert!((a.xy - b.xy).abs() < 1e-15 && (a.xx - b.xx).abs() < 1e-15);
            assert_eq!((a.mean_x, a.mean_y), (b.mean_x, b.mean_y));
        }
    }
}
