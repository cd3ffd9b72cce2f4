"""Saved, pickled and copied states go on bit for bit; bytes that are not such a state are refused."""

from __future__ import annotations

import copy
import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poise.errors import StateError
from tests.border.outcomes import answer, state
from tests.border.states import WITHOUT_BYTES, Online, online
from tests.border.subjects import online_classes

LENGTH = 60
CLASSES = online(LENGTH)
EVERY = [pytest.param(each, id=each.name) for each in CLASSES]
SAVED = [pytest.param(each, id=each.name) for each in CLASSES if each.name not in WITHOUT_BYTES]
CUTS = (0, 1, 31, 45)
VERSION = slice(8, 12)
"""Where every format of poise has its version, behind a mark of eight bytes."""


def through_bytes(thing: Any) -> Any:
    return type(thing).from_bytes(thing.to_bytes())


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda thing: pickle.loads(pickle.dumps(thing, protocol))  # noqa: S301 - our own


AGAIN = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {p}": pickled(p) for p in range(pickle.HIGHEST_PROTOCOL + 1)},
}


def test_every_class_with_a_state_is_in_the_table() -> None:
    assert sorted(online_classes()) == sorted(each.name for each in CLASSES)


@pytest.mark.parametrize("each", EVERY)
def test_who_has_no_bytes_is_known(each: Online) -> None:
    assert hasattr(each.make(), "to_bytes") is (each.name not in WITHOUT_BYTES)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("again", AGAIN)
@pytest.mark.parametrize("each", EVERY)
def test_copies_go_on_bit_for_bit_on_their_own(each: Online, again: str, cut: int) -> None:
    first = each.fed(0, cut)
    goes_on_alike(each, first, AGAIN[again](first), cut)


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("each", SAVED)
def test_saved_states_go_on_bit_for_bit(each: Online, cut: int) -> None:
    first = each.fed(0, cut)
    second = through_bytes(first)
    assert second.to_bytes() == first.to_bytes()
    goes_on_alike(each, first, second, cut)
    assert second.to_bytes() == first.to_bytes()


def goes_on_alike(each: Online, first: Any, second: Any, cut: int) -> None:
    assert type(second) is type(first)
    before = state(first)
    each.fed(cut, LENGTH, second)
    assert state(first) == before, "the copy and its original share something"
    each.fed(cut, LENGTH, first)
    same(answer(first), answer(second))
    assert repr(first) == repr(second) or "object at" in repr(first)


def same(found: Any, expected: Any) -> None:
    assert_array_equal(found.numbers, expected.numbers)
    assert found.words == expected.words


@pytest.mark.parametrize("each", SAVED)
def test_no_damaged_byte_goes_unnoticed(each: Online) -> None:
    good = each.fed(0, 31).to_bytes()
    read = type(each.make()).from_bytes
    for at in range(len(good)):
        damaged = bytearray(good)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(StateError):
            read(bytes(damaged))


@pytest.mark.parametrize("each", SAVED)
def test_bytes_that_end_early_or_late_are_refused(each: Online) -> None:
    good = each.fed(0, 31).to_bytes()
    read = type(each.make()).from_bytes
    for stop in range(len(good)):
        with pytest.raises(StateError):
            read(good[:stop])
    for more in (b"\0", good, bytes(1000)):
        with pytest.raises(StateError):
            read(good + more)


@pytest.mark.parametrize("each", SAVED)
def test_a_newer_version_is_refused_as_such(each: Online) -> None:
    good = bytearray(each.fed(0, 31).to_bytes())
    (version,) = struct.unpack("<I", good[VERSION])
    good[VERSION] = struct.pack("<I", version + 1)
    with pytest.raises(StateError, match=f"version {version + 1}.*newer"):
        type(each.make()).from_bytes(bytes(good))


@pytest.mark.parametrize("each", SAVED)
def test_what_another_class_wrote_is_refused(each: Online) -> None:
    read = type(each.make()).from_bytes
    for other in CLASSES:
        if other.name not in {each.name, *WITHOUT_BYTES}:
            for cut in (0, 31):
                with pytest.raises(StateError):
                    read(other.fed(0, cut).to_bytes())


@pytest.mark.parametrize("each", SAVED)
def test_noise_is_refused(each: Online) -> None:
    read = type(each.make()).from_bytes
    rng = np.random.default_rng(3)
    for size in (0, 1, 7, 8, 12, 20, 100, 5000):
        for noise in (bytes(size), b"\xff" * size, rng.bytes(size)):
            with pytest.raises(StateError):
                read(noise)
