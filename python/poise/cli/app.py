"""Putting the verbs together, and turning every outcome into an exit code."""

from __future__ import annotations

import io
import sys
import warnings
from typing import Annotated

import typer

from poise import __version__
from poise.cli import analyze, bench, config, demo, version
from poise.cli.output import print_error, say
from poise.errors import ConfigError, ParameterError, PoiseError

FAILED, MISUSED = 1, 2
_INTERRUPTED = 130

app = typer.Typer(
    name="poise",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("analyze")(analyze.analyze)
app.command("bench")(bench.bench)
app.add_typer(config.app, name="config")
app.command("version")(version.version)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"poise {__version__}")
        raise typer.Exit


@app.callback()
def poise(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and exit."),
    ] = False,
) -> None:
    """Measure, decide, rebalance and explain a portfolio.

    Start with: poise demo
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code; a user's mistake never shows a traceback.

    Parameters
    ----------
    arguments : list of str, optional
        Words after ``poise``; those of the process by default.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    _accept_any_text()
    with warnings.catch_warnings():
        if not sys.warnoptions:
            # What a library warns of is no news for the user of a command; -W brings it back.
            warnings.simplefilter("ignore")
        try:
            return _outcome(words, as_json="--json" in words)
        except BrokenPipeError:
            # The reader has left: nobody to tell.
            return FAILED


def _outcome(words: list[str], *, as_json: bool) -> int:
    try:
        code = app(words, prog_name="poise", standalone_mode=False)
    except (typer.TyperException, PoiseError) as error:
        return _failed(error, as_json=as_json)
    except typer.Abort:
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        print_error("Aborted", "stopped by the user", as_json=as_json)
        return FAILED
    return code if isinstance(code, int) else 0


def _failed(error: typer.TyperException | PoiseError, *, as_json: bool) -> int:
    if isinstance(error, PoiseError):
        print_error(type(error).__name__, str(error), as_json=as_json, cause=error)
        return MISUSED if isinstance(error, ConfigError | ParameterError) else FAILED
    context = getattr(error, "ctx", None)
    verb = "poise" if context is None else context.command_path
    # Without a word of its own it has printed the help already.
    message = error.format_message().replace("Value error, ", "").rstrip(".") or "a verb is missing"
    mark = "" if message.endswith("?") else ";"
    print_error("UsageError", f"{message}{mark} see `{verb} --help`", as_json=as_json)
    return MISUSED


def _accept_any_text() -> None:
    """Make a terminal that lacks a character show a substitute rather than an exception."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
