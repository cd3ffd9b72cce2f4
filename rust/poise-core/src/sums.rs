//! Sums in running parts: fast, and with a part of the rounding of a single one.

use poise_simd::Simd;

/// The sum.
pub(crate) fn sum(values: &[f64]) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut parts = [0.0; 8];
    for chunk in chunks {
        for (part, value) in parts.iter_mut().zip(chunk) {
            *part += value;
        }
    }
    parts.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// The sum of products over the shorter one.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let (mut sums, n) = ([0.0; 8], x.len().min(y.len()));
    let ((x, x_rest), (y, y_rest)) = (x[..n].as_chunks::<8>(), y[..n].as_chunks::<8>());
    for (x, y) in x.iter().zip(y) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y;
        }
    }
    sums.iter().sum::<f64>() + x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum::<f64>()
}

/// `w'r` of every row for each of the weights; all are as long as the first of them.
// Loops and no closures: what is not inlined here would be compiled for the oldest machine.
#[inline(always)]
pub(crate) fn products_of_rows<S: Simd, const K: usize, const R: usize>(
    simd: S,
    rows: [&[f64]; R],
    weights: [&[f64]; K],
) -> [[f64; R]; K] {
    let (blocks, rest) = simd.blocks(weights[0]);
    let (n_blocks, n_rest) = (blocks.len(), rest.len());
    let mut sums = [[simd.splat(0.0); R]; K];
    for block in 0..n_blocks {
        let mut values = [simd.splat(0.0); R];
        for row in 0..R {
            values[row] = simd.load(&simd.blocks(rows[row]).0[block]);
        }
        for of in 0..K {
            let weight = simd.load(&simd.blocks(weights[of]).0[block]);
            for row in 0..R {
                sums[of][row] = simd.mul_add(weight, values[row], sums[of][row]);
            }
        }
    }
    let mut found = [[0.0; R]; K];
    for of in 0..K {
        let last_weights = simd.blocks(weights[of]).1;
        for row in 0..R {
            let last_values = simd.blocks(rows[row]).1;
            let mut rest = 0.0;
            for place in 0..n_rest {
                rest += last_weights[place] * last_values[place];
            }
            found[of][row] = simd.sum(sums[of][row]) + rest;
        }
    }
    found
}
