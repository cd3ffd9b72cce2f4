"""Hostile input at the border: the answer of the clean copy or a typed refusal, and nothing has changed.

Whatever escapes as something else, a panic, a NumPy warning or a pandas error, fails by itself: only poise's
own errors are read as refusals.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal

from poise.errors import InputError, NonFiniteError, ShapeError
from tests.border import forms
from tests.border.outcomes import Answer, Refusal, outcome
from tests.border.subjects import WITHOUT_ARRAYS, Subject, public_names, subjects

SUBJECTS = subjects()
ARGUMENTS = [
    pytest.param(subject, name, id=f"{subject.name}-{name}")
    for subject in SUBJECTS
    for name in subject.arguments
]
REALS = [
    pytest.param(subject, name, id=f"{subject.name}-{name}")
    for subject in SUBJECTS
    for name in subject.arguments
    if name not in subject.instants
]


def test_every_public_name_is_in_a_table() -> None:
    known = {subject.covers for subject in SUBJECTS} | set(WITHOUT_ARRAYS)
    public = set(public_names())
    assert not public - known, (
        "new public names: add a subject in tests/border, or say that it takes no array"
    )
    assert not known - public, "the tables name what is not public"


@pytest.mark.parametrize("subject", [pytest.param(subject, id=subject.name) for subject in SUBJECTS])
def test_clean_arrays_are_answered(subject: Subject) -> None:
    assert isinstance(outcome(subject), Answer)


@pytest.mark.parametrize(("subject", "name"), ARGUMENTS)
def test_the_layout_does_not_matter(subject: Subject, name: str) -> None:
    for label, form, clean in forms.layouts(subject.arguments[name]):
        agrees(subject, name, label, form, clean)


@pytest.mark.parametrize(("subject", "name"), REALS)
def test_the_type_of_the_numbers_does_not_matter(subject: Subject, name: str) -> None:
    for label, form, clean in forms.numbers(subject.arguments[name]):
        agrees(subject, name, label, form, clean)


@pytest.mark.parametrize(("subject", "name"), REALS)
def test_frames_say_what_their_numbers_say(subject: Subject, name: str) -> None:
    for label, form, clean in forms.frames(subject.arguments[name], name):
        agrees(subject, name, label, form, clean)


@pytest.mark.parametrize(("subject", "name"), REALS)
def test_what_is_no_number_is_refused(subject: Subject, name: str) -> None:
    for label, form in forms.no_numbers(subject.arguments[name]):
        found = refused(subject, name, label, form)
        if "among objects" in label or "beyond" in label:
            assert issubclass(found.kind, InputError)


@pytest.mark.parametrize(("subject", "name"), ARGUMENTS)
def test_what_has_no_fitting_shape_is_refused(subject: Subject, name: str) -> None:
    clean = subject.arguments[name]
    for label, form in forms.no_arrays(clean):
        allowed = {"nothing": subject.optional, "a number": subject.spread, "no axis": subject.spread}
        more = {"an axis too many": subject.either | subject.stacked, "four axes": subject.stacked}
        if name in (allowed | more).get(label, ()):
            continue
        found = outcome(subject, **{name: form})
        if isinstance(found, Answer) and "empty" in label:
            assert subject.empty or not found.numbers.size, f"{label}: {found}"
            continue
        found = refused(subject, name, label, form)
        if label in {"no axis", "four axes"}:
            assert issubclass(found.kind, (ShapeError, InputError)), (label, found)
            assert re.search(r"\(\)|\(1, 1, 1, 1\)|\d", found.message), (label, found)


@pytest.mark.parametrize(("subject", "name"), ARGUMENTS)
def test_lengths_that_do_not_fit_are_refused(subject: Subject, name: str) -> None:
    clean = subject.arguments[name]
    for axis, size in enumerate(clean.shape):
        longer = np.concatenate([clean, np.take(clean, [size - 1], axis)], axis)
        for other in (np.take(clean, range(size - 1), axis), np.take(clean, [0], axis), longer):
            label = f"axis {axis} of {other.shape[axis]} for {size}"
            if subject.tied(name, axis):
                found = refused(subject, name, label, other)
                assert re.search(r"\d", found.message), (label, found)
            else:
                outcome(subject, **{name: other})


@pytest.mark.parametrize(("subject", "name"), REALS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
def test_what_is_not_finite_is_refused_by_place(subject: Subject, name: str, bad: float) -> None:
    form = subject.arguments[name].copy()
    place = forms.middle(form)
    form[place] = bad
    found = outcome(subject, **{name: form})
    if (np.isnan(bad) and name in subject.missing) or (np.isinf(bad) and name in subject.unbounded):
        return
    assert isinstance(found, Refusal), f"{name} with {bad} at {place} was answered"
    assert not np.isnan(bad) or issubclass(found.kind, NonFiniteError), found
    told = [int(number) for number in re.findall(r"\d+", found.message)]
    assert set(place) <= set(told), f"{found.message!r} does not say {place}"


@pytest.mark.parametrize(("subject", "name"), REALS)
def test_huge_and_denormal_numbers_are_answered_or_refused(subject: Subject, name: str) -> None:
    clean = subject.arguments[name]
    known = np.isfinite(outcome(subject).numbers)
    # Beyond the range of a float, or over a vanishing volatility, a ratio or an annual figure has no meaning.
    # All weight on one asset leaves a detector no pair to correlate.
    may_vanish = subject.name.startswith(("performance.", "risk.", "regime.RegimeDetector"))
    # How bad a forecast was has no bound.
    may_be_infinite = subject.covers == "risk.acerbi_szekely_test"
    for size in (1e308, 1e200, 1e154, 1e-160, 1e-308, 5e-324):
        one = clean.copy()
        one[forms.middle(one)] = size
        scaled = clean / max(np.abs(clean).max(), 1.0) * size
        for label, form in ((f"one {size:g}", one), (f"all {size:g}", scaled), (f"all -{size:g}", -scaled)):
            found = outcome(subject, **{name: form})
            if isinstance(found, Answer) and len(found.numbers) == len(known):
                lost = found.numbers[known]
                assert may_be_infinite or not np.isinf(lost).any(), f"{label}: infinite where a number was"
                assert may_vanish or size < 1.0 or not np.isnan(lost).any(), (
                    f"{label}: NaN where a number was"
                )


def agrees(subject: Subject, name: str, label: str, form: Any, clean: np.ndarray) -> None:
    before = picture(form)
    expected, found = outcome(subject, **{name: clean.copy()}), outcome(subject, **{name: form})
    if isinstance(expected, Answer):
        assert isinstance(found, Answer), f"{label}: {found}"
        assert_array_equal(found.numbers, expected.numbers, err_msg=label)
        assert found.words == expected.words, label
    else:
        assert isinstance(found, Refusal), f"{label} was answered, its clean copy not: {expected}"
        assert found.kind is expected.kind, f"{label}: {found}, its clean copy: {expected}"
    assert picture(form) == before, f"{label}: the input was changed"


def refused(subject: Subject, name: str, label: str, form: Any) -> Refusal:
    found = outcome(subject, **{name: form})
    assert isinstance(found, Refusal), f"{name} as {label} was answered"
    assert issubclass(found.kind, InputError), (label, found)
    assert len(found.message) > 10, (label, found)
    return found


def picture(form: Any) -> Any:
    """Return what a change of `form` would change."""
    if isinstance(form, (pd.DataFrame, pd.Series, pl.DataFrame, pl.Series)):
        form = form.to_numpy()
    array = np.asarray(form)
    return str(array.tolist()) if array.dtype == object else array.tobytes()
