//! Where the path begins: at the highest return, or at the least variance.

use super::path::{Course, Path};
use crate::optimization::active_set::Walk;
use crate::optimization::bounds::{Bounds, Side};
use crate::optimization::quadratic::Quadratic;

impl<'a> Path<'a> {
    /// From `t` at minus infinity: as little of `m` as the bounds allow, and of least variance among those.
    ///
    /// All lower bounds are finite. The clock then stands where the first asset from outside joins, or at `end`.
    pub(in crate::optimization) fn from_afar(course: Course<'a>, end: f64) -> Self {
        let bounds = marginal_choice(&course);
        let linear = vec![0.0; course.pull.len()];
        let Course { hessian, total, .. } = course;
        let choice = Quadratic { hessian, linear: &linear, bounds: &bounds, total };
        let mut walk = Walk::new(choice, choice.greedy_start());
        walk.descend();
        walk.polish();
        let mut path = Self::new(course, end, walk);
        for (i, side) in path.side.iter_mut().enumerate() {
            if *side != Side::Inside {
                *side = course.bounds.side(i, path.weights[i]);
                // Rounding of the sum may have left it a hair inside.
                if *side == Side::Inside {
                    let (low, high) = (course.bounds.lower[i], course.bounds.upper[i]);
                    let nearer_top = high - path.weights[i] < path.weights[i] - low;
                    *side = if nearer_top { Side::Upper } else { Side::Lower };
                }
            }
        }
        if let Some((clock, asset)) = path.first_to_join().filter(|(clock, _)| *clock < end) {
            path.clock = clock;
            path.joining = Some(asset);
        }
        path
    }

    /// From the least variance, at clock 0.
    pub(in crate::optimization) fn from_least_variance(course: Course<'a>) -> Self {
        let linear = vec![0.0; course.pull.len()];
        let problem = course.problem(&linear);
        let mut walk = Walk::new(problem, problem.greedy_start());
        walk.descend();
        walk.polish();
        Self::new(course, 0.0, walk)
    }

    /// While nothing moves every multiplier is a straight line of the clock: the first that reaches zero.
    fn first_to_join(&self) -> Option<(f64, usize)> {
        let p = self.free.reference()?;
        let Course { pull, bounds, .. } = self.course;
        let joins = |i: usize| {
            let apart = pull[i] - pull[p];
            let can = self.side[i] != Side::Inside && bounds.lower[i] < bounds.upper[i] && apart != 0.0;
            can.then(|| ((self.gradient[i] - self.gradient[p]) / apart, i))
        };
        (0..pull.len()).filter_map(joins).min_by(|(a, i), (b, j)| a.total_cmp(b).then(i.cmp(j)))
    }
}

/// Bounds that leave open only how the assets at the margin share what is left for them.
fn marginal_choice(course: &Course<'_>) -> Bounds {
    let Course { pull, bounds, total, .. } = *course;
    let mut order: Vec<usize> = (0..pull.len()).collect();
    order.sort_by(|&i, &j| pull[i].total_cmp(&pull[j]).then(i.cmp(&j)));
    let mut fixed = bounds.lower.clone();
    let mut left = total - fixed.iter().sum::<f64>();
    for group in order.chunk_by(|&i, &j| pull[i] == pull[j]) {
        let room: f64 = group.iter().map(|&i| bounds.upper[i] - bounds.lower[i]).sum();
        if room > left {
            let mut choice = Bounds { lower: fixed.clone(), upper: fixed };
            for &i in group {
                choice.upper[i] = bounds.upper[i];
            }
            return choice;
        }
        for &i in group {
            fixed[i] = bounds.upper[i];
        }
        left -= room;
    }
    Bounds { lower: fixed.clone(), upper: fixed }
}
