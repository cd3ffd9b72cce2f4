"""One case for everything public that reads a history: a path of answers, one for each row.

`CASES` is what `tests/properties/test_causality.py` runs, `COVERED` the public names that the cases use, and
`NO_HISTORY` those that have no time of their own, with the reason. A new public name belongs to one of the
two: `tests/architecture/test_causality_is_complete.py` fails until it does.
"""

from tests.causality import doors, moments, regimes, risk, strategy
from tests.causality.case import Case
from tests.causality.exempt import NO_HISTORY

_ROOMS = (moments, risk, regimes, strategy, doors)

CASES: dict[str, Case] = {name: case for room in _ROOMS for name, case in room.CASES.items()}

COVERED = {name for room in _ROOMS for case in room.CASES.values() for name in case.covers}

__all__ = ["CASES", "COVERED", "NO_HISTORY", "Case"]
