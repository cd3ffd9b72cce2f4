//! From a statement to a judged answer: a guess where there is a start, else through the interior; where the limits
//! contradict each other, the least that has to give way.

use super::face::{Face, Post, Seat};
use super::interior::Interior;
use super::judge::{Verdict, judge};
use super::statement::Statement;

/// The certificate at which an answer is taken.
pub(super) const ACCEPTED: f64 = 1e-10;

/// Steps through the interior.
const STEPS: usize = 80;

/// What a guess from outside may cost, in factors of all assets' size, before the interior is safer.
const COLD_EFFORT: f64 = 3.0;

/// From here on what binds may be seen.
const SEEN: f64 = 1e-2;

/// The price of giving way, in units of the gradient: above what keeping any limit is worth.
const PENALTY: f64 = 1e6;

/// A limit missed by less than this is kept.
const KEPT: f64 = 1e-11;

/// Less than this is not missed for certain by an answer that no exact system confirms.
const UNSURE: f64 = 1e-7;

/// Weights and multipliers, judged.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) face: Face,
    pub(super) verdict: Verdict,
    pub(super) iterations: usize,
    /// By how much each limit gives way: the linear rows, what is bought, what is sold.
    pub(super) relaxations: Vec<f64>,
}

impl Found {
    /// Judges weights within the limits as they must give way to them.
    pub(super) fn within(statement: &Statement, face: Face, iterations: usize) -> Self {
        let relaxations = missed(statement, &face.x);
        let within = statement.relaxed_by(&relaxations, &face.x);
        Self { relaxations, ..Self::judged(&within, face, iterations) }
    }

    fn judged(statement: &Statement, face: Face, iterations: usize) -> Self {
        let verdict = judge(statement, &face);
        let relaxations = vec![0.0; face.y.len()];
        Self { face, verdict, iterations, relaxations }
    }

    fn is_accepted(&self) -> bool {
        self.verdict.certificate <= ACCEPTED
    }

    /// The better of two; a NaN is worse than anything.
    fn or_better(self, other: Self) -> Self {
        if other.verdict.certificate < self.verdict.certificate || self.verdict.certificate.is_nan() {
            other
        } else {
            self
        }
    }
}

/// Solves a statement of which every asset can move.
pub(super) fn search(statement: &Statement, start: Option<&[f64]>) -> Found {
    let contradiction = statement.contradicts_itself();
    let mut iterations = 0;
    let mut best = None;
    if !contradiction {
        if let Some(start) = start
            && let Some(found) = settled(statement, Face::at(statement, start), 0, COLD_EFFORT)
            && found.is_accepted()
        {
            return found;
        }
        if let Some(found) = settled(statement, Face::open(statement), 0, COLD_EFFORT)
            && found.is_accepted()
        {
            return found;
        }
        let found = through_interior(statement, f64::INFINITY);
        if found.is_accepted() {
            return found;
        }
        iterations = found.iterations;
        best = Some(found);
    }
    let mut relaxed = relaxed(statement);
    relaxed.iterations += iterations;
    match best {
        // What an exact price of giving way does not use, the statement did not need.
        Some(best) if relaxed.relaxations.iter().all(|by| *by == 0.0) => best.or_better(relaxed),
        _ => relaxed,
    }
}

fn settled(statement: &Statement, mut face: Face, iterations: usize, effort: f64) -> Option<Found> {
    face.settle(statement, f64::INFINITY, effort).then(|| Found::judged(statement, face, iterations))
}

/// Steps through the interior until what binds is seen and the answer on it is exact.
fn through_interior(statement: &Statement, penalty: f64) -> Found {
    let mut interior = Interior::new(statement, penalty);
    let mut seen: Option<Face> = None;
    let mut steps = 0;
    while steps < STEPS {
        let distance = interior.distance();
        let reached = distance.is_reached();
        if distance.gap < SEEN && distance.primal < SEEN {
            let guess = Face::guessed(statement, &interior);
            let again =
                seen.as_ref().is_some_and(|seen| (&seen.seats, &seen.posts) == (&guess.seats, &guess.posts));
            if seen.is_none() || again || reached {
                let mut face = guess.clone();
                if face.settle(statement, penalty, f64::INFINITY) {
                    let found = Found::judged(statement, face, steps);
                    // With a price on giving way only the settling itself can judge.
                    if found.is_accepted() || penalty.is_finite() {
                        return found;
                    }
                }
            }
            seen = Some(guess);
        }
        if reached || !interior.advance() {
            break;
        }
        steps += 1;
    }
    let mut face = Face::guessed(statement, &interior);
    face.x.clone_from(&interior.x);
    let bounds = statement.lower.iter().zip(&statement.upper);
    face.x.iter_mut().zip(bounds).for_each(|(x, (low, high))| *x = x.max(*low).min(*high));
    Found::judged(statement, face, steps)
}

