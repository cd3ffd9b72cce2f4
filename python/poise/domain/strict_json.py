"""Strict JSON: NaN and infinities become null, everything else a plain value."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from poise.typing import JsonValue


def to_jsonable(value: Any) -> JsonValue:  # noqa: C901 - one branch per kind of value
    """Return `value` as dicts, lists, strings, numbers, booleans and None.

    NaN and infinities become None; a value with ``to_dict`` speaks for itself; an unknown type is a
    ``TypeError``, never its ``repr``.
    """
    match value:
        case None | bool() | str():
            return value.value if isinstance(value, Enum) else value
        case Enum():
            return to_jsonable(value.value)
        case int() | np.integer():
            return int(value)
        case float() | np.floating():
            return float(value) if math.isfinite(value) else None
        case Decimal():
            return str(value)
        case np.datetime64():
            return str(value.astype("datetime64[s]")) + "+00:00"
        case datetime() | date():
            return value.isoformat()
        case Path():
            return str(value)
        case np.bool_():
            return bool(value)
        case np.ndarray():
            return [to_jsonable(item) for item in value.tolist()]
        case _ if hasattr(value, "to_dict"):
            return to_jsonable(value.to_dict())
        case Mapping():
            return {str(key): to_jsonable(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [to_jsonable(item) for item in value]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {f.name: to_jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Return `value` as one strict JSON document."""
    return json.dumps(to_jsonable(value), allow_nan=False, indent=indent, ensure_ascii=False)
