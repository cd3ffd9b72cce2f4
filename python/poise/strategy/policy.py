"""The policy: regime-aware target weights from outlook, signals, exposure and limits."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from poise.domain.conditions import TargetBook
from poise.domain.regime import RegimeState
from poise.domain.weights import Weights
from poise.errors import ParameterError, ShapeError
from poise.strategy.base_books import BaseBooks
from poise.strategy.exposure import Exposure
from poise.strategy.limits import Limits, Mask, position_limits
from poise.strategy.outlook import TRADABLE_OBSERVATIONS, Outlook
from poise.strategy.regime_limits import regime_limits
from poise.strategy.regime_rules import describe, regime_probabilities
from poise.strategy.rules import PolicyRules
from poise.strategy.signal_book import SignalBook
from poise.strategy.tail_budget import within_budget
from poise.strategy.tilts import TILTS, tilt_factor
from poise.strategy.views import BookViews, lean_on_views
from poise.strategy.wording import some
from poise.typing import RegimeLabel, Vector

DEFENSIVE: frozenset[RegimeLabel] = frozenset({"bear", "high_volatility"})
"""Regimes that hold tier 1 only."""

UNKNOWN_REGIME_CONFIDENCE = 0.25
"""Confidence while no regime is known: one of four."""

FALLBACK_DISCOUNT = 0.5


class Policy:
    """Decide which weights to hold.

    Parameters
    ----------
    rules : PolicyRules, optional
    """

    def __init__(self, rules: PolicyRules | None = None) -> None:
        self.rules = rules or PolicyRules()

    def decide(
        self,
        outlook: Outlook,
        signals: SignalBook | None,
        regime: RegimeState | None,
        exposure: Exposure | float,
        *,
        tiers: Mapping[str, int | None] | None = None,
        sectors: Mapping[str, str] | None = None,
        total_value: float | None = None,
        dollar_volume: Vector | None = None,
        tradable: Mask | None = None,
        discovered: bool = False,
        views: BookViews | None = None,
    ) -> TargetBook:
        """Return the weights to hold after the last row that `outlook` has seen.

        Each likely regime has a target: risk parity with a momentum tilt in a bull market and with a
        mean-reversion tilt in a sideways one, minimum variance of tier 1 in a bear market and in high
        volatility (the ensemble with the same tilts where ``use_risk_parity`` is false). They are
        averaged by probability, scaled to the exposure and held under every cap: of positions, tiers,
        liquidity, sectors, clusters of highly correlated assets and, stricter in falling and volatile
        markets, of gross exposure and of the conditional value at risk of one bar. Every limit that binds
        is a reason (``limit ...``), and so is what could not be checked.

        Assets with fewer than 42 own returns, stale ones, constant ones and those not `tradable` get 0.
        While *no* asset is warm the book holds what has returns, by inverse volatility where all have one,
        else equally; without any return it is cash.

        Parameters
        ----------
        outlook : Outlook
        signals : SignalBook or None
            None: no tilt.
        regime : RegimeState or None
            None while warming: four equally likely regimes.
        exposure : Exposure or float
            Fraction to invest, 0 to 1.
        tiers : mapping of str to int, optional
            Untiered assets follow tier 1's rules.
        sectors : mapping of str to str, optional
            Without it no sector cap applies.
        total_value : float, optional
            Dollars, with `dollar_volume` for the liquidity cap.
        dollar_volume : ndarray of shape (n_assets,), optional
            A day's dollars; NaN where unknown.
        tradable : ndarray of bool, shape (n_assets,), optional
            What may be held at all; a market that is merely closed still counts. All unless given.
        discovered : bool, default=False
            Whether the universe was discovered: unknown sectors are then capped at 10 % together.
        views : BookViews, optional
            What somebody expects; the book of the regimes leans on it under the same caps and exposure.

        Returns
        -------
        TargetBook
            Every symbol has a weight. ``exposure`` is what is invested; ``confidence`` the regime's times
            the share of the tradable assets that are warm, halved for every fallback.

        Raises
        ------
        ShapeError
            If signals or `tradable` do not match the outlook's symbols.
        ParameterError
            If the exposure lies outside 0 to 1, a tier is unknown, or a view cannot be read.
        ZeroValueError
            If `total_value` is not positive.
        """
        wanted = exposure.value if isinstance(exposure, Exposure) else float(exposure)
        if not 0.0 <= wanted <= 1.0:
            raise ParameterError(f"exposure is {wanted}; pass a fraction between 0 and 1")
        symbols = outlook.symbols
        if signals is not None and signals.symbols != symbols:
            raise ShapeError(
                "the signals are for other symbols than the outlook; score the same, in its order"
            )
        allowed = _tradable(tradable, symbols)
        probabilities = regime_probabilities(regime)
        strictness = regime_limits(self.rules, probabilities)
        asked, wanted = wanted, min(wanted, strictness.gross)
        limits = position_limits(
            symbols,
            self.rules,
            tiers=tiers,
            sectors=sectors,
            total_value=total_value,
            dollar_volume=dollar_volume,
            high_volatility=probabilities.get("high_volatility", 0.0),
            discovered=discovered,
            correlation=outlook.correlation,
        ).restricted(allowed)
        fit = outlook.active & ~outlook.degenerate & allowed
        if fit.any():
            name, weights, reasons, fallbacks = self._blend(
                outlook, signals, limits.restricted(fit), probabilities, wanted
            )
        else:
            name, weights, reasons, fallbacks = _while_warming(outlook, limits, wanted)
        said: list[str] = []
        if views is not None:
            weights, said = lean_on_views(weights, views, outlook, limits.restricted(fit))
        bound = limits.binding(weights)
        missing = wanted - math.fsum(weights)
        weights, tail_notes = within_budget(weights, outlook, strictness.shortfall)
        certainty = UNKNOWN_REGIME_CONFIDENCE if regime is None else regime.confidence
        warm_share = float((outlook.active & allowed).sum()) / max(int(allowed.sum()), 1)
        book = Weights({s: float(w) for s, w in zip(symbols, weights, strict=True)})
        return TargetBook(
            weights=book,
            strategy=name,
            exposure=book.exposure,
            confidence=certainty * warm_share * FALLBACK_DISCOUNT ** len(fallbacks),
            reasons=(
                f"regime: {'unknown, detector warming: ' if regime is None else ''}{describe(probabilities)}",
                *reasons,
                *said,
                *(exposure.reasons if isinstance(exposure, Exposure) else ()),
                *_remarks(outlook, limits, allowed),
                *_doubts(signals, probabilities),
                *([f"limit gross: {asked:.1%} asked, {wanted:.1%} allowed"] if wanted < asked else []),
                *bound,
                *_left_out(missing, wanted),
                *tail_notes,
                *_unchecked_clusters(outlook, weights),
            ),
            fallbacks=tuple(fallbacks),
            max_purchases=strictness.purchases,
        )

    def _blend(
        self,
        outlook: Outlook,
        signals: SignalBook | None,
        limits: Limits,
        probabilities: dict[RegimeLabel, float],
        wanted: float,
    ) -> tuple[str, Vector, list[str], list[str]]:
        """Return the likeliest regime's strategy, the weights, the reasons and the fallbacks."""
        everything = BaseBooks(outlook, limits, wanted)
        lower_tiers = (limits.caps > 0.0) & ~limits.first_tier
        defence = everything
        if lower_tiers.any() and (limits.caps[limits.first_tier] > 0.0).any():
            defence = BaseBooks(outlook, limits.restricted(limits.first_tier), wanted)
        average = np.zeros(len(limits.caps))
        names: dict[RegimeLabel, str] = {}
        short: list[str] = []
        for label, probability in probabilities.items():
            books = defence if label in DEFENSIVE else everything
            base = "minimum_variance" if label in DEFENSIVE else "risk_parity"
            names[label], weights = books.write(base if self.rules.use_risk_parity else "ensemble")
            tilt = tilt_factor(label, signals, momentum_weight=self.rules.momentum_weight)
            if tilt is not None:
                weights = books.full.fill(weights * tilt, math.fsum(weights))
                names[label] += f"+{TILTS[label]}_tilt"
            elif books is not everything:
                names[label] += "+tier_1"
            part = books.invested * weights
            average += probability * part
            short.extend(_short(label, part, books.limits, wanted))
        # The average keeps the caps but for rounding; this pass keeps them to the last bit.
        final = limits.fill(average, math.fsum(average))
        likeliest = max(probabilities, key=lambda label: probabilities[label])
        reasons = [
            f"{label}: {name.replace('_', ' ').replace('+', ' with ')}" for label, name in names.items()
        ]
        if lower_tiers.any() and defence is everything and DEFENSIVE & probabilities.keys():
            reasons.append("no tier 1 asset may be held: the defensive regimes hold the other tiers")
        reasons.extend(short)
        fallbacks = everything.fallbacks + (defence.fallbacks if defence is not everything else [])
        return names[likeliest], final, reasons, fallbacks


