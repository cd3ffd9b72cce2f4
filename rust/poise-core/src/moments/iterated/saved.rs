//! The state as bytes.

use super::listing::{Newcomer, Sums};
use super::volatility::Variance;
use super::{IteratedRule, IteratedState, packed};
use crate::snapshot::{Format, Reader, Writer, refused};
use crate::{Error, Result};

const FORMAT: Format = Format { mark: b"poiseIEW", version: 1, name: "an iterated EWMA state" };

impl IteratedState {
    /// The state as bytes, from which [`IteratedState::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.reals(&[self.rule.volatility_half_life, self.rule.correlation_half_life]);
        writer.flag(self.rule.whiten_lag);
        writer.flag(self.rule.winsor.is_some());
        writer.reals(&[self.rule.winsor.unwrap_or(0.0)]);
        writer.count(self.n_assets() as u64);
        writer.count(self.n_observations);
        writer.count(self.n_joint);
        for (variance, &is_member) in self.variances.iter().zip(&self.is_member) {
            writer.reals(&[variance.value]);
            writer.count(variance.count);
            writer.count(variance.last_row);
            writer.flag(is_member);
        }
        writer.reals(&self.moments);
        writer.count(self.newcomers.len() as u64);
        for newcomer in &self.newcomers {
            writer.count(newcomer.asset as u64);
            writer.count(newcomer.count);
            newcomer.sums.iter().for_each(|sums| writer.reals(&[sums.weight, sums.xx, sums.xy, sums.yy]));
        }
        writer.finish()
    }

    /// The state that [`IteratedState::to_bytes`] wrote; refuses short, damaged and newer bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let (volatility_half_life, correlation_half_life) = (reader.real()?, reader.real()?);
        let whiten_lag = reader.flag()?;
        let has_winsor = reader.flag()?;
        let winsor = Some(reader.real()?).filter(|_| has_winsor);
        let n_assets = reader.size()?;
        let rule = IteratedRule { volatility_half_life, correlation_half_life, whiten_lag, winsor };
        let (n_observations, n_joint) = (reader.count()?, reader.count()?);
        let (mut variances, mut is_member) = (Vec::new(), Vec::new());
        for _ in 0..n_assets {
            let (value, count, last_row) = (reader.real()?, reader.count()?, reader.count()?);
            variances.push(Variance { value, count, last_row });
            is_member.push(reader.flag()?);
        }
        let moments = reader.reals(packed::size(n_assets))?;
        let mut newcomers = Vec::new();
        for _ in 0..reader.count()? {
            newcomers.push(read_newcomer(&mut reader, n_assets)?);
        }
        reader.close()?;
        // Made last: only now is it known that the bytes hold so many assets.
        let fresh = Self::new(n_assets, rule)?;
        let state = Self { n_observations, variances, n_joint, is_member, moments, newcomers, ..fresh };
        if state.is_possible() {
            Ok(state)
        } else {
            Err(refused("its counts contradict each other".to_owned()))
        }
    }

    /// Whether rows could have led to these counts.
    fn is_possible(&self) -> bool {
        let seen = |variance: &Variance| {
            variance.count <= variance.last_row && variance.last_row <= self.n_observations
        };
        let waits = |(place, newcomer): (usize, &Newcomer)| {
            let is_twin = self.newcomers[..place].iter().any(|other| other.asset == newcomer.asset);
            !is_twin && !self.is_member[newcomer.asset] && newcomer.count <= self.n_observations
        };
        self.n_joint <= self.n_observations
            && self.variances.iter().all(seen)
            && self.newcomers.iter().enumerate().all(waits)
    }
}

fn read_newcomer(reader: &mut Reader<'_>, n_assets: usize) -> Result<Newcomer> {
    let asset = reader.count()? as usize;
    if asset >= n_assets {
        return Err(Error::Snapshot { reason: format!("asset {asset} is not one of {n_assets}") });
    }
    let mut newcomer = Newcomer::new(asset, n_assets);
    newcomer.count = reader.count()?;
    for sums in &mut newcomer.sums {
        let (weight, xx, xy, yy) = (reader.real()?, reader.real()?, reader.real()?, reader.real()?);
        *sums = Sums { weight, xx, xy, yy };
    }
    Ok(newcomer)
}
