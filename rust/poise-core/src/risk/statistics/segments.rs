//! The sums of a long series, taken on several segments at once: one segment per lane.
//!
//! The relative value `u` obeys
//! `u <- min(1, u (1 + r))`: of a segment only its product `p`, its end when it starts at its maximum, and what
//! both were at least on the way are needed to continue any start. Runs under water are counted as if each segment
//! started at its maximum; if it did not, the value is under water until the product makes up for it, and the
//! runs that end before that are shorter anyway.

use poise_simd::{Kernel, Simd, dispatch};

use super::super::underwater::RECOVERED;
use super::sums::{FoundSums, Sums, lanes};
use super::{Path, Totals};

/// Series shorter than this are walked return by return.
const SEGMENTS_FROM: usize = 256;

/// Rows of all segments that are turned into vectors at once.
const TILE: usize = 8;

/// Rows of all segments after which their sums are taken, while they are still in the nearest cache.
const CHUNK: usize = 128;

/// Lanes of the widest set.
const MOST_LANES: usize = 8;

/// Products below this, or above its inverse, might have left the range of a float on the way.
const SAFE_PRODUCT: f64 = 1e-250;

/// Largest values outside this range have fourth powers that might leave the range of a float.
const SAFE_SIZE: std::ops::Range<f64> = 1e-60..1e60;

/// The sums of a series, or `None` where it is short, not finite, or a value or product calls for care.
pub(super) fn totals(values: &[f64], target: f64) -> Option<Totals> {
    if values.len() < SEGMENTS_FROM {
        return None;
    }
    let guess = values.iter().take(TILE * MOST_LANES).sum::<f64>() / (TILE * MOST_LANES) as f64;
    let found = dispatch(Segments { values, target, guess });
    let sums = found.sums;
    let size = sums.lowest.abs().max(sums.highest.abs());
    if !sums.powers.iter().all(|sum| sum.is_finite()) || !SAFE_SIZE.contains(&size) {
        return None;
    }
    let (length, used) = (found.length, found.length * found.n_segments);
    let mut path = Path::START;
    let mut log_growth = 0.0;
    for (segment, returns) in found.segments.iter().zip(values[..used].chunks_exact(length)) {
        if !(segment.least_product > SAFE_PRODUCT && segment.most_product < 1.0 / SAFE_PRODUCT) {
            return None;
        }
        segment.extend(&mut path, returns);
        log_growth += segment.product.ln();
    }
    for value in &values[used..] {
        if *value <= -1.0 {
            return None;
        }
        path.advance(*value);
        log_growth += value.ln_1p();
    }
    let (mean, central) = sums.moments(values, guess);
    Some(Totals {
        n: values.len(),
        unit: 1.0,
        mean,
        central,
        lowest: sums.lowest,
        highest: sums.highest,
        worst: 1.0,
        shortfalls: sums.shortfalls,
        n_gains: sums.n_gains as usize,
        gains: sums.gains,
        losses: sums.losses,
        log_growth,
        path,
    })
}

/// What the lanes found.
struct Found {
    n_segments: usize,
    /// Returns in a segment.
    length: usize,
    segments: [Segment; MOST_LANES],
    sums: FoundSums,
}

/// A piece of a path, as a start at its maximum would go through it.
#[derive(Clone, Copy, Default)]
struct Segment {
    product: f64,
    least_product: f64,
    most_product: f64,
    ending: f64,
    least_ending: f64,
    run: f64,
    longest: f64,
}

impl Segment {
    /// Moves a path over this segment, whose returns are at hand where they have to be searched.
    fn extend(&self, path: &mut Path, returns: &[f64]) {
        let start = path.relative;
        let longest = self.longest as u64;
        if path.run == 0 {
            (path.run, path.longest) = (self.run as u64, path.longest.max(longest));
        } else if start * self.most_product >= 1.0 - RECOVERED {
            let until_recovery = path.run + bars_until(1.0 - RECOVERED, start, returns);
            (path.run, path.longest) = (self.run as u64, path.longest.max(until_recovery).max(longest));
        } else {
            path.run += returns.len() as u64;
            path.longest = path.longest.max(path.run);
        }
        path.lowest = path.lowest.min(self.least_ending).min(start * self.least_product);
        path.relative = (start * self.product).min(self.ending);
    }
}

