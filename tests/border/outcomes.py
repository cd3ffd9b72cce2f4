"""What a call came to: its answer as plain numbers, or the typed refusal. Anything else is a failed test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from poise.errors import PoiseError, StateError
from poise.moments import CrossMarketPair
from poise.optimization import BindingBound
from poise.optimization.estimators import PortfolioEstimator
from tests.border.subjects import Subject

_ROW_NAMES = {"row", "asset", "continuous", "half_life", "timeframe", "time"}
"""Leading columns that name the rows of a polars answer."""


@dataclass(frozen=True)
class Answer:
    """All numbers of an answer in a row, and its words."""

    numbers: np.ndarray
    words: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """A typed error."""

    kind: type[PoiseError]
    message: str


def outcome(subject: Subject, /, **changed: Any) -> Answer | Refusal:
    """Call a subject with some of its arguments changed; what it is called on must survive a refusal."""
    arguments = {name: array.copy() for name, array in subject.arguments.items()} | changed
    if subject.make is None:
        try:
            return answer(subject.call(**arguments))
        except PoiseError as error:
            return Refusal(type(error), str(error))
    thing = subject.make()
    before = state(thing)
    try:
        found = subject.call(thing, **arguments)
    except PoiseError as error:
        assert state(thing) == before, f"a refused {subject.name} changed its object"
        return Refusal(type(error), str(error))
    return answer([None if found is thing else found, thing])


def answer(value: Any) -> Answer:
    """Read an answer of any form."""
    parts = list(_parts(value))
    numbers = [np.ravel(part).astype(float) for part in parts if not isinstance(part, str)]
    return Answer(
        np.concatenate(numbers) if numbers else np.empty(0),
        tuple(part for part in parts if isinstance(part, str)),
    )


def state(thing: Any) -> Any:
    """Return what tells two states of one object apart."""
    if hasattr(thing, "to_bytes"):
        return thing.to_bytes()
    found = answer(thing)
    return found.numbers.tobytes(), found.words


def _parts(value: Any) -> Iterator[Any]:
    if value is None or isinstance(value, (str, int, float, np.ndarray, np.generic)):
        yield from () if value is None else (str(value) if isinstance(value, str) else value,)
    elif isinstance(value, (pd.DataFrame, pd.Series, pl.Series)):
        yield value.to_numpy()
    elif isinstance(value, pl.DataFrame):
        yield value.select(column for column in value.columns if column not in _ROW_NAMES).to_numpy()
    else:
        for item in _items(value):
            yield from _parts(item)


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, BindingBound):
        return [value.side]  # the asset goes by its name in labelled answers
    if isinstance(value, CrossMarketPair):
        return [getattr(value, f.name) for f in fields(value) if f.name not in {"continuous", "exchange"}]
    if is_dataclass(value) and not isinstance(value, PortfolioEstimator):
        # Messages name assets too, and no two runs take the same time.
        return [getattr(value, f.name) for f in fields(value) if f.name not in {"messages", "seconds"}]
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, (tuple, list)):
        return value
    assert type(value).__module__.startswith("poise"), f"no plain form for {type(value).__name__}"
    return readings(value).values()


def readings(thing: Any) -> dict[str, Any]:
    """Every public attribute of an object that can be read now."""
    found = {}
    for name in dir(type(thing)):
        if name.startswith("_") or callable(getattr(type(thing), name)):
            continue
        try:
            found[name] = getattr(thing, name)
        except StateError:
            continue  # nothing was fitted yet
    return found
