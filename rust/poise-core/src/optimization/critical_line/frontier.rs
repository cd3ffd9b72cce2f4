//! The corner portfolios, and every portfolio between them.

use super::path::{Course, Knot, Path};
use super::{Curvature, scaled_returns};
use crate::optimization::bounds::Bounds;
use crate::optimization::dense::dot;
use crate::optimization::quadratic::{Quadratic, TOLERANCE};
use crate::optimization::solution::{Solution, Status};
use crate::{Error, Result};

/// Weights that differ by less are the same corner.
const SAME: f64 = 1e-12;

/// A portfolio at which the set of assets between their bounds changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Corner {
    /// Fractions that sum to 1 and keep every bound.
    pub weights: Vec<f64>,
    /// `mu'w`.
    pub expected_return: f64,
    /// `w'Sw`.
    pub variance: f64,
    /// The least `lambda` at which this is the optimum, where the frontier leaves it for lower returns.
    pub risk_tolerance: f64,
    /// The highest such `lambda`; infinite for the highest return.
    pub highest_tolerance: f64,
    /// The largest violation of the optimality conditions, relative to the terms they are made of.
    pub certificate: f64,
}

/// Who takes part in the frontier's minima, and what has to be true of an answer.
#[derive(Debug, Clone)]
pub struct Frontier {
    corners: Vec<Corner>,
    /// How the weights go on beyond the first corner, per unit of `lambda`, where no return is the highest.
    ray: Option<Vec<f64>>,
    expected_returns: Vec<f64>,
    pub(super) curvature: Curvature,
    bounds: Bounds,
    total: f64,
    riskless: Vec<usize>,
    steps: usize,
}

/// A portfolio on the frontier with its `lambda`.
struct Point {
    weights: Vec<f64>,
    tolerance: f64,
    status: Status,
}

impl Frontier {
    /// Follows the frontier from its top; `excess_over` stops it once the Sharpe ratio over that rate falls.
    pub(in crate::optimization) fn new(
        expected_returns: &[f64],
        curvature: Curvature,
        bounds: Bounds,
        total: f64,
        riskless: Vec<usize>,
        excess_over: Option<f64>,
    ) -> Result<Self> {
        let (scaled, range) = scaled_returns(expected_returns, curvature.factor)?;
        let mut frontier = Self {
            corners: Vec::new(),
            ray: None,
            expected_returns: expected_returns.to_vec(),
            curvature,
            bounds,
            total,
            riskless,
            steps: 0,
        };
        // A range of 0 leaves one corner, at `lambda` 0.
        let unit = if range > 0.0 { range * frontier.curvature.factor } else { 1.0 };
        if frontier.bounds.lower.iter().all(|low| low.is_finite()) {
            frontier.descend(&scaled, unit, excess_over);
        } else {
            frontier.ascend(&scaled, unit);
        }
        if let Some(corner) = frontier.corners.iter().find(|corner| corner.certificate.is_nan()) {
            let residual = corner.certificate;
            return Err(Error::NotConverged { iterations: frontier.steps, residual, tolerance: TOLERANCE });
        }
        Ok(frontier)
    }

    fn descend(&mut self, scaled: &[f64], unit: f64, excess_over: Option<f64>) {
        let pull: Vec<f64> = scaled.iter().map(|mu| -mu).collect();
        let Self { curvature, bounds, total, .. } = self;
        let course = Course { hessian: &curvature.hessian, pull: &pull, bounds, total: *total };
        let mut path = Path::from_afar(course, 0.0);
        let mut corners = Corners::new(&course, &self.expected_returns, curvature, unit);
        let mut best = f64::NEG_INFINITY;
        path.follow(0.0, |knot| {
            let corner = corners.add(knot);
            let Some(rate) = excess_over else { return true };
            let ratio = sharpe_ratio(corner.expected_return - rate * *total, corner.variance);
            let rises = ratio >= best || ratio <= 0.0;
            best = best.max(ratio);
            rises
        });
        self.steps = path.steps();
        let mut corners = corners.found;
        if let Some(first) = corners.first_mut() {
            first.highest_tolerance = f64::INFINITY;
        }
        self.corners = corners;
    }

