"""F: the hidden Markov model fitted and filtered, the jump model fitted and online, a bar of the detector."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benches.peers import given
from poise.bench import by_hand
from poise.bench.harness import Case, Contender
from poise.bench.inputs import simulated_features
from poise.regime import GaussianHMM, JumpModel, RegimeDetector
from poise.regime.readings import ENGINES
from poise.testing import simulated_market

N_OBSERVATIONS, N_FEATURES, N_STATES, N_STARTS = 2000, 5, 3, 10
ITERATIONS = 20
WINDOW = 250
PENALTY = 20.0
DETECTOR_ASSETS, DETECTOR_BARS = 50, 1460
SIZE = f"T={N_OBSERVATIONS} F={N_FEATURES} K={N_STATES}"


def cases() -> Iterator[Case]:
    X = simulated_features(N_OBSERVATIONS, N_FEATURES)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    model = GaussianHMM(N_STATES, n_restarts=N_STARTS, seed=0).fit(X)
    yield fit(X, model)
    yield iteration(X)
    yield two_states_of_one_series()
    yield smoothing(X, model)
    yield filter_step(X, model)
    yield jump_fit(standard)
    yield jump_online(standard)
    yield detector_bars()


def fit(X: np.ndarray, model: GaussianHMM) -> Case:
    """Ten starts, the best one kept, to the tolerance of poise: 1e-6 per observation."""

    def hmmlearn(lib: Any) -> Contender:
        def call() -> Any:
            peers = [
                lib.GaussianHMM(
                    N_STATES, "full", n_iter=200, tol=1e-6 * len(X), min_covar=0.0, random_state=start
                )
                for start in range(N_STARTS)
            ]
            return max((peer.fit(X) for peer in peers), key=lambda peer: peer.monitor_.history[-1])

        likelihood = call().score(X)
        assert model.log_likelihood_ >= likelihood - 0.1, (model.log_likelihood_, likelihood)
        iterations = f"log-likelihood {likelihood:.1f} beside {model.log_likelihood_:.1f}"
        return Contender(call, differs=iterations)

    return Case(
        "F1",
        "hidden Markov fit",
        f"{SIZE}, {N_STARTS} starts",
        {"poise": Contender(partial(model.fit, X), answer=lambda: model.log_likelihood_)}
        | {"hmmlearn": given("hmmlearn.hmm", hmmlearn)},
    )


def iteration(X: np.ndarray) -> Case:
    """One turn of expectation and maximisation: fits of one start cut off, divided by their turns."""
    model = GaussianHMM(N_STATES, n_restarts=1, max_iterations=ITERATIONS, tolerance=0.0, seed=0)
    done = model.fit(X).n_iterations_

    def hmmlearn(lib: Any) -> Contender:
        def call() -> Any:
            peer = lib.GaussianHMM(
                N_STATES, "full", n_iter=ITERATIONS, tol=-np.inf, min_covar=0.0, random_state=0
            )
            return peer.fit(X)

        return Contender(call, differs="its own start", units=call().monitor_.iter)

    return Case(
        "F1",
        "one iteration of the hidden Markov fit",
        SIZE,
        {"poise": Contender(partial(model.fit, X), answer=lambda: model.log_likelihood_, units=done)}
        | {"hmmlearn": given("hmmlearn.hmm", hmmlearn)},
    )


def two_states_of_one_series() -> Case:
    returns = simulated_features(N_OBSERVATIONS, 1) * 100.0
    model = GaussianHMM(2, n_restarts=1, seed=0)
    ours = model.fit(returns).log_likelihood_

    def statsmodels(lib: Any) -> Contender:
        def call() -> Any:
            return lib.tsa.MarkovRegression(returns[:, 0], k_regimes=2, switching_variance=True).fit()

        theirs = call().llf
        assert ours >= theirs - 0.5, (ours, theirs)
        return Contender(call, differs=f"log-likelihood {theirs:.1f} beside {ours:.1f}")

    return Case(
        "F1",
        "Markov switching, one series, one start",
        f"T={N_OBSERVATIONS} K=2",
        {"poise": Contender(partial(model.fit, returns), answer=lambda: ours)}
        | {"statsmodels": given("statsmodels.api", statsmodels)},
    )


def smoothing(X: np.ndarray, model: GaussianHMM) -> Case:
    def hmmlearn(lib: Any) -> Contender:
        return Contender(partial(same_model(lib, model).predict_proba, X))

    return Case(
        "F1",
        "hidden Markov smoothing",
        SIZE,
        {
            "poise": Contender(partial(model.smooth, X)),
            "hmmlearn": given("hmmlearn.hmm", hmmlearn),
        },
        tolerance=1e-8,
    )


def same_model(lib: Any, model: GaussianHMM) -> Any:
    """hmmlearn with the parameters that poise found."""
    peer = lib.GaussianHMM(model.n_states, "full")
    peer.startprob_, peer.transmat_ = model.start_probabilities_, model.transition_matrix_
    peer.means_, peer.covars_ = model.means_, model.covariances_
    return peer


def filter_step(X: np.ndarray, model: GaussianHMM) -> Case:
    plain = by_hand.HmmStep(model.means_, model.covariances_)
    predicted, row = model.fit(X).probabilities_ @ model.transition_matrix_, X[-1].copy()
    first = model.partial_filter(row)

    def numba(lib: Any) -> Contender:
        joint = np.empty(model.n_states)
        return Contender(
            partial(lib.hmm_step, predicted, row, plain.means, plain.whiteners, plain.constants, joint)
        )

    def hmmlearn(lib: Any) -> Contender:
        return Contender(
            partial(same_model(lib, model).predict_proba, X[-WINDOW:]),
            differs="no online filter: its users run it over the window again",
        )

    return Case(
        "F2",
        "hidden Markov filter step",
        f"K={model.n_states} F={X.shape[1]}",
        {
            "poise": Contender(partial(model.partial_filter, row), answer=lambda: first),
            "numba by hand": given("benches.numba_by_hand", numba),
            "numpy by hand": Contender(partial(plain, predicted, row)),
            f"hmmlearn, {WINDOW} rows again": given("hmmlearn.hmm", hmmlearn),
        },
        tolerance=1e-8,
    )


def jump_fit(X: np.ndarray) -> Case:
    model = JumpModel(N_STATES, jump_penalty=PENALTY, n_restarts=N_STARTS, seed=0)
    ours = model.fit(X).objective_

    def jumpmodels(lib: Any) -> Contender:
        def call() -> Any:
            return lib.JumpModel(
                n_components=N_STATES, jump_penalty=PENALTY, n_init=N_STARTS, random_state=0
            ).fit(X, sort_by="freq")

        theirs = float(call().val_)
        assert ours <= theirs * (1.0 + 1e-6), (ours, theirs)
        return Contender(call, differs=f"objective {theirs:.2f} beside {ours:.2f}")

    return Case(
        "F3",
        "jump model fit",
        f"{SIZE}, {N_STARTS} starts",
        {"poise": Contender(partial(model.fit, X), answer=lambda: ours)}
        | {"jumpmodels": given("jumpmodels.jump", jumpmodels)},
    )


def jump_online(X: np.ndarray) -> Case:
    model = JumpModel(N_STATES, jump_penalty=PENALTY, n_restarts=N_STARTS, seed=0).fit(X)

    def jumpmodels(lib: Any) -> Contender:
        peer = lib.JumpModel(n_components=N_STATES, jump_penalty=PENALTY, n_init=1, random_state=0)
        peer.fit(X, sort_by="freq")
        peer.centers_ = model.centroids_
        return Contender(partial(peer.predict_online, X))

    return Case(
        "F3",
        "jump model, states online",
        SIZE,
        {
            "poise": Contender(partial(model.predict_online, X)),
            "jumpmodels": given("jumpmodels.jump", jumpmodels),
        },
    )


def detector_bars() -> Case:
    """Four years, refits of the engines included, divided by the bars."""
    closes = simulated_market(seed=1, n_assets=DETECTOR_ASSETS, days=DETECTOR_BARS + 1).panel.closes
    returns = closes[1:] / closes[:-1] - 1.0

    def follow(engine: str) -> Contender:
        detector = RegimeDetector(engine=engine)
        return Contender(partial(detector.fit, returns), units=DETECTOR_BARS, differs="another engine")

    contenders = {engine: follow(engine) for engine in ENGINES if engine != "rules"}
    rules = RegimeDetector()
    ours = Contender(
        partial(rules.fit, returns), answer=lambda: list(rules.durations_.values()), units=DETECTOR_BARS
    )
    return Case(
        "F4",
        "a bar of the regime detector, by engine",
        f"N={DETECTOR_ASSETS}, {DETECTOR_BARS} bars",
        {"poise": ours} | {f"poise, {name}": contender for name, contender in contenders.items()},
    )
