"""What reaches the two streams whatever the terminal, the pipe, the libraries or the user do."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from poise.cli.output import busy, printable, progress
from poise.cli.sparkline import sparkline
from tests.unit.cli.conftest import Run, strict


def poise(*words: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m poise`` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "poise", *words],
        capture_output=True,
        check=False,
        env=os.environ | environment,
    )


class TestProcess:
    def test_the_exit_code_reaches_the_shell(self) -> None:
        good, bad = poise("config", "check"), poise("config", "chek", "--json")
        assert (good.returncode, good.stdout, good.stderr) == (0, b"ok: settings from defaults\n", b"")
        assert (bad.returncode, bad.stderr) == (2, b"")
        assert strict(bad.stdout.decode())["error"]["type"] == "UsageError"

    @pytest.mark.parametrize("flag", [(), ("--json",)])
    def test_a_terminal_that_knows_only_ascii(self, flag: tuple[str, ...]) -> None:
        Path("größe.toml").write_text("[data]\nfile = 'größe → 😀.csv'\n", encoding="utf-8")
        ran = poise("config", "show", "--config", "größe.toml", *flag, PYTHONIOENCODING="ascii")
        assert (ran.returncode, ran.stderr) == (0, b"")
        text = ran.stdout.decode("ascii")
        if flag:
            assert strict(text)["settings"]["data"]["file"] == "größe → 😀.csv"
        else:
            assert "gr??e" in text

    def test_a_file_name_that_is_no_unicode(self) -> None:
        name = b"gr\xf6\xdfe.toml"
        Path(os.fsdecode(name)).write_text("[paper]\ncapital = 5\n")
        ran = poise("config", "check", "--json", "--config", name)
        assert (ran.returncode, ran.stderr) == (0, b"")
        assert strict(ran.stdout.decode())["ok"] is True
        ran = poise("config", "check", "--config", b"\xff.toml")
        assert ran.returncode == 2
        assert b"Traceback" not in ran.stderr

    @pytest.mark.parametrize("words", [("show",), ("show", "--json"), ("shw", "--json")])
    def test_a_reader_that_has_left(self, words: tuple[str, ...]) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as gone:
            ran = subprocess.run(
                [sys.executable, "-m", "poise", "config", *words],
                stdout=gone,
                stderr=subprocess.PIPE,
                check=False,
            )
        assert (ran.returncode, ran.stderr) == (1, b"")


class TestOutcomes:
    def test_an_interrupt_is_no_traceback(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt() -> str:
            raise KeyboardInterrupt

        monkeypatch.setattr("poise.cli.version.platform.python_version", interrupt)
        ran = run("version")
        assert ran.code == 1
        assert ran.refusal() == "error: stopped by the user\n"
        assert run("version", "--json").refused_document()["type"] == "Aborted"

    def test_a_bug_is_not_dressed_up_as_a_mistake(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def bug() -> str:
            raise ZeroDivisionError

        monkeypatch.setattr("poise.cli.version.platform.python_version", bug)
        with pytest.raises(ZeroDivisionError):
            run("version")

    def test_what_a_library_warns_of_is_not_shown(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        def warns() -> str:
            warnings.warn("invalid value encountered", RuntimeWarning, stacklevel=1)
            return "3"

        monkeypatch.setattr("poise.cli.version.platform.python_version", warns)
        before = list(warnings.filters)
        ran = run("version")
        assert (ran.code, ran.err) == (0, "")
        assert list(warnings.filters) == before


class TestProgress:
    def test_off_a_terminal_there_is_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        with progress("rehearsing", quiet=False) as report, busy("deciding", quiet=False):
            report(1, 2)
        assert capsys.readouterr() == ("", "")

    def test_on_a_terminal_it_stands_on_standard_error(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")
        with progress("rehearsing", quiet=False) as report:
            report(1, 2)
        with busy("deciding", quiet=False):
            pass
        out, err = capsys.readouterr()
        assert out == ""
        assert "rehearsing" in err
        assert "1/2" in err
        assert "deciding" in err

    def test_json_is_quiet_even_there(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        with progress("rehearsing", quiet=True) as report, busy("deciding", quiet=True):
            report(1, 2)
        assert capsys.readouterr() == ("", "")


class TestText:
    def test_a_symbol_cannot_move_the_cursor_or_style_the_table(self, run: Run) -> None:
        symbol = "\x1b[2J[bold]B\u202eTC[/bold]"
        rows = "".join(f"2020-01-0{d},{symbol},{10 + d}\n" for d in range(1, 6))
        Path("bars.csv").write_text(f"ts,symbol,close\n{rows}", encoding="utf-8")
        ran = run("analyze", "--data", "bars.csv", "--symbol", symbol)
        assert ran.code == 0
        assert "\x1b" not in ran.out
        assert "\u202e" not in ran.out
        assert "[bold]B�TC[/bold]" in ran.out
        unknown = run("analyze", "--data", "bars.csv", "--symbol", "\x1b[31m[red]x").refusal()
        assert "\x1b" not in unknown
        assert "[red]x" in unknown

    def test_printable(self) -> None:
        assert printable("é → 😀 [x]") == "é → 😀 [x]"
        assert printable("a\x07\nb") == "a��b"

    def test_a_sparkline_spans_its_scale(self) -> None:
        assert sparkline(np.array([0.0, 1.0, 2.0, 8.0]), lowest=0.0, highest=8.0) == "▁▂▃█"

    def test_a_long_one_is_thinned_and_keeps_its_ends(self) -> None:
        values = np.zeros(1000)
        values[0], values[-1] = 1.0, 1.0
        drawn = sparkline(values, lowest=0.0, highest=1.0, width=20)
        assert len(drawn) == 20
        assert (drawn[0], drawn[-1], set(drawn[1:-1])) == ("█", "█", {"▁"})

    def test_a_flat_one_is_drawn_in_the_middle(self) -> None:
        assert set(sparkline(np.full(9, 3.0), lowest=3.0, highest=3.0)) == {"▅"}
