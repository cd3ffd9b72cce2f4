"""Build the data sets of ``poise.market.sample`` from the wheels they come from.

    python tools/build_sample.py mlfinpy-0.1.2-py3-none-any.whl skfolio-1.12.2-py3-none-any.whl

Prints what was written. The same wheels give the same closes. The asset table beside them
(``assets.csv``) is kept by hand: its figures are declared, not measured.
"""

from __future__ import annotations

import argparse
import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).resolve().parents[1] / "python" / "poise" / "market" / "data"
ETFS = "mlfinpy/dataset/data/stock_prices.csv"
STOCKS = "skfolio/datasets/data/sp500_dataset.csv.gz"
STOCKS_FROM, STOCKS_TO = "2012-01-01", "2021-12-31"


def etf_closes(wheel: Path) -> pd.DataFrame:
    """Return the ETF closes; they were single precision at their source and lose nothing as float32."""
    with zipfile.ZipFile(wheel) as archive:
        closes = pd.read_csv(archive.open(ETFS), index_col=0, parse_dates=True)
    single = closes.astype(np.float32)
    if not (single.astype(np.float64) == closes).all(axis=None):
        raise SystemExit(f"{wheel}: closes are not single precision; store them as float64")
    return single


def stock_closes(wheel: Path) -> pd.DataFrame:
    """Return the adjusted stock closes of 2012 to 2021."""
    with zipfile.ZipFile(wheel) as archive:
        text = gzip.decompress(archive.read(STOCKS))
    closes = pd.read_csv(io.BytesIO(text), index_col=0, parse_dates=True)
    return closes.loc[STOCKS_FROM:STOCKS_TO]


def column(closes: np.ndarray) -> pa.Array:
    """Return single precision as it is, and prices of three decimals as decimals, which pack well."""
    if closes.dtype == np.float32:
        return pa.array(closes)
    thousandths = np.rint(closes * 1000).astype(np.int64)
    if not np.array_equal(thousandths / 1000, closes):
        raise SystemExit("closes have more than three decimals; store them as float64")
    return pa.array([Decimal(int(value)).scaleb(-3) for value in thousandths], type=pa.decimal128(9, 3))


def write(closes: pd.DataFrame, name: str) -> None:
    """Write wide closes, symbols in alphabetical order, as compact Parquet."""
    if (
        closes.isna().any(axis=None)
        or not closes.index.is_monotonic_increasing
        or closes.index.has_duplicates
    ):
        raise SystemExit(f"{name}: closes have gaps, or their days do not strictly increase")
    closes = closes[sorted(closes.columns)]
    symbols = list(closes.columns)
    columns = {"date": pa.array(closes.index.date, type=pa.date32())}
    columns |= {symbol: column(closes[symbol].to_numpy()) for symbol in symbols}
    exact = pa.types.is_decimal(columns[symbols[0]].type)
    path = DATA / f"{name}.parquet"
    pq.write_table(
        pa.table(columns),
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=False,
        column_encoding=dict.fromkeys(symbols, "DELTA_BINARY_PACKED" if exact else "BYTE_STREAM_SPLIT"),
        store_decimal_as_integer=True,
        write_statistics=False,
        store_schema=False,
    )
    print(f"{path.name}: {closes.shape[1]} symbols, {len(closes)} days, {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Read the two wheels named on the command line and write both data sets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mlfinpy_wheel", type=Path)
    parser.add_argument("skfolio_wheel", type=Path)
    wheels = parser.parse_args()
    write(etf_closes(wheels.mlfinpy_wheel), "etfs")
    write(stock_closes(wheels.skfolio_wheel), "stocks")


if __name__ == "__main__":
    main()
