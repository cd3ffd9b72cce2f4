//! Lower and upper bounds of the weights, and the weights that follow from bounds alone.

mod adapt;

use ndarray::ArrayView1;

use crate::sums::sum;
use crate::{Error, Result, validate};

/// A sum of weights is not known better.
const ROUNDING: f64 = 1e-15;

/// A rounding of the sum that is more than this of the weights inside their bounds is no business of theirs.
const LEAST_DIGITS: f64 = 1e-12;

/// Beyond it sums of bounds may be no number.
const LARGEST: f64 = 1e100;

/// How far a sum of weights may be from its goal.
pub(super) const SUM_TOLERANCE: f64 = 1e-12;

/// One lower and one upper bound per asset; infinite ones leave that side open.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    pub(super) lower: Vec<f64>,
    pub(super) upper: Vec<f64>,
}

/// Where a weight stands between its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At the lower bound.
    Lower,
    /// Strictly between.
    Inside,
    /// At the upper bound.
    Upper,
}

impl Bounds {
    /// Checks each lower bound against its upper bound.
    ///
    /// # Errors
    ///
    /// [`Error::NonFinite`] for a NaN, [`Error::Infeasible`] where a lower bound exceeds its upper bound or both are
    /// the same infinity, [`Error::OutOfRange`] for one beyond `1e100` that is not infinite.
    pub fn new(lower: ArrayView1<'_, f64>, upper: ArrayView1<'_, f64>) -> Result<Self> {
        Self::of_vectors(lower.to_vec(), upper.to_vec())
    }

    /// [`Bounds::new`] of vectors that are given away.
    ///
    /// # Errors
    ///
    /// As [`Bounds::new`].
    pub fn of_vectors(lower: Vec<f64>, upper: Vec<f64>) -> Result<Self> {
        validate::length("upper", ArrayView1::from(&upper), lower.len())?;
        let bounds = Self { lower: without_nan("lower", lower)?, upper: without_nan("upper", upper)? };
        let pairs = bounds.lower.iter().zip(&bounds.upper);
        if let Some((i, (low, high))) = pairs.enumerate().find(|(_, (low, high))| low > high) {
            return Err(Error::Infeasible {
                reason: format!("asset {i} has lower bound {low} above upper bound {high}"),
            });
        }
        let vast = |bound: &&f64| bound.is_finite() && bound.abs() > LARGEST;
        if let Some(&value) = bounds.lower.iter().chain(&bounds.upper).find(vast) {
            let range = "at most 1e100 in size, or infinite to leave that side open";
            return Err(Error::OutOfRange { what: "a bound", value, range });
        }
        let open = |(low, high): (&f64, &f64)| *low == f64::INFINITY || *high == f64::NEG_INFINITY;
        if let Some(i) = bounds.lower.iter().zip(&bounds.upper).position(open) {
            let (low, high) = (bounds.lower[i], bounds.upper[i]);
            return Err(Error::Infeasible {
                reason: format!("asset {i} has bounds {low} and {high}, which no weight keeps"),
            });
        }
        Ok(bounds)
    }

    /// The same bounds for every asset.
    ///
    /// # Errors
    ///
    /// As [`Bounds::new`].
    pub fn uniform(n: usize, lower: f64, upper: f64) -> Result<Self> {
        Self::of_vectors(vec![lower; n], vec![upper; n])
    }

    /// Refuses bounds between which no weights of `n` assets sum to 1, and says by how much.
    pub(super) fn admit_full_investment(&self, n: usize) -> Result<()> {
        validate::length("bounds", ArrayView1::from(&self.lower), n)?;
        let (least, most) = (self.lower.iter().sum::<f64>(), self.upper.iter().sum::<f64>());
        let reason = if least > 1.0 + SUM_TOLERANCE {
            format!("the lower bounds sum to {least:.12}, above 1; lower them by {:.6e}", least - 1.0)
        } else if most < 1.0 - SUM_TOLERANCE {
            format!("the upper bounds sum to {most:.12}, below 1; raise them by {:.6e}", 1.0 - most)
        } else {
            return Ok(());
        };
        Err(Error::Infeasible { reason })
    }

