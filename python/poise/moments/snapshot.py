"""An estimator as bytes: what describes it as JSON, its kernel's own bytes, and a checksum around both."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from poise.domain.labels import Labels
from poise.errors import InputError, StateError

_MARK = b"poise.mo"
_VERSION = 1
_HEADER = struct.Struct("<8sII")
_CHECKSUM = struct.Struct("<I")


def pack(rule: Mapping[str, Any], labels: Labels, state: bytes) -> bytes:
    """Return parameters, labels and the kernel's state as one block of bytes.

    Raises
    ------
    InputError
        If a label is neither text nor a whole number.
    """
    described = {"rule": dict(rule), "kind": labels.kind, "assets": _plain(labels.assets)}
    description = json.dumps(described, ensure_ascii=False).encode()
    block = _HEADER.pack(_MARK, _VERSION, len(description)) + description + state
    return block + _CHECKSUM.pack(zlib.crc32(block))


def unpack(data: bytes) -> tuple[dict[str, Any], Labels, bytes]:
    """Return what :func:`pack` was given.

    Raises
    ------
    StateError
        If the bytes are short, damaged, of another kind or newer.
    """
    if len(data) < _HEADER.size + _CHECKSUM.size:
        raise StateError(f"the saved state has {len(data)} bytes, too few to be one")
    mark, version, length = _HEADER.unpack_from(data)
    if mark != _MARK:
        raise StateError("these bytes are not a saved estimator of poise.moments")
    if version > _VERSION:
        raise StateError(f"the saved state has version {version}, newer than {_VERSION}; upgrade poise")
    block, checksum = data[: -_CHECKSUM.size], data[-_CHECKSUM.size :]
    if _CHECKSUM.pack(zlib.crc32(block)) != checksum:
        raise StateError("the saved state is damaged: its checksum does not fit; restore another copy")
    start = _HEADER.size + length
    described = json.loads(block[_HEADER.size : start])
    assets = described["assets"]
    labels = Labels(described["kind"], assets=None if assets is None else tuple(assets))
    return described["rule"], labels, bytes(block[start:])


def _plain(assets: Any) -> list[str | int] | None:
    if assets is None:
        return None
    return [_plain_label(asset) for asset in assets]


def _plain_label(label: Any) -> str | int:
    value = label.item() if isinstance(label, np.generic) else label
    if isinstance(value, (str, int)):
        return value
    raise InputError(
        f"label {label!r} is a {type(label).__name__}; bytes keep text and whole numbers only: "
        "rename the assets, or pickle the estimator"
    )
