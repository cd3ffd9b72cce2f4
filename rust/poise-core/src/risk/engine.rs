//! Everything a live loop asks about risk, moved on bar by bar.
//!
//! Three views of the same bars. The *assets*: exponentially weighted second moments about zero. The *portfolio
//! held today*, pro forma: what its weights would have earned in the last bars, with tail and volatility. The
//! *account*: drawdowns of what was really earned with the weights of each bar.
//!
//! Where no asset was ever missing, the weighted mean of squared portfolio returns is exactly `w' C w`, so new
//! weights take it from the covariance; otherwise from the rows of the window.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::contributions;
use super::pro_forma::{DecayedMean, ProForma, refuse_bad_weights};
use super::tail::Tail;
use super::underwater::DrawdownTracker;
use crate::moments::{EwmaRule, EwmaState, ZeroVariance};
use crate::snapshot::{Format, Reader, Writer, refused};
use crate::{Error, Result, validate};

const FORMAT: Format = Format { mark: b"poiseRSK", version: 1, name: "a risk engine" };

/// How a [`RiskEngine`] measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskRule {
    /// Bars after which a squared return counts half in volatilities and covariances.
    pub half_life: f64,
    /// Bars that the pro-forma tail looks back on.
    pub window: usize,
    /// The level of value at risk.
    pub confidence_level: f64,
    /// Returns in the window from which the tail is told.
    pub min_observations: usize,
}

/// Risk of a portfolio, one bar at a time. A refused bar leaves everything as it was.
#[derive(Debug, Clone)]
pub struct RiskEngine {
    rule: RiskRule,
    moments: EwmaState,
    pro_forma: ProForma,
    account: DrawdownTracker,
    /// What the portfolio earned in the last bar, NaN where that is unknown.
    portfolio_return: f64,
    /// Whether some bar had values for some assets only.
    gaps: bool,
}

impl RiskEngine {
    /// An engine that holds cash and has seen nothing. It takes the memory that its window needs at once.
    ///
    /// # Errors
    /// No asset, a half-life that is not positive, a window of zero bars, a level outside (0, 1), a minimum of
    /// zero observations or more than the window holds.
    pub fn new(n_assets: usize, rule: RiskRule) -> Result<Self> {
        let moments = EwmaState::new(n_assets, moments_rule(rule.half_life))?;
        let pro_forma = ProForma::new(n_assets, rule.window, rule.confidence_level, rule.half_life)?;
        if rule.min_observations == 0 || rule.min_observations > rule.window {
            return Err(Error::OutOfRange {
                what: "min_observations",
                value: rule.min_observations as f64,
                range: "at least 1 and at most the window",
            });
        }
        let account = DrawdownTracker::default();
        Ok(Self { rule, moments, pro_forma, account, portfolio_return: f64::NAN, gaps: false })
    }

    /// Takes in the asset returns of the next bar, NaN where one is missing; what the portfolio earned in it, NaN
    /// where a held asset is missing.
    ///
    /// # Errors
    /// Another number of assets, an infinite return, one whose square is infinite.
    pub fn update(&mut self, row: &[f64]) -> Result<f64> {
        let view = ArrayView1::from(row);
        validate::length("row", view, self.n_assets())?;
        let missing = missing_values(row)?;
        let outcome = if missing == row.len() { f64::NAN } else { self.pro_forma.outcome(row)? };
        self.moments.update(view)?;
        self.gaps |= missing > 0 && missing < row.len();
        self.pro_forma.advance(row, outcome);
        if !outcome.is_nan() {
            self.account.advance(outcome);
        }
        self.portfolio_return = outcome;
        Ok(outcome)
    }

