//! A covariance about zero that is shrunk towards constant correlation and takes in one row at a time.
//!
//! Ledoit and Wolf (2004), "Honey, I shrunk the sample covariance matrix", with exponential weights: beside
//! `S_ij = E[x_i x_j]` run the fourth moments `M22_ij = E[x_i^2 x_j^2]` and `M31_ij = E[x_i^3 x_j]` that the
//! intensity is made of (`intensity`), so that it costs O(n^2) whenever it is read. While nothing is missing all
//! pairs share one chain of weights; from the first gap each has its own.

mod intensity;
mod saved;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use poise_simd::{Kernel, Simd, dispatch};

use self::intensity::Sample;
use super::gaps::{self, RowKind};
use super::packed;
use super::scheme::{EwmaRule, Memory, Scheme, Shares};
use super::shrinkage::Shrunk;
use crate::{Error, Result, validate};

/// Beyond it the fourth power of a return is no number.
const LARGEST: f64 = 1e75;

/// The chains of weights.
#[derive(Debug, Clone, PartialEq)]
enum Clock {
    /// One for all pairs.
    Shared(Memory),
    /// One for each, packed.
    Own(Vec<Memory>),
}

/// Running second and fourth moments. A refused row leaves them as they were.
#[derive(Debug, Clone)]
pub struct ShrunkState {
    half_life: f64,
    scheme: Scheme,
    n_observations: u64,
    n_assets: usize,
    clock: Clock,
    /// `S`, packed.
    second: Vec<f64>,
    /// `M22`, packed.
    fourth: Vec<f64>,
    /// `M31`, all `n x n` of it.
    third: Vec<f64>,
}

impl ShrunkState {
    /// A state that has seen nothing. `ignore_na`: a missing observation does not age the earlier ones.
    pub fn new(n_assets: usize, half_life: f64, ignore_na: bool) -> Result<Self> {
        if n_assets == 0 {
            return Err(Error::Empty { what: "row", unit: "asset" });
        }
        let rule = EwmaRule { ignore_na, bias: true, demean: false, ..EwmaRule::new(half_life) };
        Ok(Self {
            half_life,
            scheme: Scheme::exponential(&rule)?,
            n_observations: 0,
            n_assets,
            clock: Clock::Shared(Memory::default()),
            second: vec![0.0; packed::size(n_assets)],
            fourth: vec![0.0; packed::size(n_assets)],
            third: vec![0.0; n_assets * n_assets],
        })
    }

    /// Takes in the next row; NaN is missing.
    pub fn update(&mut self, row: ArrayView1<'_, f64>) -> Result<()> {
        validate::length("row", row, self.n_assets)?;
        gaps::refuse_infinite("row", row)?;
        refuse_large("row", row.iter())?;
        self.take(row);
        Ok(())
    }

    /// Takes in many rows, exactly as [`ShrunkState::update`] would one by one.
    pub fn absorb(&mut self, returns: ArrayView2<'_, f64>) -> Result<()> {
        gaps::has_gaps("R", returns)?;
        let (n_rows, n_columns) = returns.dim();
        if n_columns != self.n_assets {
            return Err(Error::Shape {
                what: "R",
                expected: format!("({n_rows}, {})", self.n_assets),
                found: format!("({n_rows}, {n_columns})"),
            });
        }
        refuse_large("R", returns.iter())?;
        returns.rows().into_iter().for_each(|row| self.take(row));
        Ok(())
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.n_assets
    }

    /// Rows taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// The shrunk covariance and its intensity, both NaN before the second observation.
    pub fn shrunk(&self) -> Result<Shrunk> {
        if self.n_observations < 2 {
            let covariance = Array2::from_elem((self.n_assets, self.n_assets), f64::NAN);
            return Ok(Shrunk { covariance, intensity: f64::NAN });
        }
        intensity::shrink(&self.sample())
    }

    /// The intensity that the noise of the entries asks for, before it is raised until a matrix with gaps is
    /// positive semidefinite: for who shrinks another estimate of the same. NaN before the second observation.
    pub fn noise_intensity(&self) -> f64 {
        if self.n_observations < 2 { f64::NAN } else { intensity::of_noise(&self.sample()) }
    }

