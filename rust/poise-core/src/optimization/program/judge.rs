//! How good an answer is, whatever found it: judged from the weights and the multipliers of the rows alone.

use super::face::Face;
use super::statement::Statement;
use crate::optimization::dense::dot;

/// What the optimality conditions say of an answer.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    /// The largest violation of the optimality conditions, relative to the terms they are made of.
    pub(super) certificate: f64,
    /// How much lower the objective may be somewhere else.
    pub(super) gap: f64,
    /// What relaxing a bound by one unit is worth; negative at a lower one.
    pub(super) bound_prices: Vec<f64>,
}

/// Judges weights that keep their bounds.
pub(super) fn judge(statement: &Statement, face: &Face) -> Verdict {
    let (slope, sizes, prices) = (face.slope(statement), face.magnitudes(statement), face.prices());
    let mut certificate = Largest(0.0);
    let mut gap = 0.0;
    let mut bound_prices = vec![0.0; face.x.len()];
    for (i, &x) in face.x.iter().enumerate() {
        let (low, high) = (statement.lower[i], statement.upper[i]);
        let (down, up) = statement.cost_slopes(i, x, prices);
        let (falls, rises) = ((slope[i] + down).max(0.0), (-slope[i] - up).max(0.0));
        let mut charge = |price: f64, room: f64, side: f64| {
            if room == 0.0 {
                bound_prices[i] += side * price;
            } else if price > 0.0 {
                certificate.with(price / sizes[i]);
                gap += price * if room.is_finite() { room } else { x.abs().max(1.0) };
            }
        };
        charge(falls, x - low, -1.0);
        charge(rises, high - x, 1.0);
        certificate.with(slope[i] * 0.0);
    }
    let size = sizes.iter().sum::<f64>() / sizes.len() as f64;
    for (j, activity) in statement.activities(&face.x).into_iter().enumerate() {
        let (low, high) = statement.limits(j);
        let y = face.y[j];
        // An open side has no price: there the multiplier itself is the violation.
        let distance = if y > 0.0 { activity - low } else { high - activity };
        let unit = row_unit(statement, j, &face.x);
        certificate.with((low - activity).max(activity - high).max(0.0) / unit);
        if y != 0.0 {
            let relative = y.abs() / size.max(f64::MIN_POSITIVE);
            certificate.with(if distance.is_finite() {
                (distance.abs() / unit).min(relative)
            } else {
                relative
            });
            gap += y.abs() * if distance.is_finite() { distance.abs() } else { 1.0 };
        }
    }
    Verdict { certificate: certificate.0, gap, bound_prices }
}

/// The size of the numbers that a row adds up.
fn row_unit(statement: &Statement, j: usize, x: &[f64]) -> f64 {
    let sizes: Vec<f64> = x.iter().map(|x| x.abs()).collect();
    if j >= statement.n_rows() {
        return sizes.iter().sum::<f64>().max(1.0);
    }
    let row: Vec<f64> = statement.row(j).iter().map(|a| a.abs()).collect();
    dot(&row, &sizes).max(1.0)
}

/// The largest of some numbers; `f64::max` would drop a NaN.
struct Largest(f64);

impl Largest {
    fn with(&mut self, value: f64) {
        if value > self.0 || value.is_nan() {
            self.0 = value;
        }
    }
}
