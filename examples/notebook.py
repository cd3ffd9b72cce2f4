"""A notebook's dozen lines on the embedded sample; the README shows the same."""

import pandas as pd

from poise.market import sample
from poise.moments import ewma_covariance
from poise.optimization import solve_risk_parity
from poise.regime import RegimeDetector
from poise.risk import conditional_value_at_risk, risk_contributions

panel = sample().panel  # 23 ETFs, daily closes 2008-2016
returns = pd.DataFrame(panel.to_returns(), index=panel.opened[1:], columns=panel.symbols)
covariance = ewma_covariance(returns, half_life=63)
book = solve_risk_parity(covariance)
risk = risk_contributions(book.weights, covariance)
print("largest:", book.weights.nlargest(3).round(3).to_dict())
print(f"each asset carries {risk.min() / risk.sum():.2%} to {risk.max() / risk.sum():.2%} of the risk")
print(f"lost on an average bad day: {conditional_value_at_risk(returns @ book.weights):.2%}")
print("regime:", RegimeDetector().fit(returns).state_.label)
