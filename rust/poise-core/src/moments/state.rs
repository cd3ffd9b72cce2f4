//! An exponentially weighted covariance that takes in one row at a time.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::accumulator::{Accumulator, ZeroVariance};
use super::dense::Dense;
use super::gaps::{self, RowKind};
use super::packed;
use super::pairs::{Pair, Pairs};
use super::scheme::{EwmaRule, Memory, Scheme};
use crate::snapshot::{Format, Reader, Writer};
use crate::{Error, Result, validate};

const FORMAT: Format = Format { mark: b"poiseEWM", version: 1, name: "an EWMA state" };

/// Running moments with the rule that moves them. A refused row leaves them as they were.
#[derive(Debug, Clone)]
pub struct EwmaState {
    rule: EwmaRule,
    scheme: Scheme,
    n_observations: u64,
    moments: Accumulator,
}

impl EwmaState {
    /// A state that has seen nothing.
    pub fn new(n_assets: usize, rule: EwmaRule) -> Result<Self> {
        if n_assets == 0 {
            return Err(Error::Empty { what: "row", unit: "asset" });
        }
        let scheme = Scheme::exponential(&rule)?;
        Ok(Self { rule, scheme, n_observations: 0, moments: Accumulator::new(n_assets) })
    }

    /// Takes in the next row; NaN is missing.
    pub fn update(&mut self, row: ArrayView1<'_, f64>) -> Result<()> {
        validate::length("row", row, self.n_assets())?;
        gaps::refuse_infinite("row", row)?;
        let kind = gaps::kind_of(row);
        self.moments.update(&self.scheme, row, kind);
        self.n_observations += u64::from(kind != RowKind::Missing);
        Ok(())
    }

    /// Takes in many rows, as [`EwmaState::update`] would one by one, up to rounding.
    pub fn absorb(&mut self, returns: ArrayView2<'_, f64>) -> Result<()> {
        let (n_rows, n_columns) = returns.dim();
        let complete = !gaps::has_gaps("R", returns)?;
        if n_columns != self.n_assets() {
            return Err(Error::Shape {
                what: "R",
                expected: format!("({n_rows}, {})", self.n_assets()),
                found: format!("({n_rows}, {n_columns})"),
            });
        }
        self.moments.absorb(&self.scheme, returns, complete);
        let observed = returns.rows().into_iter().filter(|row| row.iter().any(|x| !x.is_nan())).count();
        self.n_observations += observed as u64;
        Ok(())
    }

    /// The rule it runs by.
    pub fn rule(&self) -> &EwmaRule {
        &self.rule
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.moments.n_assets()
    }

    /// Rows taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.n_observations
    }

    /// The covariance; NaN where there is no estimate yet.
    pub fn covariance(&self) -> Array2<f64> {
        self.moments.covariance(&self.scheme)
    }

    /// The correlation; NaN where the covariance is.
    pub fn correlation(&self, zero: ZeroVariance) -> Array2<f64> {
        self.moments.correlation(&self.scheme, zero)
    }

    /// The standard deviation of each asset per bar.
    pub fn volatility(&self) -> Array1<f64> {
        self.moments.variances(&self.scheme).mapv_into(f64::sqrt)
    }

    /// The state as bytes, from which [`EwmaState::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.reals(&[self.rule.half_life]);
        for flag in [self.rule.adjust, self.rule.bias, self.rule.ignore_na, self.rule.demean] {
            writer.flag(flag);
        }
        writer.count(self.n_assets() as u64);
        writer.count(self.n_observations);
        match &self.moments {
            Accumulator::Dense(dense) => {
                writer.flag(false);
                write_memory(&mut writer, &dense.memory);
                writer.reals(&dense.mean);
                writer.reals(&dense.moments);
            }
            Accumulator::Pairs(pairs) => {
                writer.flag(true);
                for pair in &pairs.pairs {
                    write_memory(&mut writer, &pair.memory);
                    writer.reals(&[pair.mean_x, pair.mean_y, pair.xx, pair.xy, pair.yy]);
                }
            }
        }
        writer.finish()
    }

    /// The state that [`EwmaState::to_bytes`] wrote; refuses short, damaged and newer bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let rule = EwmaRule {
            half_life: reader.real()?,
            adjust: reader.flag()?,
            bias: reader.flag()?,
            ignore_na: reader.flag()?,
            demean: reader.flag()?,
        };
        let scheme = Scheme::exponential(&rule)?;
        let n_assets = reader.size()?;
        let n_observations = reader.count()?;
        let moments = if reader.flag()? {
            Accumulator::Pairs(read_pairs(&mut reader, n_assets)?)
        } else {
            Accumulator::Dense(read_dense(&mut reader, n_assets)?)
        };
        reader.close()?;
        Ok(Self { rule, scheme, n_observations, moments })
    }
}