/// The least that has to give way, and the best answer within the limits as they then are.
fn relaxed(statement: &Statement) -> Found {
    let slope = statement.gradient(&vec![0.0; statement.n()]);
    let pull = slope.iter().fold(1.0_f64, |most, g| most.max(g.abs()));
    let costs = statement.trade.as_ref().map_or(0.0, |trade| {
        trade.cost.iter().chain(&trade.impact).fold(0.0_f64, |most, cost| most.max(*cost))
    });
    let penalty = PENALTY * pull.max(costs);
    let given = through_interior(statement, penalty);
    let mut relaxations = missed(statement, &given.face.x);
    if relaxations.iter().all(|by| *by < UNSURE) {
        // Nothing has to give way, as far as the interior can tell.
        relaxations.fill(0.0);
    }
    let within = statement.relaxed_by(&relaxations, &given.face.x);
    let mut face = given.face.clone();
    unpenalised(statement, &mut face, penalty);
    for (post, y) in face.posts.iter_mut().zip(&mut face.y) {
        *post = match *post {
            Post::Under => Post::Lower,
            Post::Over => Post::Upper,
            same => same,
        };
        *y = if y.is_finite() { *y } else { 0.0 };
    }
    let plain = Found::judged(&within, face.clone(), given.iterations);
    let found =
        settled(&within, face, given.iterations, f64::INFINITY).filter(Found::is_accepted).unwrap_or(plain);
    if relaxations.iter().all(|by| *by == 0.0) {
        return found;
    }
    // What gives way is what the weights at last miss, which may be less than on the way.
    Found::within(statement, found.face, given.iterations)
}

/// By how much each limit is missed.
fn missed(statement: &Statement, x: &[f64]) -> Vec<f64> {
    let miss = |(j, activity): (usize, f64)| {
        let (low, high) = statement.limits(j);
        let miss = (low - activity).max(activity - high);
        if miss > KEPT * activity.abs().max(1.0) { miss } else { 0.0 }
    };
    statement.activities(x).into_iter().enumerate().map(miss).collect()
}

/// Takes the price of giving way out of the multipliers, as far as their signs allow.
///
/// On one face multipliers are linear in that price: two of them show the line, and the least price at which no
/// sign is wrong is what the limits cost once they have given way.
fn unpenalised(statement: &Statement, face: &mut Face, penalty: f64) {
    let mut doubled = face.clone();
    if !doubled.solve(statement, 2.0 * penalty) {
        return;
    }
    let rate: Vec<f64> = doubled.y.iter().zip(&face.y).map(|(two, one)| (two - one) / penalty).collect();
    let at_rest: Vec<f64> = face.y.iter().zip(&doubled.y).map(|(one, two)| 2.0 * one - two).collect();
    let at = |y: Vec<f64>| Face { y, ..face.clone() };
    let (rest, whole) = (at(at_rest.clone()), face.clone());
    let (low, high) = (signs(statement, &rest), signs(statement, &whole));
    let least = low.iter().zip(&high).fold(0.0_f64, |least, (rest, whole)| {
        if *rest < 0.0 && whole > rest {
            least.max(penalty * (-rest / (whole - rest)).min(1.0))
        } else {
            least
        }
    });
    face.y = at_rest.iter().zip(&rate).map(|(rest, rate)| rest + least * rate).collect();
}

/// What must not be negative, of assets and rows, in a fixed order.
fn signs(statement: &Statement, face: &Face) -> Vec<f64> {
    let (slope, prices) = (face.slope(statement), face.prices());
    let mut found = Vec::with_capacity(2 * face.x.len() + face.y.len());
    for (i, &x) in face.x.iter().enumerate() {
        let (down, up) = statement.cost_slopes(i, x, prices);
        let held = face.seats[i] == Seat::Held;
        found.push(if held && x < statement.upper[i] { slope[i] + up } else { 0.0 });
        found.push(if held && x > statement.lower[i] { -slope[i] - down } else { 0.0 });
    }
    for (j, (y, post)) in face.y.iter().zip(&face.posts).enumerate() {
        let (low, high) = statement.limits(j);
        found.push(match post {
            Post::Lower | Post::Under if low < high => *y,
            Post::Upper | Post::Over if low < high => -y,
            _ => 0.0,
        });
    }
    found
}
