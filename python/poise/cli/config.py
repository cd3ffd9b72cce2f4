"""``poise config init|show|check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from poise.cli.options import AsJson, ConfigFile
from poise.cli.output import print_json, safe, say
from poise.config.paths import expanded
from poise.config.settings import DEFAULT_FILE, load_settings, template, toml_value
from poise.errors import OutputError

app = typer.Typer(help="Write, show and check poise.toml.", no_args_is_help=True)


@app.command("init")
def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write.")] = Path(DEFAULT_FILE),
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace a file that exists already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a poise.toml with every key at its default, explained.

    Example: poise config init
    """
    target = expanded(path)
    try:
        with target.open("w" if force else "x", encoding="utf-8") as stream:
            stream.write(template())
    except FileExistsError:
        raise OutputError(f"{target} exists already; replace it with --force or name another path") from None
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}; name another path") from error
    if as_json:
        print_json({"written": target.resolve()})
    else:
        say(f"wrote {safe(str(target))}")


@app.command("show")
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show the settings in force: defaults, file and environment together.

    Example: poise config show --json
    """
    settings, origin = load_settings(config)
    document = settings.model_dump()
    if as_json:
        print_json({"origin": origin, "settings": document})
        return
    say(f"[dim]# from {safe(origin)}[/]")
    for section, values in document.items():
        say(f"\n[bold]{safe(f'[{section}]')}[/]")
        for key, value in values.items():
            say(safe(f"{key} = {toml_value(value)}"))


@app.command("check")
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check file and environment; lists every violation and ends with 2 if there is one.

    Example: poise config check --config poise.toml
    """
    _, origin = load_settings(config)
    if as_json:
        print_json({"ok": True, "origin": origin})
    else:
        say(f"ok: settings from {safe(origin)}")
