//! Starting points: k-means++ (Arthur and Vassilvitskii, 2007), and a few sweeps of Lloyd's algorithm.

use poise_simd::{Kernel, Simd, dispatch};

use super::columns::Columns;
use super::rng::Stream;

const SWEEPS: usize = 10;

/// Centroids, `(n_states, n_columns)` row by row: each next one is drawn in proportion to the squared
/// distance from those before.
pub(super) fn plus_plus(data: &Columns, n_states: usize, stream: &mut Stream) -> Vec<f64> {
    let mut nearest = vec![1.0; data.n_rows()];
    let mut distance = vec![0.0; data.n_rows()];
    let mut centroids = Vec::with_capacity(n_states * data.n_columns());
    for state in 0..n_states {
        let centroid: Vec<f64> = data.row(stream.position(&nearest)).collect();
        squared_distances(data, &centroid, &mut distance);
        for (nearest, distance) in nearest.iter_mut().zip(&distance) {
            *nearest = if state == 0 { *distance } else { nearest.min(*distance) };
        }
        centroids.extend(centroid);
    }
    centroids
}

/// The cluster of every row after k-means++ and Lloyd's sweeps.
pub(super) fn clusters(data: &Columns, n_states: usize, stream: &mut Stream) -> Vec<usize> {
    let mut centroids = plus_plus(data, n_states, stream);
    let mut labels = nearest(data, &centroids);
    for _ in 0..SWEEPS {
        move_centroids(data, &labels, &mut centroids);
        let moved = nearest(data, &centroids);
        if moved == labels {
            break;
        }
        labels = moved;
    }
    labels
}

/// Puts every centroid at the mean of its rows; one without rows stays where it is.
pub(super) fn move_centroids(data: &Columns, labels: &[usize], centroids: &mut [f64]) {
    let n_columns = data.n_columns();
    let n_states = centroids.len() / n_columns;
    let mut counts = vec![0.0_f64; n_states];
    labels.iter().for_each(|label| counts[*label] += 1.0);
    let mut sums = vec![0.0; n_states];
    for (index, column) in data.columns().enumerate() {
        sums.fill(0.0);
        for (label, x) in labels.iter().zip(column) {
            sums[*label] += x;
        }
        for state in 0..n_states {
            if counts[state] > 0.0 {
                centroids[state * n_columns + index] = sums[state] / counts[state];
            }
        }
    }
}

/// Squared distance of every row from one point.
pub(super) fn squared_distances(data: &Columns, point: &[f64], out: &mut [f64]) {
    dispatch(SquaredDistances { data, point, out });
}

struct SquaredDistances<'a> {
    data: &'a Columns,
    point: &'a [f64],
    out: &'a mut [f64],
}

impl Kernel for SquaredDistances<'_> {
    type Output = ();

    /// A product and a sum, never fused: the jump model's single rows add to the same bits.
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.out.fill(0.0);
        for (column, center) in self.data.columns().zip(self.point) {
            for (sum, x) in self.out.iter_mut().zip(column) {
                *sum += (x - center) * (x - center);
            }
        }
    }
}

fn nearest(data: &Columns, centroids: &[f64]) -> Vec<usize> {
    let mut least = vec![f64::INFINITY; data.n_rows()];
    let mut labels = vec![0; data.n_rows()];
    let mut distance = vec![0.0; data.n_rows()];
    for (state, centroid) in centroids.chunks_exact(data.n_columns()).enumerate() {
        squared_distances(data, centroid, &mut distance);
        for row in 0..data.n_rows() {
            if distance[row] < least[row] {
                (least[row], labels[row]) = (distance[row], state);
            }
        }
    }
    labels
}
