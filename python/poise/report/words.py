"""Numbers as a person reads them; a missing one is a dash."""

from __future__ import annotations

import math

DASH = "–"


def percent(value: float, digits: int = 1) -> str:
    """Return ``12.3%``."""
    return f"{_rounded(value, digits + 2):.{digits}%}" if math.isfinite(value) else DASH


def number(value: float, digits: int = 2) -> str:
    """Return ``1.23``."""
    return f"{_rounded(value, digits):,.{digits}f}" if math.isfinite(value) else DASH


def dollars(value: float, digits: int = 2) -> str:
    """Return ``$1,234.50``; negative amounts keep their sign before the dollar."""
    if not math.isfinite(value):
        return DASH
    shown = _rounded(value, digits)
    return f"{'-' if shown < 0 else ''}${abs(shown):,.{digits}f}"


def quantity(value: float) -> str:
    """Return units with as many digits as matter: six, and every digit before the point."""
    if not math.isfinite(value):
        return DASH
    before_point = math.floor(math.log10(abs(value))) + 1 if value else 1
    shown = f"{value:,.{max(0, 6 - before_point)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def counted(count: int, noun: str) -> str:
    """Return ``1 asset`` or ``3 assets``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def spoken(word: str) -> str:
    """Return a code word as one would say it: ``high_volatility`` is ``high volatility``."""
    return word.replace("_", " ").replace("+", " + ")


def _rounded(value: float, digits: int) -> float:
    """Return `value` as it will be shown; what rounds to zero has no sign."""
    return round(value, digits) or 0.0
