//! Cholesky factor of a small dense matrix, in place, row by row.

use super::dense::dot;

/// Where a factorisation met a pivot that is not positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BadPivot {
    pub(super) index: usize,
    pub(super) value: f64,
}

/// Rows and columns of a tile whose inner products are taken together, to load each entry once for many.
const TILE_ROWS: usize = 4;
const TILE_COLUMNS: usize = 2;

/// Overwrites the lower triangle of the row-major `n x n` matrix with `L`, `A = L L'`.
///
/// A pivot counts as positive above `floor` times its own diagonal entry.
pub(super) fn factor(matrix: &mut [f64], n: usize, floor: f64) -> Result<(), BadPivot> {
    let mut first = 0;
    while first < n {
        let rows = TILE_ROWS.min(n - first);
        let (above, rest) = matrix.split_at_mut(first * n);
        let block = &mut rest[..rows * n];
        if rows == TILE_ROWS {
            eliminate_block(above, block, n, first);
        } else {
            for row in block.chunks_exact_mut(n) {
                eliminate(above, row, n, 0, first);
            }
        }
        for i in 0..rows {
            let (done, rest) = block.split_at_mut(i * n);
            let row = &mut rest[..n];
            finish_row(done, row, n, first, i);
            let (diagonal, solved) = (row[first + i], &row[..first + i]);
            let pivot = diagonal - dot(solved, solved);
            let positive = pivot > floor * diagonal && pivot > 0.0;
            if !positive {
                return Err(BadPivot { index: first + i, value: pivot });
            }
            row[first + i] = pivot.sqrt();
        }
        first += rows;
    }
    Ok(())
}

/// Solves columns `0..first` of four rows against the finished rows `above`, two columns at a time.
fn eliminate_block(above: &[f64], block: &mut [f64], n: usize, first: usize) {
    let mut column = 0;
    while column + TILE_COLUMNS <= first {
        let finished = [&above[column * n..(column + 1) * n], &above[(column + 1) * n..(column + 2) * n]];
        let products = {
            let rows: [&[f64]; TILE_ROWS] = std::array::from_fn(|r| &block[r * n..r * n + column]);
            tile(rows, finished.map(|row| &row[..column]))
        };
        for (row, product) in block.chunks_exact_mut(n).zip(&products) {
            row[column] = (row[column] - product[0]) / finished[0][column];
            let left = row[column + 1] - product[1] - row[column] * finished[1][column];
            row[column + 1] = left / finished[1][column + 1];
        }
        column += TILE_COLUMNS;
    }
    for row in block.chunks_exact_mut(n) {
        eliminate(above, row, n, column, first);
    }
}

/// Solves columns `from..to` of one row against the finished rows `above`.
fn eliminate(above: &[f64], row: &mut [f64], n: usize, from: usize, to: usize) {
    for j in from..to {
        let other = &above[j * n..=j * n + j];
        row[j] = (row[j] - dot(&row[..j], other)) / other[j];
    }
}

/// Solves the columns of row `i` of a block against the block's rows before it.
fn finish_row(done: &[f64], row: &mut [f64], n: usize, first: usize, i: usize) {
    for j in 0..i {
        let (other, column) = (&done[j * n..(j + 1) * n], first + j);
        row[column] = (row[column] - dot(&row[..column], &other[..column])) / other[column];
    }
}

/// All inner products of some rows with some columns.
fn tile(rows: [&[f64]; TILE_ROWS], columns: [&[f64]; TILE_COLUMNS]) -> [[f64; TILE_COLUMNS]; TILE_ROWS] {
    const LANES: usize = 2;
    let length = columns[0].len();
    let mut lanes = [[[0.0; LANES]; TILE_COLUMNS]; TILE_ROWS];
    let whole = length - length % LANES;
    for k in (0..whole).step_by(LANES) {
        for (r, row) in rows.iter().enumerate() {
            for (c, column) in columns.iter().enumerate() {
                for lane in 0..LANES {
                    lanes[r][c][lane] += row[k + lane] * column[k + lane];
                }
            }
        }
    }
    std::array::from_fn(|r| {
        std::array::from_fn(|c| {
            let tail: f64 = (whole..length).map(|k| rows[r][k] * columns[c][k]).sum();
            lanes[r][c].iter().sum::<f64>() + tail
        })
    })
}

/// Overwrites `right` with the solution of `L L' x = right`; row `i` of `L` starts at `i * stride`.
pub(super) fn solve(lower: &[f64], stride: usize, right: &mut [f64]) {
    solve_lower(lower, stride, right);
    solve_upper(lower, stride, right);
}

/// Overwrites `right` with the solution of `L x = right`.
pub(super) fn solve_lower(lower: &[f64], stride: usize, right: &mut [f64]) {
    for i in 0..right.len() {
        let row = &lower[i * stride..=i * stride + i];
        right[i] = (right[i] - dot(&row[..i], &right[..i])) / row[i];
    }
}

/// Overwrites `right` with the solution of `L' x = right`.
pub(super) fn solve_upper(lower: &[f64], stride: usize, right: &mut [f64]) {
    for i in (0..right.len()).rev() {
        let row = &lower[i * stride..=i * stride + i];
        right[i] /= row[i];
        let value = right[i];
        for (r, l) in right[..i].iter_mut().zip(row) {
            *r -= value * l;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factor_and_solve_recover_a_known_vector() {
        let mut matrix = vec![4.0, 2.0, 0.6, 2.0, 5.0, 1.0, 0.6, 1.0, 3.0];
        let mut right = vec![4.0 - 4.0 + 1.8, 2.0 - 10.0 + 3.0, 0.6 - 2.0 + 9.0];
        factor(&mut matrix, 3, 0.0).unwrap();
        solve(&matrix, 3, &mut right);
        for (found, wanted) in right.iter().zip([1.0, -2.0, 3.0]) {
            assert!((found - wanted).abs() < 1e-14, "{right:?}");
        }
    }

    #[test]
    fn every_size_meets_the_tiles() {
        for n in 1..20_usize {
            let entry =
                |i: usize, j: usize| if i == j { n as f64 } else { ((i * 7 + j * 7) % 5) as f64 / 5.0 };
            let original: Vec<f64> = (0..n * n).map(|k| entry(k / n, k % n)).collect();
            let mut matrix = original.clone();
            factor(&mut matrix, n, 0.0).unwrap();
            for i in 0..n {
                for j in 0..=i {
                    let product = dot(&matrix[i * n..=i * n + j], &matrix[j * n..=j * n + j]);
                    assert!((product - original[i * n + j]).abs() < 1e-13, "n {n}, entry ({i}, {j})");
                }
            }
        }
    }

    #[test]
    fn a_negative_direction_is_named_by_its_pivot() {
        let mut matrix = vec![1.0, 2.0, 2.0, 1.0];
        assert_eq!(factor(&mut matrix, 2, 0.0), Err(BadPivot { index: 1, value: -3.0 }));
    }

    #[test]
    fn a_repeated_row_falls_below_the_floor() {
        let mut matrix = vec![1.0, 1.0, 1.0, 1.0];
        assert_eq!(factor(&mut matrix, 2, 1e-10).unwrap_err().index, 1);
    }
}
