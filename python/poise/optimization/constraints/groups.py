"""Groups of assets, from either way of writing them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from poise.errors import ParameterError
from poise.optimization.constraints.draft import Draft


def read_groups(groups: Any, draft: Draft) -> dict[str, list[int]]:
    """Return the members of each group, from either way of writing it.

    Raises
    ------
    ParameterError
        If it is no mapping, or a group is empty or names a member twice.
    UnknownSymbolError
        If a member is no asset.
    """
    if not isinstance(groups, Mapping):
        if not (hasattr(groups, "items") and hasattr(groups, "index")):
            raise ParameterError(
                f"groups is {groups!r}, expected a mapping of assets to groups or of groups to their members"
            )
        groups = dict(groups.items())
    known = {str(name) for name in draft.names}
    by_asset = bool(groups) and all(str(key) in known for key in groups)
    members: dict[str, list[int]] = {}
    for key, value in groups.items():
        if by_asset:
            for group in _several(value):
                members.setdefault(str(group), []).append(draft.position(key, "groups"))
        else:
            members[str(key)] = [draft.position(asset, f"group {key!r}") for asset in _several(value)]
    for group, positions in members.items():
        if not positions:
            raise ParameterError(f"group {group!r} is empty; name its members or drop it")
        if len(set(positions)) < len(positions):
            twice = next(i for i in positions if positions.count(i) > 1)
            raise ParameterError(f"group {group!r} names {draft.names[twice]} twice; drop one")
    return members


def _several(value: Any) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    return list(value)
