"""The goals: how many times faster than which peer, row by row. One table, data only.

A goal is a ratio within one run. The seconds beside it are an illustration: what it came to on the machine on
which the goals were set (Zen 5, full-width AVX-512, L2 of 1 MiB per core), and no verdict hangs on them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One goal.

    Attributes
    ----------
    row : str
        Its name in the table of goals; several goals share a row.
    question, size : str
        The case it belongs to.
    peer : str
        The contender to beat; empty where the goal is a time only.
    ratio : float or None
        Median of the peer over that of poise, at least.
    poise : str
        Which of poise's contenders it is about.
    seconds : float or None
        Illustration: the time on the machine of the goals.
    bounded_by : str
        What stands in the way where the goal is missed; empty where that is not known.
    """

    row: str
    question: str
    size: str
    peer: str
    ratio: float | None
    poise: str = "poise"
    seconds: float | None = None
    bounded_by: str = ""


RONCALLI = "riskparityportfolio roncalli, tol=1e-14"
PACKED = "numba by hand, packed"
INTO = "poise into out"
PATH, PATH_SIZE, SMALL_PATH_SIZE = "EWMA covariance path", "T=2000 N=100", "T=1000 N=50"
LAST, TICK = "EWMA last matrix", "online EWMA update, one row"
ROLLING, SAMPLE = "rolling VaR and CVaR", "VaR and CVaR of one sample"
CVAR = "minimum CVaR"
PARITY, NEXT = "equal risk contributions", "equal risk contributions on the next tick"
CROSSING = (
    "the call: arguments, border and result take 1.3 us; a quarter of the peer's 5 to 8 us is hardly more"
)
MINIMUM, FRONTIER, WINDOWS = "minimum variance", "exact frontier", "rolling minimum variance"

CLEARED = (
    "memory: 160 MB are cleared by the system (about 10 ms) and written at 28 GB/s (5.7 ms); 1.1 of both"
)
LINES = "stores: 20 MB that no cache holds, rows that begin in the middle of cache lines"
FLOPS = "arithmetic: 201 MFLOP at this core's 59 GFLOP/s are 3.4 ms"
REDUCTIONS = "latency: thirteen products of ten numbers wait on their sums; a third is the call"
BAR = "one bar measured"
CHOLESKY = "the proof that the matrix is definite, half of a cold solve"