    fn ascend(&mut self, scaled: &[f64], unit: f64) {
        let Self { curvature, bounds, total, .. } = self;
        let course = Course { hessian: &curvature.hessian, pull: scaled, bounds, total: *total };
        let mut path = Path::from_least_variance(course);
        let mut corners = Corners::new(&course, &self.expected_returns, curvature, unit);
        path.follow(f64::INFINITY, |knot| {
            corners.add(knot);
            true
        });
        self.steps = path.steps();
        let endless = path.velocity().iter().any(|velocity| velocity.abs() > SAME);
        self.ray = endless.then(|| path.velocity().iter().map(|velocity| velocity * unit).collect());
        let mut corners = corners.found;
        corners.reverse();
        if let (false, Some(first)) = (endless, corners.first_mut()) {
            first.highest_tolerance = f64::INFINITY;
        }
        self.corners = corners;
    }

    /// From the highest return to the least variance; never empty.
    pub fn corners(&self) -> &[Corner] {
        &self.corners
    }

    /// Whether returns have no highest: the first corner is then where the last bound stops to matter.
    pub fn is_endless(&self) -> bool {
        self.ray.is_some()
    }

    /// The part of each variance that makes the covariance definite; 0 for a regular one.
    pub fn ridge(&self) -> f64 {
        self.curvature.ridge
    }

    /// Assets without variance.
    pub fn riskless(&self) -> &[usize] {
        &self.riskless
    }

    /// Steps taken along the critical line.
    pub fn steps(&self) -> usize {
        self.steps
    }

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
        Ok(self.solution(Point { weights, tolerance: lambda, status: Status::Optimal }))
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
        let point = if target > top.expected_return {
            let slope = self.ray.as_ref().map_or(0.0, |ray| dot(ray, &self.expected_returns));
            if slope > 0.0 {
                let more = (target - top.expected_return) / slope;
                let tolerance = top.risk_tolerance + more;
                Point { weights: self.beyond(more), tolerance, status: Status::Optimal }
            } else {
                self.corner(0, self.relaxed_beyond(target, top.expected_return))
            }
        } else if target < end.expected_return {
            self.corner(self.corners.len() - 1, self.relaxed_beyond(target, end.expected_return))
        } else {
            let k = self.corners.partition_point(|corner| corner.expected_return > target);
            self.from_above(k, |upper, lower| {
                let span = upper.expected_return - lower.expected_return;
                if span > 0.0 { (upper.expected_return - target) / span } else { 1.0 }
            })
        };
        Ok(self.solution(point))
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
        let point = if target > top.variance {
            match &self.ray {
                Some(ray) => {
                    let cross = self.curvature.covariance(ray, &top.weights);
                    let more = larger_root(self.curvature.variance(ray), cross, top.variance - target);
                    let tolerance = top.risk_tolerance + more;
                    Point { weights: self.beyond(more), tolerance, status: Status::Optimal }
                }
                None => self.corner(0, self.relaxed_beyond(target, top.variance)),
            }
        } else if target < end.variance {
            self.corner(self.corners.len() - 1, self.relaxed_beyond(target, end.variance))
        } else {
            let k = self.corners.partition_point(|corner| corner.variance > target);
            self.from_above(k, |upper, lower| {
                let (curve, slope) = self.quadratic(upper, lower);
                let root = slope * slope - 4.0 * curve * (upper.variance - target);
                2.0 * (upper.variance - target) / (root.max(0.0).sqrt() - slope)
            })
        };
        Ok(self.solution(point))
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
        let tolerance = top.risk_tolerance + more;
        Some(Point { weights: self.beyond(more), tolerance, status: Status::Optimal })
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