def _short(label: RegimeLabel, part: Vector, limits: Limits, wanted: float) -> list[str]:
    """Name the limits that keep one regime's book below the exposure; the average may stand at none."""
    held = math.fsum(part)
    if held >= wanted - 1e-9:
        return []
    bound = "; ".join(line.removeprefix("limit ") for line in limits.binding(part)) or "nothing may be held"
    return [f"limit {label}: {held:.1%} of the {wanted:.1%} to invest fit ({bound})"]


def _while_warming(
    outlook: Outlook, limits: Limits, wanted: float
) -> tuple[str, Vector, list[str], list[str]]:
    """Enter the chain below the solvers while no asset is fit for one."""
    seen = (outlook.observations > 0) & ~outlook.stale
    varying = seen & ~outlook.degenerate
    candidates = limits.restricted(varying if (varying & (limits.caps > 0.0)).any() else seen)
    books = BaseBooks(outlook, candidates, wanted)
    name, weights = books.write("inverse_volatility")
    n_held = int((candidates.caps > 0.0).sum())
    reason = (
        f"risk_parity: no asset with {TRADABLE_OBSERVATIONS} own returns that varies may be held; "
        f"{n_held} are known at all"
    )
    final = candidates.fill(weights, books.invested * math.fsum(weights))
    return name, final, [f"warming: the book is {name.replace('_', ' ')}"], [reason, *books.fallbacks]


