//! A jump model of volatility and trend score: up to four states, named by what is typical of them.
//!
//! Shu, Yu and Mulvey (2024), "Downside risk reduction using regime-switching signals". Probabilities are a softmax of
//! the costs of the cheapest paths into each state.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::super::features::Reading;
use super::super::rules::{FLOOR, Probabilities, normalised};
use super::super::saved;
use super::history::{N_FEATURES, Scale};
use super::naming::{Slots, matched, names, still_right};
use crate::Result;
use crate::regime::{JumpModel, JumpSettings, fit_jump_model};
use crate::snapshot::{Reader, Writer, refused};

const N_STATES: usize = 4;

const N_RESTARTS: usize = 10;

/// A path that has just paid for a change is this much less likely, in logarithms, than one that had not to: the
/// surest of four states has 0.71. Colder is surer and scores worse, because neighbouring readings share most bars.
const COLDNESS: f64 = 2.0;

/// Where the states lie, in units of the scores.
type Places = Slots<N_STATES>;

#[derive(Debug, Clone)]
pub(super) struct Jumps {
    /// Its states are those of the taken slots, in order.
    model: JumpModel,
    scale: Scale,
    places: Places,
    /// By state of the model.
    names: Vec<usize>,
}

impl Jumps {
    /// States in the order of an old fit, where there is one, and with its names where these still fit; those that no bar belongs to are left out, because they
    /// may lie anywhere. None where no fit is found.
    pub(super) fn fit(rows: ArrayView2<'_, f64>, penalty: f64, old: Option<&Self>) -> Option<Self> {
        let scale = Scale::of(rows);
        let mut standard = Array2::zeros(rows.dim());
        for (mut to, from) in standard.rows_mut().into_iter().zip(rows.rows()) {
            to.assign(&ArrayView1::from(&scale.apply([from[0], from[1]])));
        }
        let settings =
            JumpSettings { n_states: N_STATES, jump_penalty: penalty, n_restarts: N_RESTARTS, seed: 0 };
        let fitted = fit_jump_model(standard.view(), &settings).ok()?.model;
        let (labels, _) = fitted.predict(standard.view()).ok()?;
        let centroids = fitted.centroids();
        let used: [Option<[f64; N_FEATURES]>; N_STATES] = std::array::from_fn(|k| {
            let is_used = labels.iter().any(|label| *label == k as i64);
            is_used.then(|| std::array::from_fn(|i| centroids[(k, i)]))
        });
        let places = used.map(|centroid| centroid.map(|centroid| scale.undo(centroid)));
        let order: [usize; N_STATES] =
            old.map_or(std::array::from_fn(|k| k), |old| matched(&old.places, &places));
        let states: Vec<usize> = order.into_iter().filter(|k| used[*k].is_some()).collect();
        let ordered = Array2::from_shape_fn((states.len(), N_FEATURES), |(k, i)| centroids[(states[k], i)]);
        let mut model = JumpModel::new(ordered.view(), penalty).ok()?;
        model.stand_after(standard.view()).ok()?;
        let typical: Vec<_> = states.iter().map(|k| medians(rows, &labels, *k)).collect();
        let places = order.map(|k| places[k]);
        let before: Vec<_> = old
            .map_or([None; N_STATES], Self::names_by_slot)
            .into_iter()
            .zip(&places)
            .filter_map(|(name, place)| place.map(|_| name))
            .collect();
        let names = if still_right(&before, &typical) {
            before.into_iter().flatten().collect()
        } else {
            names(&typical)
        };
        Some(Self { model, scale, places, names })
    }

    /// States that another fit calls otherwise.
    pub(super) fn flips(&self, before: &Self) -> u64 {
        let (old, new) = (before.names_by_slot(), self.names_by_slot());
        let order = matched(&before.places, &self.places);
        let is_flip = |k: usize| matches!((old[k], new[order[k]]), (Some(old), Some(new)) if old != new);
        (0..N_STATES).filter(|k| is_flip(*k)).count() as u64
    }

    fn names_by_slot(&self) -> [Option<usize>; N_STATES] {
        let mut names = self.names.iter();
        self.places.map(|place| place.and_then(|_| names.next().copied()))
    }

    pub(super) fn step(&mut self, reading: &Reading) {
        let row = self.scale.apply([reading.volatility_score, reading.trend_score]);
        // Within three standard deviations every distance is finite: no row is refused.
        let _ = self.model.step(ArrayView1::from(&row));
    }

    pub(super) fn probabilities(&self) -> Probabilities {
        let mut by_label = [0.0; 4];
        let temperature = self.model.jump_penalty() / COLDNESS;
        let costs = self.model.costs();
        let least = costs.iter().fold(f64::INFINITY, |least: f64, cost| least.min(*cost));
        for (cost, name) in costs.iter().zip(&self.names) {
            by_label[*name] += ((least - cost) / temperature).exp();
        }
        normalised(normalised(by_label).map(|p| p.max(FLOOR)))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.model.to_bytes());
        self.scale.write(writer);
        for place in &self.places {
            writer.flag(place.is_some());
            place.iter().for_each(|place| writer.reals(place));
        }
        self.names.iter().for_each(|name| writer.count(*name as u64));
    }

    pub(super) fn read(reader: &mut Reader<'_>, penalty: f64) -> Result<Self> {
        let model = JumpModel::from_bytes(reader.bytes()?).map_err(saved::unfit)?;
        let scale = Scale::read(reader)?;
        let mut places = [None; N_STATES];
        for place in &mut places {
            if reader.flag()? {
                let values = [reader.real()?, reader.real()?];
                saved::all_finite("a place of a state", &values)?;
                *place = Some(values);
            }
        }
        let n_states = places.iter().flatten().count();
        let found = (model.n_states(), model.n_features(), model.jump_penalty());
        if found != (n_states, N_FEATURES, penalty) {
            return Err(refused(format!("the jump engine has states, features and penalty {found:?}")));
        }
        let names = (0..n_states).map(|_| saved::at_most(reader, 3)).collect::<Result<_>>()?;
        Ok(Self { model, scale, places, names })
    }
}

/// Of the rows of a state, feature by feature.
fn medians(rows: ArrayView2<'_, f64>, labels: &Array1<i64>, state: usize) -> [f64; N_FEATURES] {
    std::array::from_fn(|i| {
        let own = rows.column(i).into_iter().zip(labels).filter(|(_, label)| **label == state as i64);
        median(own.map(|(x, _)| *x).collect())
    })
}

/// NaN of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { 0.5 * (values[(n - 1) / 2] + values[n / 2]) }
}
