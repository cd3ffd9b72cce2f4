"""Public names without a case, and why: they have no rows of their own to look ahead in."""

VALUE = "a value: computes nothing from a history"
SAMPLE = "one answer about exactly the rows handed in; it has no path"
POINT = "computes from weights and moments of one moment"
SOURCE = "reads or makes data, computes nothing from them"

_REASONS = {
    VALUE: """
        moments.AsynchronousCovariance moments.CorrelatedPair moments.CorrelationSummary
        moments.CrossMarketPair moments.ShrunkCovariance moments.ShrunkMeans
        risk.AcerbiSzekelyResult risk.BACKTEST_LEVELS risk.ChristoffersenResult risk.KupiecResult
        risk.RISK_SCORE_WEIGHTS risk.TailRisk risk.TrafficLightResult
        performance.BrinsonAttribution performance.PerformanceSummary
        regime.CalibrationReport regime.RegimeState regime.ReliabilityBin
        strategy.BookOutlook strategy.Exposure strategy.Limits strategy.Outlook strategy.PolicyRules
        strategy.SignalBook strategy.Skill
        universe.AssetObservation universe.TIERS universe.TierAssignment universe.UniverseJudgement
        decision.Decision decision.Measurement decision.NamedPortfolio decision.PanelFrontier
        decision.RegimePath decision.SharedReturns strategy.BookViews
        backtest.BacktestResult backtest.ExecutedRebalance
        market.Benchmark market.DataReport market.Delisting market.MarketData market.ReferenceSeries
    """,
    SAMPLE: """
        moments.constant_correlation_shrinkage moments.correlation_summary moments.hayashi_yoshida
        moments.james_stein_means moments.ledoit_wolf moments.nonlinear_shrinkage moments.oas
        moments.sample_covariance
        risk.acerbi_szekely_test risk.beta risk.christoffersen_test risk.component_conditional_value_at_risk
        risk.component_value_at_risk risk.conditional_drawdown_at_risk risk.conditional_value_at_risk
        risk.drawdown_duration risk.filtered_scenarios risk.filtered_value_at_risk risk.kupiec_test
        risk.max_drawdown risk.tail_risk risk.traffic_light risk.ulcer_index risk.value_at_risk
        performance.active_return performance.annualized_return performance.annualized_volatility
        performance.calmar_ratio performance.deflated_sharpe_ratio performance.information_ratio
        performance.jensen_alpha performance.probabilistic_sharpe_ratio performance.sharpe_ratio
        performance.sortino_ratio performance.summarize performance.total_return performance.tracking_error
        performance.brinson_fachler performance.link_effects
        decision.across_markets decision.named_portfolios decision.panel_frontier decision.shared_returns
    """,
    POINT: """
        moments.half_life_of_window moments.nearest_correlation moments.unpack
        risk.concentration_ratio risk.diversification_ratio risk.effective_bets
        risk.effective_number_of_assets risk.portfolio_volatility risk.risk_contributions risk.risk_score
        risk.risk_score_parts
        performance.expected_maximum_sharpe_ratio performance.minimum_track_record_length
        decision.equal_book decision.told_once
        strategy.read_book_views
    """,
    SOURCE: """
        market.FileSource market.PriceSource market.SampleSource market.panel_from market.read_bars
        market.sample market.session_closes
    """,
}

NO_HISTORY = {name: reason for reason, names in _REASONS.items() for name in names.split()}