def _remarks(outlook: Outlook, limits: Limits, allowed: Mask) -> list[str]:
    """Say which assets were left out and which limits were tightened."""
    lines = [*outlook.warnings, *limits.notes]
    if not allowed.all():
        barred = [s for s, ok in zip(outlook.symbols, allowed, strict=True) if not ok]
        lines.append(f"not tradable: {some(barred)}: weight 0")
    return lines


def _doubts(signals: SignalBook | None, probabilities: Mapping[RegimeLabel, float]) -> list[str]:
    """Say which tilts of the likely regimes are held back because their factor may know nothing."""
    if signals is None:
        return []
    tilts = dict.fromkeys(TILTS[label] for label in probabilities if label in TILTS)
    return [
        f"tilt {factor.replace('_', ' ')} held back: {signals.doubts[factor]}"
        for factor in tilts
        if factor in signals.doubts
    ]


def _left_out(missing: float, wanted: float) -> list[str]:
    """Say why less than the exposure is invested."""
    if missing <= 1e-9:
        return []
    return [f"caps: {wanted - missing:.1%} of the {wanted:.1%} to invest fit under them; the rest is cash"]


def _unchecked_clusters(outlook: Outlook, weights: Vector) -> list[str]:
    """Say which of the held assets have no correlation yet that could make them part of a cluster."""
    known = np.isfinite(outlook.correlation).sum(axis=0) > 1
    unknown = [s for s, w, k in zip(outlook.symbols, weights, known, strict=True) if w > 0.0 and not k]
    if not unknown or len(weights) == 1:
        return []
    return [f"clusters unchecked: no correlation of {some(unknown)} yet"]


def _tradable(tradable: Mask | None, symbols: tuple[str, ...]) -> Mask:
    if tradable is None:
        return np.ones(len(symbols), dtype=bool)
    mask = np.asarray(tradable)
    if mask.shape != (len(symbols),) or mask.dtype != np.bool_:
        raise ShapeError(
            f"tradable is {mask.dtype} of shape {mask.shape}, expected bool of shape ({len(symbols)},)"
        )
    return mask
