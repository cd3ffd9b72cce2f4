"""The charts of a report, each from the values it shows and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from poise.risk import drawdowns
from poise.typing import REGIME_LABELS, RegimeLabel, Vector

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from poise.backtest import BacktestResult
    from poise.decision import PanelFrontier, RegimePath

INK, MUTED, GRID = "#1f2933", "#7b8794", "#e4e7eb"
STRATEGY_COLOUR, BASELINE_COLOUR = "#0b6e4f", "#9aa5b1"
STRATEGY_FILL = "rgba(11, 110, 79, 0.25)"
REGIME_COLOURS: Mapping[RegimeLabel, str] = {
    "bull": "#3ebd93",
    "bear": "#e66a6a",
    "sideways": "#cbd2d9",
    "high_volatility": "#f7c948",
}
_WEIGHT_COLOURS = (
    "#0b6e4f", "#27ab83", "#7bc8a4", "#2bb0ed", "#127fbf", "#4055d6", "#7b8fe0",
    "#8719e0", "#b864e0", "#da127d", "#e66a8a", "#ba2525", "#f0803c", "#f0b429",
)  # fmt: skip
_OTHERS_COLOUR = "#a39382"
MAX_WEIGHT_LINES = len(_WEIGHT_COLOURS)
WIDE_RANGE = 4.0
"""A market that moves by more than this is drawn on logarithms: a fall by half looks the same anywhere."""

MAX_WRITTEN = 24
"""Assets up to which a heatmap has room to write each correlation into its cell."""


def equity_figure(result: BacktestResult) -> go.Figure:
    """Draw the value of strategy and baseline, with the regimes as a ribbon below."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    times = _times(result)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.93, 0.07], vertical_spacing=0.02)
    for name, values, colour in (
        ("strategy", result.equity, STRATEGY_COLOUR),
        ("static baseline", result.baseline, BASELINE_COLOUR),
    ):
        line = go.Scatter(x=times, y=values, name=name, line={"color": colour, "width": 1.8})
        figure.add_trace(line.update(hovertemplate="%{y}"), row=1, col=1)
    for trace in regime_ribbon(times, result.regimes):
        figure.add_trace(trace, row=2, col=1)
    figure.update_yaxes(tickprefix="$", tickformat=",.0f", row=1, col=1)
    figure.update_yaxes(visible=False, range=[0, 1], row=2, col=1)
    return _styled(figure, height=360)


def regime_ribbon(times: Sequence[Any], regimes: Sequence[RegimeLabel]) -> list[go.Bar]:
    """Return one coloured bar per spell of a regime; the legend names each regime once."""
    import plotly.graph_objects as go

    traces, seen, start = [], set(), 0
    stamps = np.asarray(times, dtype="datetime64[ms]")
    for label, spell in groupby(regimes):
        length = sum(1 for _ in spell)
        end = min(start + length, len(stamps) - 1)
        width = max(int((stamps[end] - stamps[start]).astype(np.int64)), 1)
        traces.append(
            go.Bar(
                x=[times[start]],
                y=[1],
                width=[width],
                offset=0,
                name=label.replace("_", " "),
                legendgroup=label,
                legendrank=1001 + REGIME_LABELS.index(label),
                showlegend=label not in seen,
                marker={"color": REGIME_COLOURS[label], "line": {"width": 0}},
                hovertemplate=f"{label.replace('_', ' ')}: {length} bars<extra></extra>",
            )
        )
        seen.add(label)
        start += length
    return traces


