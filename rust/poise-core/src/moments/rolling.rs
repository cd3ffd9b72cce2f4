//! Covariance over the last `window` rows, moved by one row in and one row out.
//!
//! With `d` the deviations from a reference near the mean of the window, the sums `s = sum d` and `P = sum d d'`
//! gain the entering row and lose the leaving one, and the covariance is `(P - s s' / window) / (window - ddof)`.
//! What has left leaves rounding behind: after every `window` rows, and at once where a variance has become small
//! beside what it came from, the sums are taken anew about the mean (`ring`).

mod ring;
mod saved;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayViewMut3, Axis};
use poise_simd::{Kernel, Simd, dispatch};

use self::ring::{Ring, Step};
use super::{gaps, packed};
use crate::{Error, Result, validate};

/// Beyond it sums of squares may be no number.
const LARGEST: f64 = 1e140;

/// The choices of the estimator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollingRule {
    /// Rows that count.
    pub window: usize,
    /// What the divisor is smaller than `window`, where the mean is removed.
    pub ddof: usize,
    /// The mean of the window is removed; otherwise second moments about zero with divisor `window`.
    pub demean: bool,
}

impl RollingRule {
    fn check(&self) -> Result<()> {
        let least = if self.demean { self.ddof + 1 } else { 1 };
        if self.window < least {
            let range = "at least one row more than ddof";
            return Err(Error::OutOfRange { what: "window", value: self.window as f64, range });
        }
        Ok(())
    }

    /// One over the divisor.
    fn scale(&self) -> f64 {
        1.0 / (self.window - if self.demean { self.ddof } else { 0 }) as f64
    }
}

/// The moments of the last rows. A refused row leaves them as they were.
#[derive(Debug, Clone)]
pub struct RollingState {
    rule: RollingRule,
    n_observations: u64,
    ring: Ring,
    /// `P`, packed.
    products: Vec<f64>,
}

impl RollingState {
    /// A state that has seen nothing.
    pub fn new(n_assets: usize, rule: RollingRule) -> Result<Self> {
        if n_assets == 0 {
            return Err(Error::Empty { what: "row", unit: "asset" });
        }
        rule.check()?;
        let products = vec![0.0; packed::size(n_assets)];
        Ok(Self { rule, n_observations: 0, ring: Ring::new(n_assets, rule), products })
    }

    /// Takes in the next row; NaN is missing.
    pub fn update(&mut self, row: ArrayView1<'_, f64>) -> Result<()> {
        validate::length("row", row, self.n_assets())?;
        gaps::refuse_infinite("row", row)?;
        refuse_large("row", row.iter())?;
        self.take(row);
        Ok(())
    }

    /// Takes in many rows, as [`RollingState::update`] would one by one, up to rounding.
    pub fn absorb(&mut self, returns: ArrayView2<'_, f64>) -> Result<()> {
        gaps::has_gaps("R", returns)?;
        let (n_rows, n_columns) = returns.dim();
        if n_columns != self.n_assets() {
            return Err(Error::Shape {
                what: "R",
                expected: format!("({n_rows}, {})", self.n_assets()),
                found: format!("({n_rows}, {n_columns})"),
            });
        }
        refuse_large("R", returns.iter())?;
        let n_passed = n_rows.saturating_sub(self.rule.window);
        let (passed, kept) = returns.split_at(Axis(0), n_passed);
        self.n_observations += passed.rows().into_iter().filter(|row| is_observed(*row)).count() as u64;
        if n_passed > 0 {
            // Every row of before leaves the window, so that a new one holds the same.
            self.ring = Ring::new(n_columns, self.rule);
            self.products.fill(0.0);
        }
        kept.rows().into_iter().for_each(|row| self.take(row));
        Ok(())
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.ring.n_assets()
    }

    /// Rows taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// The covariance; NaN beside an asset that misses one of the last `window` values.
    pub fn covariance(&self) -> Array2<f64> {
        let (n, scale) = (self.n_assets(), self.rule.scale());
        let mut covariance = Array2::from_elem((n, n), f64::NAN);
        let known: Vec<usize> = (0..n).filter(|&i| self.ring.is_known(i)).collect();
        for (a, &i) in known.iter().enumerate() {
            for &j in &known[..a] {
                let entry = scale * (self.products[packed::size(i) + j] - self.ring.of_mean(i, j));
                covariance[(i, j)] = entry;
                covariance[(j, i)] = entry;
            }
            covariance[(i, i)] = scale * self.ring.spread(i);
        }
        covariance
    }

    /// The standard deviation of each asset per bar; NaN where the covariance is.
    pub fn volatility(&self) -> Array1<f64> {
        let deviation = |i: usize| match self.ring.is_known(i) {
            true => (self.rule.scale() * self.ring.spread(i)).sqrt(),
            false => f64::NAN,
        };
        (0..self.n_assets()).map(deviation).collect()
    }

