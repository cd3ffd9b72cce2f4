"""What the pages show runs, prints what they say, and what they link to exists."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BUILT = {".git", ".venv", "target", "dist", "node_modules", ".pytest_cache", ".ruff_cache", ".mypy_cache"}

FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>\w*)\n(?P<body>.*?)^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}\s+(?P<title>.+?)\s*$", re.MULTILINE)


def pages() -> list[Path]:
    """Every Markdown page of the repository, without what was built."""
    return sorted(p for p in ROOT.rglob("*.md") if not BUILT & set(p.relative_to(ROOT).parts))


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@dataclass(frozen=True)
class Example:
    """A Python block, and what the text block right below it says that it prints."""

    code: str
    line: int
    printed: str | None


def examples(text: str) -> Iterator[Example]:
    blocks = list(FENCE.finditer(text))
    for k, block in enumerate(blocks):
        if block["language"] != "python":
            continue
        following = blocks[k + 1] if k + 1 < len(blocks) else None
        shown = (
            following is not None
            and following["language"] == "text"
            and not text[block.end() : following.start()].strip()
        )
        line = text.count("\n", 0, block.start("body")) + 1
        yield Example(block["body"], line, following["body"] if following is not None and shown else None)


def examples_of(page: Path) -> list[Example]:
    return list(examples(page.read_text(encoding="utf-8")))


async def execute(code: str, page: Path, line: int, names: dict[str, Any]) -> str:
    """Run one block as a notebook would, awaits included, and return what it printed."""
    # The blank lines in front make a traceback point at the line of the page.
    source = "\n" * (line - 1) + code
    compiled = compile(source, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    output = StringIO()
    with redirect_stdout(output):
        pending = eval(compiled, names)  # noqa: S307 - our own pages
        if inspect.iscoroutine(pending):
            await pending
    return output.getvalue()


WITH_EXAMPLES = [
    page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if examples_of(page)
]


def test_the_readme_has_an_example() -> None:
    assert ROOT / "README.md" in WITH_EXAMPLES


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=name_of)
async def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__page__"}
    for example in examples_of(page):
        printed = await execute(example.code, page, example.line, names)
        if example.printed is not None:
            assert printed == example.printed, f"{name_of(page)}, the block at line {example.line}"


def test_the_notebook_is_the_readme_s_example() -> None:
    first = examples_of(ROOT / "README.md")[0]
    assert first.code in (ROOT / "examples" / "notebook.py").read_text(encoding="utf-8")


def slug(title: str) -> str:
    """The anchor that a heading gets."""
    words = re.sub(r"[^\w\- ]", "", title.replace("`", "").lower())
    return words.replace(" ", "-")


def broken_links(page: Path) -> list[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.finditer(text):
        target = link["target"]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else page.parent / path
        if not file.exists() or (
            anchor
            and anchor not in {slug(h["title"]) for h in HEADING.finditer(file.read_text(encoding="utf-8"))}
        ):
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_what_a_page_links_to_exists(page: Path) -> None:
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n[here](#a-page) [there](other.md) [nowhere](#lost) [web](https://example.org)\n"
        "```text\n[in code](ignored.md)\n```\n",
        encoding="utf-8",
    )
    assert broken_links(page) == ["other.md", "#lost"]


async def test_a_failing_example_points_at_its_line(tmp_path: Path) -> None:
    text = "# Page\n\n```python\nx = 1\nprint(x)\n```\n\n```text\n1\n```\n\n```python\nmissing + x\n```\n"
    good, bad = examples(text)
    names: dict[str, Any] = {}
    assert (good.line, good.printed, bad.printed) == (4, "1\n", None)
    assert await execute(good.code, tmp_path / "page.md", good.line, names) == good.printed
    with pytest.raises(NameError) as caught:
        await execute(bad.code, tmp_path / "page.md", bad.line, names)
    assert caught.traceback[-1].lineno + 1 == 13
