//! Covariances, drawn from bytes: honest ones, degenerate ones, and what only looks like one.

use arbitrary::{Arbitrary, Result, Unstructured};
use ndarray::Array2;

use super::draw::{Panel, noise, real};

/// A square matrix of at most `most` assets that started as a covariance; `most + 1` rows where it is not square.
pub fn covariance(u: &mut Unstructured<'_>, most: usize) -> Result<Panel> {
    let n = u.int_in_range(0..=most)?;
    let mut dense = product(u, n)?;
    if n > 0 {
        for _ in 0..u.int_in_range(0..=6)? {
            distort(u, &mut dense)?;
        }
    }
    if u.ratio(1, 32)? {
        dense = Array2::from_elem((n + 1, n), 1.0);
    }
    Panel::new(u, dense)
}

/// The product of noisy factors, fewer of them than assets where the matrix is to be singular.
fn product(u: &mut Unstructured<'_>, n: usize) -> Result<Array2<f64>> {
    let n_factors = u.int_in_range(1..=2 * n.max(1))?;
    let factors = noise(u32::arbitrary(u)?, n * n_factors);
    let common = if bool::arbitrary(u)? { 0.0 } else { f64::from(u8::arbitrary(u)?) / 100.0 };
    let factors = Array2::from_shape_fn((n, n_factors), |(i, k)| {
        factors[i * n_factors + k] + if k == 0 { common } else { 0.0 }
    });
    Ok(factors.dot(&factors.t()))
}

fn distort(u: &mut Unstructured<'_>, dense: &mut Array2<f64>) -> Result<()> {
    let n = dense.nrows();
    let (i, j) = (u.int_in_range(0..=n - 1)?, u.int_in_range(0..=n - 1)?);
    match u.int_in_range(0..=8)? {
        0 | 1 => scale(dense, i, 10_f64.powi(u.int_in_range(-8..=8)?)),
        2 => scale(dense, i, real(u)?),
        3 => scale(dense, i, 0.0),
        // A twin, or a perfect hedge.
        4 if i != j => {
            let sign = if bool::arbitrary(u)? { 1.0 } else { -1.0 };
            let row = &dense.row(j) * sign;
            dense.row_mut(i).assign(&row);
            let column = &dense.column(j) * sign;
            dense.column_mut(i).assign(&column);
        }
        5 => {
            let digits = 10_f64.powi(u.int_in_range(1..=9)?);
            dense.mapv_inplace(|x| (x * digits).round() / digits);
        }
        6 => {
            let value = real(u)?;
            dense[(i, j)] = value;
            dense[(j, i)] = value;
        }
        7 => dense[(i, j)] = real(u)?,
        _ => {
            let unit = real(u)?;
            dense.mapv_inplace(|x| x * unit);
        }
    }
    Ok(())
}

fn scale(dense: &mut Array2<f64>, asset: usize, factor: f64) {
    dense.row_mut(asset).mapv_inplace(|x| x * factor);
    dense.column_mut(asset).mapv_inplace(|x| x * factor);
}
