//! A filtered history as bytes. Quotients and volatilities follow from what is written.

use ndarray::ArrayView1;

use super::FilteredHistory;
use crate::Result;
use crate::snapshot::{Format, Reader, Writer, refused};

const FORMAT: Format = Format { mark: b"poiseFHS", version: 1, name: "a filtered history" };

impl FilteredHistory {
    /// The history as bytes, from which [`FilteredHistory::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.count(self.n_assets() as u64);
        writer.count(self.window() as u64);
        writer.reals(&[self.half_life]);
        writer.count(self.n_observations);
        writer.reals(&self.variance);
        writer.reals(&self.mass);
        self.observations.iter().for_each(|count| writer.count(*count));
        writer.count(self.window.n_rows() as u64);
        for row in 0..self.window.n_rows() {
            let (values, before) = self.window.row(row);
            writer.reals(values);
            writer.reals(before);
        }
        writer.finish()
    }

    /// The history that [`FilteredHistory::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes that are short, damaged, of another state, newer, or hold what no rows could have led to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let n_assets = reader.size()?;
        let window = usize::try_from(reader.count()?).map_err(|error| refused(error.to_string()))?;
        let half_life = reader.real()?;
        let mut history =
            Self::new(n_assets, window, half_life).map_err(|error| refused(error.to_string()))?;
        history.n_observations = reader.count()?;
        history.variance = reader.reals(n_assets)?;
        history.mass = reader.reals(n_assets)?;
        for count in &mut history.observations {
            *count = reader.count()?;
        }
        let n_rows = reader.count()?;
        let ordinary = |number: &f64| (0.0..f64::INFINITY).contains(number);
        let possible = history.variance.iter().chain(&history.mass).all(ordinary)
            && history.observations.iter().all(|count| *count <= history.n_observations)
            && n_rows == history.n_observations.min(window as u64);
        if !possible {
            return Err(refused("its numbers contradict each other".to_owned()));
        }
        for _ in 0..n_rows {
            let (values, before) = (reader.reals(n_assets)?, reader.reals(n_assets)?);
            if values.iter().chain(&before).any(|number| number.is_infinite()) {
                return Err(refused("a return or a volatility is infinite".to_owned()));
            }
            history.window.push(ArrayView1::from(&values), before.into_iter());
        }
        reader.close()?;
        history.volatility = history.variance.iter().map(|variance| variance.sqrt()).collect();
        Ok(history)
    }
}