    /// Holds other weights from the next bar on: tail and volatility are those of the new portfolio at once, the
    /// account keeps its past.
    ///
    /// # Errors
    /// Another number of weights, one that is not finite or absurdly large; nothing has changed then.
    pub fn hold(&mut self, weights: ArrayView1<'_, f64>) -> Result<()> {
        validate::length("weights", weights, self.n_assets())?;
        validate::finite("weights", weights)?;
        let weights = weights.to_vec();
        refuse_bad_weights(&weights)?;
        let variance = if self.gaps || self.moments.n_observations() == 0 {
            None
        } else {
            Some(self.moments.portfolio_variance(ArrayView1::from(&weights))?.max(0.0))
        };
        self.pro_forma.hold(&weights, variance)
    }

    /// The rule it measures by.
    pub fn rule(&self) -> &RiskRule {
        &self.rule
    }

    /// Assets in a row.
    pub fn n_assets(&self) -> usize {
        self.moments.n_assets()
    }

    /// Bars taken in that held at least one value.
    pub fn n_observations(&self) -> u64 {
        self.moments.n_observations()
    }

    /// Returns of the portfolio in the window.
    pub fn n_returns(&self) -> usize {
        self.pro_forma.n_returns()
    }

    /// The weights held.
    pub fn weights(&self) -> &[f64] {
        self.pro_forma.weights()
    }

    /// What the portfolio earned in the last bar; NaN before the first and where a held asset was missing.
    pub fn portfolio_return(&self) -> f64 {
        self.portfolio_return
    }

    /// The standard deviation of every asset; NaN before its first return.
    pub fn volatility(&self) -> Array1<f64> {
        self.moments.volatility()
    }

    /// The standard deviation of the portfolio; NaN before its first return.
    pub fn portfolio_volatility(&self) -> f64 {
        self.pro_forma.variance().sqrt()
    }

    /// Value at risk and conditional value at risk of the portfolio, once there are returns enough.
    pub fn tail(&self) -> Option<Tail> {
        self.pro_forma.tail().filter(|_| self.n_returns() >= self.rule.min_observations)
    }

    /// Whether tail and volatilities of what is held are known.
    pub fn is_warm(&self) -> bool {
        let volatility = self.moments.volatility();
        let known = |(weight, volatility): (&f64, &f64)| *weight == 0.0 || !volatility.is_nan();
        self.tail().is_some() && self.weights().iter().zip(&volatility).all(known)
    }

    /// The account's drawdowns.
    pub fn account(&self) -> &DrawdownTracker {
        &self.account
    }

    /// The covariance of the assets; NaN where there is no estimate yet.
    pub fn covariance(&self) -> Array2<f64> {
        self.moments.covariance()
    }

    /// Their correlation: 0 beside an asset that never moved.
    pub fn correlation(&self) -> Array2<f64> {
        self.moments.correlation(ZeroVariance::Uncorrelated)
    }

    /// What each asset contributes to the portfolio's volatility, by the covariance; NaN for what is held while
    /// the covariance of what is held is not known.
    ///
    /// # Errors
    /// A covariance of pairs with gaps that gives the portfolio a negative variance.
    pub fn risk_contributions(&self) -> Result<Array1<f64>> {
        let (held, weights, covariance) = self.holdings();
        let known = covariance.iter().all(|entry| entry.is_finite());
        let found = if held.is_empty() || !known {
            Array1::from_elem(held.len(), f64::NAN)
        } else {
            contributions::risk_contributions(weights.view(), covariance.view())?
        };
        let mut contributions = Array1::zeros(self.n_assets());
        for (asset, contribution) in held.into_iter().zip(found) {
            contributions[asset] = contribution;
        }
        Ok(contributions)
    }

    /// Mean volatility of the positions over that of the portfolio, by the covariance; 1 when all is cash, NaN
    /// while the covariance of what is held is not known.
    ///
    /// # Errors
    /// As [`RiskEngine::risk_contributions`].
    pub fn diversification_ratio(&self) -> Result<f64> {
        let (held, weights, covariance) = self.holdings();
        if held.is_empty() {
            return Ok(1.0);
        }
        if !covariance.iter().all(|entry| entry.is_finite()) {
            return Ok(f64::NAN);
        }
        contributions::diversification_ratio(weights.view(), covariance.view())
    }

