"""Naming many assets in one short phrase."""

from __future__ import annotations

from collections.abc import Sequence

_NAMES_SHOWN = 5


def some(names: Sequence[str]) -> str:
    """Return the first five names, and how many more there are."""
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
