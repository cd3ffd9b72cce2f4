//! The dynamic program: the cheapest states for given centroids, forwards and backwards or one row at a time.

use crate::regime::columns::Columns;
use crate::regime::kmeans::squared_distances;
use crate::{Error, Result};

/// Half the squared distance of every row from every centroid, `(n_rows, n_states)`.
pub(super) fn losses(data: &Columns, centroids: &[f64]) -> Result<Vec<f64>> {
    let n_states = centroids.len() / data.n_columns();
    let mut losses = vec![0.0; data.n_rows() * n_states];
    let mut distance = vec![0.0; data.n_rows()];
    for (state, centroid) in centroids.chunks_exact(data.n_columns()).enumerate() {
        squared_distances(data, centroid, &mut distance);
        if let Some(row) = distance.iter().position(|d| !d.is_finite()) {
            return Err(too_large(data.largest(row)));
        }
        for (row, distance) in losses.chunks_exact_mut(n_states).zip(&distance) {
            row[state] = 0.5 * distance;
        }
    }
    Ok(losses)
}

pub(super) fn too_large(value: f64) -> Error {
    Error::OutOfRange { what: "X", value, range: "values whose squared distance from a centroid is finite" }
}

/// One step of the dynamic program; returns how much all costs were lowered so that the least is zero.
#[inline]
pub(super) fn advance(costs: &mut [f64], losses: impl Iterator<Item = f64>, penalty: f64) -> f64 {
    let mut least = f64::INFINITY;
    for (cost, loss) in costs.iter_mut().zip(losses) {
        // The least of all is zero: staying costs `cost`, coming from the cheapest state `penalty`.
        *cost = cost.min(penalty) + loss;
        least = least.min(*cost);
    }
    costs.iter_mut().for_each(|cost| *cost -= least);
    least
}

pub(super) fn first_least(costs: &[f64]) -> usize {
    let mut least = 0;
    for (state, cost) in costs.iter().enumerate() {
        if *cost < costs[least] {
            least = state;
        }
    }
    least
}

/// The states with the least cost in all, and that cost. Among equals a path stays, and ends in the lowest state.
pub(super) fn cheapest_path(data: &Columns, centroids: &[f64], penalty: f64) -> Result<(Vec<usize>, f64)> {
    let losses = losses(data, centroids)?;
    let n_states = centroids.len() / data.n_columns();
    let n_rows = data.n_rows();
    let mut costs = vec![0.0; n_states];
    let mut came_from = vec![0; losses.len()];
    let mut total = 0.0;
    for (losses, came_from) in losses.chunks_exact(n_states).zip(came_from.chunks_exact_mut(n_states)) {
        let cheapest = first_least(&costs);
        for (state, (from, cost)) in came_from.iter_mut().zip(&costs).enumerate() {
            *from = if *cost <= penalty { state } else { cheapest };
        }
        total += advance(&mut costs, losses.iter().copied(), penalty);
    }
    let mut labels = vec![0; n_rows];
    let mut state = first_least(&costs);
    for t in (0..n_rows).rev() {
        labels[t] = state;
        state = came_from[t * n_states + state];
    }
    Ok((labels, total))
}
