//! The detector as bytes: what its parts have in common.

use super::ordered::OrderedWindow;
use super::rules::Probabilities;
use crate::snapshot::{Reader, Writer, refused};
use crate::{Error, Result};

/// The error of numbers that no rows could have led to.
pub(super) fn unfit(error: Error) -> Error {
    refused(error.to_string())
}

pub(super) fn write_window(writer: &mut Writer, window: &OrderedWindow<f64>) {
    writer.count(window.len() as u64);
    window.oldest_first().for_each(|value| writer.reals(&[*value]));
}

pub(super) fn read_window(reader: &mut Reader<'_>, most: usize) -> Result<OrderedWindow<f64>> {
    let mut window = OrderedWindow::new(most);
    finite(reader, most)?.into_iter().for_each(|value| window.push(value));
    Ok(window)
}

/// A number of things of which there can be `most`.
pub(super) fn at_most(reader: &mut Reader<'_>, most: usize) -> Result<usize> {
    let count = reader.count()?;
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= most)
        .ok_or_else(|| refused(format!("{count} of something of which there can be {most}")))
}

/// Up to `most` finite numbers.
pub(super) fn finite(reader: &mut Reader<'_>, most: usize) -> Result<Vec<f64>> {
    let count = at_most(reader, most)?;
    let values = reader.reals(count)?;
    all_finite("a number of a window", &values)?;
    Ok(values)
}

pub(super) fn all_finite(what: &str, values: &[f64]) -> Result<()> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(refused(format!("{what} is {value}"))),
        None => Ok(()),
    }
}

pub(super) fn not_negative(what: &str, values: &[f64]) -> Result<()> {
    match values.iter().find(|value| !(**value >= 0.0 && value.is_finite())) {
        Some(value) => Err(refused(format!("{what} is {value}"))),
        None => Ok(()),
    }
}

pub(super) fn probability(reader: &mut Reader<'_>) -> Result<f64> {
    let value = reader.real()?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(refused(format!("a probability is {value}"))) }
}

pub(super) fn distribution(reader: &mut Reader<'_>) -> Result<Probabilities> {
    let mut values = [0.0; 4];
    for value in &mut values {
        *value = probability(reader)?;
    }
    let total: f64 = values.iter().sum();
    if (total - 1.0).abs() > 1e-8 {
        return Err(refused(format!("probabilities sum to {total}")));
    }
    Ok(values)
}
