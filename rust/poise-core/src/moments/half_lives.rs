//! The same rows under several half-lives.
//!
//! One call feeds one running state per half-life. The outer product of a row is not shared between
//! them: each state folds blocks of rows scaled by its own weights, one fused multiply-add per entry and row,
//! and a product formed once for all would still have to be multiplied into each.

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::accumulator::ZeroVariance;
use super::scheme::EwmaRule;
use super::state::EwmaState;
use crate::snapshot::{Format, Reader, Writer, refused};
use crate::{Error, Result, validate};

const FORMAT: Format = Format { mark: b"poiseMHL", version: 1, name: "a state of several half-lives" };

/// Running moments for each of several half-lives. A refused row leaves them as they were.
#[derive(Debug, Clone)]
pub struct HalfLivesState {
    states: Vec<EwmaState>,
}

impl HalfLivesState {
    /// A state that has seen nothing; `rule` gives everything but the half-lives.
    pub fn new(n_assets: usize, half_lives: &[f64], rule: EwmaRule) -> Result<Self> {
        if half_lives.is_empty() {
            return Err(Error::Empty { what: "half_lives", unit: "half-life" });
        }
        let of = |&half_life: &f64| EwmaState::new(n_assets, EwmaRule { half_life, ..rule });
        Ok(Self { states: half_lives.iter().map(of).collect::<Result<_>>()? })
    }

    /// Takes in the next row; NaN is missing.
    pub fn update(&mut self, row: ArrayView1<'_, f64>) -> Result<()> {
        // What the first refuses all would, before any of them has moved.
        self.states.iter_mut().try_for_each(|state| state.update(row))
    }

    /// Takes in many rows, as [`HalfLivesState::update`] would one by one, up to rounding.
    pub fn absorb(&mut self, returns: ArrayView2<'_, f64>) -> Result<()> {
        self.states.iter_mut().try_for_each(|state| state.absorb(returns))
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.states.first().map_or(0, EwmaState::n_assets)
    }

    /// Rows taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.states.first().map_or(0, EwmaState::n_observations)
    }

    /// Half-lives.
    pub fn n_half_lives(&self) -> usize {
        self.states.len()
    }

    /// Adds the rows that still wait to the matrices. Reads give the same without it, but each then adds them
    /// for itself.
    pub fn fold(&mut self) {
        self.states.iter_mut().for_each(EwmaState::fold);
    }

    /// Writes the covariances one after another into `out`, of length `n_half_lives n_assets^2`; NaN where there
    /// is no estimate yet.
    pub fn write_covariance(&self, out: &mut [f64]) -> Result<()> {
        self.write(out, EwmaState::write_covariance)
    }

    /// Writes the correlations one after another, as [`HalfLivesState::write_covariance`] does.
    pub fn write_correlation(&self, zero: ZeroVariance, out: &mut [f64]) -> Result<()> {
        self.write(out, |state, out| state.write_correlation(zero, out))
    }

    /// The standard deviations per bar, `(n_half_lives, n_assets)`.
    pub fn volatility(&self) -> Array2<f64> {
        let mut all = Array2::zeros((self.states.len(), self.n_assets()));
        for (mut row, state) in all.rows_mut().into_iter().zip(&self.states) {
            row.assign(&state.volatility());
        }
        all
    }

    /// The state as bytes, from which [`HalfLivesState::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        writer.count(self.states.len() as u64);
        self.states.iter().for_each(|state| writer.bytes(&state.to_bytes()));
        writer.finish()
    }

    /// The state that [`HalfLivesState::to_bytes`] wrote; refuses short, damaged and newer bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let n_half_lives = reader.size()?;
        let mut states = Vec::new();
        for _ in 0..n_half_lives {
            states.push(EwmaState::from_bytes(reader.bytes()?)?);
        }
        reader.close()?;
        let shape = |state: &EwmaState| (state.n_assets(), state.n_observations());
        if states.windows(2).any(|pair| shape(&pair[0]) != shape(&pair[1])) {
            return Err(refused("its half-lives have seen different rows".to_owned()));
        }
        Ok(Self { states })
    }

    fn write(&self, out: &mut [f64], write: impl Fn(&EwmaState, &mut [f64]) -> Result<()>) -> Result<()> {
        let size = self.n_assets() * self.n_assets();
        validate::length("out", (&*out).into(), self.states.len() * size)?;
        out.chunks_exact_mut(size).zip(&self.states).try_for_each(|(slice, state)| write(state, slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr1, arr2};

    fn fed(rows: &[[f64; 2]]) -> HalfLivesState {
        let mut state = HalfLivesState::new(2, &[2.0, 9.0], EwmaRule::new(1.0)).unwrap();
        rows.iter().for_each(|row| state.update(arr1(row).view()).unwrap());
        state
    }

    #[test]
    fn equals_one_state_per_half_life() {
        let rows = [[0.1, 0.2], [0.3, f64::NAN], [-0.1, 0.4], [0.2, 0.2]];
        let mut all = fed(&rows);
        let mut matrices = vec![0.0; 8];
        all.write_covariance(&mut matrices).unwrap();
        assert!(all.write_covariance(&mut matrices[1..]).is_err());
        for (k, half_life) in [2.0, 9.0].into_iter().enumerate() {
            let mut alone = EwmaState::new(2, EwmaRule::new(half_life)).unwrap();
            rows.iter().for_each(|row| alone.update(arr1(row).view()).unwrap());
            assert!(matrices[4 * k..4 * k + 4].iter().eq(&alone.covariance()));
            assert_eq!(all.volatility().row(k), alone.volatility());
        }
        all.fold();
        assert_eq!((all.n_half_lives(), all.n_observations()), (2, 4));
    }

    #[test]
    fn a_refused_row_changes_nothing() {
        let mut state = fed(&[[0.1, 0.2], [0.3, -0.1]]);
        let before = state.to_bytes();
        assert!(state.update(arr1(&[0.1, f64::INFINITY]).view()).is_err());
        assert!(state.update(arr1(&[0.1]).view()).is_err());
        assert!(state.absorb(arr2(&[[0.1, 0.2], [0.1, f64::INFINITY]]).view()).is_err());
        assert_eq!(state.to_bytes(), before);
        assert!(HalfLivesState::new(2, &[], EwmaRule::new(1.0)).is_err());
        assert!(HalfLivesState::new(2, &[3.0, 0.0], EwmaRule::new(1.0)).is_err());
        assert!(HalfLivesState::new(0, &[3.0], EwmaRule::new(1.0)).is_err());
    }

    #[test]
    fn restored_states_go_on_and_mixed_ones_are_refused() {
        let mut state = fed(&[[0.1, 0.2], [0.3, f64::NAN]]);
        let mut restored = HalfLivesState::from_bytes(&state.to_bytes()).unwrap();
        for state in [&mut state, &mut restored] {
            state.update(arr1(&[0.7, -0.3]).view()).unwrap();
        }
        assert_eq!(state.to_bytes(), restored.to_bytes());
        let mut mixed = Writer::new(FORMAT);
        mixed.count(2);
        mixed.bytes(&EwmaState::new(2, EwmaRule::new(1.0)).unwrap().to_bytes());
        mixed.bytes(&EwmaState::new(3, EwmaRule::new(1.0)).unwrap().to_bytes());
        assert!(matches!(HalfLivesState::from_bytes(&mixed.finish()), Err(Error::Snapshot { .. })));
    }
}