    fn relaxed_beyond(&self, target: f64, end: f64) -> Status {
        // A target computed from the end itself is met.
        if (target - end).abs() <= 1e-12 * end.abs() { Status::Optimal } else { Status::Relaxed }
    }

    fn corner(&self, k: usize, status: Status) -> Point {
        let Corner { weights, risk_tolerance, .. } = &self.corners[k];
        Point { weights: weights.clone(), tolerance: *risk_tolerance, status }
    }

    /// On the segment that ends at corner `k`, `part` of the way down; corner 0 itself for `k` 0.
    fn from_above(&self, k: usize, part: impl Fn(&Corner, &Corner) -> f64) -> Point {
        if k == 0 || k == self.corners.len() {
            return self.corner(k.min(self.corners.len() - 1), Status::Optimal);
        }
        self.between(k - 1, part(&self.corners[k - 1], &self.corners[k]).clamp(0.0, 1.0))
    }

    fn between(&self, k: usize, part: f64) -> Point {
        let (upper, lower) = (&self.corners[k], &self.corners[k + 1]);
        let mix = |u: f64, l: f64| (1.0 - part) * u + part * l;
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

    /// The weights with their proof, in units of `1/2 w'Sw - lambda mu'w`.
    fn solution(&self, point: Point) -> Solution {
        let Point { mut weights, tolerance, status } = point;
        self.bounds.settle(&mut weights, self.total);
        let Curvature { hessian, factor, ridge, .. } = &self.curvature;
        let best = self.expected_returns.iter().fold(f64::NEG_INFINITY, |best, mu| best.max(*mu));
        let linear: Vec<f64> =
            self.expected_returns.iter().map(|mu| tolerance * factor * (mu - best)).collect();
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
fn sharpe_ratio(excess: f64, variance: f64) -> f64 {
    if excess == 0.0 { 0.0 } else { excess / variance.sqrt() }
}

/// Collects knots into corners.
struct Corners<'a> {
    expected_returns: &'a [f64],
    curvature: &'a Curvature,
    bounds: &'a Bounds,
    pull: &'a [f64],
    total: f64,
    unit: f64,
    found: Vec<Corner>,
}

impl<'a> Corners<'a> {
    fn new(course: &Course<'a>, expected_returns: &'a [f64], curvature: &'a Curvature, unit: f64) -> Self {
        let Course { pull, bounds, total, .. } = *course;
        Self { expected_returns, curvature, bounds, pull, total, unit, found: Vec::new() }
    }

    /// Adds a knot, or its `lambda` to the corner before where the weights are the same.
    fn add(&mut self, knot: &Knot<'_>) -> &Corner {
        let lambda = knot.clock.abs() / self.unit;
        if let Some(last) = self.found.last_mut()
            && last.weights.iter().zip(knot.weights).all(|(a, b)| (a - b).abs() <= SAME * a.abs().max(1.0))
        {
            last.risk_tolerance = last.risk_tolerance.min(lambda);
            last.highest_tolerance = last.highest_tolerance.max(lambda);
            last.certificate = last.certificate.max(knot.certificate);
        } else {
            let corner = self.corner(knot, lambda);
            self.found.push(corner);
        }
        &self.found[self.found.len() - 1]
    }

    fn corner(&self, knot: &Knot<'_>, lambda: f64) -> Corner {
        let mut weights = knot.weights.to_vec();
        self.bounds.share_among(&mut weights, &self.curvature.hessian.twins, self.pull);
        self.bounds.settle(&mut weights, self.total);
        let variance = if self.curvature.added.is_empty() {
            knot.variance.max(0.0) / self.curvature.factor
        } else {
            self.curvature.variance(&weights)
        };
        Corner {
            expected_return: dot(&weights, self.expected_returns),
            variance,
            risk_tolerance: lambda,
            highest_tolerance: lambda,
            certificate: knot.certificate,
            weights,
        }
    }
}
