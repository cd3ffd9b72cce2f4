"""What the online classes of this room do alike: their compiled state as bytes, copies and pickles."""

from __future__ import annotations

from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar


class Kernel(Protocol):
    """A compiled state."""

    def to_bytes(self) -> bytes:
        """Return the state as bytes."""
        ...


State = TypeVar("State", bound=Kernel)


class Online(Generic[State]):
    """Base of a class with one compiled state; a subclass names its kernel and makes the first state."""

    _kernel: ClassVar[Any]
    _state: State

    @property
    def kernel(self) -> State:
        """The compiled state, for what takes a bar into several of them at once."""
        return self._state

    def to_bytes(self) -> bytes:
        """Return parameters and state as bytes."""
        return self._state.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return what :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another kind or written by a newer version.
        """
        restored = cls.__new__(cls)
        restored.__setstate__(data)
        return restored

    def __getstate__(self) -> bytes:
        return self.to_bytes()

    def __setstate__(self, saved: bytes) -> None:
        self._state = self._kernel.from_bytes(saved)