    /// The bounds of some assets, in their order.
    pub(super) fn of(&self, assets: &[usize]) -> Self {
        let pick = |values: &[f64]| assets.iter().map(|&i| values[i]).collect();
        Self { lower: pick(&self.lower), upper: pick(&self.upper) }
    }

    /// The bounds of a long-only problem; an upper bound below zero leaves no weight.
    pub(super) fn long_only(&self) -> Result<Self> {
        if let Some((i, high)) = self.upper.iter().enumerate().find(|(_, high)| **high < 0.0) {
            return Err(Error::Infeasible {
                reason: format!("asset {i} has upper bound {high}, but the weights are long-only"),
            });
        }
        let bounds =
            Self { lower: self.lower.iter().map(|low| low.max(0.0)).collect(), upper: self.upper.clone() };
        // A negative lower bound no longer makes room for the positive ones.
        bounds.admit_full_investment(bounds.lower.len())?;
        Ok(bounds)
    }

    /// The nearest allowed weight of asset `i`, never a negative zero.
    pub(super) fn clip(&self, i: usize, weight: f64) -> f64 {
        weight.max(self.lower[i]).min(self.upper[i]) + 0.0
    }

    pub(super) fn side(&self, i: usize, weight: f64) -> Side {
        if weight <= self.lower[i] {
            Side::Lower
        } else if weight >= self.upper[i] {
            Side::Upper
        } else {
            Side::Inside
        }
    }

    /// Moves weights by rounding amounts until they keep every bound and sum to `total`.
    pub(super) fn settle(&self, weights: &mut [f64], total: f64) {
        for (i, weight) in weights.iter_mut().enumerate() {
            *weight = self.clip(i, *weight);
        }
        let mut movable = Vec::new();
        for _ in 0..4 {
            let missing = total - sum(weights);
            if self.stops_at_bounds(weights, missing) || missing == 0.0 {
                return;
            }
            let room = |(i, weight): (usize, &f64)| {
                if missing > 0.0 { *weight < self.upper[i] } else { *weight > self.lower[i] }
            };
            let inside = |&i: &usize| self.lower[i] < weights[i] && weights[i] < self.upper[i];
            // Weights inside their bounds share the rounding; only where there are none does another move.
            movable.clear();
            movable.extend((0..weights.len()).filter(inside));
            if movable.is_empty() {
                // A sum this close is kept: a weight moved off its bound would contradict its multiplier.
                if missing.abs() <= 0.1 * SUM_TOLERANCE {
                    return;
                }
                movable.extend(weights.iter().enumerate().filter(|&w| room(w)).map(|(i, _)| i));
            }
            // In proportion: a small weight of a volatile asset must not move by the rounding of a large one.
            let gross: f64 = movable.iter().map(|&i| weights[i].abs()).sum();
            if missing.abs() <= ROUNDING && missing.abs() > LEAST_DIGITS * gross {
                return;
            }
            // The reciprocal of less than the least normal number overflows.
            let (share, even) =
                if gross.is_normal() { (gross.recip(), 0.0) } else { (0.0, 1.0 / movable.len() as f64) };
            for &i in &movable {
                let part = weights[i].abs() * share + even;
                weights[i] = self.clip(i, weights[i] + missing * part);
            }
        }
    }
}

impl Bounds {
    /// Puts every weight at a bound where rounding alone keeps some off, and the sum, which misses so much, stays close;
    /// whether it did. A price would be read off the weight that seems to be inside.
    fn stops_at_bounds(&self, weights: &mut [f64], missing: f64) -> bool {
        let nearest = |i: usize, weight: f64| {
            let (above, below) = (weight - self.lower[i], self.upper[i] - weight);
            if above < below { (above, self.lower[i]) } else { (below, self.upper[i]) }
        };
        let mut moved = missing.abs();
        for (i, weight) in weights.iter().enumerate() {
            moved += nearest(i, *weight).0;
            if moved > 0.1 * SUM_TOLERANCE || moved.is_nan() {
                return false;
            }
        }
        weights.iter_mut().enumerate().for_each(|(i, weight)| *weight = nearest(i, *weight).1);
        true
    }
}

