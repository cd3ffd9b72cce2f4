"""The charts show the values they were given and nothing else."""

from __future__ import annotations

import math
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from poise.backtest import BacktestResult
from poise.decision import regime_path
from poise.market import MarketData
from poise.report import ReportContent, figures
from poise.risk import drawdowns
from poise.typing import REGIME_LABELS
from tests.tolerances import CLOSED_FORM, SUM


def stamps(values: object) -> np.ndarray:
    return np.asarray(values, dtype="datetime64[ms]")


class TestEquity:
    def test_both_lines_are_the_equity(self, result: BacktestResult) -> None:
        strategy, baseline, *_ = figures.equity_figure(result).data
        np.testing.assert_array_equal(strategy.y, result.equity)
        np.testing.assert_array_equal(baseline.y, result.baseline)
        np.testing.assert_array_equal(stamps(strategy.x), stamps(result.times))
        assert (strategy.name, baseline.name) == ("strategy", "static baseline")

    def test_the_ribbon_covers_the_time_without_gap_or_overlap(self, result: BacktestResult) -> None:
        ribbon = figures.equity_figure(result).data[2:]
        start = np.array([stamps(bar.x)[0] for bar in ribbon])
        width = np.array([bar.width[0] for bar in ribbon], dtype="timedelta64[ms]")
        np.testing.assert_array_equal(start[1:], (start + width)[:-1])
        assert start[0] == stamps(result.times)[0]
        assert (start + width)[-1] == stamps(result.times)[-1]

    def test_the_ribbon_tells_each_regime_by_one_colour_and_one_legend(self) -> None:
        times = [f"2020-01-{day:02d}" for day in range(1, 8)]
        labels = ["bull", "bull", "bear", "bull", "high_volatility", "high_volatility", "sideways"]
        bars = figures.regime_ribbon(times, labels)  # type: ignore[arg-type]
        assert [bar.legendgroup for bar in bars] == ["bull", "bear", "bull", "high_volatility", "sideways"]
        assert [bar.showlegend for bar in bars] == [True, True, False, True, True]
        assert [bar.marker.color for bar in bars] == [figures.REGIME_COLOURS[b.legendgroup] for b in bars]
        assert "high volatility: 2 bars" in bars[3].hovertemplate

    def test_every_regime_has_a_colour(self) -> None:
        assert set(figures.REGIME_COLOURS) == set(REGIME_LABELS)


class TestDrawdown:
    def test_it_starts_at_the_top_and_goes_down(self, result: BacktestResult) -> None:
        strategy, baseline = figures.drawdown_figure(result).data
        np.testing.assert_array_equal(strategy.y[1:], -drawdowns(result.returns))
        np.testing.assert_array_equal(baseline.y[1:], -drawdowns(result.baseline_returns))
        assert strategy.y[0] == baseline.y[0] == 0.0
        assert len(strategy.x) == len(strategy.y)


class TestWeights:
    def test_layers_are_the_weights_and_cash_fills_to_one(self, result: BacktestResult) -> None:
        layers = {unescape(layer.name): np.asarray(layer.y) for layer in figures.weights_figure(result).data}
        np.testing.assert_allclose(sum(layers.values()), 1.0, atol=SUM)
        assert list(layers)[-1] == "cash"
        for column, symbol in enumerate(result.symbols):
            if result.weights[:, column].any():
                np.testing.assert_array_equal(layers[symbol], result.weights[:, column])
            else:
                assert symbol not in layers

    def test_the_small_ones_are_summed_up(self, result: BacktestResult) -> None:
        n = figures.MAX_WEIGHT_LINES + 3
        weights = np.tile(np.linspace(0.03, 0.05, n), (len(result.times), 1))
        wide = replace(result, weights=weights, symbols=tuple(f"S{i}" for i in range(n)))
        data = figures.weights_figure(wide).data
        assert [layer.name for layer in data][-2:] == ["3 others", "cash"]
        np.testing.assert_allclose(data[-2].y, np.sort(weights[0])[:3].sum(), rtol=CLOSED_FORM)
        assert data[0].name == f"S{n - 1}"


class TestCorrelation:
    def test_the_heatmap_is_the_matrix(self, content: ReportContent) -> None:
        matrix = content.decision.metrics.correlation_matrix
        (heatmap,) = figures.correlation_figure(matrix).data
        assert not any("<" in name for name in heatmap.x)
        names = [unescape(name) for name in heatmap.x]
        assert names == [unescape(name) for name in heatmap.y] == list(matrix)
        np.testing.assert_array_equal(
            np.asarray(heatmap.z, dtype=float), [[matrix[a][b] for b in names] for a in names]
        )
        assert (heatmap.zmin, heatmap.zmax) == (-1.0, 1.0)

    def test_symbols_are_names_even_when_made_of_digits(self, content: ReportContent) -> None:
        figure = figures.correlation_figure(content.decision.metrics.correlation_matrix)
        assert figure.layout.xaxis.type == figure.layout.yaxis.type == "category"

    def test_what_is_not_measured_is_left_out_and_a_missing_pair_is_blank(self) -> None:
        nan = math.nan
        matrix = {
            "A": {"A": 1.0, "B": nan, "C": nan},
            "B": {"A": nan, "B": 1.0, "C": nan},
            "C": {"A": nan, "B": nan, "C": nan},
        }
        assert figures.measured(matrix) == ["A", "B"]
        (heatmap,) = figures.correlation_figure(matrix).data
        assert [list(row) for row in heatmap.z] == [[1.0, None], [None, 1.0]]


@pytest.mark.parametrize("name", ["equity_figure", "weights_figure"])
def test_no_name_can_be_read_as_markup(name: str, result: BacktestResult) -> None:
    for trace in getattr(figures, name)(result).data:
        assert "<" not in trace.name


class TestRegime:
    def test_probabilities_are_stacked_to_one_below_market_and_ribbon(self, market: MarketData) -> None:
        path = regime_path(market.panel)
        figure = figures.regime_figure(path)
        np.testing.assert_array_equal(figure.data[0].y, path.index)
        np.testing.assert_array_equal(stamps(figure.data[0].x), stamps(path.times))
        layers = [trace for trace in figure.data if trace["type"] == "scatter"][1:]
        assert [trace.legendgroup for trace in layers] == list(REGIME_LABELS)
        np.testing.assert_allclose(np.sum([trace.y for trace in layers], axis=0), 1.0, atol=SUM)
        ribbon = [trace for trace in figure.data if trace.type == "bar"]
        assert ribbon[-1].legendgroup == path.states[-1].label

    def test_nothing_to_draw_is_an_empty_figure(self, market: MarketData) -> None:
        figure = figures.regime_figure(regime_path(market.panel.rows(0, 3)))
        assert all(len(trace.y) == 0 for trace in figure.data)
