//! An EWMA state as bytes.

use super::EwmaState;
use crate::Result;
use crate::moments::accumulator::Accumulator;
use crate::moments::dense::Dense;
use crate::moments::packed;
use crate::moments::pairs::{Pair, Pairs};
use crate::moments::scheme::{EwmaRule, Memory, Scheme};
use crate::moments::tail::Tail;
use crate::snapshot::{Format, Reader, Writer, refused};

const FORMAT: Format = Format { mark: b"poiseEWM", version: 2, name: "an EWMA state" };

/// The first version that has rows in a tail.
const WITH_TAIL: u32 = 2;

impl EwmaState {
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
                writer.reals(&dense.folded);
                let (rows, kept) = dense.tail.parts();
                writer.count(kept.len() as u64);
                writer.reals(kept);
                writer.reals(rows);
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
    let mut dense = Dense {
        memory: read_memory(reader)?,
        mean: reader.reals(n_assets)?,
        folded: reader.reals(packed::size(n_assets))?,
        tail: Tail::default(),
    };
    if reader.version() >= WITH_TAIL {
        let count = reader.count()?;
        let n_rows = usize::try_from(count).ok().filter(|n| n.checked_mul(n_assets).is_some());
        let n_rows = n_rows.ok_or_else(|| refused(format!("{count} rows wait to be added")))?;
        let (kept, rows) = (reader.reals(n_rows)?, reader.reals(n_rows * n_assets)?);
        let tail = Tail::from_parts(rows, kept, n_assets);
        dense.tail = tail.ok_or_else(|| refused(format!("{count} rows are too many to wait")))?;
    }
    Ok(dense)
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
    use crate::Error;
    use ndarray::arr1;

    fn fed(rows: &[[f64; 2]]) -> EwmaState {
        let mut state = EwmaState::new(2, EwmaRule::new(3.0)).unwrap();
        rows.iter().for_each(|row| state.update(arr1(row).view()).unwrap());
        state
    }

    #[test]
    fn states_of_the_first_version_are_read() {
        let mut writer = Writer::new(Format { version: 1, ..FORMAT });
        writer.reals(&[3.0]);
        [true, false, false, true].into_iter().for_each(|flag| writer.flag(flag));
        writer.count(1);
        writer.count(2);
        writer.flag(false);
        write_memory(&mut writer, &Memory { n_observations: 2, old: 1.5, sum: 1.5, sum_of_squares: 1.2 });
        writer.reals(&[0.01, 0.04]);
        let state = EwmaState::from_bytes(&writer.finish()).unwrap();
        assert_eq!(state.n_observations(), 2);
        assert_eq!(state.volatility()[0], (0.04_f64 * (2.25 / (2.25 - 1.2))).sqrt());
    }

    #[test]
    fn more_waiting_rows_than_can_be_are_refused() {
        for n_rows in [1, 16, u64::MAX / 2] {
            let mut writer = Writer::new(FORMAT);
            writer.reals(&[3.0]);
            [true, false, false, true].into_iter().for_each(|flag| writer.flag(flag));
            writer.count(2);
            writer.count(2);
            writer.flag(false);
            write_memory(&mut writer, &Memory::default());
            writer.reals(&[0.0; 5]);
            writer.count(n_rows);
            writer.reals(&[0.5; 48]);
            assert!(matches!(EwmaState::from_bytes(&writer.finish()), Err(Error::Snapshot { .. })));
        }
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