    /// The assets held, their weights and their covariance.
    fn holdings(&self) -> (Vec<usize>, Array1<f64>, Array2<f64>) {
        let weights = self.weights();
        let held: Vec<usize> = (0..weights.len()).filter(|&asset| weights[asset] != 0.0).collect();
        let covariance = self.covariance().select(Axis(0), &held).select(Axis(1), &held);
        let weights = held.iter().map(|&asset| weights[asset]).collect();
        (held, weights, covariance)
    }

    /// The engine as bytes, from which [`RiskEngine::from_bytes`] continues bit for bit.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new(FORMAT);
        let RiskRule { half_life, window, confidence_level, min_observations } = self.rule;
        writer.reals(&[half_life, confidence_level]);
        writer.count(window as u64);
        writer.count(min_observations as u64);
        writer.count(self.n_assets() as u64);
        writer.reals(self.weights());
        let DecayedMean { value, weight } = self.pro_forma.mean_square();
        writer.reals(&[value, weight, self.portfolio_return]);
        writer.flag(self.gaps);
        writer.count(self.pro_forma.n_rows() as u64);
        self.pro_forma.oldest_first().for_each(|row| writer.reals(row));
        writer.bytes(&self.account.to_bytes());
        writer.bytes(&self.moments.to_bytes());
        writer.finish()
    }

    /// The engine that [`RiskEngine::to_bytes`] wrote.
    ///
    /// # Errors
    /// Bytes that are short, damaged, of another state, newer, or hold what no bars could have led to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::open(bytes, FORMAT)?;
        let (half_life, confidence_level) = (reader.real()?, reader.real()?);
        let (window, min_observations) = (whole(reader.count()?)?, whole(reader.count()?)?);
        let n_assets = reader.size()?;
        let weights = reader.reals(n_assets)?;
        let mean_square = DecayedMean { value: reader.real()?, weight: reader.real()? };
        let portfolio_return = reader.real()?;
        let gaps = reader.flag()?;
        let n_rows = whole(reader.count()?)?;
        let rows = reader.reals(n_rows.saturating_mul(n_assets))?;
        let account = DrawdownTracker::from_bytes(reader.bytes()?)?;
        let moments = EwmaState::from_bytes(reader.bytes()?)?;
        reader.close()?;
        let possible = n_rows <= window
            && !rows.iter().any(|value| value.is_infinite())
            && !portfolio_return.is_infinite()
            && mean_square.is_possible()
            && moments.n_assets() == n_assets
            && *moments.rule() == moments_rule(half_life);
        if !possible {
            return Err(refused("its numbers contradict each other".to_owned()));
        }
        let rule = RiskRule { half_life, window, confidence_level, min_observations };
        let restore = || {
            let mut engine = Self::new(n_assets, rule)?;
            engine.pro_forma.restore(rows, &weights, mean_square)?;
            Ok(Self { moments, account, portfolio_return, gaps, ..engine })
        };
        restore().map_err(|error: Error| refused(error.to_string()))
    }
}

/// Counts the NaN of a row and refuses its first infinity, or value whose square is infinite.
fn missing_values(row: &[f64]) -> Result<usize> {
    match row.iter().enumerate().find(|(_, value)| (*value * *value).is_infinite()) {
        Some((index, &value)) if value.is_infinite() => {
            Err(Error::NonFinite { what: "row", value, position: format!("index {index}") })
        }
        Some((_, &value)) => {
            Err(Error::OutOfRange { what: "return", value, range: "a number whose square is finite" })
        }
        None => Ok(row.iter().filter(|value| value.is_nan()).count()),
    }
}

/// Second moments about zero: at daily or shorter horizons the mean is noise.
fn moments_rule(half_life: f64) -> EwmaRule {
    EwmaRule { demean: false, ..EwmaRule::new(half_life) }
}

fn whole(count: u64) -> Result<usize> {
    usize::try_from(count).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests;
