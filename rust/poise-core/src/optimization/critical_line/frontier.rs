//! The corner portfolios, collected on the way.

use super::path::{Course, Knot, Path};
use super::queries::sharpe_ratio;
use super::{Curvature, scaled_returns};
use crate::optimization::bounds::Bounds;
use crate::optimization::dense::dot;
use crate::optimization::quadratic::TOLERANCE;
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

/// The corners, what they were found from, and every portfolio between them by a query.
#[derive(Debug, Clone)]
pub struct Frontier {
    pub(super) corners: Vec<Corner>,
    /// How the weights go on beyond the first corner, per unit of `lambda`, where no return is the highest.
    pub(super) ray: Option<Vec<f64>>,
    pub(super) expected_returns: Vec<f64>,
    pub(super) curvature: Curvature,
    pub(super) bounds: Bounds,
    pub(super) total: f64,
    pub(super) riskless: Vec<usize>,
    pub(super) steps: usize,
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
        let is_unique = frontier.trace(&scaled, unit, excess_over);
        if frontier.curvature.is_presumed() && !is_unique {
            frontier.curvature.prove()?;
            if frontier.curvature.ridge > 0.0 {
                frontier.trace(&scaled, unit, excess_over);
            }
        }
        if let Some(corner) = frontier.corners.iter().find(|corner| corner.certificate.is_nan()) {
            let residual = corner.certificate;
            return Err(Error::NotConverged { iterations: frontier.steps, residual, tolerance: TOLERANCE });
        }
        Ok(frontier)
    }

    /// Finds the corners; whether, being presumed, the covariance has left no choice between any two portfolios.
    fn trace(&mut self, scaled: &[f64], unit: f64, excess_over: Option<f64>) -> bool {
        if self.bounds.lower.iter().all(|low| low.is_finite()) {
            self.descend(scaled, unit, excess_over)
        } else {
            self.ascend(scaled, unit)
        }
    }

    fn descend(&mut self, scaled: &[f64], unit: f64, excess_over: Option<f64>) -> bool {
        let pull: Vec<f64> = scaled.iter().map(|mu| -mu).collect();
        let Self { curvature, bounds, total, .. } = self;
        let course = Course { hessian: &curvature.hessian, pull: &pull, bounds, total: *total };
        let mut path = Path::from_afar(course, 0.0);
        path.watch(curvature.is_presumed());
        let mut corners = Corners::new(&course, &self.expected_returns, curvature, unit, f64::min);
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
        let is_unique = path.is_unique();
        let mut corners = corners.found;
        if let Some(first) = corners.first_mut() {
            first.highest_tolerance = f64::INFINITY;
        }
        self.corners = corners;
        is_unique
    }

    fn ascend(&mut self, scaled: &[f64], unit: f64) -> bool {
        let Self { curvature, bounds, total, .. } = self;
        let course = Course { hessian: &curvature.hessian, pull: scaled, bounds, total: *total };
        let mut path = Path::from_least_variance(course);
        path.watch(curvature.is_presumed());
        let mut corners = Corners::new(&course, &self.expected_returns, curvature, unit, f64::max);
        path.follow(f64::INFINITY, |knot| {
            corners.add(knot);
            true
        });
        self.steps = path.steps();
        let is_unique = path.is_unique();
        let endless = path.velocity().iter().any(|velocity| velocity.abs() > SAME);
        self.ray = endless.then(|| path.velocity().iter().map(|velocity| velocity * unit).collect());
        let mut corners = corners.found;
        corners.reverse();
        if let (false, Some(first)) = (endless, corners.first_mut()) {
            first.highest_tolerance = f64::INFINITY;
        }
        self.corners = corners;
        is_unique
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
}

/// Collects knots into corners.
struct Corners<'a> {
    expected_returns: &'a [f64],
    curvature: &'a Curvature,
    bounds: &'a Bounds,
    pull: &'a [f64],
    total: f64,
    unit: f64,
    /// Which of two `lambda` lies farther along the path.
    farther: fn(f64, f64) -> f64,
    found: Vec<Corner>,
}

impl<'a> Corners<'a> {
    fn new(
        course: &Course<'a>,
        expected_returns: &'a [f64],
        curvature: &'a Curvature,
        unit: f64,
        farther: fn(f64, f64) -> f64,
    ) -> Self {
        let Course { pull, bounds, total, .. } = *course;
        Self { expected_returns, curvature, bounds, pull, total, unit, farther, found: Vec::new() }
    }

    /// Adds a knot, or its `lambda` to the corner before where the weights are the same.
    fn add(&mut self, knot: &Knot<'_>) -> &Corner {
        let mut lambda = knot.clock.abs() / self.unit;
        if let Some(last) = self.found.last() {
            // Two bounds met at once may be told apart by rounding alone, and then in either order.
            lambda = (self.farther)(lambda, (self.farther)(last.risk_tolerance, last.highest_tolerance));
        }
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
