"""Everything about risk that a live loop asks after a bar, in one object."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from poise import _native
from poise.domain.labels import BARE, Labels, unwrap_vector
from poise.domain.snapshot import pack, plain_labels, restored_labels, unpack
from poise.errors import InputError, ParameterError, UnknownSymbolError, did_you_mean
from poise.risk._inputs import as_bounded_length, as_level, as_number, unwrap_weights
from poise.typing import ArrayLike, Vector

MOST_ASSETS = 20_000
"""A covariance of more would not fit into the memory of an ordinary machine."""


class RiskEngine(_native.RiskEngine):
    """Risk of a portfolio, bar by bar: volatilities, tail, drawdown, contributions.

    Each bar is given once with :meth:`update`; :meth:`hold` says what is held from the next bar on. Tail and
    volatility of the portfolio are *pro forma*: those of the weights held now over the bars seen. Drawdowns
    are those of the *account*, earned with the weights that were held in each bar.

    Parameters
    ----------
    assets : int or sequence of labels
        How many assets a row has, or their names. Named, rows and weights may come by symbol; a pandas Index
        makes the answers pandas.
    weights : array_like of shape (n_assets,) or mapping of symbol to weight, optional
        What is held, see :meth:`hold`. Left out: cash.
    half_life : float, default=21.0
        Bars after which a squared return counts half in volatilities and covariances.
    window : int, default=500
        Bars that the tail looks back on.
    confidence_level : float, default=0.95
        Of value at risk; strictly between 0 and 1.
    min_observations : int, optional
        Returns in the window from which the tail is told, at most the window; left out,
        ``10 / (1 - confidence_level)``.

    Attributes
    ----------
    weights : vector of shape (n_assets,)
        What is held.
    portfolio_return : float
        What the portfolio earned in the last bar; NaN where a held asset was missing.
    portfolio_volatility : float
        Root of the weighted mean of squared portfolio returns, per bar; NaN before the first.
    value_at_risk, conditional_value_at_risk : float
        Historical losses over one bar, positive fractions; NaN below `min_observations`.
    drawdown, max_drawdown, ulcer_index : float
        Of the account, as :class:`poise.risk.DrawdownTracker`; positive fractions.
    drawdown_duration : int
        Bars since the account's last maximum.
    n_assets, n_observations, n_returns : int
        Assets; bars with at least one value; portfolio returns in the window.
    is_warm : bool
        Whether the tail is told and every held asset has a volatility.

    Raises
    ------
    ParameterError
        If a parameter is outside its range.
    EmptyInputError
        If there is no asset.

    Notes
    -----
    Moments are about zero, per bar, and pair by pair where values are missing
    (``EwmaCovariance(half_life, demean=False)``). A bar in which a held asset is missing says nothing about
    the portfolio: tail, portfolio volatility and account pass over it, the moments of the other assets go on.

    The memory of the window is taken at the start, that of the moments within the first bars (and anew at the
    first gap); later updates take none. An update's time grows with the number of assets, and every few bars
    (at each once values have been missing) with its square. `covariance`, `correlation`, `risk_contributions`
    and `diversification_ratio` are computed when they are read. What is refused leaves everything as it was.
    Copies and pickles are independent and continue bit for bit. Calls from several threads are served one
    after another.

    Examples
    --------
    >>> from poise.risk import RiskEngine
    >>> engine = RiskEngine(["BTC/USDT", "SPY"], weights={"SPY": 0.5}, min_observations=1)
    >>> engine.update({"BTC/USDT": 0.02, "SPY": -0.04})
    -0.02
    >>> engine.value_at_risk, engine.drawdown
    (0.02, 0.020000000000000018)
    >>> engine.hold({"BTC/USDT": 0.25})
    >>> engine.value_at_risk
    -0.005
    """

    _labels: Labels
    _rule: dict[str, Any]

    def __new__(
        cls,
        assets: int | Sequence[Any],
        *,
        weights: ArrayLike | Mapping[str, float] | None = None,
        half_life: float = 21.0,
        window: int = 500,
        confidence_level: float = 0.95,
        min_observations: int | None = None,
    ) -> Self:
        """Make an engine that has seen nothing."""
        n_assets, labels = _read_assets(assets)
        rule = _read_rule(half_life, window, confidence_level, min_observations)
        engine = super().__new__(cls, n_assets, **rule)
        engine._labels, engine._rule = labels, rule
        if weights is not None:
            engine.hold(weights)
        return engine

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}={value!r}" for name, value in self._rule.items())
        return f"RiskEngine({self.n_assets} assets, {chosen}, n_observations={self.n_observations})"

    def hold(self, weights: ArrayLike | Mapping[str, float]) -> None:
        """Hold other weights from the next bar on.

        Tail and portfolio volatility are at once those of the new weights over the bars of the window; the
        account keeps its past. Takes time in proportion to the window times the assets.

        Parameters
        ----------
        weights : array_like of shape (n_assets,) or mapping of symbol to weight
            Fractions of the portfolio, short positions negative; what they lack to 1 is cash. Symbols that a
            mapping leaves out weigh nothing, its ``cash`` is passed over.

        Raises
        ------
        NonFiniteError
            If a weight is NaN or infinite; the message names its index.
        ParameterError
            If a weight is absurdly large.
        ShapeError
            If there are other assets.
        UnknownSymbolError
            If a mapping names a symbol that is none of the assets.
        """
        super().hold(unwrap_weights(weights, self._labels)[0])

    @property
    def weights(self) -> Any:
        """What is held."""
        return self._labels.vector(super().weights)

    @property
    def volatility(self) -> Any:
        """Standard deviation of every asset per bar; NaN before its first return."""
        return self._labels.vector(super().volatility)

    @property
    def covariance(self) -> Any:
        """Covariance of the assets per bar; NaN where a pair has no common return yet."""
        return self._labels.matrix(super().covariance)

    @property
    def correlation(self) -> Any:
        """Correlation of the assets; NaN as the covariance, 0 beside an asset that never moved."""
        return self._labels.matrix(super().correlation)

    @property
    def risk_contributions(self) -> Any:
        """What each asset contributes to the portfolio's volatility, by the covariance.

        0 for what is not held; NaN for what is while its covariance is not known. Raises
        ``NotPositiveSemidefiniteError`` where gaps made a covariance that gives the portfolio a negative
        variance.
        """
        return self._labels.vector(super().risk_contributions)

    def to_bytes(self) -> bytes:
        """Return parameters, labels and state as bytes.

        Raises
        ------
        InputError
            If a label is neither text nor a whole number (pickle keeps those).
        """
        described = {"rule": self._rule, "labels": plain_labels(self._labels)}
        return pack("RiskEngine", described, super().to_bytes())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the engine that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another kind or written by a newer version.
        """
        described, state = unpack("RiskEngine", data)
        return _rebuilt(cls, described["rule"], restored_labels(described["labels"]), state)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self._rule, self._labels, super().to_bytes())

    def _row_values(self, row: ArrayLike | Mapping[str, float]) -> Vector:
        """Return any row as an array in the order of the assets; the compiled `update` asks for it."""
        if not isinstance(row, Mapping):
            return unwrap_vector(row, "row", self._labels)[0]
        names = self._labels.names
        if names is None:
            raise InputError("the row comes by symbol but the engine was made without names")
        for symbol in row:
            if str(symbol) not in names:
                raise UnknownSymbolError(
                    f"the row names {symbol!r}, which is not among the {len(names)} assets"
                    f"{did_you_mean(str(symbol), names)}"
                )
        by_name = {str(symbol): value for symbol, value in row.items()}
        return np.array([as_number(by_name.get(name, math.nan), name) for name in names])