fn without_nan(what: &'static str, values: Vec<f64>) -> Result<Vec<f64>> {
    match values.iter().position(|value| value.is_nan()) {
        Some(index) => Err(Error::NonFinite { what, value: f64::NAN, position: format!("index {index}") }),
        None => Ok(values),
    }
}

/// Weights proportional to `pull` as far as the bounds allow, with the given sum.
///
/// `w_i = clip(t pull_i, lower_i, upper_i)` with the one `t` that reaches `total`: capping at `u` and
/// sharing the excess in proportion, until nobody is above. Where even the largest `t` falls short the
/// weights sum to less.
///
/// # Errors
///
/// [`Error::OutOfRange`] for a negative or not finite pull, [`Error::Shape`] where lengths differ.
pub fn fill(pull: ArrayView1<'_, f64>, bounds: &Bounds, total: f64) -> Result<Vec<f64>> {
    validate::length("bounds", ArrayView1::from(&bounds.lower), pull.len())?;
    validate::finite("pull", pull)?;
    if let Some(&value) = pull.iter().find(|value| **value < 0.0) {
        return Err(Error::OutOfRange { what: "pull", value, range: "a number that is not negative" });
    }
    // In units of the largest pull, and none so small that a bound over it overflows.
    let largest = pull.iter().fold(0.0_f64, |largest, &value| largest.max(value));
    let scaled = |&value: &f64| if value > 0.0 { (value / largest).max(1e-200) } else { 0.0 };
    let pull: Vec<f64> = pull.iter().map(scaled).collect();
    Ok(fill_scaled(&pull, &bounds.lower, &bounds.upper, total))
}

