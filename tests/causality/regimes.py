"""Regime engines, along a history."""

from __future__ import annotations

import numpy as np

from poise.regime import GaussianHMM, JumpModel, RegimeDetector
from tests.causality.case import Case, returns

STATES = {
    "transition_matrix": [[0.95, 0.05], [0.1, 0.9]],
    "means": [[0.0], [0.0]],
    "covariances": [[[0.0004]], [[0.004]]],
}


def history(R):
    detector = RegimeDetector()
    return {
        "history": RegimeDetector().history(R),
        "online": [
            (
                detector.partial_fit(row).state_,
                detector.features_,
                detector.thresholds_,
                detector.raw_probabilities_,
                detector.calibration_,
            )
            if t > 30
            else detector.partial_fit(row).state_
            for t, row in enumerate(R)
        ],
    }


def hmm():
    return GaussianHMM.from_parameters(**STATES, start_probabilities=[0.5, 0.5])


def filtered(X):
    """The whole at once, and row by row."""
    online = hmm()
    return {"filter": hmm().filter(X), "online": [online.partial_filter(row) for row in X]}


def jump():
    return JumpModel.from_centroids([[0.0], [0.03]], jump_penalty=1e-4)


def labels(X):
    online = jump()
    return {
        "predict_online": jump().predict_online(np.abs(X)),
        "online": [online.partial_predict(np.abs(row)) for row in X],
    }


R = returns(560, seed=5)
X = returns(120, 1, seed=6, gaps=False)

CASES = {
    # Beyond 500 bars the calibration is fitted, beyond 120 the thresholds are those of the market.
    "regime.RegimeDetector": Case(history, R, ("regime.RegimeDetector",), rows=(100, 300, 540)),
    "regime.GaussianHMM.filter": Case(filtered, X, ("regime.GaussianHMM",)),
    "regime.JumpModel.predict_online": Case(labels, X, ("regime.JumpModel",)),
}

LOOK_AHEAD = {
    "GaussianHMM.smooth": (lambda X: hmm().smooth(X), X),
    "GaussianHMM.viterbi": (lambda X: hmm().viterbi(X), X),
    "JumpModel.predict": (lambda X: jump().predict(np.abs(X)), X),
}
"""What uses the future by its nature, and must be found out."""