Engine = TypeVar("Engine", bound=RiskEngine)


def _rebuilt(cls: type[Engine], rule: dict[str, Any], labels: Labels, state: bytes) -> Engine:
    engine = cls(1, **rule)
    engine.restore(state)
    engine._labels = labels
    return engine


def _read_assets(assets: int | Sequence[Any]) -> tuple[int, Labels]:
    if isinstance(assets, (int, np.integer)) and not isinstance(assets, bool):
        if not 0 <= assets <= MOST_ASSETS:
            raise ParameterError(f"assets is {assets}, expected at most {MOST_ASSETS}")
        return int(assets), BARE
    if isinstance(assets, (str, bytes, bool)) or not hasattr(assets, "__len__"):
        raise ParameterError(f"assets is {assets!r}, expected a number of assets or their names")
    names = [str(asset) for asset in assets]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"assets names {twice!r} more than once")
    if type(assets).__module__.partition(".")[0] == "pandas":
        return len(names), Labels("pandas", assets=assets)
    return len(names), Labels(assets=tuple(assets))


def _read_rule(
    half_life: float, window: int, confidence_level: float, min_observations: int | None
) -> dict[str, Any]:
    length = as_bounded_length(window)
    level = as_level(confidence_level)
    if not 0.0 < level < 1.0:
        raise ParameterError(f"confidence_level is {level}, expected a number strictly between 0 and 1")
    if min_observations is None:
        # Ten in the tail; the guard keeps what is whole on paper.
        least = min(length, math.ceil(10.0 / (1.0 - level) - 1e-9))
    else:
        least = as_bounded_length(min_observations, "min_observations")
    return {
        "half_life": as_number(half_life, "half_life"),
        "window": length,
        "confidence_level": level,
        "min_observations": least,
    }
