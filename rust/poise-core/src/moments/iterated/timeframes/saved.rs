//! The state as bytes.

use super::{Bucket, IteratedState, Running, Timeframe, TimeframesState};
use crate::snapshot::{Format, Reader, Writer, refused};
use crate::{Error, Result};

const FORMAT: Format = Format { mark: b"poiseMTF", version: 1, name: "a multi-timeframe state" };

impl TimeframesState {
    /// The state as bytes, from which [`TimeframesState::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.count(self.n_assets() as u64);
        writer.instant(self.base);
        possible(&mut writer, self.last);
        writer.count(self.n_observations);
        moments(&mut writer, &self.base_moments);
        writer.count(self.buckets.len() as u64);
        for bucket in &self.buckets {
            let Timeframe { bar, weight, volatility_half_life, correlation_half_life } = bucket.timeframe;
            writer.instant(bar);
            writer.reals(&[weight, volatility_half_life, correlation_half_life]);
            writer.bytes(&bucket.state.to_bytes());
            possible(&mut writer, bucket.current);
            writer.reals(&bucket.sums);
            bucket.counts.iter().for_each(|&count| writer.count(count));
            moments(&mut writer, &bucket.returns);
            writer.reals(&bucket.quiet);
        }
        writer.finish()
    }

    /// The state that [`TimeframesState::to_bytes`] wrote; refuses short, damaged and newer bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let n_assets = reader.size()?;
        let base = reader.instant()?;
        let last = read_possible(&mut reader)?;
        let n_observations = reader.count()?;
        let base_moments = read_moments(&mut reader, n_assets)?;
        let n_buckets = reader.size()?;
        let (mut timeframes, mut buckets) = (Vec::new(), Vec::new());
        for _ in 0..n_buckets {
            let bucket = read_bucket(&mut reader, n_assets, base)?;
            timeframes.push(bucket.timeframe);
            buckets.push(bucket);
        }
        reader.close()?;
        let fresh = Self::new(n_assets, base, &timeframes)?;
        Ok(Self { n_observations, last, base_moments, buckets, ..fresh })
    }
}

fn read_bucket(reader: &mut Reader<'_>, n_assets: usize, base: i64) -> Result<Bucket> {
    let bar = reader.instant()?;
    let (weight, volatility_half_life, correlation_half_life) =
        (reader.real()?, reader.real()?, reader.real()?);
    let timeframe = Timeframe { bar, weight, volatility_half_life, correlation_half_life };
    let state = IteratedState::from_bytes(reader.bytes()?)?;
    if state.n_assets() != n_assets {
        let found = state.n_assets();
        return Err(refused(format!("a timeframe of {found} assets among {n_assets}")));
    }
    let mut bucket = Bucket::new(n_assets, timeframe, base).map_err(|error| match error {
        Error::OutOfRange { .. } => refused(error.to_string()),
        other => other,
    })?;
    bucket.state = state;
    bucket.current = read_possible(reader)?;
    bucket.sums = reader.reals(n_assets)?;
    for count in &mut bucket.counts {
        *count = reader.count()?;
    }
    bucket.returns = read_moments(reader, n_assets)?;
    bucket.quiet = reader.reals(n_assets)?;
    Ok(bucket)
}

fn possible(writer: &mut Writer, time: Option<i64>) {
    writer.flag(time.is_some());
    writer.instant(time.unwrap_or(0));
}

fn read_possible(reader: &mut Reader<'_>) -> Result<Option<i64>> {
    let is_some = reader.flag()?;
    let time = reader.instant()?;
    Ok(Some(time).filter(|_| is_some))
}

fn moments(writer: &mut Writer, of: &[Running]) {
    for running in of {
        writer.count(running.count);
        writer.reals(&[running.mean, running.spread]);
    }
}

fn read_moments(reader: &mut Reader<'_>, n_assets: usize) -> Result<Vec<Running>> {
    let mut all = Vec::new();
    for _ in 0..n_assets {
        all.push(Running { count: reader.count()?, mean: reader.real()?, spread: reader.real()? });
    }
    Ok(all)
}
