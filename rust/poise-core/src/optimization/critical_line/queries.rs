//! Every portfolio of the frontier by risk tolerance, return, variance or Sharpe ratio, each with its proof.
//!
//! Between corners the weights are a straight line of `lambda`: the return is linear, the variance quadratic.

use super::frontier::{Corner, Frontier};
use super::{Curvature, ROUNDING};
use crate::optimization::dense::dot;
use crate::optimization::quadratic::{Quadratic, TOLERANCE};
use crate::optimization::solution::{Solution, Status};
use crate::{Error, Result};

/// A portfolio on the frontier with its `lambda`.
struct Point {
    weights: Vec<f64>,
    tolerance: f64,
    status: Status,
}

impl Frontier {
    /// The optimum of `1/2 w'Sw - lambda mu'w`.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for a negative or not finite `lambda`.
    pub fn at_risk_tolerance(&self, lambda: f64) -> Result<Solution> {
        if !(lambda >= 0.0 && lambda.is_finite()) {
            let range = "a finite number that is not negative";
            return Err(Error::OutOfRange { what: "risk_tolerance", value: lambda, range });
        }
        // The last corner that is not optimal only below `lambda`.
        let k = self.corners.partition_point(|corner| corner.risk_tolerance > lambda);
        let weights = if k == 0 {
            let top = &self.corners[0];
            self.beyond(lambda - top.risk_tolerance)
        } else if k == self.corners.len() || lambda <= self.corners[k].highest_tolerance {
            self.corners[k.min(self.corners.len() - 1)].weights.clone()
        } else {
            let (upper, lower) = (self.corners[k - 1].risk_tolerance, self.corners[k].highest_tolerance);
            self.between(k - 1, (upper - lambda) / (upper - lower)).weights
        };
        self.reached("risk_tolerance", lambda, Point { weights, tolerance: lambda, status: Status::Optimal })
    }

    /// The least variance with this expected return; the nearest end's where there is none such.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for a target that is not finite.
    pub fn at_return(&self, target: f64) -> Result<Solution> {
        if !target.is_finite() {
            return Err(Error::OutOfRange {
                what: "expected_return",
                value: target,
                range: "a finite number",
            });
        }
        let (top, end) = (&self.corners[0], &self.corners[self.corners.len() - 1]);
        let beyond_return = |target: f64, corner: &Corner| {
            let terms = corner.weights.iter().zip(&self.expected_returns).map(|(w, mu)| (w * mu).abs());
            status_beyond(target, corner.expected_return, ROUNDING * terms.sum::<f64>())
        };
        let point = if target > top.expected_return {
            let slope = self.ray.as_ref().map_or(0.0, |ray| dot(ray, &self.expected_returns));
            if slope > 0.0 {
                let more = (target - top.expected_return) / slope;
                let tolerance = top.risk_tolerance + more;
                Point { weights: self.beyond(more), tolerance, status: Status::Optimal }
            } else {
                self.corner(0, beyond_return(target, top))
            }
        } else if target < end.expected_return {
            self.corner(self.corners.len() - 1, beyond_return(target, end))
        } else {
            let k = self.corners.partition_point(|corner| corner.expected_return > target);
            self.down_to(k, |upper, lower| {
                let span = upper.expected_return - lower.expected_return;
                if span > 0.0 { (upper.expected_return - target) / span } else { 1.0 }
            })
        };
        self.reached("expected_return", target, point)
    }

    /// The highest expected return with this variance; the nearest end's where there is none such.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for a target that is negative or not finite.
    pub fn at_variance(&self, target: f64) -> Result<Solution> {
        if !(target >= 0.0 && target.is_finite()) {
            let range = "a finite number that is not negative";
            return Err(Error::OutOfRange { what: "variance", value: target, range });
        }
        let (top, end) = (&self.corners[0], &self.corners[self.corners.len() - 1]);
        let beyond_variance = |target: f64, corner: &Corner| {
            status_beyond(target, corner.variance, self.curvature.blur(&corner.weights))
        };
        let point = if target > top.variance {
            match &self.ray {
                Some(ray) => {
                    let cross = self.curvature.covariance(ray, &top.weights);
                    let more = larger_root(self.curvature.variance(ray), cross, top.variance - target);
                    let tolerance = top.risk_tolerance + more;
                    Point { weights: self.beyond(more), tolerance, status: Status::Optimal }
                }
                None => self.corner(0, beyond_variance(target, top)),
            }
        } else if target < end.variance {
            // Of a perfect hedge the variance is rounding: another corner than the last may have less.
            match self.corners.iter().position(|corner| corner.variance <= target) {
                Some(k) => self.corner(k, Status::Optimal),
                None => self.corner(self.corners.len() - 1, beyond_variance(target, end)),
            }
        } else {
            let k = self.corners.partition_point(|corner| corner.variance > target);
            self.down_to(k, |upper, lower| {
                let (curve, slope) = self.quadratic(upper, lower);
                let root = slope * slope - 4.0 * curve * (upper.variance - target);
                2.0 * (upper.variance - target) / (root.max(0.0).sqrt() - slope)
            })
        };
        self.reached("variance", target, point)
    }