    fn take(&mut self, row: ArrayView1<'_, f64>) {
        self.n_observations += u64::from(is_observed(row));
        match self.ring.advance(row) {
            Step::Moved => {
                let (entering, leaving) = self.ring.steps();
                let matrix = &mut self.products;
                dispatch(Exchange { matrix, entering, leaving, is_packed: true });
            }
            Step::Renewed => {
                self.products.fill(0.0);
                let products = &mut self.products;
                self.ring.for_each_deviation(|d| packed::decay_and_add(products, 1.0, d));
            }
        }
    }
}

/// Writes the covariance over the last `window` rows after each row into `out`, of shape
/// `(n_observations, n_assets, n_assets)`; NaN until the window is full.
pub fn rolling_covariance_path(
    returns: ArrayView2<'_, f64>,
    rule: RollingRule,
    mut out: ArrayViewMut3<'_, f64>,
) -> Result<()> {
    rule.check()?;
    gaps::has_gaps("R", returns)?;
    refuse_large("R", returns.iter())?;
    let (n_rows, n) = returns.dim();
    if out.dim() != (n_rows, n, n) {
        let found = format!("{:?}", out.dim());
        return Err(Error::Shape { what: "out", expected: format!("({n_rows}, {n}, {n})"), found });
    }
    let (mut ring, mut products, nothing) = (Ring::new(n, rule), vec![0.0; n * n], vec![0.0; n]);
    for (row, mut slice) in returns.rows().into_iter().zip(out.axis_iter_mut(Axis(0))) {
        match ring.advance(row) {
            Step::Moved => {
                let (entering, leaving) = ring.steps();
                dispatch(Exchange { matrix: &mut products, entering, leaving, is_packed: false });
            }
            Step::Renewed => {
                products.fill(0.0);
                ring.for_each_deviation(|d| {
                    let matrix = &mut products;
                    dispatch(Exchange { matrix, entering: d, leaving: &nothing, is_packed: false });
                });
            }
        }
        if !(0..n).any(|i| ring.is_known(i)) {
            slice.fill(f64::NAN);
            continue;
        }
        match slice.as_slice_mut() {
            Some(slice) => dispatch(Write { ring: &ring, products: &products, scale: rule.scale(), slice }),
            None => {
                let (expected, found) =
                    ("C-contiguous matrices".into(), format!("strides {:?}", slice.strides()));
                return Err(Error::Shape { what: "out", expected, found });
            }
        }
    }
    Ok(())
}

fn is_observed(row: ArrayView1<'_, f64>) -> bool {
    row.iter().any(|x| !x.is_nan())
}

/// Refuses a finite return whose squares may not add up to a number.
fn refuse_large<'a>(what: &'static str, mut values: impl Iterator<Item = &'a f64>) -> Result<()> {
    match values.find(|x| x.abs() > LARGEST) {
        Some(&value) => Err(Error::OutOfRange { what, value, range: "returns as fractions, below 1e140" }),
        None => Ok(()),
    }
}

/// `P <- P + e e' - l l'` of a full matrix, or of a packed lower triangle.
struct Exchange<'a> {
    matrix: &'a mut [f64],
    entering: &'a [f64],
    leaving: &'a [f64],
    is_packed: bool,
}

impl Kernel for Exchange<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let n = self.entering.len();
        let mut rest = self.matrix;
        for (i, (&enters, &leaves)) in self.entering.iter().zip(self.leaving).enumerate() {
            let width = if self.is_packed { i + 1 } else { n };
            let (row, after) = std::mem::take(&mut rest).split_at_mut(width);
            for ((entry, e), l) in row.iter_mut().zip(self.entering).zip(self.leaving) {
                *entry = simd.fma(enters, *e, simd.fma(-leaves, *l, *entry));
            }
            rest = after;
        }
    }
}

/// The covariance as a full matrix.
struct Write<'a> {
    ring: &'a Ring,
    products: &'a [f64],
    scale: f64,
    slice: &'a mut [f64],
}

impl Kernel for Write<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (n, scale) = (self.ring.n_assets(), self.scale);
        let (sums, share) = (self.ring.sums(), self.ring.share_of_mean());
        let rows = self.slice.chunks_exact_mut(n).zip(self.products.chunks_exact(n));
        for (i, (out, products)) in rows.enumerate() {
            let own = sums[i];
            for ((out, product), sum) in out.iter_mut().zip(products).zip(sums) {
                *out = scale * (product - (own * sum) * share);
            }
            out[i] = scale * self.ring.spread(i);
        }
        for i in (0..n).filter(|&i| !self.ring.is_known(i)) {
            self.slice[i * n..(i + 1) * n].fill(f64::NAN);
            (0..n).for_each(|j| self.slice[j * n + i] = f64::NAN);
        }
    }
}

#[cfg(test)]
mod tests;
