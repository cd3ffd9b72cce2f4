//! A detector as bytes: each part writes and reads itself.

use super::calibration::Calibration;
use super::durations::Durations;
use super::engines::{Engine, Engines};
use super::features::{FeatureTracker, Reading};
use super::hysteresis::Hysteresis;
use super::judge::Judge;
use super::rules::{AdaptiveThresholds, Thresholds};
use super::{Diagnosis, RegimeDetector, saved};
use crate::Result;
use crate::snapshot::{Format, Reader, Writer, refused};

const FORMAT: Format = Format { mark: b"poiseRGM", version: 2, name: "a regime detector" };

impl RegimeDetector {
    /// The detector as bytes, from which [`RegimeDetector::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        self.engines.as_ref().map_or(Engine::Rules, Engines::engine).write(&mut writer);
        self.features.write(&mut writer);
        self.adaptive.write(&mut writer);
        writer.reals(&self.probabilities);
        self.engines.iter().for_each(|engines| engines.write(&mut writer));
        writer.reals(&self.published);
        self.hysteresis.write(&mut writer);
        self.durations.write(&mut writer);
        self.judge.write(&mut writer);
        self.calibration.write(&mut writer);
        writer.flag(self.diagnosis.is_some());
        if let Some(Diagnosis { reading, thresholds, likelihood }) = &self.diagnosis {
            reading.write(&mut writer);
            writer.reals(&[thresholds.volatility, thresholds.trend]);
            writer.reals(likelihood);
        }
        writer.flag(self.state.is_some());
        writer.finish()
    }

    /// The detector that [`RegimeDetector::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes that are short, damaged, of another state, of an earlier filter, newer, or hold what no rows could have led to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        if reader.version() < FORMAT.version {
            let version = reader.version();
            return Err(refused(format!(
                "version {version} followed another filter; fit the detector afresh"
            )));
        }
        let engine = Engine::read(&mut reader)?;
        let mut detector = Self {
            features: FeatureTracker::read(&mut reader)?,
            adaptive: AdaptiveThresholds::read(&mut reader)?,
            probabilities: saved::distribution(&mut reader)?,
            engines: Engines::read(&mut reader, engine)?,
            published: saved::distribution(&mut reader)?,
            hysteresis: Hysteresis::read(&mut reader)?,
            durations: Durations::read(&mut reader)?,
            judge: Judge::read(&mut reader)?,
            calibration: Calibration::read(&mut reader)?,
            diagnosis: None,
            state: None,
        };
        if reader.flag()? {
            detector.diagnosis = Some(Diagnosis {
                reading: Reading::read(&mut reader)?,
                thresholds: Thresholds { volatility: reader.real()?, trend: reader.real()? },
                likelihood: saved::distribution(&mut reader)?,
            });
        }
        if reader.flag()? {
            detector.publish();
        }
        reader.close()?;
        Ok(detector)
    }
}
