//! Sums in eight running parts: fast, and with an eighth of the rounding of a single one.

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
