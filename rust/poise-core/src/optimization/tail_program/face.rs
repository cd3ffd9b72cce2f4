//! From an interior point to the face of the answer: the weights that make the boundary scenarios equal, and the
//! prices that prove them the best. At a vertex both are determined; where many weights are best, or many prices
//! prove it, the point is moved no further than the equations ask.

use super::point::{Point, add};
use super::program::{Dual, TailProgram};
use crate::optimization::dense::dot;
use crate::sums::sum;

/// A floor of the return with a lower price does not bind.
const PRICED: f64 = 1e-6;

/// What others leave of an equation is rounding below this part of the largest.
const LEAST_PART: f64 = 1e-13;

/// Weights whose sum misses the budget by more are none: the equations contradicted it.
const BUDGET: f64 = 1e-14;

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

    /// The weights and the quantile behind them; `None` where bounds or the budget are in the way.
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
        let moves = least_moves(&mut table, self.inside.len() + 1)?;
        self.inside.iter().chain([&n]).zip(&moves).for_each(|(&i, step)| w[i] += step);
        let kept = (0..n).all(|i| program.lower[i] <= w[i] && w[i] <= program.upper[i]);
        (kept && (program.total - sum(&w[..n])).abs() <= BUDGET).then_some(w)
    }

    /// The scenarios' prices and the floor's that balance the weights inside their bounds.
    pub(super) fn prices(&self) -> Option<Dual> {
        let (program, at, n) = (self.program, self.at, self.program.n());
        let beyond = |(lam, cap): (&f64, &f64)| if *lam > 0.5 * cap { *cap } else { 0.0 };
        let mut lam: Vec<f64> = at.lam.iter().zip(&program.caps).map(beyond).collect();
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
        let moves = least_moves(&mut table, self.boundary.len() + usize::from(self.floor.is_some()) + 1)?;
        self.boundary.iter().zip(&moves).for_each(|(&s, step)| lam[s] += step);
        if self.floor.is_some() {
            y += moves[self.boundary.len()];
        }
        Some(Dual { lam, y })
    }
}

/// The least `x` with `A x = b`, as far as the rows `[A | b]` agree: Gram and Schmidt's orthogonal rows, largest first.
///
/// `None` where it is no number. Least, so that what cannot be told apart moves alike.
fn least_moves(table: &mut [f64], n_unknowns: usize) -> Option<Vec<f64>> {
    let size = |row: &[f64]| dot(&row[..n_unknowns], &row[..n_unknowns]).sqrt();
    let mut rows: Vec<(f64, &mut [f64])> =
        table.chunks_exact_mut(n_unknowns + 1).map(|row| (size(row), row)).collect();
    let largest = rows.iter().fold(0.0_f64, |most, (length, _)| most.max(*length));
    let mut moves = vec![0.0; n_unknowns];
    while let Some(next) = (0..rows.len()).max_by(|&a, &b| rows[a].0.total_cmp(&rows[b].0)) {
        let (length, row) = rows.swap_remove(next);
        if length <= LEAST_PART * largest {
            break;
        }
        row.iter_mut().for_each(|value| *value /= length);
        for (length, other) in &mut rows {
            let part = dot(&row[..n_unknowns], &other[..n_unknowns]);
            other.iter_mut().zip(row.iter()).for_each(|(other, value)| *other -= part * value);
            *length = size(other);
        }
        add(&mut moves, row[n_unknowns], row);
    }
    moves.iter().all(|value| value.is_finite()).then_some(moves)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: &[f64], wanted: &[f64]) {
        let found = least_moves(&mut table.to_vec(), wanted.len()).unwrap();
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-14), "{found:?}");
    }

    #[test]
    fn equations_are_kept() {
        check(&[0.0, 2.0, 4.0, 3.0, 1.0, 5.0], &[1.0, 2.0]);
        check(&[3.0, 6.0, 1.0, 2.0], &[2.0]);
    }

    #[test]
    fn what_cannot_be_told_apart_moves_alike() {
        check(&[1.0, 1.0, 4.0, 1.0, 1.0, 4.0], &[2.0, 2.0]);
        check(&[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 6.0], &[1.0, 1.0, 2.0]);
    }
}
