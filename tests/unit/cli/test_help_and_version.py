"""Help, versions and settings: the verbs that need no market."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import poise
from poise.cli import main
from poise.config.settings import SECTIONS, Settings, template
from tests.unit.cli.conftest import Run

VERBS = ("demo", "analyze", "version", "config init", "config show", "config check")


class TestHelp:
    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize("flag", ["--help", "-h"])
    def test_every_verb_shows_an_example(self, verb: str, flag: str, run: Run) -> None:
        ran = run(*verb.split(), flag)
        assert (ran.code, ran.err) == (0, "")
        assert f"Usage: poise {verb}" in ran.out
        assert f"Example: poise {verb}" in ran.out
        assert "--json" in ran.out

    def test_the_command_lists_its_verbs(self, run: Run) -> None:
        ran = run("--help")
        assert ran.code == 0
        for verb in ("demo", "analyze", "config", "version"):
            assert f" {verb} " in ran.out
        assert "Start with: poise demo" in ran.out

    @pytest.mark.parametrize("words", [(), ("config",)])
    def test_no_verb_shows_the_help_and_is_misuse(self, words: tuple[str, ...], run: Run) -> None:
        ran = run(*words)
        assert ran.code == 2
        assert "Usage: poise" in ran.out
        assert "a verb is missing" in ran.err


class TestVersion:
    def test_in_words(self, run: Run) -> None:
        ran = run("version")
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.splitlines()[0].split() == ["poise", poise.__version__]

    def test_as_json(self, run: Run) -> None:
        document = run("version", "--json").document()
        assert document["poise"] == poise.__version__
        assert {"python", "numpy", "pandas", "cvxpy", "ccxt"} <= set(document)

    def test_as_a_flag(self, run: Run) -> None:
        ran = run("--version")
        assert (ran.code, ran.out) == (0, f"poise {poise.__version__}\n")


class TestConfigInit:
    def test_it_writes_the_template(self, run: Run) -> None:
        ran = run("config", "init")
        assert (ran.code, ran.out) == (0, "wrote poise.toml\n")
        assert Path("poise.toml").read_text(encoding="utf-8") == template()
        assert run("config", "check").code == 0

    def test_it_replaces_nothing_unless_told_to(self, run: Run) -> None:
        Path("mine.toml").write_text("[paper]\ncapital = 7\n")
        ran = run("config", "init", "mine.toml")
        assert ran.code == 1
        assert "mine.toml exists already; replace it with --force" in ran.refusal()
        assert run("config", "init", "mine.toml", "--json").refused_document()["type"] == "OutputError"
        assert Path("mine.toml").read_text() == "[paper]\ncapital = 7\n"
        assert run("config", "init", "mine.toml", "--force").code == 0
        assert Path("mine.toml").read_text(encoding="utf-8") == template()

    def test_as_json_it_names_the_file(self, run: Run, tmp_path: Path) -> None:
        assert run("config", "init", "new.toml", "--json").document() == {
            "written": str(tmp_path / "new.toml")
        }

    @pytest.mark.parametrize("path", ["no/folder/poise.toml", "/proc/nothing.toml"])
    def test_a_place_that_cannot_be_written(self, path: str, run: Run) -> None:
        ran = run("config", "init", path)
        assert ran.code == 1
        assert f"cannot write {path}: " in ran.refusal()


class TestConfigShow:
    def test_it_shows_what_is_in_force_as_toml(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("poise.toml").write_text("[data]\nfile = '[red]bars[/red].csv'\n")
        monkeypatch.setenv("POISE_PORTFOLIO__USE_RISK_PARITY", "no")
        ran = run("config", "show")
        assert (ran.code, ran.err) == (0, "")
        tree = tomllib.loads(ran.out)
        assert set(tree) == set(SECTIONS)
        assert tree["data"]["file"] == "[red]bars[/red].csv"
        assert tree["portfolio"]["use_risk_parity"] is False
        assert tree["portfolio"]["fee_bps"] == 10.0
        assert ran.out.startswith("# from poise.toml and environment\n")

    def test_as_json(self, run: Run) -> None:
        document = run("config", "show", "--json").document()
        assert document == {"origin": "defaults", "settings": Settings().model_dump()}
        assert document["settings"]["data"]["file"] is None


class TestConfigCheck:
    def test_good(self, run: Run) -> None:
        assert run("config", "check").out == "ok: settings from defaults\n"
        assert run("config", "check", "--json").document() == {"ok": True, "origin": "defaults"}

    def test_bad_lists_everything_and_ends_with_two(self, run: Run) -> None:
        Path("poise.toml").write_text("[portfolio]\nfee_bps = 'x'\nsector_cp = 1\n")
        ran = run("config", "check")
        assert ran.code == 2
        message = ran.refusal()
        assert "2 settings are refused" in message
        assert "portfolio.fee_bps = 'x'" in message
        assert "did you mean 'sector_cap'?" in message
        error = run("config", "check", "--json")
        assert error.code == 2
        assert len(error.refused_document()["violations"]) == 2


def test_the_console_script_is_main() -> None:
    (script,) = (s for s in entry_points(group="console_scripts", name="poise"))
    assert script.value == "poise.cli:main"
    assert script.load() is main