TARGETS = (
    Target("A1", PATH, PATH_SIZE, "cvxcovariance", 7.0, seconds=12e-3),
    Target("A1", PATH, PATH_SIZE, "numbagg", 12.0, seconds=12e-3, bounded_by=CLEARED),
    Target("A1", PATH, PATH_SIZE, "pandas", 100.0, seconds=12e-3, bounded_by=CLEARED),
    Target("A1", PATH, PATH_SIZE, "", None, poise=INTO, seconds=7.5e-3),
    Target("A1", PATH, PATH_SIZE, "", None, poise="poise packed", seconds=3.5e-3),
    Target("A1b", PATH, SMALL_PATH_SIZE, "numbagg", 15.0, seconds=1.2e-3),
    Target("A1b", PATH, SMALL_PATH_SIZE, "pandas", 250.0, seconds=1.2e-3),
    Target("A1b", PATH, SMALL_PATH_SIZE, "numbagg", 40.0, poise=INTO, seconds=0.45e-3, bounded_by=LINES),
    Target("A2", "EWMA correlation path", PATH_SIZE, "numbagg", 18.0),
    Target("A2", "EWMA correlation path", PATH_SIZE, "pandas", 85.0),
    Target("A2", "EWMA correlation path", PATH_SIZE, "poise, covariance path", 1.0 / 1.3),
    Target("A3", LAST, "T=5000 N=200 half_life=1000", "numpy weighted product", 1.8, seconds=2.3e-3),
    Target("A3", LAST, "T=5000 N=200 half_life=1000", "skfolio", 3.0, seconds=2.3e-3, bounded_by=FLOPS),
    Target("A3", LAST, "T=5000 N=200 half_life=30", "numpy weighted product", 5.0),
    Target("A3", LAST, "T=2000 N=100 half_life=30", "PyPortfolioOpt", 2000.0),
    Target("A3", LAST, "T=2000 N=100 half_life=30", "riskfolio-lib", 2000.0),
    Target(
        "A4", "Ledoit-Wolf shrinkage", "T=5000 N=200", "scikit-learn", 7.0, seconds=2.8e-3, bounded_by=FLOPS
    ),
    Target("A4", "Ledoit-Wolf shrinkage", "T=5000 N=200", "skfolio", 7.0, seconds=2.8e-3, bounded_by=FLOPS),
    Target(
        "A4", "Ledoit-Wolf shrinkage", "T=5000 N=200", "PyPortfolioOpt", 7.0, seconds=2.8e-3, bounded_by=FLOPS
    ),
    Target("B", TICK, "N=10", "precise", 38.0, seconds=150e-9),
    Target("B", TICK, "N=10", PACKED, 1.6, seconds=150e-9),
    Target("B", TICK, "N=50", "precise", 29.0, seconds=270e-9),
    Target("B", TICK, "N=50", PACKED, 1.6, seconds=270e-9),
    Target("B", TICK, "N=100", "precise", 23.0, seconds=530e-9),
    Target("B", TICK, "N=100", PACKED, 1.6, seconds=530e-9),
    Target(
        "B",
        TICK,
        "N=500",
        "precise",
        75.0,
        seconds=12.5e-6,
        bounded_by="the peer: 1.8 ms in a fresh process, 0.27 ms where memory is kept, as here",
    ),
    Target("B2", TICK, "N=500", PACKED, 1.7, seconds=6.7e-6),
    Target("B", TICK, "N=1000", "precise", 45.0, seconds=51e-6),
    Target("B2", TICK, "N=1000", PACKED, 1.7, seconds=26.5e-6),
    Target(
        "C1",
        ROLLING,
        "T=100000 w=250",
        "polars",
        2.3,
        seconds=2.1e-3,
        bounded_by="latency: 24 ns a tick; what enters and leaves the sorted tail moves a few numbers",
    ),
    Target("C1", ROLLING, "T=100000 w=250", "numpy partition", 20.0),
    Target(
        "C1",
        ROLLING,
        "T=100000 w=250",
        "pandas quantile and apply",
        180.0,
        bounded_by="the row above; the peer varies by a tenth from run to run",
    ),
    Target(
        "C1",
        ROLLING,
        "T=100000 w=500",
        "polars",
        2.3,
        seconds=1.6e-3,
        bounded_by="latency: 24 ns a tick; what enters and leaves the sorted tail moves a few numbers",
    ),
    Target("C1", ROLLING, "T=100000 w=500", "numpy partition", 20.0),
    Target("C1", ROLLING, "T=100000 w=500", "pandas quantile and apply", 180.0),
    Target(
        "C1",
        ROLLING,
        "T=100000 w=2000",
        "polars",
        2.3,
        seconds=1.4e-3,
        bounded_by="latency: 24 ns a tick; what enters and leaves the sorted tail moves a few numbers",
    ),
    Target("C1", ROLLING, "T=100000 w=2000", "numpy partition", 20.0),
    Target("C1", ROLLING, "T=100000 w=2000", "pandas quantile and apply", 180.0),
    Target("C2", SAMPLE, "n=1000000", "numpy partition", 3.0, seconds=0.36e-3),
    Target("C2", SAMPLE, "n=1000000", "skfolio", 3.5),
    Target("C2", SAMPLE, "n=1000000", "riskfolio-lib", 100.0),
    Target("C2", SAMPLE, "n=100000", "numpy partition", 3.0, seconds=39e-6),
    Target("C2", SAMPLE, "n=100000", "skfolio", 3.5),
    Target("C2", SAMPLE, "n=100000", "riskfolio-lib", 100.0),
    Target(
        "C3",
        SAMPLE,
        "n=1000",
        "numpy partition",
        2.5,
        seconds=1.7e-6,
        bounded_by="the call: arguments, view and result are nearly half of 1.96 us",
    ),
    Target("C3", SAMPLE, "n=1000", "skfolio", 7.0, seconds=1.7e-6),
    Target("D", PARITY, "N=10", RONCALLI, 1.4, seconds=2.1e-6, bounded_by=REDUCTIONS),
    Target("D", PARITY, "N=50", RONCALLI, 1.4, seconds=10.3e-6),
    Target("D", PARITY, "N=100", RONCALLI, 1.4, seconds=21e-6, bounded_by=CHOLESKY),
    Target("D", PARITY, "N=500", RONCALLI, 1.8, seconds=0.35e-3),
    Target("D", PARITY, "N=1000", RONCALLI, 1.8, seconds=1.16e-3),
    Target("D", PARITY, "N=2000", RONCALLI, 1.8, seconds=9e-3),
    Target("D", PARITY, "N=10", "skfolio", 1000.0),
    Target("D", PARITY, "N=50", "skfolio", 1000.0),
    Target(
        "D",
        PARITY,
        "N=100",
        "skfolio",
        1000.0,
        bounded_by="37 us on this core, 21 us on that of the goals; the peer takes 29 ms on both",
    ),
    Target("D", PARITY, "N=500", "skfolio", 1000.0),
    Target("D", PARITY, "N=10", "riskfolio-lib", 1000.0),
    Target("D", PARITY, "N=50", "riskfolio-lib", 1000.0),
    Target("D", PARITY, "N=100", "riskfolio-lib", 1000.0),
    Target("D", PARITY, "N=500", "riskfolio-lib", 1000.0),
    Target(
        "D2",
        NEXT,
        "N=50",
        "poise, cold",
        2.0,
        poise="poise, warm",
        bounded_by="the cold solve, which is 1.6x the best peer: eleven products are left of fourteen",
    ),
    Target("D2", NEXT, "N=100", "poise, cold", 2.0, poise="poise, warm"),
    Target("D2", NEXT, "N=500", "poise, cold", 2.0, poise="poise, warm"),
    Target("E1", MINIMUM, "N=10", "daqp", 4.0, bounded_by=CROSSING),
    Target("E1", MINIMUM, "N=50", "daqp", 3.0),
    Target("E1", MINIMUM, "N=100", "piqp", 8.0),
    Target("E1", MINIMUM, "N=500", "piqp", 25.0),
    Target("E1", MINIMUM, "N=10", "PyPortfolioOpt", 1000.0),
    Target("E1", MINIMUM, "N=50", "PyPortfolioOpt", 200.0),
    Target("E1", MINIMUM, "N=100", "PyPortfolioOpt", 150.0),
    Target("E1", MINIMUM, "N=500", "PyPortfolioOpt", 300.0),
    Target("E1", MINIMUM, "N=10", "riskfolio-lib", 1000.0),
    Target("E1", MINIMUM, "N=50", "riskfolio-lib", 1000.0),
    Target("E1", MINIMUM, "N=100", "riskfolio-lib", 1000.0),
    Target("E1", MINIMUM, "N=500", "riskfolio-lib", 1000.0),
    Target("E1", MINIMUM, "N=50 cap=2/N", "daqp", 1.3),
    Target("E1", MINIMUM, "N=100 cap=2/N", "piqp", 2.5),
    Target("E1", MINIMUM, "N=500 cap=2/N", "piqp", 1.4),
    Target("E2", "mean-variance", "N=10", "daqp", 4.0, bounded_by=CROSSING),
    Target("E2", "mean-variance", "N=50", "daqp", 3.0),
    Target("E2", "mean-variance", "N=100", "piqp", 8.0),
    Target("E2", "mean-variance", "N=500", "piqp", 25.0),
    Target("E2", "maximum Sharpe ratio", "N=10", "daqp", 4.0, bounded_by=CROSSING),
    Target("E2", "maximum Sharpe ratio", "N=50", "daqp", 3.0),
    Target("E2", "maximum Sharpe ratio", "N=100", "piqp", 8.0),
    Target("E2", "maximum Sharpe ratio", "N=500", "piqp", 25.0),
    Target("E2", "maximum diversification", "N=10", "daqp", 4.0, bounded_by=CROSSING),
    Target("E2", "maximum diversification", "N=50", "daqp", 3.0),
    Target("E2", "maximum diversification", "N=100", "piqp", 8.0),
    Target("E2", "maximum diversification", "N=500", "piqp", 25.0),
    Target("E3", FRONTIER, "N=10", "cvxcla", 400.0),
    Target("E3", FRONTIER, "N=50", "cvxcla", 150.0),
    Target("E3", FRONTIER, "N=100", "cvxcla", 90.0),
    Target("E3", FRONTIER, "N=500", "cvxcla", 40.0),
    Target("E3", FRONTIER, "N=50 cap=2/N", "cvxcla", 25.0),
    Target("E3", FRONTIER, "N=100 cap=2/N", "cvxcla", 25.0),
    Target("E3", FRONTIER, "N=500 cap=2/N", "cvxcla", 25.0),
    Target("E3", "50 points of the frontier", "N=50", "PyPortfolioOpt", 1000.0),
    Target("E3", "50 points of the frontier", "N=100", "PyPortfolioOpt", 1000.0),
    Target("E3", "50 points of the frontier", "N=50", "skfolio", 1000.0),
    Target("E3", "50 points of the frontier", "N=100", "skfolio", 1000.0),
    Target("E4", WINDOWS, "N=10, 250 solutions", "daqp, warm", 6.0),
    Target("E4", WINDOWS, "N=50, 250 solutions", "daqp, warm", 18.0),
    Target("E4", WINDOWS, "N=100, 250 solutions", "daqp, warm", 40.0),
    Target(
        "E4",
        WINDOWS,
        "N=500, 50 solutions",
        "piqp",
        100.0,
        bounded_by="the first covariance, which the peers are given, is half: 250 MFLOP in 4 to 6 ms",
    ),
    Target("E4", WINDOWS, "N=100, 250 solutions", "PyPortfolioOpt", 1000.0),
    Target("E5", CVAR, "T=500 N=50", "HiGHS through SciPy", 8.0, seconds=3.0e-3),
    Target("E5", CVAR, "T=500 N=50", "PyPortfolioOpt", 12.0, seconds=3.0e-3),
    Target("E5", CVAR, "T=1000 N=50", "HiGHS through SciPy", 10.0, seconds=4.8e-3),
    Target("E5", CVAR, "T=1000 N=50", "PyPortfolioOpt", 20.0, seconds=4.8e-3),
    Target("E5", CVAR, "T=5000 N=50", "HiGHS through SciPy", 25.0, seconds=19e-3),
    Target("E5", CVAR, "T=5000 N=50", "PyPortfolioOpt", 30.0, seconds=19e-3),
    Target("E5", CVAR, "T=5000 N=100", "HiGHS through SciPy", 12.0, seconds=52e-3),
    Target("E5", CVAR, "T=5000 N=500", "HiGHS through SciPy", 8.0, seconds=480e-3),
    Target(
        "F1", "one iteration of the hidden Markov fit", "T=2000 F=5 K=3", "hmmlearn", 18.0, seconds=114e-6
    ),
    Target("F1", "hidden Markov fit", "T=2000 F=5 K=3, 10 starts", "hmmlearn", 30.0),
    Target("F2", "hidden Markov filter step", "K=3 F=5", "numba by hand", 3.0, seconds=200e-9),
    Target(
        "F2",
        "hidden Markov filter step",
        "K=3 F=5",
        "numpy by hand",
        45.0,
        seconds=200e-9,
        bounded_by="the call: 32 of 230 ns are the filter",
    ),
    Target("F2", "hidden Markov filter step", "K=3 F=5", "hmmlearn, 250 rows again", 1500.0, seconds=200e-9),
    Target("F3", "jump model fit", "T=2000 F=5 K=3, 10 starts", "jumpmodels", 50.0, seconds=6e-3),
    Target("G1", "max drawdown", "T=1000000", "numpy", 15.0, seconds=0.48e-3),
    Target("G1", "max drawdown", "T=1000000", "quantstats", 150.0),
    Target("G1", "all statistics of one series", "T=1000000", "numba by hand, one pass", 3.0),
    Target("G2", "the table of figures", "T=5000", "quantstats", 1000.0, seconds=0.6e-3),
    Target("G2", "the table of figures", "T=1000000", "quantstats", 1000.0, seconds=10e-3),
    Target("H1", BAR, "N=50", "", None, seconds=100e-6),
    Target(
        "H1",
        BAR,
        "N=50",
        "",
        None,
        poise="poise, and the fourteen metrics",
        seconds=100e-6,
    ),
)
