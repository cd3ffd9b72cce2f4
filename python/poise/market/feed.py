"""A history that grows bar by bar."""

from __future__ import annotations

import numpy as np

from poise.domain.prices import DAY_SECONDS, Bar, PricePanel
from poise.errors import InputError, NonFiniteError, ShapeError
from poise.market.daily import to_daily

_MOST_RECENT = 256
"""Bars kept one by one before they are put together."""

_DAY = np.timedelta64(1, "D")


class BarFeed:
    """Bars that come one by one after a panel, of its length; intraday ones add up to completed days.

    Parameters
    ----------
    panel : PricePanel
        Daily bars, or bars of an even part of a day.
    """

    def __init__(self, panel: PricePanel) -> None:
        self._panel = panel
        self._recent: list[Bar] = []
        self._last_opened = panel.opened[-1]
        self._days: PricePanel | None = None

    @property
    def is_intraday(self) -> bool:
        """Whether the bars are shorter than a day."""
        return self._panel.bar_seconds < DAY_SECONDS

    @property
    def panel(self) -> PricePanel:
        """The history with every bar taken in."""
        if self._recent:
            self._panel, self._recent = self._panel.extended(self._recent), []
        return self._panel

    def daily(self) -> PricePanel:
        """Return the completed days; see :func:`poise.market.to_daily`."""
        if self._days is None:
            self._days = to_daily(self.panel)
        return self._days

    def take(self, bar: Bar) -> None:
        """Take in a completed bar; its arrays are copied, so a live loop may use its buffers again.

        Raises
        ------
        ShapeError
            If the bar is for other symbols.
        InputError
            If it is not later than the last one, or of another length.
        NonFiniteError
            If a close is infinite, zero or negative.
        """
        self.check(bar)
        self._recent.append(bar.copied())
        self._last_opened, self._days = bar.opened, None
        if len(self._recent) >= _MOST_RECENT:
            self._panel, self._recent = self._panel.extended(self._recent), []

    def check(self, bar: Bar) -> None:
        """Refuse what :meth:`take` refuses, without taking anything in."""
        if bar.symbols != self._panel.symbols:
            raise ShapeError(
                f"the bar's {len(bar.symbols)} symbols are not the {self._panel.n_assets} of the history; "
                "warm up again when the universe changes"
            )
        if not bar.opened > self._last_opened:
            raise InputError(
                f"bar {bar.opened} is not later than the last one, {self._last_opened}; bars move forward"
            )
        self._check_length(bar)
        bad = np.isinf(bar.closes) | (bar.closes <= 0.0)
        if bad.any():
            i = int(np.argmax(bad))
            raise NonFiniteError(
                f"close of {bar.symbols[i]} at {bar.opened} is {bar.closes[i]}; drop the bar"
            )

    def _check_length(self, bar: Bar) -> None:
        if self.is_intraday:
            seconds = (bar.closed - bar.opened) / np.timedelta64(1, "s")
            if seconds != self._panel.bar_seconds:
                raise InputError(
                    f"bar {bar.opened} is {seconds:g} seconds long, the history's bars are "
                    f"{self._panel.bar_seconds:g}; pass bars of one length, or warm up with the other"
                )
        elif bar.opened.astype("datetime64[D]") < self._last_opened.astype("datetime64[D]") + _DAY:
            raise InputError(
                f"bar {bar.opened} is on the day of the last one and the history is daily; "
                "warm up with intraday bars to go on with such"
            )
