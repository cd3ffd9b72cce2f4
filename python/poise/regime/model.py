"""What the fitted models of this room have in common: saving, copying, following."""

from __future__ import annotations

import copyreg
from typing import Any, ClassVar, Generic, Self, TypeVar

from poise.domain.labels import unwrap_vector
from poise.domain.snapshot import pack, unpack
from poise.errors import StateError
from poise.typing import ArrayLike, Vector

State = TypeVar("State")


class FittedModel(Generic[State]):
    """A model whose settings are its public attributes and whose kernel holds what was fitted.

    Subclasses also inherit the compiled class that keeps the kernel in ``_state`` and takes rows in. Copies
    and pickles go through the bytes, so they are independent and continue bit for bit.
    """

    _KIND: ClassVar[str]
    """The name that the bytes bear."""
    _KERNEL: ClassVar[Any]
    """The compiled class that reads the kernel's own bytes."""

    _state: State | None
    _fit: dict[str, Any]

    def __repr__(self) -> str:
        first, *others = self._settings().items()
        chosen = [repr(first[1]), *(f"{name}={value!r}" for name, value in others)]
        return f"{type(self).__name__}({', '.join(chosen)})"

    def reset(self) -> Self:
        """Put the model back before the first row, to follow another series."""
        state: Any = self._fitted()
        state.reset()
        return self

    @property
    def n_iterations_(self) -> int:
        """Iterations of the best run; 0 for given parameters."""
        self._fitted()
        return int(self._fit["n_iterations"])

    @property
    def converged_(self) -> bool:
        """Whether the best run converged."""
        self._fitted()
        return bool(self._fit["converged"])

    def to_bytes(self) -> bytes:
        """Return settings, parameters and where the model stands as bytes."""
        state: Any = self._state
        kernel = b"" if state is None else state.to_bytes()
        return pack(self._KIND, {"settings": self._settings(), "fit": self._fit}, kernel)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the model that :meth:`to_bytes` wrote; it continues bit for bit.

        Raises
        ------
        StateError
            If the bytes are short, damaged, of another model or written by a newer version.
        """
        described, kernel = unpack(cls._KIND, data)
        model = cls(**described["settings"])
        model._fit = described["fit"]
        model._state = cls._KERNEL.from_bytes(kernel) if kernel else None
        return model

    def __reduce__(self) -> tuple[Any, ...]:
        # The early protocols of pickle cannot make the object of a compiled base.
        return copyreg.__newobj__, (type(self),), self.to_bytes()  # type: ignore[attr-defined]

    def __setstate__(self, saved: bytes) -> None:
        model = type(self).from_bytes(saved)
        self.__dict__.update(model.__dict__)
        self._state = model._state  # noqa: SLF001 - another of this class

    def _settings(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def _fitted(self) -> State:
        if self._state is None:
            raise StateError("nothing was fitted yet; call fit first")
        return self._state

    def _row_values(self, row: ArrayLike) -> Vector:
        """Return any row as an array; the compiled class asks for it."""
        return unwrap_vector(row, "row")[0]