    /// The least variance, of highest return among those.
    pub fn minimum_variance(&self) -> Solution {
        self.solution(self.corner(self.corners.len() - 1, Status::Optimal))
    }

    /// The largest ratio of `mu'w - rate` to volatility.
    ///
    /// Where no portfolio earns more than the rate the ratio ranks nothing: the least variance, with
    /// [`Status::Degenerate`]. Where it grows for ever along an open side: the first corner, with
    /// [`Status::Relaxed`].
    ///
    /// # Errors
    ///
    /// [`Error::OutOfRange`] for a rate that is not finite.
    pub fn maximum_sharpe(&self, rate: f64) -> Result<Solution> {
        if !rate.is_finite() {
            return Err(Error::OutOfRange { what: "risk_free_rate", value: rate, range: "a finite number" });
        }
        let rate = rate * self.total;
        let ratio = |corner: &Corner| sharpe_ratio(corner.expected_return - rate, corner.variance);
        let mut best = 0;
        for (k, corner) in self.corners.iter().enumerate() {
            if ratio(corner) > ratio(&self.corners[best]) {
                best = k;
            }
        }
        if best == 0
            && let Some(point) = self.on_the_ray(rate)
        {
            return Ok(self.solution(point));
        }
        let rising = self.corners[best].expected_return - rate > 0.0;
        if !rising {
            return Ok(self.solution(self.corner(self.corners.len() - 1, Status::Degenerate)));
        }
        let inside =
            |k: usize| self.tangency(k, rate).filter(|a| *a > 0.0 && *a < 1.0).map(|a| self.between(k, a));
        let before = best.checked_sub(1).and_then(inside);
        let after = (best + 1 < self.corners.len()).then(|| inside(best)).flatten();
        let point = before.or(after).unwrap_or_else(|| self.corner(best, Status::Optimal));
        let point = Point { tolerance: self.tangent_tolerance(&point, rate), ..point };
        Ok(self.solution(point))
    }

    /// `mu'w - rate` over volatility.
    pub fn sharpe_ratio(&self, weights: &[f64], rate: f64) -> f64 {
        let excess = dot(weights, &self.expected_returns) - rate * self.total;
        sharpe_ratio(excess, self.curvature.variance(weights))
    }

    /// How far down the segment from corner `k` the Sharpe ratio is stationary.
    fn tangency(&self, k: usize, rate: f64) -> Option<f64> {
        let (upper, lower) = (&self.corners[k], &self.corners[k + 1]);
        let (excess, change) = (upper.expected_return - rate, lower.expected_return - upper.expected_return);
        let (curve, slope) = self.quadratic(upper, lower);
        let place =
            (2.0 * change * upper.variance - excess * slope) / (2.0 * excess * curve - change * slope);
        place.is_finite().then_some(place)
    }

    /// The best ratio beyond the first corner; None where there is nothing beyond or it only falls there.
    fn on_the_ray(&self, rate: f64) -> Option<Point> {
        let ray = self.ray.as_ref()?;
        let top = &self.corners[0];
        let (excess, change) = (top.expected_return - rate, dot(ray, &self.expected_returns));
        let (curve, half) = (self.curvature.variance(ray), self.curvature.covariance(ray, &top.weights));
        let rise = change * top.variance - excess * half;
        if rise <= 0.0 {
            return None;
        }
        let fall = excess * curve - change * half;
        if fall <= 0.0 {
            return Some(self.corner(0, Status::Relaxed));
        }
        let more = rise / fall;
        let (weights, tolerance) = (self.beyond(more), top.risk_tolerance + more);
        // A tangent further out than floats reach is as good as none.
        let reached = weights.iter().all(|w| w.is_finite());
        Some(if reached {
            Point { weights, tolerance, status: Status::Optimal }
        } else {
            self.corner(0, Status::Relaxed)
        })
    }

    /// The `lambda` for which the tangent's gradient vanishes along the ray from the riskless asset.
    fn tangent_tolerance(&self, point: &Point, rate: f64) -> f64 {
        let excess = dot(&point.weights, &self.expected_returns) - rate;
        let tangent = self.curvature.variance(&point.weights) / excess;
        // At a corner any `lambda` of its own proves it.
        let own = |corner: &Corner| corner.weights == point.weights;
        match self.corners.iter().find(|corner| own(corner)) {
            Some(corner) => tangent.max(corner.risk_tolerance).min(corner.highest_tolerance),
            None => tangent,
        }
    }

