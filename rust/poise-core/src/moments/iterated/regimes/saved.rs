//! The state as bytes.

use super::{IteratedState, Regime, RegimesState};
use crate::Result;
use crate::moments::packed;
use crate::snapshot::{Format, Reader, Writer};

const FORMAT: Format = Format { mark: b"poiseREG", version: 1, name: "a state of correlations by regime" };

impl RegimesState {
    /// The state as bytes, from which [`RegimesState::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.bytes(&self.whole.to_bytes());
        writer.count(self.regimes.len() as u64);
        writer.reals(&self.probabilities);
        self.is_member.iter().for_each(|&is_member| writer.flag(is_member));
        for regime in &self.regimes {
            writer.reals(&[regime.weight]);
            writer.reals(&regime.moments);
        }
        writer.finish()
    }

    /// The state that [`RegimesState::to_bytes`] wrote; refuses short, damaged and newer bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let whole = IteratedState::from_bytes(reader.bytes()?)?;
        let (n_assets, n_regimes) = (whole.n_assets(), reader.size()?);
        let probabilities = reader.reals(n_regimes)?;
        let is_member = (0..n_assets).map(|_| reader.flag()).collect::<Result<_>>()?;
        let mut regimes = Vec::new();
        for _ in 0..n_regimes {
            regimes.push(Regime { weight: reader.real()?, moments: reader.reals(packed::size(n_assets))? });
        }
        reader.close()?;
        Ok(Self { decay: whole.correlation_decay, whole, probabilities, regimes, is_member })
    }
}
