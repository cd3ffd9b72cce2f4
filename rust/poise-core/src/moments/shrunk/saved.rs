//! The state as bytes.

use super::super::packed;
use super::super::scheme::Memory;
use super::{Clock, ShrunkState};
use crate::Result;
use crate::snapshot::{Format, Reader, Writer};

const FORMAT: Format = Format { mark: b"poiseSHR", version: 1, name: "a shrunk EWMA state" };

impl ShrunkState {
    /// The state as bytes, from which [`ShrunkState::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.reals(&[self.half_life]);
        writer.flag(self.scheme.ignore_na);
        writer.count(self.n_assets as u64);
        writer.count(self.n_observations);
        let memories = match &self.clock {
            Clock::Shared(memory) => std::slice::from_ref(memory),
            Clock::Own(memories) => memories,
        };
        writer.flag(matches!(self.clock, Clock::Own(_)));
        for memory in memories {
            writer.count(memory.n_observations);
            writer.reals(&[memory.old, memory.sum, memory.sum_of_squares]);
        }
        [&self.second, &self.fourth, &self.third].into_iter().for_each(|moments| writer.reals(moments));
        writer.finish()
    }

    /// The state that [`ShrunkState::to_bytes`] wrote; refuses short, damaged and newer bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let (half_life, ignore_na) = (reader.real()?, reader.flag()?);
        let n_assets = reader.size()?;
        let n_observations = reader.count()?;
        let n_pairs = packed::size(n_assets);
        let clock = if reader.flag()? {
            Clock::Own((0..n_pairs).map(|_| read_memory(&mut reader)).collect::<Result<_>>()?)
        } else {
            Clock::Shared(read_memory(&mut reader)?)
        };
        let (second, fourth) = (reader.reals(n_pairs)?, reader.reals(n_pairs)?);
        let third = reader.reals(n_assets * n_assets)?;
        reader.close()?;
        // Made last: only now is it known that the bytes hold so many assets.
        let fresh = Self::new(n_assets, half_life, ignore_na)?;
        Ok(Self { n_observations, clock, second, fourth, third, ..fresh })
    }
}

fn read_memory(reader: &mut Reader<'_>) -> Result<Memory> {
    Ok(Memory {
        n_observations: reader.count()?,
        old: reader.real()?,
        sum: reader.real()?,
        sum_of_squares: reader.real()?,
    })
}
