"""The ``poise`` command: one file per verb.

Exit codes: 0 done, 1 failed, 2 used or configured wrongly. With ``--json`` one strict JSON document goes to
standard output, errors included; everything else goes to standard error.
"""

from poise.cli.app import main

__all__ = ["main"]
