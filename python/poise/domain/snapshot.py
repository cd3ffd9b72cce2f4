"""An object as bytes: what describes it as JSON, its kernel's own bytes, and a checksum around both."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from poise.domain.labels import Labels
from poise.errors import InputError, StateError

_MARK = b"poise.py"
_VERSION = 1
_HEADER = struct.Struct("<8sII")
_CHECKSUM = struct.Struct("<I")


def pack(kind: str, described: Mapping[str, Any], state: bytes) -> bytes:
    """Return the object's kind, what describes it and its kernel's state as one block of bytes.

    Parameters
    ----------
    kind : str
        The name of its class.
    described : mapping
        What JSON holds.
    state : bytes
        Empty where there is none yet.
    """
    description = json.dumps({"kind": kind, **described}, ensure_ascii=False).encode()
    block = _HEADER.pack(_MARK, _VERSION, len(description)) + description + state
    return block + _CHECKSUM.pack(zlib.crc32(block))


def unpack(kind: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return what :func:`pack` was given for the same kind.

    Raises
    ------
    StateError
        If the bytes are short, damaged, of another kind or newer.
    """
    if len(data) < _HEADER.size + _CHECKSUM.size:
        raise StateError(f"the saved state has {len(data)} bytes, too few to be one")
    mark, version, length = _HEADER.unpack_from(data)
    if mark != _MARK:
        raise StateError(f"these bytes are not a saved {kind}")
    if version > _VERSION:
        raise StateError(f"the saved state has version {version}, newer than {_VERSION}; upgrade poise")
    block, checksum = data[: -_CHECKSUM.size], data[-_CHECKSUM.size :]
    if _CHECKSUM.pack(zlib.crc32(block)) != checksum:
        raise StateError("the saved state is damaged: its checksum does not fit; restore another copy")
    start = _HEADER.size + length
    described: dict[str, Any] = json.loads(block[_HEADER.size : start])
    found = described.pop("kind")
    if found != kind:
        raise StateError(f"the saved state is a {found}, not a {kind}; read it with {found}.from_bytes")
    return described, bytes(block[start:])


def plain_labels(labels: Labels) -> dict[str, Any]:
    """Return labels as JSON holds them.

    Raises
    ------
    InputError
        If a label is neither text nor a whole number.
    """
    assets = None if labels.assets is None else [_plain_label(label) for label in labels.assets]
    return {"kind": labels.kind, "assets": assets}


def restored_labels(described: dict[str, Any]) -> Labels:
    """Return the labels that :func:`plain_labels` wrote."""
    assets = described["assets"]
    return Labels(described["kind"], assets=None if assets is None else tuple(assets))


def _plain_label(label: Any) -> str | int:
    value = label.item() if isinstance(label, np.generic) else label
    if isinstance(value, (str, int)):
        return value
    raise InputError(
        f"label {label!r} is a {type(label).__name__}; bytes keep text and whole numbers only: "
        "rename the assets, or pickle the object"
    )
