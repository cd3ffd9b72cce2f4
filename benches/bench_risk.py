"""C: value at risk and conditional value at risk of every window, and of one sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from benches.peers import given
from poise.bench import by_hand
from poise.bench.harness import Case, Contender
from poise.bench.inputs import simulated_series
from poise.risk import rolling_tail_risk, tail_risk

LEVEL = 0.95


def cases() -> Iterator[Case]:
    for window in (250, 500, 2000):
        yield rolling(100_000, window)
    for n in (1_000_000, 100_000):
        yield one_sample("C2", n)
    yield one_sample("C3", 1_000)


def interpolation(n: int, whole: int) -> str:
    """The rule by which a library's quantile is the observation that poise takes."""
    return "lower" if int((1.0 - LEVEL) * (n - 1)) == whole else "higher"


def rolling(n_observations: int, window: int) -> Case:
    returns = simulated_series(n_observations)
    series = pd.Series(returns)
    whole, part = by_hand.worst_observations(window, LEVEL)
    rule = interpolation(window, whole)
    ours = partial(rolling_tail_risk, returns, window=window)
    value_at_risk = ours()[0][window - 1 :]

    def polars(lib: Any) -> Contender:
        call = partial(
            lib.Series(returns).rolling_quantile, 1.0 - LEVEL, interpolation=rule, window_size=window
        )
        return Contender(
            call,
            answer=lambda: -call().to_numpy()[window - 1 :],
            expected=value_at_risk,
            note="VaR only",
        )

    def numba(lib: Any) -> Contender:
        return Contender(partial(lib.rolling_tail, returns, window, whole, part))

    def bottleneck(lib: Any) -> Contender:
        return Contender(
            partial(lib.move_median, returns, window), differs="the median: it has no other rolling quantile"
        )

    def empyrical(lib: Any) -> Contender:
        windows = np.lib.stride_tricks.sliding_window_view(returns, window)[:: n_observations // 400]

        def call() -> object:
            return [(lib.value_at_risk(w), lib.conditional_value_at_risk(w)) for w in windows]

        # Per window times the windows of the question.
        return Contender(
            call,
            differs=f"{len(windows)} windows timed, scaled to all",
            units=len(windows) / len(value_at_risk),
        )

    def with_pandas() -> tuple[Any, Any]:
        windows = series.rolling(window)
        tail = windows.apply(lambda w: by_hand.tail(w, LEVEL)[1], raw=True)
        return -windows.quantile(1.0 - LEVEL, interpolation=rule), tail

    quantile = partial(series.rolling(window).quantile, 1.0 - LEVEL, interpolation=rule)
    contenders = {
        "poise": Contender(ours, answer=lambda: [found[window - 1 :] for found in ours()]),
        "polars": given("polars", polars),
        "numba by hand, sorted window": given("benches.numba_by_hand", numba),
        "numpy partition": Contender(partial(by_hand.rolling_tail, returns, window)),
        "pandas quantile": Contender(
            quantile,
            answer=lambda: -quantile().to_numpy()[window - 1 :],
            expected=value_at_risk,
            note="VaR only",
        ),
        "pandas quantile and apply": Contender(
            with_pandas, answer=lambda: [found.to_numpy()[window - 1 :] for found in with_pandas()]
        ),
        "bottleneck": given("bottleneck", bottleneck),
        "empyrical": given("empyrical", empyrical),
    }
    return Case("C1", "rolling VaR and CVaR", f"T={n_observations} w={window}", contenders)


def one_sample(row: str, n: int) -> Case:
    returns = simulated_series(n)
    series, found = pd.Series(returns), tail_risk(returns)
    whole, part = by_hand.worst_observations(n, LEVEL)
    rule, value_at_risk = interpolation(n, whole), found.value_at_risk
    quantile = partial(series.quantile, 1.0 - LEVEL, interpolation=rule)

    def only(call: Callable[[], Any], note: str = "VaR only") -> Contender:
        return Contender(call, answer=lambda: -call(), expected=value_at_risk, note=note)

    def bottleneck(lib: Any) -> Contender:
        def call() -> tuple[float, float]:
            parted = lib.partition(returns, whole)
            boundary = float(parted[whole])
            return -boundary, -(float(parted[:whole].sum()) + part * boundary) / (whole + part)

        return Contender(call)

    def skfolio(lib: Any) -> Contender:
        return Contender(lambda: (lib.value_at_risk(returns, LEVEL), lib.cvar(returns, LEVEL)))

    def riskfolio(lib: Any) -> Contender:
        functions = lib.RiskFunctions
        return Contender(
            lambda: (functions.VaR_Hist(returns, 1.0 - LEVEL), functions.CVaR_Hist(returns, 1.0 - LEVEL)),
            differs="its boundary observation is the next worse one",
        )

    def empyrical(lib: Any) -> Contender:
        return Contender(
            lambda: (lib.value_at_risk(returns), lib.conditional_value_at_risk(returns)),
            differs="an interpolated quantile, another tail",
        )

    contenders = {
        "poise": Contender(
            partial(tail_risk, returns),
            answer=lambda: (found.value_at_risk, found.conditional_value_at_risk),
        ),
        "numpy partition": Contender(partial(by_hand.tail, returns, LEVEL)),
        "numpy quantile": only(partial(np.quantile, returns, 1.0 - LEVEL, method=rule)),
        "polars": given(
            "polars", lambda lib: only(partial(lib.Series(returns).quantile, 1.0 - LEVEL, interpolation=rule))
        ),
        "bottleneck partition": given("bottleneck", bottleneck),
        "numbagg": given(
            "numbagg",
            lambda lib: Contender(
                partial(lib.nanquantile, returns, 1.0 - LEVEL), differs="VaR only, interpolated"
            ),
        ),
        "pandas quantile": only(quantile),
        "skfolio": given("skfolio.measures", skfolio),
        "riskfolio-lib": given("riskfolio", riskfolio),
        "empyrical": given("empyrical", empyrical),
    }
    return Case(row, "VaR and CVaR of one sample", f"n={n}", contenders)