def regime_figure(path: RegimePath) -> go.Figure:
    """Draw the market, the regimes as a ribbon below, and the probability of each regime."""
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    times = [str(t) for t in path.times.astype("datetime64[s]")]
    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, row_heights=[0.5, 0.06, 0.44], vertical_spacing=0.03
    )
    market = go.Scatter(x=times, y=path.index, name="equal-weighted market", line={"color": STRATEGY_COLOUR})
    figure.add_trace(market.update(hovertemplate="%{y:.3f}"), row=1, col=1)
    for trace in regime_ribbon(times, [state.label for state in path.states]):
        figure.add_trace(trace, row=2, col=1)
    for label in REGIME_LABELS:
        name = label.replace("_", " ")
        layer = go.Scatter(
            x=times,
            y=[state.probabilities[label] for state in path.states],
            name=name,
            legendgroup=label,
            showlegend=False,
            stackgroup="probability",
            mode="lines",
            line={"width": 0, "color": REGIME_COLOURS[label]},
            fillcolor=REGIME_COLOURS[label],
            hovertemplate=f"{name} %{{y:.0%}}<extra></extra>",
        )
        figure.add_trace(layer, row=3, col=1)
    figure.update_yaxes(title_text="value, 1 at the start", row=1, col=1)
    if len(path.index) and float(path.index.max()) > WIDE_RANGE * float(path.index.min()):
        figure.update_yaxes(type="log", dtick="D2", row=1, col=1)
    figure.update_yaxes(visible=False, range=[0, 1], row=2, col=1)
    figure.update_yaxes(title_text="probability", tickformat=".0%", range=[0, 1], row=3, col=1)
    return _styled(figure, height=520)


def drawdown_figure(result: BacktestResult) -> go.Figure:
    """Draw how far strategy and baseline were below their peaks."""
    import plotly.graph_objects as go

    figure = go.Figure()
    times = _times(result)
    for name, returns, colour, fill in (
        ("strategy", result.returns, STRATEGY_COLOUR, "tozeroy"),
        ("static baseline", result.baseline_returns, BASELINE_COLOUR, None),
    ):
        below = -np.concatenate([[0.0], drawdowns(returns)]) if len(returns) else np.zeros(1)
        figure.add_scatter(
            x=times,
            y=below,
            name=name,
            fill=fill,
            fillcolor=STRATEGY_FILL,
            line={"color": colour, "width": 1.3},
            hovertemplate="%{y:.1%}",
        )
    figure.update_yaxes(tickformat=".0%")
    return _styled(figure, height=200)


def weights_figure(result: BacktestResult) -> go.Figure:
    """Draw the weights over time as stacked areas: the largest by name, the others together, cash on top."""
    import plotly.graph_objects as go

    figure = go.Figure()
    times = _times(result)
    order = np.argsort(-result.weights.mean(axis=0), kind="stable")
    named = [int(i) for i in order[:MAX_WEIGHT_LINES] if result.weights[:, i].any()]
    layers = [
        (result.symbols[i], result.weights[:, i], colour)
        for i, colour in zip(named, _WEIGHT_COLOURS, strict=False)
    ]
    others = np.delete(result.weights, named, axis=1).sum(axis=1)
    if others.any():
        layers.append((f"{result.weights.shape[1] - len(named)} others", others, _OTHERS_COLOUR))
    layers.append(("cash", 1.0 - result.exposure(), GRID))
    # Legends read a little HTML: a symbol is shown as it is written.
    for name, values, colour in layers:
        figure.add_scatter(
            x=times,
            y=values,
            name=escape(name, quote=False),
            stackgroup="book",
            mode="lines",
            line={"width": 0, "color": colour, "shape": "hv"},
            fillcolor=colour,
            hovertemplate="%{y:.1%}",
        )
    figure.update_yaxes(tickformat=".0%", range=[0, 1])
    return _styled(figure, height=360)


