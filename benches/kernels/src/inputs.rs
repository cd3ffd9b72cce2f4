//! Synthetic markets: the same numbers in every run and on every machine.

use ndarray::{Array1, Array2};
use poise_core::Result;
use poise_core::moments::sample_covariance;

/// Numbers from a fixed seed: splitmix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
struct Stream(u64);

impl Stream {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Near enough to normal, without a function whose digits depend on the C library.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Styles beside the market.
const N_STYLES: usize = 4;

/// Daily returns of assets with volatilities around 2 %: a market, styles that they follow or oppose, and what is
/// their own.
pub fn returns(n_observations: usize, n_assets: usize) -> Array2<f64> {
    let mut stream = Stream(20_210_104);
    let market: Vec<f64> = (0..n_assets).map(|_| 0.004 + 0.01 * stream.uniform()).collect();
    let styles = Array2::from_shape_fn((n_assets, N_STYLES), |_| 0.004 * stream.normal());
    let own: Vec<f64> = (0..n_assets).map(|_| 0.005 + 0.02 * stream.uniform()).collect();
    let mut returns = Array2::zeros((n_observations, n_assets));
    for mut row in returns.rows_mut() {
        let market_today = stream.normal();
        let styles_today = Array1::from_shape_fn(N_STYLES, |_| stream.normal());
        for (asset, value) in row.iter_mut().enumerate() {
            let style = styles.row(asset).dot(&styles_today);
            *value = 0.0003 + market[asset] * market_today + style + own[asset] * stream.normal();
        }
    }
    returns
}

/// Daily returns of one asset.
pub fn series(n_observations: usize) -> Array1<f64> {
    returns(n_observations, 1).column(0).to_owned()
}

/// A regular covariance: the sample's over two observations per asset, at least 250.
///
/// # Errors
/// Those of [`sample_covariance`].
pub fn covariance(n_assets: usize) -> Result<Array2<f64>> {
    sample_covariance(returns((2 * n_assets).max(250), n_assets).view(), 1)
}

/// Features of a market that is calm for 200 rows, wild for 50, falling for 30, and so on.
pub fn features(n_observations: usize, n_features: usize) -> Array2<f64> {
    let mut stream = Stream(20_210_105);
    Array2::from_shape_fn((n_observations, n_features), |(t, i)| {
        let (level, spread) = match t % 280 {
            0..200 => (0.5, 1.0),
            200..250 => (0.0, 3.0),
            _ => (-2.0, 2.0),
        };
        level + (1.0 + 0.1 * i as f64) * spread * stream.normal()
    })
}