fn write_memory(writer: &mut Writer, memory: &Memory) {
    writer.count(memory.n_observations);
    writer.reals(&[memory.old, memory.sum, memory.sum_of_squares]);
}

fn read_memory(reader: &mut Reader<'_>) -> Result<Memory> {
    Ok(Memory {
        n_observations: reader.count()?,
        old: reader.real()?,
        sum: reader.real()?,
        sum_of_squares: reader.real()?,
    })
}

fn read_dense(reader: &mut Reader<'_>, n_assets: usize) -> Result<Dense> {
    Ok(Dense {
        memory: read_memory(reader)?,
        mean: reader.reals(n_assets)?,
        moments: reader.reals(packed::size(n_assets))?,
        step: vec![0.0; n_assets],
    })
}

fn read_pairs(reader: &mut Reader<'_>, n_assets: usize) -> Result<Pairs> {
    let mut pairs = Vec::new();
    for _ in 0..packed::size(n_assets) {
        pairs.push(Pair {
            memory: read_memory(reader)?,
            mean_x: reader.real()?,
            mean_y: reader.real()?,
            xx: reader.real()?,
            xy: reader.real()?,
            yy: reader.real()?,
        });
    }
    Ok(Pairs { n_assets, pairs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr1, arr2};

    fn fed(rows: &[[f64; 2]]) -> EwmaState {
        let mut state = EwmaState::new(2, EwmaRule::new(3.0)).unwrap();
        rows.iter().for_each(|row| state.update(arr1(row).view()).unwrap());
        state
    }

    #[test]
    fn a_refused_row_changes_nothing() {
        let mut state = fed(&[[0.1, 0.2], [0.3, -0.1]]);
        let before = state.to_bytes();
        let error = state.update(arr1(&[f64::NAN, f64::INFINITY]).view()).unwrap_err();
        assert!(error.to_string().contains("index 1"));
        assert!(state.update(arr1(&[0.1]).view()).is_err());
        assert!(state.absorb(arr2(&[[0.1, 0.2], [0.1, f64::INFINITY]]).view()).is_err());
        assert!(state.absorb(arr2(&[[0.1]]).view()).is_err());
        assert_eq!(state.to_bytes(), before);
    }

    #[test]
    fn missing_rows_are_no_observations() {
        let state = fed(&[[0.1, 0.2], [f64::NAN, f64::NAN], [f64::NAN, 0.1]]);
        assert_eq!(state.n_observations(), 2);
    }

    #[test]
    fn a_restored_state_goes_on_bit_for_bit() {
        for gap in [0.3, f64::NAN] {
            let mut state = fed(&[[0.1, 0.2], [gap, -0.1], [0.2, 0.2]]);
            let mut restored = EwmaState::from_bytes(&state.to_bytes()).unwrap();
            for state in [&mut state, &mut restored] {
                state.update(arr1(&[0.7, -0.3]).view()).unwrap();
            }
            assert_eq!(state.to_bytes(), restored.to_bytes());
            assert_eq!(restored.n_observations(), 4);
        }
    }

    #[test]
    fn every_damaged_byte_is_noticed() {
        for gap in [0.3, f64::NAN] {
            let bytes = fed(&[[0.1, 0.2], [gap, -0.1]]).to_bytes();
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x10;
                assert!(matches!(EwmaState::from_bytes(&damaged), Err(Error::Snapshot { .. })), "byte {at}");
                assert!(matches!(EwmaState::from_bytes(&bytes[..at]), Err(Error::Snapshot { .. })));
            }
        }
    }
}
