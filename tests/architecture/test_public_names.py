"""The names that the design promises, where it promises them."""

import dataclasses
import importlib
import inspect

import pytest

from tests.given_api import FOURTEEN

PROMISED = {
    "poise": [
        "EnhancedPortfolioStrategy",
        "EnhancedPortfolioMetrics",
        "EnhancedAssetConfigManager",
        "PortfolioRebalancer",
        "Portfolio",
        "Weights",
        "__version__",
    ],
    "poise.enhanced_portfolio_strategy": ["EnhancedPortfolioStrategy", "EnhancedPortfolioMetrics"],
    "poise.enhanced_asset_config_manager": ["EnhancedAssetConfigManager"],
    "poise.portfolio_rebalancer": ["PortfolioRebalancer"],
    "poise.moments": [
        "EwmaCovariance",
        "IteratedEwmaCovariance",
        "MultiHalfLifeCovariance",
        "MultiTimeframeCovariance",
        "RegimeCovariance",
        "RollingCovariance",
        "ShrunkEwmaCovariance",
        "rolling_covariance",
        "ewma_covariance",
        "ewma_correlation",
        "sample_covariance",
        "unpack",
        "constant_correlation_shrinkage",
        "ledoit_wolf",
        "oas",
        "nonlinear_shrinkage",
        "nearest_correlation",
        "james_stein_means",
        "hayashi_yoshida",
        "correlation_summary",
        "CorrelationSummary",
        "CrossMarketCorrelation",
    ],
    "poise.risk": [
        "value_at_risk",
        "conditional_value_at_risk",
        "rolling_value_at_risk",
        "rolling_conditional_value_at_risk",
        "drawdowns",
        "max_drawdown",
        "risk_contributions",
        "diversification_ratio",
        "effective_number_of_assets",
        "component_conditional_value_at_risk",
        "kupiec_test",
        "christoffersen_test",
        "acerbi_szekely_test",
        "traffic_light",
        "ulcer_index",
        "conditional_drawdown_at_risk",
        "drawdown_duration",
        "DrawdownTracker",
        "RollingTailRisk",
        "RiskEngine",
        "FilteredHistory",
        "VarBacktest",
        "component_value_at_risk",
        "risk_score_parts",
    ],
    "poise.regime": [
        "RegimeDetector",
        "RegimeState",
        "GaussianHMM",
        "JumpModel",
        "CalibrationReport",
        "ReliabilityBin",
    ],
    "poise.optimization": [
        "solve_risk_parity",
        "solve_minimum_variance",
        "solve_maximum_diversification",
        "solve_mean_variance",
        "solve_maximum_sharpe",
        "efficient_frontier",
        "EfficientFrontier",
        "rolling_minimum_variance",
        "solve_minimum_cvar",
        "solve_minimum_cdar",
        "solve_kelly",
        "solve_kelly_quadratic",
        "OptimizationResult",
        "solve_multi_period",
        "LinearConstraint",
        "GroupLimit",
        "FactorExposure",
        "Budget",
        "TurnoverLimit",
        "TrackingError",
        "ParticipationLimit",
        "Cardinality",
        "RegimeConstraints",
        "TradingCosts",
        "EqualWeight",
        "CapWeight",
        "InverseVolatility",
        "RiskParity",
        "HierarchicalRiskParity",
        "MinimumVariance",
        "MeanVariance",
        "MaximumSharpe",
        "MaximumDiversification",
        "BlackLitterman",
        "MinimumCVaR",
        "MinimumCDaR",
        "Kelly",
        "MomentumTilt",
        "MeanReversion",
    ],
    "poise.costs": ["CostModel", "FillEngine"],
    "poise.performance": [
        "sharpe_ratio",
        "sortino_ratio",
        "calmar_ratio",
        "probabilistic_sharpe_ratio",
        "deflated_sharpe_ratio",
    ],
    "poise.market": ["read_bars", "sample", "session_closes", "FileSource"],
    "poise.decision": ["DecisionCycle", "Decision"],
    "poise.backtest": ["Backtest"],
    "poise.bench": ["Case", "Contender", "Latency", "Missing", "Result", "measure", "table", "time_calls"],
    "poise.execution": ["PaperBroker", "CcxtBroker", "Journal"],
    "poise.testing": ["assert_causal", "perturb_future"],
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in PROMISED.items() for n in names])
def test_the_promised_name_is_there_and_documented(module: str, name: str) -> None:
    thing = getattr(importlib.import_module(module), name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert (thing.__doc__ or "").strip(), f"{module}.{name} has no docstring"


def test_metrics_have_exactly_the_fourteen_fields() -> None:
    from poise import EnhancedPortfolioMetrics

    assert [field.name for field in dataclasses.fields(EnhancedPortfolioMetrics)] == FOURTEEN


def test_dir_lists_the_lazy_names() -> None:
    import poise

    assert set(PROMISED["poise"]) <= set(dir(poise))


def test_an_unknown_name_suggests_the_nearest() -> None:
    import poise

    with pytest.raises(AttributeError, match="EnhancedPortfolioStrategy"):
        _ = poise.EnhancedPortfolioStrateg
