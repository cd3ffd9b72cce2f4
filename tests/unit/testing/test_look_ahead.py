"""The check finds who looks ahead, says where, and refuses to pass for nothing."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from poise.errors import InputError, LookAheadError, ShapeError
from poise.testing import assert_causal, simulated_market
from poise.testing.differences import first_difference

RETURNS = 0.01 * np.random.default_rng(3).normal(size=(40, 2))


def check(compute, data=RETURNS, **chosen):
    assert_causal(compute, data, rng=np.random.default_rng(0), **chosen)


@pytest.mark.parametrize(
    "compute",
    [
        lambda R: np.cumsum(R, axis=0),
        lambda R: pd.DataFrame(R).rolling(5).mean(),
        lambda R: pd.Series(R[:, 0]).ewm(halflife=3).mean(),
        lambda R: [{"mean": R[: t + 1].mean(), "last": R[t]} for t in range(len(R))],
        lambda R: {"sum": np.cumsum(R[:, 0]), "label": ["up" if x > 0 else "down" for x in R[:, 0]]},
    ],
)
def test_what_is_causal_passes(compute):
    check(compute)


@pytest.mark.parametrize(
    "compute",
    [
        lambda R: R - R.mean(axis=0),
        lambda R: pd.DataFrame(R).shift(-1),
        lambda R: pd.DataFrame(R).rolling(5, center=True).mean(),
        lambda R: (
            pd.DataFrame(R).mask(lambda frame: frame.index.to_numpy()[:, None] % 3 > np.zeros(2)).bfill()
        ),
        lambda R: np.cumsum(R, axis=0) * len(R),
        lambda R: {"fine": np.cumsum(R[:, 0]), "best": [int(np.argmax(R[:, 0]))] * len(R)},
    ],
)
def test_what_looks_ahead_is_found_out(compute):
    with pytest.raises(LookAheadError, match="looks ahead"):
        check(compute, rows=range(3, 38))


def test_the_message_says_what_changed_where_and_when():
    def centred(R):
        return {"score": pd.DataFrame(R).rolling(5, center=True).mean()}

    with pytest.raises(LookAheadError) as caught:
        check(centred, rows=[20])
    message = str(caught.value)
    assert message.startswith("the result score looks ahead: with everything after row 20 changed, ")
    assert "2 of the 21 rows up to it are others. The first is row 19[0]: " in message
    before = pd.DataFrame(RETURNS).rolling(5, center=True).mean().to_numpy()[19, 0]
    assert f"{before} became " in message
    assert isinstance(caught.value, AssertionError)


def test_lengths_and_names_of_the_future_are_the_future_too():
    with pytest.raises(LookAheadError, match="with the data ending at row 10"):
        check(lambda R: np.cumsum(R[:, 0]) / len(R), rows=[10])
    with pytest.raises(LookAheadError, match=r"it has \['a'\] where it had \['a', 'b'\]"):
        check(lambda R: {name: R.cumsum(axis=0) for name in ("a", "b")[: 1 + (len(R) > 30)]}, rows=[10])


def test_a_panel_is_changed_and_cut_like_an_array():
    panel = simulated_market(seed=1, n_assets=3, days=50, late_listings=1).panel
    check(lambda panel: list(panel.closes), panel)
    # Who is listed later is known today: changed prices do not tell, an earlier end does.
    with pytest.raises(LookAheadError, match="ending at row"):
        check(
            lambda p: [{"n": int(np.isfinite(p.closes).any(axis=0).sum()), "now": c} for c in p.closes], panel
        )


def test_a_check_that_shows_nothing_is_refused():
    with pytest.raises(InputError, match="shows nothing"):
        check(lambda R: np.zeros(len(R)))
    with pytest.raises(InputError, match="shows nothing"):
        check(lambda R: R[:10].sum() * np.ones(len(R)), rows=[20])


@pytest.mark.parametrize(
    ("compute", "match"),
    [
        (lambda R: R[1:], "39 entries of all 40 rows"),
        (lambda R: {"mean": R.mean()}, "no sequence for mean"),
        (lambda R: 1.0, "no sequence"),
    ],
)
def test_one_entry_per_row_is_asked_for(compute, match):
    with pytest.raises(ShapeError, match=match):
        check(compute)


def test_rows_need_a_future():
    with pytest.raises(ShapeError, match="0 to 38"):
        check(lambda R: R, rows=[39])
    with pytest.raises(ShapeError, match="at least one row"):
        check(lambda R: R, rows=[])


@dataclasses.dataclass
class Point:
    x: float
    tags: tuple


class Opaque:
    """Has no values."""


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        (1.0, 2.0, ""),
        (1.0, float("nan"), ""),
        (1, 1.5, ""),
        (np.array([1.0, 2.0]), np.array([1.0, 3.0]), "[1]"),
        (np.zeros((2, 2)), np.eye(2), "[0, 0]"),
        (np.zeros(2), np.zeros(3), ""),
        (np.zeros(2), None, ""),
        (Point(1.0, ("a", 2)), Point(1.0, ("a", 3)), ".tags[1]"),
        ({"a": [0.0, 1.0]}, {"a": [0.0, 2.0]}, "['a'][1]"),
        ({"a": 1}, {"b": 1}, ""),
        ([1, 2], [1], ""),
        (np.array([np.datetime64("NaT", "D")]), np.array([np.datetime64("2020-01-01")]), "[0]"),
        (np.array(["a", None], dtype=object), np.array(["a", "b"], dtype=object), "[1]"),
        (pd.Series([1.0, 2.0]), pd.Series([1.0, np.nan]), "[1]"),
    ],
)
def test_the_first_difference_is_placed(one, other, place):
    found = first_difference(one, other)
    assert found is not None
    assert found.place == place
    assert first_difference(one, one) is None
    assert first_difference(other, other) is None


def test_missing_is_missing():
    assert first_difference(float("nan"), float("nan")) is None
    assert first_difference(np.array([np.nan, 1.0]), np.array([np.nan, 1.0])) is None
    assert first_difference({"a": (None, np.float64("nan"))}, {"a": (None, np.float64("nan"))}) is None


def test_what_has_no_values_cannot_be_compared():
    with pytest.raises(InputError, match=r"a Opaque at \[0\] has no values"):
        first_difference([Opaque()], [Opaque()])
