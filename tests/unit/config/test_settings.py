"""poise.toml and the environment: what is read, what is refused, and how it says so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from poise.config.paths import expanded
from poise.config.settings import SECTIONS, Settings, load_settings, template, toml_value
from poise.errors import ConfigError

SHAPE = "settings are POISE_SECTION__KEY"
NEAR = "did you mean 'portfolio'?"


def write(text: str, name: str = "poise.toml") -> Path:
    """Write a settings file into the working folder."""
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path | None = None) -> tuple[str, ...]:
    """Return the violations with which the settings are refused."""
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    return caught.value.violations


class TestWhereTheyComeFrom:
    def test_nothing(self) -> None:
        assert load_settings() == (Settings(), "defaults")

    def test_the_file_in_the_working_folder(self) -> None:
        write("[portfolio]\nfee_bps = 3")
        settings, origin = load_settings()
        assert settings.portfolio.fee_bps == 3.0
        assert origin == "poise.toml"

    def test_the_file_that_is_named_beats_the_variable_beats_the_folder(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write("[portfolio]\nfee_bps = 1")
        write("[portfolio]\nfee_bps = 2", "two.toml")
        three = write("[portfolio]\nfee_bps = 3", "three.toml")
        monkeypatch.setenv("POISE_CONFIG", "two.toml")
        assert load_settings()[0].portfolio.fee_bps == 2.0
        assert load_settings(three)[0].portfolio.fee_bps == 3.0

    def test_the_environment_beats_the_file_key_by_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write("[portfolio]\nfee_bps = 3\nsector_cap = 0.4\n[paper]\ncapital = 500")
        monkeypatch.setenv("POISE_PORTFOLIO__FEE_BPS", "7.5")
        monkeypatch.setenv("POISE_PORTFOLIO__USE_RISK_PARITY", "false")
        settings, origin = load_settings()
        assert settings.portfolio.fee_bps == 7.5
        assert settings.portfolio.sector_cap == 0.4
        assert settings.portfolio.use_risk_parity is False
        assert settings.paper.capital == 500.0
        assert origin == "poise.toml and environment"

    def test_an_empty_variable_unsets_what_the_file_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write("[data]\nfile = 'bars.csv'\n[portfolio]\ncorrelation_window = 30")
        monkeypatch.setenv("POISE_DATA__FILE", "")
        monkeypatch.setenv("POISE_PORTFOLIO__CORRELATION_WINDOW", "")
        settings, _ = load_settings()
        assert settings.data.file is None
        assert settings.portfolio.correlation_window is None

    def test_a_variable_in_lower_case_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("poise_paper__capital", "250")
        settings, origin = load_settings()
        assert settings.paper.capital == 250.0
        assert origin == "defaults and environment"

    def test_variables_that_are_no_settings_are_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POISE_CPU", "baseline")
        assert load_settings()[1] == "defaults"

    def test_a_byte_order_mark_is_no_mistake(self) -> None:
        Path("poise.toml").write_bytes(b"\xef\xbb\xbf[paper]\ncapital = 5\n")
        assert load_settings()[0].paper.capital == 5.0


class TestRefused:
    def test_every_violation_of_file_and_environment_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        write(
            "[portfolio]\nfee_bps = -1\nmax_positon_size = 0.2\n[paper]\ncapital = 0\n"
            "[data]\non_bad_bar = 'mend'\n[exchnge]\nid = 'x'\n"
        )
        monkeypatch.setenv("POISE_PORTFOLIO__SECTOR_CAP", "seven")
        monkeypatch.setenv("POISE_REPROT__PATH", "x.html")
        lines = refused()
        assert len(lines) == 7
        for expected in (
            "portfolio.fee_bps = -1: input should be greater than or equal to 0",
            "unknown key 'portfolio.max_positon_size'; did you mean 'max_position_size'?",
            "paper.capital = 0: input should be greater than 0",
            "data.on_bad_bar = 'mend': input should be 'refuse' or 'drop'",
            "unknown section 'exchnge'",
            "(from POISE_PORTFOLIO__SECTOR_CAP)",
            "environment variable POISE_REPROT__PATH is no setting; did you mean 'report'?",
        ):
            assert sum(expected in line for line in lines) == 1, expected

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("[portfolio]\npath = 'x'", "unknown key 'portfolio.path'; it belongs under [report]"),
            ("fee_bps = 3", "unknown key 'fee_bps'; it belongs under [portfolio]"),
            ("[portfoli]\nfee_bps = 3", "unknown section 'portfoli'; did you mean 'portfolio'?"),
            ("[data]\nfil = 'x'", "unknown key 'data.fil'; did you mean 'file'?"),
            ("portfolio = 3", "portfolio is a section, not a key; write [portfolio] and its keys below"),
            ("[report]\npath = ''", "report.path = '': string should have at least 1 character"),
            ("[paper]\ncapital = true", "paper.capital = True: a truth value is no number"),
            ("[data]\nfile = 3", "data.file = 3: input should be a valid string"),
        ],
    )
    def test_one_mistake(self, text: str, line: str) -> None:
        write(text)
        assert refused() == (line,)

    @pytest.mark.parametrize(
        ("name", "value", "line"),
        [
            (
                "POISE_PORTFOLIO__FEE_BSP",
                "1",
                "unknown key 'portfolio.fee_bsp'; did you mean 'fee_bps'? (from POISE_PORTFOLIO__FEE_BSP)",
            ),
            (
                "POISE_DATTA__FILE",
                "x",
                f"environment variable POISE_DATTA__FILE is no setting; did you mean 'data'?; {SHAPE}",
            ),
            (
                "POISE_PORTFOLIO_FEE_BPS",
                "1",
                f"environment variable POISE_PORTFOLIO_FEE_BPS is no setting; {NEAR}; {SHAPE}",
            ),
            (
                "POISE_PORTFOLIO",
                "not json",
                f"environment variable POISE_PORTFOLIO is no setting; {SHAPE}",
            ),
            (
                "POISE_PORTFOLIO",
                '{"fee_bps": 1}',
                f"environment variable POISE_PORTFOLIO is no setting; {SHAPE}",
            ),
        ],
    )
    def test_one_variable(self, name: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(name, value)
        assert refused() == (line,)

    def test_the_value_of_an_unknown_variable_is_not_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POISE_EXCHANGE__SECRET", "hunter2")
        monkeypatch.setenv("POISE_PORTFOLIO__SECRET", "hunter2")
        assert not any("hunter2" in line for line in refused())

    def test_no_toml_names_the_place(self) -> None:
        path = write("[portfolio]\nfee_bps = = 3\n")
        (line,) = refused(path)
        assert line.startswith("poise.toml is no TOML: ")
        assert "line 2" in line

    def test_a_file_that_is_not_there(self) -> None:
        assert refused(Path("nowhere.toml")) == (
            "nowhere.toml does not exist; `poise config init` writes one",
        )

    def test_a_variable_that_names_a_file_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POISE_CONFIG", "nowhere.toml")
        assert "nowhere.toml does not exist" in refused()[0]

    def test_a_folder(self, tmp_path: Path) -> None:
        (line,) = refused(tmp_path)
        assert "Is a directory" in line
        assert "--config" in line

    def test_bytes_that_are_no_text(self) -> None:
        Path("poise.toml").write_bytes(b"[paper]\ncapital = \xff\n")
        (line,) = refused()
        assert "no UTF-8 text" in line


class TestTemplate:
    def test_as_written_it_changes_nothing(self) -> None:
        write(template())
        assert load_settings()[0] == Settings()

    def test_with_every_key_uncommented_it_still_says_the_defaults(self) -> None:
        text = re.sub(r"^# (?=\w+ = )", "", template(), flags=re.MULTILINE)
        tree = tomllib.loads(text)
        assert {section: set(keys) for section, keys in tree.items()} == {
            section: set(model.model_fields) for section, model in SECTIONS.items()
        }
        write(text)
        assert load_settings()[0] == Settings()

    def test_every_key_is_explained(self) -> None:
        lines = template().splitlines()
        for section in SECTIONS.values():
            for key, field in section.model_fields.items():
                place = next(i for i, line in enumerate(lines) if line.startswith(f"# {key} = "))
                assert lines[place - 1] == f"# {field.description}"

    @pytest.mark.parametrize("value", ["a 'b' \"c\" \\ d", "é/ü 😀", True, 0.35, 1e-7, 10_000.0, 3])
    def test_a_value_survives_toml(self, value: object) -> None:
        assert tomllib.loads(f"key = {toml_value(value)}")["key"] == value  # type: ignore[arg-type]


class TestPaths:
    def test_a_tilde_is_the_home_folder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/quant")
        assert expanded("~/bars.csv") == Path("/home/quant/bars.csv")

    def test_a_home_that_is_not_known_is_left_as_it_is(self) -> None:
        assert expanded("~nobody-of-this-name/bars.csv") == Path("~nobody-of-this-name/bars.csv")
