"""Linear expressions in the words of the user: ``"0.5 * BTC - ETH >= 10%"``."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from poise.errors import ParameterError

_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z_])\s*(%?)")
_RELATION = re.compile(r"<=|>=|==|=|<|>")
_QUOTED = re.compile(r"""(["'`])(.+?)\1""")
_WORD = re.compile(r"[^\s*+<>=@()]+")

_RELATIONS = {"<=": (False, True), "<": (False, True), ">=": (True, False), ">": (True, False)}


class LinearExpression(NamedTuple):
    """``lower <= sum of coefficient times name <= upper``.

    Attributes
    ----------
    coefficients : dict of str to float
        By name; a name that cancels out is left in with 0.
    lower, upper : float
        Equal for an equality, infinite where there is no limit.
    text : str
        As it was written.
    """

    coefficients: dict[str, float]
    lower: float
    upper: float
    text: str


class _Token(NamedTuple):
    kind: str  # "number", "name", "sign", "times", "relation"
    text: str
    value: float
    start: int


def parse_expression(text: str, names: Iterable[str]) -> LinearExpression:
    """Read one or two relations between sums of numbers and named quantities.

    Parameters
    ----------
    text : str
        Such as ``"BTC + ETH <= 0.6"``, ``"10% <= defi <= 30%"`` or ``"0.5 * A - B = 0.1"``. A name may hold
        signs (``BRK-B``, ``BTC/USDT``): the longest known name that fits is taken; quotes settle the rest.
    names : iterable of str
        What may be named.

    Returns
    -------
    LinearExpression
        With every name on the left and the numbers on the right.

    Raises
    ------
    ParameterError
        If the text cannot be read; the message shows the place and, for an unknown name, the nearest known.

    Examples
    --------
    >>> parse_expression("0.5 * A - B >= 10%", ["A", "B"])[:3]
    ({'A': 0.5, 'B': -1.0}, 0.1, inf)
    """
    known = sorted({str(name) for name in names}, key=lambda name: (-len(name), name))
    sides: list[list[_Token]] = [[]]
    relations: list[_Token] = []
    for token in _tokens(text, known):
        if token.kind == "relation":
            relations.append(token)
            sides.append([])
        else:
            sides[-1].append(token)
    if not 1 <= len(relations) <= 2:
        raise ParameterError(
            f"{text!r} has {len(relations)} relations, expected one such as '<=', or 'a <= x <= b'"
        )
    sums = [
        _sum(side, text, start) for side, start in zip(sides, [0, *(r.start for r in relations)], strict=True)
    ]
    if len(relations) == 2:
        return _between(sums, relations, text)
    (left, left_number), (right, right_number) = sums
    coefficients = dict(left)
    for name, factor in right.items():
        coefficients[name] = coefficients.get(name, 0.0) - factor
    if not any(coefficients.values()):
        raise ParameterError(f"{text!r} names nothing that could be weighed; name an asset or a group")
    limit = right_number - left_number
    below, above = _RELATIONS.get(relations[0].text, (True, True))
    return LinearExpression(coefficients, limit if below else -math.inf, limit if above else math.inf, text)


def _between(
    sums: list[tuple[dict[str, float], float]], relations: list[_Token], text: str
) -> LinearExpression:
    (low_names, low), (names, number), (high_names, high) = sums
    if (
        low_names
        or high_names
        or relations[0].text != relations[1].text
        or relations[0].text not in _RELATIONS
    ):
        raise ParameterError(f"{text!r}: two relations read 'number <= names <= number', both the same way")
    if not any(names.values()):
        raise ParameterError(f"{text!r} names nothing that could be weighed; name an asset or a group")
    if relations[0].text.startswith(">"):
        low, high = high, low
    return LinearExpression(names, low - number, high - number, text)


def _tokens(text: str, known: list[str]) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        token, position = _next(text, position, known)
        yield token


def _next(text: str, start: int, known: list[str]) -> tuple[_Token, int]:
    quoted = _QUOTED.match(text, start)
    if quoted:
        if quoted[2] not in known:
            raise _unknown(text, start, quoted[2], known)
        return _Token("name", quoted[2], 0.0, start), quoted.end()
    for name in known:
        if text.startswith(name, start) and not _goes_on(text, start + len(name), name):
            return _Token("name", name, 0.0, start), start + len(name)
    number = _NUMBER.match(text, start)
    if number:
        digits = number[0].rstrip("% \t")
        return _Token("number", digits, float(digits) / (100.0 if number[1] else 1.0), start), number.end()
    relation = _RELATION.match(text, start)
    if relation:
        return _Token("relation", relation[0], 0.0, start), relation.end()
    if text[start] in "+-":
        return _Token("sign", text[start], 1.0 if text[start] == "+" else -1.0, start), start + 1
    if text[start] == "*":
        return _Token("times", "*", 0.0, start), start + 1
    word = _WORD.match(text, start)
    raise _unknown(text, start, word[0] if word else text[start], known)


def _goes_on(text: str, end: int, name: str) -> bool:
    """Whether a longer word begins with `name`."""
    return (
        end < len(text)
        and (text[end].isalnum() or text[end] == "_")
        and (name[-1].isalnum() or name[-1] == "_")
    )


def _sum(tokens: list[_Token], text: str, start: int) -> tuple[dict[str, float], float]:
    """Return what one side adds up to: factors by name, and the plain number."""
    names: dict[str, float] = {}
    number = 0.0
    position = 0
    if not tokens:
        raise ParameterError(_pointed(text, start, "a side is empty"))
    while position < len(tokens):
        first = tokens[position]
        sign = 1.0
        if first.kind == "sign":
            sign, position = first.value, position + 1
        elif position > 0:
            raise ParameterError(_pointed(text, first.start, f"expected '+' or '-' before {first.text!r}"))
        name, factor, position = _product(tokens, position, text)
        if name is None:
            number += sign * factor
        else:
            names[name] = names.get(name, 0.0) + sign * factor
    return names, number


def _product(tokens: list[_Token], position: int, text: str) -> tuple[str | None, float, int]:
    """Read factors up to the next sign: numbers and at most one name."""
    name, factor, wants = None, 1.0, True
    while position < len(tokens) and tokens[position].kind != "sign":
        token = tokens[position]
        if token.kind == "times":
            if wants:
                raise ParameterError(_pointed(text, token.start, "nothing to multiply"))
            wants = True
        elif token.kind == "number" and wants:
            factor, wants = factor * token.value, False
        elif token.kind == "name" and (wants or tokens[position - 1].kind == "number"):
            if name is not None:
                raise ParameterError(_pointed(text, token.start, "a product of two names is not linear"))
            name, wants = token.text, False
        else:
            break
        position += 1
    if wants:
        place = tokens[position - 1].start if position else 0
        raise ParameterError(_pointed(text, place, "a number or a name is missing"))
    return name, factor, position


def _unknown(text: str, start: int, word: str, known: list[str]) -> ParameterError:
    near = difflib.get_close_matches(word, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known)[:8])}"
    return ParameterError(_pointed(text, start, f"{word!r} is unknown; {hint}"))


def _pointed(text: str, start: int, problem: str) -> str:
    return f"{problem}\n  {text}\n  {' ' * start}^"
