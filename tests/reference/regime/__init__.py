"""The regime detector in plain Python: its parts bar by bar, and (`batch`) their formulas over arrays."""
