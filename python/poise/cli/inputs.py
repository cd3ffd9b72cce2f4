"""From options and settings to prices and a book."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from poise.config.paths import expanded
from poise.config.settings import Settings
from poise.decision import equal_book
from poise.domain.portfolio import Portfolio
from poise.domain.prices import PricePanel
from poise.errors import DataError, InputError
from poise.market import MarketData, read_bars, sample
from poise.market.data import OnBadBar


def load_market(
    settings: Settings, data: Path | None, on_bad_bar: OnBadBar | None
) -> tuple[MarketData, tuple[str, ...]]:
    """Read the file that option or settings name, else the embedded sample with a warning that says so."""
    file = data or settings.data.file
    if file is None:
        market = sample()
        return market, (
            f"embedded_sample: no data configured; {market.source}; pass --data FILE for bars of your own",
        )
    return read_bars(expanded(file), on_bad_bar=on_bad_bar or settings.data.on_bad_bar), ()


def load_book(
    settings: Settings, portfolio: Path | None, panel: PricePanel
) -> tuple[Portfolio, tuple[str, ...]]:
    """Read the book that the option names, else equal weights with a warning that says so.

    Raises
    ------
    DataError
        If the file cannot be read or is no portfolio.
    UnknownSymbolError
        If it holds a symbol that has no price.
    """
    if portfolio is not None:
        book = read_portfolio(expanded(portfolio))
        book.values(panel.last_prices())
        return book, ()
    capital = settings.paper.capital
    assumed = f"equal weights of the assets alive at the last bar, worth {capital:,.0f}"
    return equal_book(panel, capital), (
        f"default_portfolio: no portfolio given; {assumed}; pass --portfolio FILE with what you hold",
    )


def read_portfolio(path: Path) -> Portfolio:
    """Read ``{"cash": .., "positions": {symbol: quantity}}`` from JSON or TOML.

    Raises
    ------
    DataError
        If the file cannot be read or is no portfolio.
    """

    def refused(what: str, problem: str) -> DataError:
        return DataError(f"{path}: {what}", source=str(path), problem=problem)

    wanted = '{"cash": 1000, "positions": {"BTC": 0.5}}'
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise refused("there is no such file; check the path", "missing_file") from None
    except UnicodeDecodeError as error:
        raise refused(f"is no UTF-8 text; write it as {wanted}", "unreadable_file") from error
    except OSError as error:
        raise refused(f"cannot be read ({error.strerror or error})", "unreadable_file") from error
    if not text.strip():
        raise refused(f"is empty; write it as {wanted}", "empty_file")
    try:
        return Portfolio.of(_parsed(text, toml=path.suffix.lower() == ".toml"))
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise refused(
            f"is neither JSON nor TOML ({error}); write it as {wanted}", "unreadable_file"
        ) from error
    except InputError as error:
        raise refused(str(error), "no_portfolio") from error


def _parsed(text: str, *, toml: bool) -> Any:
    return tomllib.loads(text) if toml else json.loads(text, object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a symbol that stands twice: JSON would silently keep the last quantity."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"{name!r} stands twice; keep one of them")
        found[name] = value
    return found