fn fill_scaled(pull: &[f64], lower: &[f64], upper: &[f64], total: f64) -> Vec<f64> {
    let at = |t: f64| -> Vec<f64> {
        pull.iter().zip(lower.iter().zip(upper)).map(|(p, (l, u))| (t * p).max(*l).min(*u) + 0.0).collect()
    };
    let sum = |t: f64| at(t).iter().sum::<f64>();
    // The sum is piecewise linear and never falls: find the piece, then the point on it.
    let mut breaks: Vec<f64> = pull
        .iter()
        .zip(lower.iter().zip(upper))
        .filter(|(p, _)| **p > 0.0)
        .flat_map(|(p, (l, u))| [l / p, u / p])
        .filter(|t| t.is_finite())
        .collect();
    breaks.push(0.0);
    breaks.sort_by(f64::total_cmp);
    let piece = breaks.partition_point(|&t| sum(t) < total);
    let (left, right) = match piece {
        0 => (breaks[0] - breaks[0].abs() - 1.0, breaks[0]),
        k if k == breaks.len() => (breaks[k - 1], breaks[k - 1] + breaks[k - 1].abs() + 1.0),
        k => (breaks[k - 1], breaks[k]),
    };
    let (low, high) = (sum(left), sum(right));
    if high - low <= 0.0 {
        return at(right);
    }
    let mut t = left + (total - low) / (high - low) * (right - left);
    // Beside a bound of a thousand million the piece is known to few digits.
    let inside = |t: f64| move |&(p, (l, u)): &(&f64, (&f64, &f64))| *l < t * p && t * p < *u;
    for _ in 0..2 {
        let slope: f64 = pull.iter().zip(lower.iter().zip(upper)).filter(inside(t)).map(|(p, _)| p).sum();
        if slope > 0.0 {
            t += (total - sum(t)) / slope;
        }
    }
    at(t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn excess_over_a_cap_is_shared_in_proportion() {
        let bounds = Bounds::uniform(4, 0.0, 0.4).unwrap();
        let weights = fill(array![6.0, 2.0, 1.0, 1.0].view(), &bounds, 1.0).unwrap();
        for (found, wanted) in weights.iter().zip([0.4, 0.3, 0.15, 0.15]) {
            assert!((found - wanted).abs() < 1e-15, "{weights:?}");
        }
    }

    #[test]
    fn a_vast_bound_costs_no_digits() {
        let bounds = Bounds { lower: vec![-1e9, -0.65, 255.0], upper: vec![1.0, -0.55, 255.1] };
        let weights = fill(array![1.0, 1.0, 1.0].view(), &bounds, 1.0).unwrap();
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-13, "{weights:?}");
    }

    #[test]
    fn the_weakest_pull_takes_what_the_capped_leave() {
        let bounds = Bounds::uniform(2, 0.0, 0.5).unwrap();
        assert_eq!(fill(array![4.0, 1e-308].view(), &bounds, 1.0).unwrap(), vec![0.5, 0.5]);
    }

    #[test]
    fn what_nobody_pulls_stays_out() {
        let bounds = Bounds::uniform(3, 0.0, 0.4).unwrap();
        assert_eq!(fill(array![1.0, 1.0, 0.0].view(), &bounds, 1.0).unwrap(), vec![0.4, 0.4, 0.0]);
    }

    #[test]
    fn lower_bounds_are_kept_and_paid_by_the_rest() {
        let bounds = Bounds::new(array![0.5, 0.0, 0.0].view(), array![1.0, 1.0, 1.0].view()).unwrap();
        let weights = fill(array![1.0, 3.0, 1.0].view(), &bounds, 1.0).unwrap();
        for (found, wanted) in weights.iter().zip([0.5, 0.375, 0.125]) {
            assert!((found - wanted).abs() < 1e-15, "{weights:?}");
        }
    }

    #[test]
    fn without_shorts_positive_lower_bounds_need_room() {
        // Found by fuzzing: weights that sum to 1.5.
        let bounds = Bounds::new(array![1.5, -1.0].view(), array![2.0, 2.0].view()).unwrap();
        assert!(bounds.admit_full_investment(2).is_ok());
        assert!(bounds.long_only().unwrap_err().to_string().contains("sum to 1.5"));
    }

    #[test]
    fn an_infinity_is_no_weight() {
        // Found by fuzzing: the infinities cancelled in the sum, and a weight of -inf came back.
        for [low, high] in [[f64::NEG_INFINITY; 2], [f64::INFINITY; 2]] {
            let message = Bounds::uniform(2, low, high).unwrap_err().to_string();
            assert!(message.contains("asset 0") && message.contains("inf"), "{message}");
        }
        assert!(Bounds::uniform(2, f64::NEG_INFINITY, f64::INFINITY).is_ok());
        assert!(Bounds::uniform(2, f64::MIN, 1.0).unwrap_err().to_string().contains("a bound is -1797"));
    }

    #[test]
    fn impossible_bounds_are_named_with_their_sum() {
        let message = Bounds::uniform(3, 0.0, 0.2).unwrap().admit_full_investment(3).unwrap_err().to_string();
        assert!(message.contains("sum to 0.600000000000"), "{message}");
        let message = Bounds::uniform(3, 0.5, 1.0).unwrap().admit_full_investment(3).unwrap_err().to_string();
        assert!(message.contains("sum to 1.5"), "{message}");
    }

    #[test]
    fn settling_moves_only_rounding_and_keeps_the_bounds() {
        let bounds = Bounds::uniform(3, 0.0, 0.5).unwrap();
        let mut weights = vec![0.5 + 1e-16, -1e-17, 0.5 - 3e-13];
        bounds.settle(&mut weights, 1.0);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!(weights.iter().all(|w| (0.0..=0.5).contains(w) && w.is_sign_positive()), "{weights:?}");
    }
}
