//! Symmetric matrices as packed lower triangles: row `i` holds the columns `0..=i`.

/// Entries of a packed triangle.
pub(super) fn size(n: usize) -> usize {
    n * (n + 1) / 2
}

/// Where the diagonal entry of row `i` stands.
pub(super) fn diagonal(i: usize) -> usize {
    i * (i + 1) / 2 + i
}

/// The rows of a packed triangle, shortest first.
pub(super) fn rows<T>(packed: &[T], n: usize) -> impl Iterator<Item = &[T]> {
    (0..n).scan(packed, |rest, i| {
        let (row, after) = rest.split_at(i + 1);
        *rest = after;
        Some(row)
    })
}

/// `P <- keep P + v v'`, one pass.
pub(super) fn decay_and_add(packed: &mut [f64], keep: f64, v: &[f64]) {
    let mut rest = packed;
    for (i, &scale) in v.iter().enumerate() {
        let (row, after) = std::mem::take(&mut rest).split_at_mut(i + 1);
        for (entry, &value) in row.iter_mut().zip(v) {
            *entry = keep * *entry + scale * value;
        }
        rest = after;
    }
}

/// Fills a full `n x n` buffer with `entry(i, j, value)` at `(i, j)` and `(j, i)`, for `j <= i`.
pub(super) fn fill_symmetric<T>(
    out: &mut [f64],
    packed: &[T],
    n: usize,
    entry: impl Fn(usize, usize, &T) -> f64,
) {
    for (i, row) in rows(packed, n).enumerate() {
        for (j, value) in row.iter().enumerate() {
            let filled = entry(i, j, value);
            out[i * n + j] = filled;
            out[j * n + i] = filled;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_cover_the_triangle() {
        let packed: Vec<usize> = (0..size(4)).collect();
        let seen: Vec<&[usize]> = rows(&packed, 4).collect();
        assert_eq!(seen, [&[0][..], &[1, 2], &[3, 4, 5], &[6, 7, 8, 9]]);
        assert_eq!(diagonal(2), 5);
    }

    #[test]
    fn filling_mirrors() {
        let mut out = [0.0; 4];
        fill_symmetric(&mut out, &[1.0, 2.0, 3.0], 2, |i, j, x| if i == j { *x } else { -x });
        assert_eq!(out, [1.0, -2.0, -2.0, 3.0]);
    }

    #[test]
    fn rank_one_update() {
        let mut packed = vec![1.0, 2.0, 3.0];
        decay_and_add(&mut packed, 0.5, &[2.0, -1.0]);
        assert_eq!(packed, [4.5, -1.0, 2.5]);
    }
}
