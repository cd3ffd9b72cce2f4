//! From an interior point to the face of the answer: the weights that make the boundary scenarios equal, and the
//! prices that prove them the best. At a vertex both are determined; where many weights are best, or many prices
//! prove it, the point is moved no further than the equations ask.

use super::point::Point;
use super::program::{Dual, TailProgram};

/// A floor of the return with a lower price does not bind.
const PRICED: f64 = 1e-6;

/// An entry below this part of the largest is rounding, and its equation or unknown depends on others.
const LEAST_PIVOT: f64 = 1e-13;

/// What determines a face: the weights inside their bounds and the scenarios whose loss is the quantile.
pub(super) struct Face<'a> {
    program: &'a TailProgram,
    at: &'a Point,
    inside: Vec<usize>,
    boundary: Vec<usize>,
    floor: Option<&'a (Vec<f64>, f64)>,
}

impl<'a> Face<'a> {
    /// Of a value and its price, the one that the point has brought nearer to nothing is nothing.
    pub(super) fn beside(program: &'a TailProgram, at: &'a Point) -> Self {
        let is_inside =
            |&i: &usize| at.w[i] - program.lower[i] >= at.l[i] && program.upper[i] - at.w[i] >= at.h[i];
        let is_boundary = |&s: &usize| at.s[s] < at.lam[s] && at.z[s] < at.mu[s];
        Self {
            program,
            at,
            inside: (0..program.n()).filter(is_inside).collect(),
            boundary: (0..at.lam.len()).filter(is_boundary).collect(),
            floor: program.floor.as_ref().filter(|_| at.y > PRICED),
        }
    }

    /// The weights and the quantile behind them; `None` where bounds are in the way.
    pub(super) fn weights(&self) -> Option<Vec<f64>> {
        let (program, n) = (self.program, self.program.n());
        let mut w = self.at.w.clone();
        for i in (0..n).filter(|i| self.inside.binary_search(i).is_err()) {
            let is_below = w[i] - program.lower[i] < self.at.l[i];
            w[i] = if is_below { program.lower[i] } else { program.upper[i] };
        }
        let mut table = Vec::new();
        let mut add = |gain: &[f64], last: f64, missing: f64| {
            table.extend(self.inside.iter().map(|&i| gain[i]));
            table.extend([last, missing]);
        };
        let earned = |gain: &[f64]| gain.iter().zip(&w[..n]).map(|(gain, w)| gain * w).sum::<f64>();
        for &s in &self.boundary {
            let row = program.x.row(s);
            add(row, 1.0, -earned(&row[..n]) - w[n] - program.base[s]);
        }
        if let Some((gain, least)) = self.floor {
            add(gain, 0.0, least - earned(gain));
        }
        add(&vec![1.0; n], 0.0, program.total - w[..n].iter().sum::<f64>());
        let moves = eliminate(&mut table, self.inside.len() + 1)?;
        self.inside.iter().chain([&n]).zip(&moves).for_each(|(&i, step)| w[i] += step);
        (0..n).all(|i| program.lower[i] <= w[i] && w[i] <= program.upper[i]).then_some(w)
    }

    /// The scenarios' prices and the floor's that balance the weights inside their bounds.
    pub(super) fn prices(&self) -> Option<Dual> {
        let (program, at, n) = (self.program, self.at, self.program.n());
        let mut lam: Vec<f64> = at
            .lam
            .iter()
            .zip(&program.caps)
            .map(|(lam, cap)| if *lam > 0.5 * cap { *cap } else { 0.0 })
            .collect();
        self.boundary.iter().for_each(|&s| lam[s] = at.lam[s]);
        let mut y = if self.floor.is_some() { at.y } else { 0.0 };
        let mut pull = vec![0.0; n + 1];
        program.x.transposed_times(&lam, &mut pull);
        let mut table = Vec::new();
        for &i in &self.inside {
            table.extend(self.boundary.iter().map(|&s| program.x.row(s)[i]));
            table.extend(self.floor.map(|(gain, _)| gain[i]));
            let priced = self.floor.map_or(0.0, |(gain, _)| y * gain[i]);
            table.extend([1.0, -pull[i] - priced - at.nu]);
        }
        table.extend(self.boundary.iter().map(|_| 1.0));
        table.extend(self.floor.map(|_| 0.0));
        table.extend([0.0, 1.0 - pull[n]]);
        let moves = eliminate(&mut table, self.boundary.len() + usize::from(self.floor.is_some()) + 1)?;
        self.boundary.iter().zip(&moves).for_each(|(&s, step)| lam[s] += step);
        if self.floor.is_some() {
            y += moves[self.boundary.len()];
        }
        Some(Dual { lam, y })
    }
}

/// Gauss's elimination of rows `[A | b]` with the largest pivots first: `x` with `A x = b` as far as the rows agree,
/// 0 where an unknown depends on others; `None` where it is no number.
fn eliminate(table: &mut [f64], n_unknowns: usize) -> Option<Vec<f64>> {
    let width = n_unknowns + 1;
    let n_rows = table.len() / width;
    let coefficients =
        |row: &[f64]| row[..n_unknowns].iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let largest = table.chunks_exact(width).map(coefficients).fold(0.0_f64, f64::max);
    let mut order: Vec<usize> = (0..n_unknowns).collect();
    let mut rank = 0;
    while rank < n_rows.min(n_unknowns) {
        let entries = (rank..n_rows).flat_map(|row| (rank..n_unknowns).map(move |k| (row, k)));
        let size = |&(row, k): &(usize, usize)| table[row * width + order[k]].abs();
        let (pivot, k) = entries.max_by(|a, b| size(a).total_cmp(&size(b)))?;
        if size(&(pivot, k)) <= LEAST_PIVOT * largest {
            break;
        }
        order.swap(rank, k);
        (0..width).for_each(|k| table.swap(rank * width + k, pivot * width + k));
        let (above, below) = table.split_at_mut((rank + 1) * width);
        let top = &above[rank * width..];
        for row in below.chunks_exact_mut(width) {
            let factor = row[order[rank]] / top[order[rank]];
            order[rank..].iter().chain([&n_unknowns]).for_each(|&k| row[k] -= factor * top[k]);
        }
        rank += 1;
    }
    let mut solved = vec![0.0; n_unknowns];
    for i in (0..rank).rev() {
        let row = &table[i * width..(i + 1) * width];
        let known: f64 = order[i + 1..rank].iter().map(|&k| row[k] * solved[k]).sum();
        solved[order[i]] = (row[n_unknowns] - known) / row[order[i]];
    }
    solved.iter().all(|value| value.is_finite()).then_some(solved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elimination_finds_its_pivots() {
        let mut table = vec![0.0, 2.0, 4.0, 3.0, 1.0, 5.0];
        assert_eq!(eliminate(&mut table, 2), Some(vec![1.0, 2.0]));
    }

    #[test]
    fn what_depends_on_others_stays() {
        // Two equations that say the same of two unknowns, and one unknown of two equations.
        assert_eq!(eliminate(&mut [1.0, 2.0, 4.0, 1.0, 2.0, 4.0], 2), Some(vec![0.0, 2.0]));
        assert_eq!(eliminate(&mut [3.0, 6.0, 1.0, 2.0], 1), Some(vec![2.0]));
        assert_eq!(eliminate(&mut [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], 2), Some(vec![1.0, 0.0]));
    }
}
