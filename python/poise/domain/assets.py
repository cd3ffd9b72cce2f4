"""What is known about an asset besides its prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from poise.errors import InputError, UnknownSymbolError, did_you_mean

AssetKind: TypeAlias = Literal[
    "crypto", "etf", "stock", "stablecoin", "index", "rate", "commodity", "future", "other"
]

REFERENCE_KINDS: frozenset[str] = frozenset({"index", "rate", "commodity", "future"})
"""Kinds that are read but never traded; their values may be zero or negative."""

DOLLAR_STABLECOINS: frozenset[str] = frozenset(
    {"USDT", "USDC", "DAI", "BUSD", "TUSD", "USDP", "FDUSD", "PYUSD"}
)
"""Coins that count as dollars in a valuation."""


@dataclass(frozen=True)
class AssetProfile:
    """One asset as the universe knows it; ``None`` where nobody said.

    Attributes
    ----------
    symbol : str
        As in the prices: ``BTC/USDT``, ``SPY``.
    name : str
        For people.
    sector : str
        Sector or asset class; ``other`` when unknown.
    kind : str
        ``crypto``, ``etf``, ``stock``, ...
    market_cap_usd, dollar_volume_usd : float or None
        Size and median daily dollar volume.
    spread_bps : float or None
        Full bid-ask spread in basis points.
    declared : bool
        True when the figures are declared round numbers, not measurements; shown wherever a tier, a
        cost or a limit rests on them.
    """

    symbol: str
    name: str = ""
    sector: str = "other"
    kind: AssetKind = "other"
    market_cap_usd: float | None = None
    dollar_volume_usd: float | None = None
    spread_bps: float | None = None
    declared: bool = False

    @property
    def tradable(self) -> bool:
        """Whether it is an asset and not a reference series."""
        return self.kind not in REFERENCE_KINDS


class AssetTable(Mapping[str, AssetProfile]):
    """Profiles by symbol, in the order given."""

    def __init__(self, profiles: Iterable[AssetProfile] = ()) -> None:
        self._profiles: dict[str, AssetProfile] = {}
        for profile in profiles:
            if profile.symbol in self._profiles:
                raise InputError(f"{profile.symbol} stands twice in the asset table; keep one row")
            self._profiles[profile.symbol] = profile

    def __getitem__(self, symbol: str) -> AssetProfile:
        try:
            return self._profiles[symbol]
        except KeyError:
            raise UnknownSymbolError(
                f"{symbol} is not in the asset table{did_you_mean(symbol, self._profiles)}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._profiles)

    def __len__(self) -> int:
        return len(self._profiles)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._profiles

    def profile(self, symbol: str) -> AssetProfile:
        """Return the profile, or a bare one of sector ``other`` for an unknown symbol."""
        return self._profiles.get(symbol, AssetProfile(symbol=symbol))