/// How many returns a value stays below a level.
fn bars_until(level: f64, start: f64, returns: &[f64]) -> u64 {
    let mut value = start;
    let below = returns.iter().take_while(|r| {
        value *= 1.0 + *r;
        value < level
    });
    below.count() as u64
}

struct Segments<'a> {
    values: &'a [f64],
    target: f64,
    guess: f64,
}

impl Kernel for Segments<'_> {
    type Output = Found;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Found {
        let length = self.values.len() / S::LANES / TILE * TILE;
        let (target, guess) = (simd.splat(self.target), simd.splat(self.guess));
        let mut paths = Paths::new(simd);
        let mut sums = Sums::new(simd);
        for start in (0..length).step_by(CHUNK) {
            let end = length.min(start + CHUNK);
            for row in (start..end).step_by(TILE) {
                for block in turned(simd, self.values, length, row) {
                    paths.advance(simd, simd.load(&block));
                }
            }
            // The same returns, still close by, in any order.
            for lane in 0..S::LANES {
                for block in simd.blocks(&self.values[lane * length + start..lane * length + end]).0 {
                    sums.add(simd, simd.load(block), guess, target);
                }
            }
        }
        let mut sums = sums.found(simd);
        for &r in &self.values[length * S::LANES..] {
            sums.add(r, self.guess, self.target);
        }
        let mut segments = [Segment::default(); MOST_LANES];
        paths.write(simd, &mut segments);
        Found { n_segments: S::LANES, length, segments, sums }
    }
}

/// The paths of all segments, a lane each.
struct Paths<V> {
    product: V,
    least_product: V,
    most_product: V,
    ending: V,
    least_ending: V,
    run: V,
    longest: V,
}

impl<V: Copy> Paths<V> {
    #[inline(always)]
    fn new<S: Simd<Vector = V>>(simd: S) -> Self {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        Self {
            product: one,
            least_product: one,
            most_product: one,
            ending: one,
            least_ending: one,
            run: zero,
            longest: zero,
        }
    }

    #[inline(always)]
    fn advance<S: Simd<Vector = V>>(&mut self, simd: S, r: V) {
        let (zero, one, level) = (simd.splat(0.0), simd.splat(1.0), simd.splat(1.0 - RECOVERED));
        let growth = simd.add(one, r);
        self.product = simd.mul(self.product, growth);
        self.least_product = simd.min(self.product, self.least_product);
        self.most_product = simd.max(self.product, self.most_product);
        self.ending = simd.min(simd.mul(self.ending, growth), one);
        self.least_ending = simd.min(self.ending, self.least_ending);
        self.run = simd.where_at_most(self.ending, level, simd.add(self.run, one), zero);
        self.longest = simd.max(self.run, self.longest);
    }

    #[inline(always)]
    fn write<S: Simd<Vector = V>>(&self, simd: S, segments: &mut [Segment]) {
        let lanes = [
            self.product,
            self.least_product,
            self.most_product,
            self.ending,
            self.least_ending,
            self.run,
            self.longest,
        ]
        .map(|vector| lanes(simd, vector));
        for (at, segment) in segments.iter_mut().take(S::LANES).enumerate() {
            let [product, least_product, most_product, ending, least_ending, run, longest] =
                lanes.each_ref().map(|block| block.as_ref()[at]);
            *segment = Segment { product, least_product, most_product, ending, least_ending, run, longest };
        }
    }
}

/// The next rows of all segments, one vector per row.
#[inline(always)]
fn turned<S: Simd>(simd: S, values: &[f64], length: usize, row: usize) -> [S::Block; TILE] {
    let mut blocks = [simd.zeros(); TILE];
    for lane in 0..S::LANES {
        let tile = values.get(lane * length + row..).and_then(|rest| rest.first_chunk::<TILE>());
        for (block, value) in blocks.iter_mut().zip(tile.into_iter().flatten()) {
            block.as_mut()[lane] = *value;
        }
    }
    blocks
}
