"""A peer that is not there, or does not work, is a contender that says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benches.memory import ALLOWED, growth, main, sample
from benches.peers import given, given_extension
from poise.bench import Contender, Missing


def contender(_library: object) -> Contender:
    return Contender(list)


def test_a_peer_that_is_there_takes_part() -> None:
    assert isinstance(given("json", contender), Contender)


def test_a_peer_that_is_not_installed_is_named() -> None:
    assert given("no_such_peer", contender) == Missing("not installed: No module named 'no_such_peer'")


def test_a_peer_that_breaks_on_import_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_peer.py").write_text("raise RuntimeError('needs a screen')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = given("broken_peer", contender)
    assert found == Missing("cannot be imported: RuntimeError: needs a screen")
    assert "broken_peer" not in sys.modules


def test_a_peer_that_has_another_interface_is_named() -> None:
    found = given("json", lambda library: Contender(library.no_such_function))
    assert isinstance(found, Missing)
    assert found.reason.startswith("does not take the question: AttributeError: ")


def test_what_a_bench_asserts_of_poise_is_not_the_peer_s_fault() -> None:
    def worse(_library: object) -> Contender:
        raise AssertionError("poise is off by 1.0")

    with pytest.raises(AssertionError, match="off by"):
        given("json", worse)


def test_a_module_inside_a_package_that_cannot_be_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outer_peer").mkdir()
    (tmp_path / "outer_peer" / "__init__.py").write_text("import no_such_library\n", encoding="utf-8")
    (tmp_path / "outer_peer" / "inner.py").write_text("ANSWER = 42\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert isinstance(given("outer_peer.inner", contender), Missing)
    found = given_extension("outer_peer", "inner", lambda inner: Contender(lambda: inner.ANSWER))
    assert isinstance(found, Contender)
    assert found.call() == 42
    assert given_extension("outer_peer", "other", contender) == Missing(
        "not installed: No module named 'outer_peer.other'"
    )
    assert given_extension("no_such_peer", "part", contender) == Missing(
        "not installed: No module named 'no_such_peer'"
    )


class TestMemory:
    def test_growth_of_the_halves(self) -> None:
        assert growth([100, 150, 150]) == (0.5, 0.0)
        assert growth([100, 100, 102]) == (0.0, pytest.approx(0.02))

    def test_every_tick_is_taken_in(self) -> None:
        samples, estimator = sample(1003, 3)
        assert len(samples) == 201
        assert all(value > 0 for value in samples)
        assert estimator.n_observations_ == 512 + 1003

    def test_growth_in_the_last_half_fails(self, monkeypatch: pytest.MonkeyPatch) -> None:
        leaking = iter(range(1_000_000, 1_000_000 * 300, 1_000_000))
        monkeypatch.setattr("benches.memory.resident_bytes", lambda: next(leaking))
        samples, _ = sample(200, 2, resident=lambda: next(leaking))
        assert growth(samples)[1] > ALLOWED

    def test_the_command_says_what_it_saw(self, capsys: pytest.CaptureFixture[str]) -> None:
        code = main(["400", "3"])
        printed = capsys.readouterr().out
        assert "N=3, 400 ticks" in printed
        assert code in (0, 1)