    fn sample(&self) -> Sample<'_> {
        Sample {
            n_assets: self.n_assets,
            second: &self.second,
            fourth: &self.fourth,
            third: &self.third,
            n_effective: match &self.clock {
                Clock::Shared(memory) => vec![effective(memory)],
                Clock::Own(memories) => memories.iter().map(effective).collect(),
            },
        }
    }

    /// The standard deviation of each asset per bar, which shrinking leaves alone; NaN before its first return.
    pub fn volatility(&self) -> Array1<f64> {
        let deviation = |i: usize| match self.memory(packed::diagonal(i)).n_observations {
            0 => f64::NAN,
            _ => self.second[packed::diagonal(i)].sqrt(),
        };
        (0..self.n_assets).map(deviation).collect()
    }

    fn memory(&self, pair: usize) -> &Memory {
        match &self.clock {
            Clock::Shared(memory) => memory,
            Clock::Own(memories) => &memories[pair],
        }
    }

    fn take(&mut self, row: ArrayView1<'_, f64>) {
        let kind = gaps::kind_of(row);
        self.n_observations += u64::from(kind != RowKind::Missing);
        let x = row.to_vec();
        if let (Clock::Shared(memory), RowKind::Partial) = (&self.clock, kind) {
            self.clock = Clock::Own(vec![*memory; packed::size(self.n_assets)]);
        }
        match (&mut self.clock, kind) {
            (Clock::Shared(memory), RowKind::Missing) => memory.miss(&self.scheme),
            (Clock::Shared(memory), _) => {
                let shares = memory.observe(&self.scheme);
                let (second, fourth, third) = (&mut self.second, &mut self.fourth, &mut self.third);
                dispatch(Together { shares, x: &x, second, fourth, third });
            }
            (Clock::Own(_), _) => self.take_apart(&x),
        }
    }

    /// Moves every pair by its own chain of weights.
    fn take_apart(&mut self, x: &[f64]) {
        let Clock::Own(memories) = &mut self.clock else { return };
        let n = x.len();
        for (i, j) in (0..n).flat_map(|i| (0..=i).map(move |j| (i, j))) {
            let (pair, product) = (packed::size(i) + j, x[i] * x[j]);
            if product.is_nan() {
                memories[pair].miss(&self.scheme);
                continue;
            }
            let shares = memories[pair].observe(&self.scheme);
            let move_to = |moment: &mut f64, value: f64| *moment = shares.past * *moment + shares.new * value;
            move_to(&mut self.second[pair], product);
            move_to(&mut self.fourth[pair], product * product);
            move_to(&mut self.third[i * n + j], x[i] * x[i] * product);
            if i != j {
                move_to(&mut self.third[j * n + i], x[j] * x[j] * product);
            }
        }
    }
}

/// Observations whose equal weights would say as much, `(sum w)^2 / sum w^2`; 0 where there are none.
fn effective(memory: &Memory) -> f64 {
    if memory.n_observations == 0 { 0.0 } else { memory.sum * memory.sum / memory.sum_of_squares }
}

/// Refuses a finite return whose fourth power is not.
fn refuse_large<'a>(what: &'static str, mut values: impl Iterator<Item = &'a f64>) -> Result<()> {
    match values.find(|x| x.abs() > LARGEST) {
        Some(&value) => Err(Error::OutOfRange { what, value, range: "returns as fractions, below 1e75" }),
        None => Ok(()),
    }
}

/// All moments moved by one complete row.
struct Together<'a> {
    shares: Shares,
    x: &'a [f64],
    second: &'a mut [f64],
    fourth: &'a mut [f64],
    third: &'a mut [f64],
}

impl Kernel for Together<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (x, Shares { past, new }) = (self.x, self.shares);
        let (mut second, mut fourth) = (self.second, self.fourth);
        for (i, (&xi, third)) in x.iter().zip(self.third.chunks_exact_mut(x.len())).enumerate() {
            let (beside, after) = std::mem::take(&mut second).split_at_mut(i + 1);
            let (squared, later) = std::mem::take(&mut fourth).split_at_mut(i + 1);
            for ((s, m), &xj) in beside.iter_mut().zip(squared).zip(x) {
                let product = xi * xj;
                *s = simd.fma(new, product, past * *s);
                *m = simd.fma(new * product, product, past * *m);
            }
            let cube = new * xi * xi * xi;
            for (m, &xj) in third.iter_mut().zip(x) {
                *m = simd.fma(cube, xj, past * *m);
            }
            (second, fourth) = (after, later);
        }
    }
}

#[cfg(test)]
mod tests;
