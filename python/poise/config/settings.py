"""The command's settings: ``poise.toml``, then the environment (``POISE_PORTFOLIO__FEE_BPS``)."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from poise.config.paths import expanded
from poise.config.portfolio import PortfolioSettings, Positive, Unsettable, describe_violations
from poise.errors import ConfigError, did_you_mean

DEFAULT_FILE = "poise.toml"
ENVIRONMENT_PREFIX = "POISE_"
OTHER_VARIABLES = frozenset({"POISE_CONFIG", "POISE_CPU"})
"""Variables of ours that are no settings: the path of the file, the kernels' processor path."""


class DataSettings(BaseModel):
    """Where prices come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Unsettable[str] = Field(None, description="Bars, Parquet or CSV; unset: the embedded sample.")
    on_bad_bar: Literal["refuse", "drop"] = Field(
        "refuse", description="What a bad bar does: refuse or drop."
    )


class PaperSettings(BaseModel):
    """The embedded paper broker."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    capital: Positive = Field(10_000.0, description="Dollars a rehearsal or a default book is worth.")


class ReportSettings(BaseModel):
    """The report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field("poise-report.html", min_length=1, description="Where the report is written.")


class Settings(BaseSettings):
    """Everything the command can be told; the environment stands above what is passed in."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__"
    )

    data: DataSettings = Field(default_factory=DataSettings)
    paper: PaperSettings = Field(default_factory=PaperSettings)
    portfolio: PortfolioSettings = Field(default_factory=PortfolioSettings)
    report: ReportSettings = Field(default_factory=ReportSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library asks for it
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library asks for it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library asks for it
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment above the file; no other source is read."""
        return env_settings, init_settings


SECTIONS: dict[str, type[BaseModel]] = {
    "data": DataSettings,
    "paper": PaperSettings,
    "portfolio": PortfolioSettings,
    "report": ReportSettings,
}


def load_settings(path: str | Path | None = None) -> tuple[Settings, str]:
    """Read the settings: defaults, then the file, then the environment.

    Parameters
    ----------
    path : path, optional
        Of a TOML file. Left out: ``$POISE_CONFIG``, else ``poise.toml`` in the working folder, if any.

    Returns
    -------
    settings : Settings
    origin : str
        Where they came from, in words.

    Raises
    ------
    ConfigError
        With every violation of file and environment at once.
    """
    chosen = path or os.environ.get("POISE_CONFIG")
    file = expanded(chosen or DEFAULT_FILE)
    tree: dict[str, Any] = {}
    origin = "defaults"
    if chosen or file.is_file():
        tree, origin = _read(file), str(file)
    variables = _variables()
    violations = [*_unknown_sections(tree), *_unknown_variables(variables)]
    known: dict[str, Any] = {
        name: value for name, value in tree.items() if name in SECTIONS and isinstance(value, dict)
    }
    try:
        settings = Settings(**known)
    except ValidationError as error:
        raise ConfigError([*violations, *describe_violations(error, hint=_hint, origin=_variable)]) from None
    except SettingsError as error:
        raise ConfigError(violations or [f"environment: {error}"]) from None
    if violations:
        raise ConfigError(violations)
    return settings, f"{origin} and environment" if variables else origin


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError([f"{file} does not exist; `poise config init` writes one"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file} is no UTF-8 text ({error.reason}); save it as UTF-8"]) from error
    except OSError as error:
        raise ConfigError(
            [f"{file} cannot be read: {error.strerror or error}; pass another file with --config"]
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError([f"{file} is no TOML: {error}; mend it there"]) from error


def _variables() -> dict[str, str]:
    """Return the environment variables that should be settings: section and key by name as written."""
    return {
        name: name.upper().removeprefix(ENVIRONMENT_PREFIX).lower()
        for name in sorted(os.environ)
        if name.upper().startswith(ENVIRONMENT_PREFIX) and name.upper() not in OTHER_VARIABLES
    }


def _unknown_sections(tree: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in tree.items():
        if name not in SECTIONS:
            kind = "section" if isinstance(value, dict) else "key"
            found.append(f"unknown {kind} '{name}'{_hint(('', name))}")
        elif not isinstance(value, dict):
            found.append(f"{name} is a section, not a key; write [{name}] and its keys below")
    return found


def _unknown_variables(variables: Mapping[str, str]) -> list[str]:
    found = []
    for name, words in variables.items():
        section, _, key = words.partition("__")
        if section not in SECTIONS or not key:
            hint = "" if section in SECTIONS else did_you_mean(section, SECTIONS)
            found.append(
                f"environment variable {name} is no setting{hint}; "
                f"settings are {ENVIRONMENT_PREFIX}SECTION__KEY"
            )
    return found


def _hint(place: tuple[str, ...]) -> str:
    """Say what an unknown key may have meant: a key of its section, or the section it belongs under."""
    section, key = place[0], place[-1]
    homes = {name: home for home, model in SECTIONS.items() for name in model.model_fields}
    if section in SECTIONS and (near := did_you_mean(key, SECTIONS[section].model_fields)):
        return near
    if key in homes:
        return f"; it belongs under [{homes[key]}]"
    return did_you_mean(key, [*SECTIONS, *homes])


def _variable(place: tuple[str, ...]) -> str:
    """Name the environment variable that set the key at `place`, if one did."""
    words = "__".join(place)
    return next((f" (from {name})" for name, setting in _variables().items() if setting == words), "")


def template() -> str:
    """Return a ``poise.toml`` with every key at its default, explained and commented out."""
    lines = [
        "# poise.toml: every key with its default. Remove the # in front of what you change.",
        '# An empty string ("") leaves a key unset.',
        f"# The environment overrides it: {ENVIRONMENT_PREFIX}PORTFOLIO__MAX_POSITION_SIZE=0.2",
    ]
    for section, model in SECTIONS.items():
        lines += ["", f"[{section}]"]
        for key, field in model.model_fields.items():
            lines += [f"# {field.description}", f"# {key} = {toml_value(field.default)}"]
    return "\n".join(lines) + "\n"


def toml_value(value: str | float | bool | None) -> str:
    """Return a setting as TOML spells it; an unset one is an empty string."""
    # What JSON writes for strings, truth values and finite numbers is TOML as well.
    return json.dumps("" if value is None else value, ensure_ascii=False)
