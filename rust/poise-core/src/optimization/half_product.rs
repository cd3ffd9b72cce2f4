//! The product of a symmetric matrix and a vector from the lower half of the matrix.
//!
//! Each number below the diagonal stands for two and is read once: reading is what a product of this size costs.
//! Left of its tile on the diagonal a row takes an inner product for itself and adds its multiple to the rows above.

use poise_simd::Simd;

/// Rows and columns of a tile; a multiple of every set's lanes.
pub(super) const TILE: usize = 8;

/// Rows that share what is read of the vectors; more need registers that no set has to spare.
const ROWS: usize = 4;

/// The least multiple of [`TILE`] that holds `n` numbers.
pub(super) fn padded(n: usize) -> usize {
    n.next_multiple_of(TILE)
}

/// `out = matrix x`; the matrix has `n` rows one after another, `x` and `out` are [`padded`] with zeros.
///
/// Above the diagonal only the tiles on it are read.
#[inline(always)]
pub(super) fn multiply<S: Simd>(simd: S, matrix: &[f64], n: usize, x: &[f64], out: &mut [f64]) {
    out.fill(0.0);
    let whole = n - n % TILE;
    for tile in (0..whole).step_by(TILE) {
        for row in (tile..tile + TILE).step_by(ROWS) {
            add_rows::<S, ROWS>(simd, matrix, n, (tile, tile + TILE), row, x, out);
        }
    }
    for row in whole..n {
        add_rows::<S, 1>(simd, matrix, n, (whole, whole), row, x, out);
        let corner = &matrix[row * n + whole..(row + 1) * n];
        for (entry, value) in corner.iter().zip(&x[whole..]) {
            out[row] = simd.fma(*entry, *value, out[row]);
        }
    }
}

/// Adds what `R` rows from `row` on contribute left of their tile, and to themselves inside it.
#[inline(always)]
fn add_rows<S: Simd, const R: usize>(
    simd: S,
    matrix: &[f64],
    n: usize,
    (tile, end): (usize, usize),
    row: usize,
    x: &[f64],
    out: &mut [f64],
) {
    let (left, inside) = (tile / S::LANES, end / S::LANES);
    let rows: [&[S::Block]; R] =
        std::array::from_fn(|r| &simd.blocks(&matrix[(row + r) * n..(row + r + 1) * n]).0[..inside]);
    let values = &simd.blocks(x).0[..inside];
    let (above, own) = out.split_at_mut(row);
    let above = &mut simd.blocks_mut(above).0[..left];
    let multiples: [S::Vector; R] = std::array::from_fn(|r| simd.splat(x[row + r]));
    let mut sums = [simd.splat(0.0); R];
    for k in 0..left {
        let value = simd.load(&values[k]);
        let mut added = simd.load(&above[k]);
        for r in 0..R {
            let entries = simd.load(&rows[r][k]);
            sums[r] = simd.mul_add(entries, value, sums[r]);
            added = simd.mul_add(entries, multiples[r], added);
        }
        simd.store(&mut above[k], added);
    }
    for k in left..inside {
        let value = simd.load(&values[k]);
        for r in 0..R {
            sums[r] = simd.mul_add(simd.load(&rows[r][k]), value, sums[r]);
        }
    }
    for (own, sum) in own.iter_mut().zip(sums) {
        *own += simd.sum(sum);
    }
}

/// The inner product of [`padded`] vectors.
#[inline(always)]
pub(super) fn dot<S: Simd>(simd: S, left: &[f64], right: &[f64]) -> f64 {
    let ((left, _), (right, _)) = (simd.blocks(left), simd.blocks(right));
    let mut sum = simd.splat(0.0);
    for (x, y) in left.iter().zip(right) {
        sum = simd.mul_add(simd.load(x), simd.load(y), sum);
    }
    simd.sum(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use poise_simd::{Kernel, available, dispatch_on};

    struct Product<'a>(&'a [f64], usize, &'a [f64]);

    impl Kernel for Product<'_> {
        type Output = Vec<f64>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<f64> {
            let mut out = vec![f64::NAN; padded(self.1)];
            multiply(simd, self.0, self.1, self.2, &mut out);
            out
        }
    }

    #[test]
    fn every_size_on_every_set_is_the_plain_product() {
        for n in 1..43_usize {
            let entry = |i: usize, j: usize| ((i * j) as f64).cos() + ((i + j) as f64 * 0.3).sin();
            let matrix: Vec<f64> = (0..n * n).map(|k| entry(k / n, k % n)).collect();
            let mut x = vec![0.0; padded(n)];
            (0..n).for_each(|i| x[i] = (i as f64 * 0.7).sin() + 0.2);
            let plain: Vec<f64> = (0..n).map(|i| (0..n).map(|j| matrix[i * n + j] * x[j]).sum()).collect();
            for set in available() {
                let out = dispatch_on(set, Product(&matrix, n, &x));
                assert!(out[n..].iter().all(|rest| *rest == 0.0));
                for (found, wanted) in out.iter().zip(&plain) {
                    assert!((found - wanted).abs() < 1e-13, "{set:?}, n {n}: {found} against {wanted}");
                }
            }
        }
    }
}
