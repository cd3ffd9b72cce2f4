"""B: one tick of the EWMA covariance, and ticks with a matrix read now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benches.peers import given
from poise.bench import by_hand
from poise.bench.by_hand import through
from poise.bench.harness import Case, Contender, Missing
from poise.bench.inputs import simulated_returns
from poise.moments import EwmaCovariance

HALF_LIFE = 30.0
DECAY = by_hand.decay_factor(HALF_LIFE)
N_ROWS = 128
"""Ticks of one call: what is put off from tick to tick is in every round."""

READ_EVERY = 20


def cases() -> Iterator[Case]:
    for n_assets in (10, 50, 100, 500, 1000):
        yield one_tick(n_assets)
    for n_assets in (500, 1000):
        yield ticks_and_read(n_assets)


def one_tick(n_assets: int) -> Case:
    rows = simulated_returns(N_ROWS, n_assets)
    # The recursion that a hand-written loop keeps: no mean, weights that start from the first row.
    recursion = EwmaCovariance(HALF_LIFE, demean=False, adjust=False).fit(rows).covariance_

    def by_numba(square: bool) -> Callable[[Any], Contender]:
        def build(lib: Any) -> Contender:
            update, start = (lib.update_square, np.outer) if square else (lib.update_packed, packed_outer)
            state, waiting = start(rows[0], rows[0]), list(rows)

            def fed() -> np.ndarray:
                made = start(rows[0], rows[0])
                for row in rows[1:]:
                    update(made, row, DECAY)
                return made if square else unpacked(made, n_assets)

            def ticks() -> None:
                for row in waiting:
                    update(state, row, DECAY)

            return Contender(
                ticks,
                units=N_ROWS,
                answer=fed,
                expected=recursion,
                note="no mean, no check",
            )

        return build

    def precise(lib: Any) -> Contender:
        made = lib.EwaCovariance(r=1.0 - DECAY)
        return Contender(
            through(made.partial_fit, rows),
            units=N_ROWS,
            differs="starts from the plain covariance of its first rows",
        )

    def skfolio(lib: Any) -> Contender:
        def make() -> Any:
            return lib.EWCovariance(half_life=HALF_LIFE, nearest=False)

        made = make()
        return Contender(
            through(lambda row: made.partial_fit(row[None, :]), rows),
            units=N_ROWS,
            answer=lambda: make().fit(rows).covariance_,
            expected=EwmaCovariance(HALF_LIFE, demean=False).fit(rows).covariance_,
            note="zero mean",
        )

    contenders: dict[str, Contender | Missing] = {
        "poise": poise(rows),
        "numba by hand, packed": given("benches.numba_by_hand", by_numba(square=False)),
        "numba by hand, square": given("benches.numba_by_hand", by_numba(square=True)),
        "numpy in place": numpy_in_place(rows, recursion),
        "precise": given("precise.ewa", precise),
    }
    if n_assets <= 100:
        contenders["skfolio"] = given("skfolio.moments", skfolio)
    return Case("B", "online EWMA update, one row", f"N={n_assets}", contenders)


def poise(rows: np.ndarray) -> Contender:
    return Contender(
        through(EwmaCovariance(HALF_LIFE).partial_fit, rows),
        answer=lambda: EwmaCovariance(HALF_LIFE).fit(rows).covariance_,
        units=N_ROWS,
        note="with mean, adjusted weights, finite check",
    )


def numpy_in_place(rows: np.ndarray, recursion: np.ndarray) -> Contender:
    def fed() -> np.ndarray:
        made = by_hand.EwmaInPlace(rows[0], HALF_LIFE)
        for row in rows[1:]:
            made.update(row)
        return made.matrix

    state = by_hand.EwmaInPlace(rows[0], HALF_LIFE)
    return Contender(
        through(state.update, rows), answer=fed, units=N_ROWS, expected=recursion, note="no mean, no check"
    )


def ticks_and_read(n_assets: int) -> Case:
    """As many ticks as a bar's decision takes apart from reading the full matrix once: times per tick."""
    rows = simulated_returns(READ_EVERY, n_assets)
    estimator = EwmaCovariance(HALF_LIFE)

    def with_poise() -> object:
        for row in rows:
            estimator.partial_fit(row)
        return estimator.covariance_

    def with_numba(lib: Any) -> Contender:
        state = packed_outer(rows[0], rows[0])

        def call() -> object:
            for row in rows:
                lib.update_packed(state, row, DECAY)
            return lib.unpack(state, np.empty((n_assets, n_assets)))

        return Contender(call, differs="no mean, no check", units=READ_EVERY)

    state = by_hand.EwmaInPlace(rows[0], HALF_LIFE)

    def with_numpy() -> object:
        for row in rows:
            state.update(row)
        return state.matrix.copy()

    return Case(
        "B2",
        f"{READ_EVERY} ticks and one read of the matrix, per tick",
        f"N={n_assets}",
        {
            "poise": Contender(with_poise, units=READ_EVERY),
            "numba by hand, packed": given("benches.numba_by_hand", with_numba),
            "numpy in place": Contender(with_numpy, differs="no mean, no check", units=READ_EVERY),
        },
    )


def packed_outer(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.outer(x, y)[np.tril_indices(len(x))]


def unpacked(packed: np.ndarray, n_assets: int) -> np.ndarray:
    full, lower = np.empty((n_assets, n_assets)), np.tril_indices(n_assets)
    full[lower] = packed
    full.T[lower] = packed
    return full
