"""``python -m poise.bench SECONDS``: the bench of a minute in a process of its own; one JSON document.

``poise bench`` starts it with one thread per pool, which has to be said before NumPy is loaded.
"""

from __future__ import annotations

import sys

from poise.bench.run import document, run
from poise.domain.strict_json import dumps


def _tell(question: str) -> None:
    sys.stderr.write(question + "\n")
    sys.stderr.flush()


def main(seconds: float) -> None:
    """Measure and print; what is being measured goes to standard error."""
    results, latencies = run(seconds, progress=_tell)
    sys.stdout.write(dumps(document(results, latencies)) + "\n")


if __name__ == "__main__":
    main(float(sys.argv[1]))
