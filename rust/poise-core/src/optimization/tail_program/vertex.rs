//! From an interior point to the vertex beside it: the weights that make the boundary scenarios equal, and the
//! prices that prove them the best.

use super::point::Point;
use super::program::TailProgram;

/// A floor of the return with a lower price does not bind.
const PRICED: f64 = 1e-6;

/// What determines a vertex: the weights inside their bounds and as many equations, the quantile's added.
struct Basis<'a> {
    inside: Vec<usize>,
    /// The weights at a bound, and zeros.
    held: Vec<f64>,
    /// Scenarios whose loss is the quantile.
    boundary: Vec<usize>,
    floor: Option<&'a (Vec<f64>, f64)>,
}

impl<'a> Basis<'a> {
    fn beside(program: &'a TailProgram, at: &Point) -> Option<Self> {
        let n = program.n();
        let (mut held, mut inside) = (vec![0.0; n], Vec::new());
        for (i, held) in held.iter_mut().enumerate() {
            let (below, above) = (at.w[i] - program.lower[i], program.upper[i] - at.w[i]);
            if below < at.l[i] {
                *held = program.lower[i];
            } else if above < at.h[i] {
                *held = program.upper[i];
            } else {
                inside.push(i);
            }
        }
        let floor = program.floor.as_ref().filter(|_| at.y > PRICED);
        let boundary = at.boundary(inside.len().checked_sub(usize::from(floor.is_some()))?)?;
        Some(Self { inside, held, boundary, floor })
    }

    fn size(&self) -> usize {
        self.inside.len() + 1
    }

    /// The equations' coefficients, row by row: boundary scenarios, floor, budget.
    fn rows(&self, program: &TailProgram) -> Vec<Vec<f64>> {
        let pick = |gain: &[f64], last: f64| -> Vec<f64> {
            self.inside.iter().map(|&i| gain[i]).chain([last]).collect()
        };
        let mut rows: Vec<Vec<f64>> = self.boundary.iter().map(|&s| pick(program.x.row(s), 1.0)).collect();
        rows.extend(self.floor.map(|(gain, _)| pick(gain, 0.0)));
        rows.push(pick(&vec![1.0; program.n()], 0.0));
        rows
    }

    /// The weights, and the quantile behind them.
    fn weights(&self, program: &TailProgram, rows: &[Vec<f64>]) -> Option<Vec<f64>> {
        let fixed = |gain: &[f64]| self.held.iter().zip(gain).map(|(held, gain)| held * gain).sum::<f64>();
        let mut right: Vec<f64> =
            self.boundary.iter().map(|&s| -fixed(program.x.row(s)) - program.base[s]).collect();
        right.extend(self.floor.map(|(gain, least)| least - fixed(gain)));
        right.push(program.total - self.held.iter().sum::<f64>());
        let table = rows.iter().zip(&right).flat_map(|(row, right)| row.iter().chain([right])).copied();
        let solved = eliminate(&mut table.collect::<Vec<f64>>(), self.size())?;
        let mut w = self.held.clone();
        self.inside.iter().zip(&solved).for_each(|(&i, value)| w[i] = *value);
        let kept = (0..program.n()).all(|i| program.lower[i] <= w[i] && w[i] <= program.upper[i]);
        w.extend(solved.last());
        kept.then_some(w)
    }

    /// The scenarios' prices and the floor's that balance the weights inside their bounds.
    fn prices(&self, program: &TailProgram, rows: &[Vec<f64>], w: &[f64]) -> Option<(Vec<f64>, f64)> {
        let n = program.n();
        let mut losses = vec![0.0; program.x.n_rows()];
        let mut flat = w.to_vec();
        flat[n] = 0.0;
        program.losses_into(&flat, &mut losses);
        let beyond = |(loss, cap): (&f64, &f64)| if *loss > w[n] { *cap } else { 0.0 };
        let mut lam: Vec<f64> = losses.iter().zip(&program.caps).map(beyond).collect();
        self.boundary.iter().for_each(|&s| lam[s] = 0.0);
        let mut pull = vec![0.0; n + 1];
        program.x.transposed_times(&lam, &mut pull);
        let mut table = Vec::with_capacity(self.size() * (self.size() + 1));
        for column in 0..self.size() {
            table.extend(rows.iter().map(|row| row[column]));
            table.push(self.inside.get(column).map_or(1.0 - pull[n], |&i| -pull[i]));
        }
        let solved = eliminate(&mut table, self.size())?;
        self.boundary.iter().zip(&solved).for_each(|(&s, price)| lam[s] = *price);
        let y = self.floor.and_then(|_| solved.get(self.boundary.len())).copied().unwrap_or(0.0);
        Some((lam, y))
    }
}

/// A vertex, the prices of its scenarios and of the floor.
pub(super) type Vertex = (Vec<f64>, Vec<f64>, f64);

/// The vertex where weights stand at the bounds whose prices say so; `None` where none is determined.
pub(super) fn nearest(program: &TailProgram, at: &Point) -> Option<Vertex> {
    let basis = Basis::beside(program, at)?;
    let rows = basis.rows(program);
    let w = basis.weights(program, &rows)?;
    let (lam, y) = basis.prices(program, &rows, &w)?;
    Some((w, lam, y))
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