def measured(correlation: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the symbols that have a correlation at all."""
    return [symbol for symbol in correlation if math.isfinite(correlation[symbol][symbol])]


def correlation_figure(correlation: Mapping[str, Mapping[str, float]]) -> go.Figure:
    """Draw a correlation matrix as a heatmap; missing values stay blank."""
    import plotly.graph_objects as go

    symbols = measured(correlation)
    names = [escape(symbol, quote=False) for symbol in symbols]
    figure = go.Figure(
        go.Heatmap(
            z=[[_blank(correlation[a][b]) for b in symbols] for a in symbols],
            x=names,
            y=names,
            zmin=-1.0,
            zmax=1.0,
            colorscale="RdBu_r",
            xgap=1,
            ygap=1,
            texttemplate="%{z:.2f}" if len(symbols) <= MAX_WRITTEN else None,
            textfont={"size": 11 if len(symbols) <= MAX_WRITTEN // 2 else 9},
            hovertemplate="%{y} and %{x}: %{z:.2f}<extra></extra>",
            colorbar={"thickness": 10, "outlinewidth": 0, "tickformat": ".1f"},
        )
    )
    # A symbol made of digits is a name, not a number.
    figure.update_xaxes(type="category", constrain="domain", showgrid=False)
    figure.update_yaxes(
        type="category", constrain="domain", showgrid=False, autorange="reversed", scaleanchor="x"
    )
    return _styled(figure, height=min(720, 220 + 20 * len(symbols))).update_layout(hovermode="closest")


def frontier_figure(found: PanelFrontier) -> go.Figure:
    """Draw the frontier with its corners, the assets alone and the portfolio of the largest Sharpe ratio."""
    import plotly.graph_objects as go

    curve, corners = found.frontier.points(200), found.frontier.corners
    best = found.frontier.maximum_sharpe()
    mean = float(best.weights @ found.expected_returns)
    shown = "%{text}<br>%{y:.1%} a year at %{x:.1%} volatility<extra></extra>"
    figure = go.Figure(
        [
            go.Scatter(
                x=curve.volatilities.tolist(),
                y=curve.expected_returns.tolist(),
                name="frontier",
                line={"color": INK, "width": 2},
                hoverinfo="skip",
            ),
            go.Scatter(
                x=[corner.volatility for corner in corners],
                y=[corner.expected_return for corner in corners],
                text=[_held(corner.weights, found.symbols) for corner in corners],
                mode="markers",
                name="corner portfolios",
                marker={"color": INK, "size": 7},
                hovertemplate=shown,
            ),
            go.Scatter(
                x=found.volatilities.tolist(),
                y=found.expected_returns.tolist(),
                text=[escape(symbol, quote=False) for symbol in found.symbols],
                mode="markers+text" if len(found.symbols) <= MAX_WRITTEN else "markers",
                textposition="top center",
                name="assets alone",
                marker={"color": MUTED, "size": 8, "line": {"color": INK, "width": 1}},
                hovertemplate=shown,
            ),
        ]
    )
    if mean > 0.0:
        figure.add_scatter(
            x=[mean / best.objective],
            y=[mean],
            text=[_held(best.weights, found.symbols)],
            mode="markers",
            name=f"largest Sharpe ratio, {best.objective:.2f}",
            marker={"symbol": "star", "size": 14, "color": REGIME_COLOURS["bull"]},
            hovertemplate=shown,
        )
    figure.update_xaxes(tickformat=".0%", title="volatility a year", rangemode="tozero")
    figure.update_yaxes(tickformat=".0%", title="expected return a year, shrunk")
    return _styled(figure, height=520).update_layout(hovermode="closest")


def _held(weights: Vector, symbols: Sequence[str]) -> str:
    """Return the assets with weight, the largest first."""
    order = sorted((i for i in range(len(symbols)) if weights[i] > 0.0), key=lambda i: -float(weights[i]))
    return "<br>".join(f"{escape(symbols[i], quote=False)} {float(weights[i]):.1%}" for i in order[:8])


def _blank(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _times(result: BacktestResult) -> list[str]:
    return [str(t) for t in result.times.astype("datetime64[s]")]


def _styled(figure: go.Figure, *, height: int) -> go.Figure:
    return figure.update_layout(
        height=height,
        margin={"l": 64, "r": 16, "t": 0, "b": 24},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 12, "color": INK},
        hovermode="x unified",
        bargap=0,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        xaxis={"gridcolor": GRID},
        yaxis={"gridcolor": GRID, "zerolinecolor": GRID},
    )
