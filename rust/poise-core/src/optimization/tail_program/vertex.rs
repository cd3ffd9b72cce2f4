//! From an interior point to the vertex beside it: the weights that make the boundary scenarios equal.

use super::TailProgram;
use super::interior::Point;

/// Weights at a bound where the point's prices say so, the others from the boundary scenarios; `None` where these
/// do not determine them.
pub(super) fn nearest(program: &TailProgram, at: &Point) -> Option<Vec<f64>> {
    let n = program.n();
    let mut w = at.w.clone();
    let mut inside = Vec::new();
    for i in 0..n {
        let (below, above) = (at.w[i] - program.lower[i], program.upper[i] - at.w[i]);
        if below < at.l[i] {
            w[i] = program.lower[i];
        } else if above < at.h[i] {
            w[i] = program.upper[i];
        } else {
            inside.push(i);
        }
    }
    let floor = program.floor.as_ref().filter(|_| at.y > 1e-6);
    let n_rows = inside.len().checked_sub(usize::from(floor.is_some()))?;
    let boundary = at.boundary(n_rows)?;
    let size = inside.len() + 1;
    let mut table = Vec::with_capacity(size * (size + 1));
    let fixed = |gain: &[f64]| (0..n).filter(|i| !inside.contains(i)).map(|i| gain[i] * w[i]).sum::<f64>();
    for &s in &boundary {
        let row = program.x.row(s);
        table.extend(inside.iter().map(|&i| row[i]));
        table.extend([1.0, -fixed(row) - program.base[s]]);
    }
    if let Some((gain, least)) = floor {
        table.extend(inside.iter().map(|&i| gain[i]));
        table.extend([0.0, least - fixed(gain)]);
    }
    table.extend(inside.iter().map(|_| 1.0));
    table.extend([0.0, program.total - fixed(&vec![1.0; n])]);
    let solved = eliminate(&mut table, size)?;
    for (&i, value) in inside.iter().zip(&solved) {
        w[i] = *value;
    }
    w[n] = solved[size - 1];
    let kept = (0..n).all(|i| program.lower[i] <= w[i] && w[i] <= program.upper[i]);
    kept.then_some(w)
}

impl Point {
    /// The scenarios nearest to being neither inside the tail nor outside it.
    fn boundary(&self, count: usize) -> Option<Vec<usize>> {
        let mut scores: Vec<(f64, usize)> = (0..self.lam.len()).map(|s| (self.stiffness(s), s)).collect();
        if count > scores.len() {
            return None;
        }
        if count > 0 && count < scores.len() {
            scores.select_nth_unstable_by(count - 1, |a, b| b.0.total_cmp(&a.0));
        }
        Some(scores[..count].iter().map(|(_, s)| *s).collect())
    }
}

/// Gauss's elimination with row pivots of `size` rows `[A | b]`; `None` for a matrix that is singular to rounding.
fn eliminate(table: &mut [f64], size: usize) -> Option<Vec<f64>> {
    let width = size + 1;
    let largest = table.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|&i, &j| table[i * width + column].abs().total_cmp(&table[j * width + column].abs()))?;
        if table[pivot * width + column].abs() <= 1e-13 * largest {
            return None;
        }
        for k in 0..width {
            table.swap(column * width + k, pivot * width + k);
        }
        let (above, below) = table.split_at_mut((column + 1) * width);
        let top = &above[column * width..];
        for row in below.chunks_exact_mut(width) {
            let factor = row[column] / top[column];
            row[column..].iter_mut().zip(&top[column..]).for_each(|(a, b)| *a -= factor * b);
        }
    }
    let mut solved = vec![0.0; size];
    for i in (0..size).rev() {
        let row = &table[i * width..(i + 1) * width];
        let known: f64 = (i + 1..size).map(|j| row[j] * solved[j]).sum();
        solved[i] = (row[size] - known) / row[i];
    }
    solved.iter().all(|value| value.is_finite()).then_some(solved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elimination_needs_its_pivots() {
        let mut table = vec![0.0, 2.0, 4.0, 3.0, 1.0, 5.0];
        assert_eq!(eliminate(&mut table, 2), Some(vec![1.0, 2.0]));
        assert_eq!(eliminate(&mut [1.0, 1.0, 1.0, 1.0, 1.0, 1.0], 2), None);
    }
}
