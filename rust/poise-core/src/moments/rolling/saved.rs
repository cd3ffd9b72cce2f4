//! The state as bytes.

use super::super::packed;
use super::{Ring, RollingRule, RollingState};
use crate::Result;
use crate::snapshot::{Format, Reader, Writer, refused};

const FORMAT: Format = Format { mark: b"poiseROL", version: 1, name: "a rolling state" };

impl RollingState {
    /// The state as bytes, from which [`RollingState::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (rule, ring) = (self.rule, &self.ring);
        let mut writer = Writer::new(FORMAT);
        writer.count(rule.window as u64);
        writer.count(rule.ddof as u64);
        writer.flag(rule.demean);
        writer.count(self.n_assets() as u64);
        writer.count(self.n_observations);
        writer.count(ring.next as u64);
        writer.count(ring.since as u64);
        writer.reals(&ring.values);
        [&ring.reference, &ring.sums, &ring.squares, &ring.peaks, &self.products]
            .into_iter()
            .for_each(|values| writer.reals(values));
        writer.finish()
    }

    /// The state that [`RollingState::to_bytes`] wrote; refuses short, damaged and newer bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let window = reader.size()?;
        let ddof = usize::try_from(reader.count()?).unwrap_or(usize::MAX);
        let rule = RollingRule { window, ddof: ddof.min(window), demean: reader.flag()? };
        let n_assets = reader.size()?;
        let n_observations = reader.count()?;
        let (next, since) = (reader.count()?, reader.count()?);
        if next >= window as u64 || since >= window as u64 {
            return Err(refused(format!("row {next} of a window of {window}, {since} since its sums")));
        }
        // Read before anything of its size is made: the bytes say how much there can be.
        let values = reader.reals(n_assets.saturating_mul(window))?;
        let mut state = Self::new(n_assets, rule)?;
        let ring: &mut Ring = &mut state.ring;
        for (i, missing) in ring.missing.iter_mut().enumerate() {
            *missing = values[i..].iter().step_by(n_assets).filter(|x| x.is_nan()).count();
        }
        ring.values = values;
        (ring.next, ring.since) = (next as usize, since as usize);
        ring.reference = reader.reals(n_assets)?;
        ring.sums = reader.reals(n_assets)?;
        ring.squares = reader.reals(n_assets)?;
        ring.peaks = reader.reals(n_assets)?;
        state.products = reader.reals(packed::size(n_assets))?;
        state.n_observations = n_observations;
        reader.close()?;
        Ok(state)
    }
}
