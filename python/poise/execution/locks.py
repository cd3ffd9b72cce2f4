"""One process at a time: a kernel lock that dies with its holder."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from poise.errors import BrokerError, OutputError


def acquire_lock(path: Path) -> int:
    """Take the exclusive lock beside `path` and return its file descriptor.

    The kernel frees it when the descriptor is closed or the process ends, however it ends.

    Raises
    ------
    BrokerError
        If another holder has it; the message says which process, since when.
    OutputError
        If the lock file cannot be opened.
    """
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OutputError(f"cannot open the lock {lock}: {error.strerror}; choose another place") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(descriptor)
        os.close(descriptor)
        raise BrokerError(
            f"the journal {path} is in use by {holder}; nothing was sent. One process trades an account: "
            "stop the other one or use another journal"
        ) from None
    note = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat("T", "seconds"),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(note).encode(), 0)
    return descriptor


def release_lock(descriptor: int) -> None:
    """Free the lock; the file stays, since removing it would race with the next holder."""
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    """Say who holds the lock, as far as its note tells."""
    try:
        note = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {note['pid']} on {note['host']} since {note['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
