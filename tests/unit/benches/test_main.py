"""``python -m benches``: exit codes and what it prints, with a case of no size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benches import __main__ as command
from poise.bench import Case, Contender, Missing


def tiny(_modules: object) -> Iterator[Case]:
    contenders = {
        "poise": Contender(lambda: 1.0),
        "peer": Contender(lambda: 1.0),
        "gone": Missing("not installed"),
    }
    yield Case("X1", "one", "n=1", contenders)


def disagreeing(_modules: object) -> Iterator[Case]:
    yield Case("X1", "one", "n=1", {"poise": Contender(lambda: 1.0), "peer": Contender(lambda: 2.0)})


@pytest.fixture(autouse=True)
def filters_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command silences what libraries warn of; the tests keep hearing it."""
    monkeypatch.setattr(command.warnings, "simplefilter", lambda _action: None)


def test_a_missing_peer_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "cases", tiny)
    code = command.main(["bench_risk", "--seconds", "0", "--ticks", "0"])
    printed = capsys.readouterr().out
    assert code == 0
    assert "| X1 | one | n=1 | gone |  |  |  |  | not installed |" in printed
    assert "0 met, 0 missed, 0 not measured" in printed


def test_another_answer_fails_and_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "cases", disagreeing)
    code = command.main(["bench_risk", "--seconds", "0", "--ticks", "0"])
    assert code == 1
    assert capsys.readouterr().err.startswith("one, n=1: peer another answer: off by 1.0e+00")


def test_a_full_run_must_reach_every_goal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "cases", tiny)
    assert command.main(["--seconds", "0", "--ticks", "0"]) == 1
    assert "no case for the goal EWMA covariance path, T=2000 N=100" in capsys.readouterr().err


def test_rows_choose(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "cases", tiny)
    assert command.main(["--rows", "C2,C3", "--seconds", "0", "--ticks", "0"]) == 0
    assert "| X1 |" not in capsys.readouterr().out


def test_an_unknown_bench_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(["bench_nothing"])
    assert stopped.value.code == 2
    assert "no bench is called bench_nothing" in capsys.readouterr().err


def test_the_page_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "cases", tiny)
    monkeypatch.setattr(command, "PAGE", tmp_path / "benchmarks.md")
    code = command.main(["bench_risk", "--seconds", "0", "--ticks", "300", "--write"])
    assert code == 0
    written = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert written.startswith("# Benchmarks\n")
    assert "N=50 EwmaCovariance.partial_fit" in written
    assert f"written: {tmp_path / 'benchmarks.md'}" in capsys.readouterr().out


def test_every_module_it_names_is_there() -> None:
    folder = Path(command.__file__).parent
    assert {f"{name}.py" for name in command.MODULES} == {path.name for path in folder.glob("bench_*.py")}
