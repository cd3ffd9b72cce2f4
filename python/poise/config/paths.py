"""Paths as people write them."""

from __future__ import annotations

import os
from pathlib import Path


def expanded(path: str | Path) -> Path:
    """Return `path` with a leading ``~`` replaced by the home folder, where that is known."""
    # Path.expanduser raises where it is not; such a path is simply not found later.
    return Path(os.path.expanduser(path))  # noqa: PTH111 - as said above
