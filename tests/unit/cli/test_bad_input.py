"""A user's mistake: what is wrong, where and what to do; exit code 1 or 2 and never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

GOOD = "ts,symbol,close\n2020-01-01,BTC,100\n2020-01-01,ETH,10\n2020-01-02,BTC,101\n2020-01-02,ETH,11\n"


def with_close(close: str) -> bytes:
    """Good bars but for the close of row 3."""
    return GOOD.replace("101", close).encode()


MISTAKES: dict[str, tuple[str, bytes, str, tuple[str, ...]]] = {
    # file name, content, the stable word, what the message says
    "empty file": ("bars.csv", b"", "empty_file", ("is empty", "pass a Parquet file")),
    "empty parquet": ("bars.parquet", b"", "empty_file", ("is empty", "pass a Parquet file")),
    "garbage": ("bars.csv", bytes(range(256)) * 9, "unreadable_file", ("neither text nor Parquet", "pass")),
    "garbage parquet": ("bars.parquet", b"PAR1 no", "unreadable_file", ("damaged Parquet", "write it again")),
    "words": ("bars.csv", b"to be\nor not to be\n", "missing_column", ("no column ts", "add or rename one")),
    "no column close": (
        "bars.csv",
        b"ts,symbol,price\n2020-01-01,BTC,1\n",
        "missing_column",
        ("no column close", "price"),
    ),
    "no rows": ("bars.csv", b"ts,symbol,close\n", "no_rows", ("no rows", "nothing below it")),
    "unreadable time": (
        "bars.csv",
        GOOD.replace("2020-01-02,BTC", "yesterday,BTC").encode(),
        "unreadable_time",
        ("row 3", "BTC", "'ts'", "'yesterday'", "--on-bad-bar drop"),
    ),
    "two bars at one time": (
        "bars.csv",
        (GOOD + "2020-01-02,BTC,105\n").encode(),
        "conflicting_bars",
        ("rows 3 and 5", "BTC", "2020-01-02", "101, 105", "keep the right one"),
    ),
    "negative price": ("bars.csv", with_close("-5"), "bad_close", ("row 3", "BTC", "-5", "positive")),
    "price of zero": ("bars.csv", with_close("0"), "bad_close", ("row 3", "BTC", "'close'", "positive")),
    "infinite price": ("bars.csv", with_close("inf"), "bad_close", ("row 3", "BTC", "inf", "finite")),
    "price in words": ("bars.csv", with_close("dear"), "bad_close", ("row 3", "BTC", "'dear'", "finite")),
    "one bar": (
        "bars.csv",
        b"ts,symbol,close\n2020-01-01,BTC,1\n",
        "too_few_bars",
        ("no asset has two bars", "add rows"),
    ),
    "spreadsheet": ("bars.xlsx", b"PK\x03\x04", "unsupported_format", ("format that is not read", ".csv")),
}


@pytest.fixture(params=["analyze", "demo"])
def verb(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestData:
    @pytest.mark.parametrize("mistake", MISTAKES)
    def test_in_words_and_as_json(self, mistake: str, verb: str, run: Run) -> None:
        name, content, problem, says = MISTAKES[mistake]
        Path(name).write_bytes(content)
        words = run(verb, "--data", name).refusal()
        for part in ("error: ", name, *says):
            assert part in words
        error = run(verb, "--data", name, "--json").refused_document()
        assert error["type"] == "DataError"
        assert error["problem"] == problem
        assert error["source"] == name
        assert error["message"] in words
        assert list(Path().iterdir()) == [Path(name)]

    def test_a_file_that_is_not_there(self, verb: str, run: Run) -> None:
        assert (
            "nowhere.csv: there is no such file; check the path"
            in run(verb, "--data", "nowhere.csv").refusal()
        )
        assert run(verb, "--data", "nowhere.csv", "--json").refused_document()["problem"] == "missing_file"

    def test_a_folder(self, verb: str, run: Run, tmp_path: Path) -> None:
        assert "is a directory" in run(verb, "--data", tmp_path).refusal()

    def test_a_source_in_the_settings_that_is_not_there(
        self, verb: str, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("POISE_DATA__FILE", "~/no-such-bars.parquet")
        monkeypatch.setenv("HOME", "/nowhere")
        assert "/nowhere/no-such-bars.parquet: there is no such file" in run(verb).refusal()

    def test_a_bad_bar_can_be_dropped_by_option_or_setting(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path("bars.csv").write_bytes(with_close("-5"))
        by_option = run("analyze", "--data", "bars.csv", "--on-bad-bar", "drop", "--json")
        assert by_option.code == 0
        assert by_option.document()["data"]["dropped"] == {"bad_close": 1}
        monkeypatch.setenv("POISE_DATA__ON_BAD_BAR", "drop")
        assert run("analyze", "--data", "bars.csv").code == 0
        assert run("analyze", "--data", "bars.csv", "--on-bad-bar", "refuse").code == 1


class TestFigures:
    def test_a_folder_without_a_figure_is_a_mistake(self, run: Run, bars: Path) -> None:
        ran = run("analyze", "--data", bars, "--out", "somewhere")
        assert ran.code == 2
        assert "add --regime, --correlation or --frontier" in ran.refusal()
        assert not Path("somewhere").exists()
        refused = run("analyze", "--data", bars, "--out", "somewhere", "--json")
        assert refused.code == 2
        assert refused.refused_document()["type"] == "ParameterError"

    def test_a_folder_that_cannot_be_is_said_before_the_computation(self, run: Run, bars: Path) -> None:
        Path("taken").write_text("a file")
        ran = run("analyze", "--data", bars, "--regime", "--out", "taken")
        assert ran.code == 1
        message = ran.refusal()
        assert "cannot write the figure to taken/poise-regime.html" in message
        assert "choose another folder with --out" in message
        assert ran.out == ""


class TestUnknownSymbol:
    def test_analyze_names_the_nearest(self, run: Run, bars: Path) -> None:
        words = ("analyze", "--data", bars, "--symbol", "SIM1/USD")
        assert "SIM1/USD is not in the prices; did you mean 'SIM1/USDT'?" in run(*words).refusal()
        assert run(*words, "--json").refused_document()["type"] == "UnknownSymbolError"

    def test_a_book_that_holds_it(self, verb: str, run: Run, bars: Path) -> None:
        Path("book.json").write_text('{"cash": 10, "positions": {"SIM9/USDT": 1}}')
        words = (verb, "--data", bars, "--portfolio", "book.json")
        message = run(*words).refusal()
        assert "no price for the held symbol SIM9/USDT" in message
        assert "did you mean" in message
        assert run(*words, "--json").refused_document()["type"] == "UnknownSymbolError"


BOOKS: dict[str, tuple[str, bytes, str]] = {
    "empty": ("book.json", b" \n", "is empty; write it as"),
    "garbage": ("book.json", b"{cash: 1", "neither JSON nor TOML"),
    "bytes": ("book.json", b"\xff\xfe\x00", "no UTF-8 text"),
    "deep": ("book.json", b"[" * 200_000, "neither JSON nor TOML"),
    "toml": ("book.toml", b"cash = = 1", "neither JSON nor TOML"),
    "list": ("book.json", b"[1, 2]", "portfolio is a list, expected"),
    "number": ("book.json", b"7", "portfolio is a int, expected"),
    "unknown key": ("book.json", b'{"csh": 1}', "unknown key 'csh'; did you mean 'cash'?"),
    "word for cash": ("book.json", b'{"cash": "much"}', "cash is 'much', expected a number"),
    "NaN": ("book.json", b'{"cash": NaN}', "cash is nan"),
    "huge": ("book.json", b'{"cash": 1' + b"0" * 400 + b"}", "cash is"),
    "positions": ("book.json", b'{"positions": [1]}', "must map symbol to quantity"),
    "quantity": ("book.json", b'{"positions": {"SIM1/USDT": null}}', "quantity of SIM1/USDT is None"),
    "twice": ("book.json", b'{"positions": {"A": 1, "A": 2}}', "'A' stands twice; keep one of them"),
}


class TestPortfolioFile:
    @pytest.mark.parametrize("mistake", BOOKS)
    def test_a_file_that_is_no_book(self, mistake: str, verb: str, run: Run, bars: Path) -> None:
        name, content, says = BOOKS[mistake]
        Path(name).write_bytes(content)
        words = (verb, "--data", bars, "--portfolio", name)
        message = run(*words).refusal()
        assert says in message
        assert f"{name}: " in message
        assert run(*words, "--json").refused_document()["type"] == "DataError"

    def test_a_file_that_is_not_there(self, verb: str, run: Run, bars: Path) -> None:
        message = run(verb, "--data", bars, "--portfolio", "nowhere.json").refusal()
        assert "nowhere.json: there is no such file; check the path" in message

    def test_a_short_position_cannot_be_traded_on_paper(self, run: Run, bars: Path) -> None:
        Path("book.json").write_text('{"cash": 1e5, "positions": {"SIM1/USDT": -1}}')
        assert (
            "starts without debts or shorts"
            in run("demo", "--data", bars, "--portfolio", "book.json").refusal()
        )


class TestSettings:
    def test_an_unknown_key_and_its_neighbour(self, verb: str, run: Run) -> None:
        Path("poise.toml").write_text("[portfolio]\nmax_positon_size = 0.2\n")
        ran = run(verb)
        assert ran.code == 2
        assert "unknown key 'portfolio.max_positon_size'; did you mean 'max_position_size'?" in ran.refusal()
        error = run(verb, "--json").refused_document()
        assert error["type"] == "ConfigError"
        assert len(error["violations"]) == 1

    def test_all_violations_one_line_each(self, verb: str, run: Run) -> None:
        Path("poise.toml").write_text("[portfolio]\nfee_bps = -1\n[papr]\ncapital = 1\n")
        ran = run(verb)
        assert ran.code == 2
        lines = ran.refusal().splitlines()
        assert lines[0] == "error: 2 settings are refused"
        assert len(lines) == 3
        assert len(run(verb, "--json").refused_document()["violations"]) == 2

    def test_a_file_that_is_not_there(self, verb: str, run: Run) -> None:
        ran = run(verb, "--config", "nowhere.toml")
        assert ran.code == 2
        assert "`poise config init` writes one" in ran.refusal()


class TestUnwritableReport:
    @pytest.mark.parametrize("path", ["file/report.html", "folder", "/proc/nothing/report.html"])
    def test_it_says_so_before_the_long_computation(
        self, path: str, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Path("file").touch()
        Path("folder").mkdir()

        def not_yet(*_arguments: object) -> None:
            raise AssertionError("the data was read before the report was seen to be writable")

        monkeypatch.setattr("poise.cli.demo.load_market", not_yet)
        ran = run("demo", "--report", path)
        assert ran.code == 1
        message = ran.refusal()
        assert f"cannot write the report to {path}: " in message
        assert "choose another path with --report" in message
        assert run("demo", "--report", path, "--json").refused_document()["type"] == "OutputError"

    def test_the_path_of_the_settings(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("POISE_REPORT__PATH", "/proc/nothing/report.html")
        assert "cannot write the report to /proc/nothing/report.html" in run("demo").refusal()


class TestUsage:
    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (("analise",), "No such command 'analise'. Did you mean 'analyze'? see `poise --help`"),
            (("demo", "--bogus"), "No such option: --bogus; see `poise demo --help`"),
            (("demo", "--data"), "'--data' requires an argument"),
            (("analyze", "extra"), "unexpected extra argument"),
            (("demo", "--on-bad-bar", "mend"), "'mend' is not one of 'refuse', 'drop'"),
            (("config", "sho"), "No such command 'sho'"),
            (("config", "init", "a", "b"), "unexpected extra argument"),
        ],
    )
    def test_wrong_words(self, words: tuple[str, ...], says: str, run: Run) -> None:
        ran = run(*words)
        assert ran.code == 2
        message = ran.refusal()
        assert says in message
        assert "--help`" in message
        ran = run(*words, "--json") if words[-1] != "--data" else run("demo", "--json", "--data")
        assert ran.code == 2
        assert ran.refused_document()["type"] == "UsageError"
