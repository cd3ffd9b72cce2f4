"""Nothing public looks ahead: every case of `tests/causality`, with its future changed and taken away."""

import numpy as np
import pytest

from poise.errors import LookAheadError
from poise.testing import assert_causal
from tests.causality import CASES
from tests.causality.regimes import LOOK_AHEAD


@pytest.mark.parametrize("name", CASES)
def test_the_past_does_not_notice_the_future(name: str) -> None:
    case = CASES[name]
    rng = np.random.default_rng(0)
    assert_causal(case.compute, case.data, rng=rng, rows=case.rows, scale=case.scale)


@pytest.mark.parametrize("name", LOOK_AHEAD)
def test_what_looks_ahead_by_its_nature_is_found_out(name: str) -> None:
    compute, data = LOOK_AHEAD[name]
    with pytest.raises(LookAheadError, match="looks ahead"):
        assert_causal(compute, data, rng=np.random.default_rng(0), rows=range(5, 110, 3), scale=0.05)
