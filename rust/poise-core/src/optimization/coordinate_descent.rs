//! A guess at the positive weights of least variance, by a few sweeps of coordinate descent.
//!
//! Without upper bounds the budget is but a unit: the minimum of `1/2 x'Hx - sum x` over `x >= 0`, divided by its
//! sum, is that of `1/2 w'Hw` under the budget. One coordinate's minimum is a division; a few sweeps find nearly all
//! of those that are held, and the active set, which begins there, has little left to do but prove it.

use poise_simd::{Kernel, Simd, dispatch};

use super::dense::Symmetric;

/// Sweeps over all assets: enough to tell who is held, where more would only sharpen the weights.
const SWEEPS: usize = 6;

/// Weights that sum to 1; None where nothing sensible comes of it.
pub(super) fn positive_weights(matrix: &Symmetric) -> Option<Vec<f64>> {
    let mut weights = dispatch(Sweeps { matrix });
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights.iter().all(|weight| weight.is_finite()).then_some(weights)
}

struct Sweeps<'a> {
    matrix: &'a Symmetric,
}

impl Kernel for Sweeps<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<f64> {
        let n = self.matrix.n();
        let (mut x, mut gradient) = (vec![0.0; n], vec![-1.0; n]);
        for _ in 0..SWEEPS {
            for i in 0..n {
                let row = self.matrix.row(i);
                let next = (x[i] - gradient[i] / row[i]).max(0.0);
                let change = next - x[i];
                if change == 0.0 {
                    continue;
                }
                x[i] = next;
                for (g, entry) in gradient.iter_mut().zip(row) {
                    *g = simd.fma(change, *entry, *g);
                }
            }
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn those_that_are_held_are_found() {
        // The third moves with both others and more: it is not held.
        let matrix = array![[1.0, 0.2, 1.1], [0.2, 2.0, 1.0], [1.1, 1.0, 4.0]];
        let weights = positive_weights(&Symmetric::part(matrix.view(), &[0, 1, 2], 1.0)).unwrap();
        let wanted = [1.8 / 2.6, 0.8 / 2.6, 0.0];
        for (found, wanted) in weights.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-6, "{weights:?}");
        }
        assert_eq!(weights[2], 0.0);
    }

    #[test]
    fn a_matrix_without_curvature_gives_no_guess() {
        let still = array![[0.0, 0.0], [0.0, 1.0]];
        assert_eq!(positive_weights(&Symmetric::part(still.view(), &[0, 1], 1.0)), None);
    }
}