    /// Curvature and slope of the variance from one corner to the next, over an interval of length 1.
    fn quadratic(&self, upper: &Corner, lower: &Corner) -> (f64, f64) {
        let step: Vec<f64> = lower.weights.iter().zip(&upper.weights).map(|(l, u)| l - u).collect();
        let curve = self.curvature.variance(&step);
        (curve, lower.variance - upper.variance - curve)
    }

    fn corner(&self, k: usize, status: Status) -> Point {
        let Corner { weights, risk_tolerance, .. } = &self.corners[k];
        Point { weights: weights.clone(), tolerance: *risk_tolerance, status }
    }

    /// On the segment that ends at corner `k`, `part` of the way down; corner 0 itself for `k` 0.
    fn down_to(&self, k: usize, part: impl Fn(&Corner, &Corner) -> f64) -> Point {
        if k == 0 || k == self.corners.len() {
            return self.corner(k.min(self.corners.len() - 1), Status::Optimal);
        }
        self.between(k - 1, part(&self.corners[k - 1], &self.corners[k]).clamp(0.0, 1.0))
    }

    fn between(&self, k: usize, part: f64) -> Point {
        let (upper, lower) = (&self.corners[k], &self.corners[k + 1]);
        // Exact where both are the same: a weight must not leave its bound by rounding.
        let mix = |u: f64, l: f64| u + part * (l - u);
        let weights = upper.weights.iter().zip(&lower.weights).map(|(&u, &l)| mix(u, l)).collect();
        let tolerance = mix(upper.risk_tolerance, lower.highest_tolerance);
        Point { weights, tolerance, status: Status::Optimal }
    }

    /// The weights `more` in `lambda` above the first corner.
    fn beyond(&self, more: f64) -> Vec<f64> {
        let top = &self.corners[0].weights;
        match &self.ray {
            Some(ray) => top.iter().zip(ray).map(|(w, v)| w + more * v).collect(),
            None => top.clone(),
        }
    }

    /// The answer, unless open bounds led further out than floats reach.
    fn reached(&self, what: &'static str, value: f64, point: Point) -> Result<Solution> {
        if point.weights.iter().all(|w| w.is_finite()) {
            return Ok(self.solution(point));
        }
        Err(Error::OutOfRange { what, value, range: "what finite weights within open bounds reach" })
    }

    /// The weights with their proof, in units of `1/2 w'Sw - lambda mu'w`.
    fn solution(&self, point: Point) -> Solution {
        let Point { mut weights, tolerance, status } = point;
        // Denormal returns ask for more than any float; this much is as good as all.
        let tolerance = tolerance.min(f64::MAX.sqrt());
        self.bounds.settle(&mut weights, self.total);
        let Curvature { hessian, factor, ridge, .. } = &self.curvature;
        let best = self.expected_returns.iter().fold(f64::NEG_INFINITY, |best, mu| best.max(*mu));
        // In this order: the factor of a denormal variance times such a tolerance is no number.
        let linear: Vec<f64> =
            self.expected_returns.iter().map(|mu| tolerance * (factor * (mu - best))).collect();
        let quadratic = Quadratic { hessian, linear: &linear, bounds: &self.bounds, total: self.total };
        let (certificate, proof) = quadratic.judge(&weights);
        let proof = proof.scaled(factor.recip());
        let variance = self.curvature.variance(&weights);
        let objective = 0.5 * variance - tolerance * dot(&weights, &self.expected_returns);
        let convention = *ridge > 0.0 || !self.riskless.is_empty();
        Solution {
            status: match status {
                _ if certificate > TOLERANCE => Status::Inaccurate,
                Status::Optimal if convention => Status::Degenerate,
                other => other,
            },
            iterations: self.steps,
            certificate,
            ridge: *ridge,
            prices: proof.prices,
            objective,
            gap: proof.gap,
            ..Solution::settled(weights, &self.bounds, self.riskless.clone())
        }
    }
}

/// The larger root of `a x^2 + 2 b x + c` with `c <= 0 <= a`.
fn larger_root(a: f64, b: f64, c: f64) -> f64 {
    let root = (b * b - a * c).max(0.0).sqrt();
    if b > 0.0 { -c / (b + root) } else { (root - b) / a }
}

/// Excess over volatility; of the excess's sign and infinite where nothing moves.
pub(super) fn sharpe_ratio(excess: f64, variance: f64) -> f64 {
    if excess == 0.0 { 0.0 } else { excess / variance.sqrt() }
}

/// Whether a target beyond an end is further from it than the end is blurred.
fn status_beyond(target: f64, end: f64, blur: f64) -> Status {
    if (target - end).abs() <= blur { Status::Optimal } else { Status::Relaxed }
}
