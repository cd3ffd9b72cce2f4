//! What can be lost, who contributes to it, and whether the numbers held.
//!
//! Returns are simple, as fractions; every risk number is a positive loss. `tail` fixes the one convention of
//! value at risk and conditional value at risk that the other files share.

mod backtests;
mod binomial;
mod chi_squared;
mod component;
mod contributions;
mod drawdown;
mod engine;
mod filtered;
mod filtered_online;
mod forecasts;
mod hindsight;
mod historical;
mod judge;
mod pro_forma;
mod rolling;
mod statistics;
mod tail;
#[cfg(test)]
mod testing;
mod underwater;
mod weighted;

pub use backtests::{
    AcerbiSzekely, Christoffersen, LikelihoodRatio, TrafficLight, Zone, acerbi_szekely, christoffersen,
    kupiec, traffic_light,
};
pub use component::component_conditional_value_at_risk;
pub use contributions::{
    Holdings, concentration_ratio, diversification_ratio, effective_bets, effective_number_of_assets,
    holdings, portfolio_volatility, risk_contributions,
};
pub use drawdown::{drawdowns, max_drawdown, max_drawdown_columns};
pub use engine::{RiskEngine, RiskRule};
pub use filtered::{FEWEST_OBSERVATIONS, MIN_OBSERVATIONS, filtered_scenarios, filtered_tail};
pub use filtered_online::FilteredHistory;
pub use forecasts::{Coverage, Forecast, Forecasts, LEVELS, OnTrial};
pub use hindsight::{Hindsight, Market, hindsight};
pub use historical::{historical_tail, historical_tail_columns, historical_tails};
pub use judge::{Outlook, judge};
pub use rolling::{RollingTail, rolling_tail};
pub use statistics::{ReturnStatistics, return_statistics};
pub use tail::Tail;
pub use underwater::{DrawdownTracker, conditional_drawdown_at_risk, drawdown_duration, ulcer_index};
pub use weighted::weighted_tail;
