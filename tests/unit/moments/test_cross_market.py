"""A market that never closes beside one that does: truth, calendars, causality, labels, refusals."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poise.domain.strict_json import dumps
from poise.errors import EmptyInputError, InputError, NonFiniteError, ParameterError, ShapeError, StateError
from poise.moments import CrossMarketCorrelation, EwmaCovariance
from poise.testing import perturb_future
from tests.tolerances import CLOSED_FORM

HOUR = np.timedelta64(1, "h")
MONDAY = np.datetime64("2018-01-01T00", "ns")


def hours(n_weeks):
    return MONDAY + np.arange(1, n_weeks * 168 + 1) * HOUR


def closing(times, *, holidays=0.0, seed=0):
    """Mondays to Fridays at 21:00, but for holidays."""
    day = times.astype("datetime64[D]")
    open_days = (day.astype(int) + 3) % 7 < 5
    celebrated = np.random.default_rng(seed).random(len(times)) < holidays
    return ((times - day) // HOUR == 21) & open_days & ~celebrated


def walk(shocks):
    return 100.0 * np.exp(np.cumsum(shocks, axis=0))


def markets(seed, *, n_weeks=104, correlation=0.6, n_continuous=1, n_exchange=1):
    """Both move every hour, weekends too, and every pair across the markets has the same correlation."""
    rng = np.random.default_rng(seed)
    times = hours(n_weeks)
    common = np.sqrt(correlation) * rng.normal(size=(len(times), 1))
    own = np.sqrt(1.0 - correlation) * rng.normal(size=(len(times), n_continuous + n_exchange))
    prices = walk(0.004 * (common + own))
    closes = closing(times, holidays=0.03, seed=seed)
    return prices[:, :n_continuous], prices[closes, n_continuous:], times, times[closes]


def mean_and_error(values):
    return np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))


def naive_join(coin, share, times, closes):
    """Midnight prices of the coin beside the exchange's closes filled forward to every day."""
    coins = pd.Series(np.log(coin[:, 0]), index=times).resample("D").last()
    shares = pd.Series(np.log(share[:, 0]), index=closes).resample("D").last().reindex(coins.index).ffill()
    joined = pd.concat([coins, shares], axis=1).diff().dropna()
    return EwmaCovariance(1000.0, demean=False).fit(joined.to_numpy()).correlation_[0, 1]


def test_the_truth_is_recovered_where_a_naive_join_is_not():
    honest, weekly, naive = [], [], []
    for seed in range(20):
        market = markets(seed)
        estimator = CrossMarketCorrelation(1000.0, 1000.0).fit(*market)
        assert estimator.pairs_[0].verdict == "synchronous"
        honest.append(estimator.correlation_[0, 0])
        weekly.append(estimator.weekly_correlation_[0, 0])
        naive.append(naive_join(*market))
    for figures in (honest, weekly):
        mean, error = mean_and_error(figures)
        assert abs(mean - 0.6) < 3.0 * error
        assert error < 0.02
    mean, error = mean_and_error(naive)
    assert mean + 5.0 * error < 0.6


def delayed(seed, *, share_now=0.3, noise=0.01, n_weeks=208):
    """The exchange takes in part of what the coin did, the rest one close later."""
    rng = np.random.default_rng(seed)
    times = hours(n_weeks)
    closes = closing(times)
    shocks = 0.002 * rng.normal(size=len(times))
    intervals = np.diff(np.concatenate([[0.0], np.cumsum(shocks)[closes]]))
    before = np.concatenate([[0.0], intervals[:-1]])
    moves = share_now * intervals + (1.0 - share_now) * before + noise * rng.normal(size=len(intervals))
    return walk(shocks)[:, np.newaxis], walk(moves)[:, np.newaxis], times, times[closes]


def delayed_truth(*, share_now=0.3, noise=0.01):
    """Correlations of days at lag 0 and 1, and of weeks; Monday's interval has three days."""
    days = 24 * 0.002**2 * np.array([3.0, 1.0, 1.0, 1.0, 1.0])
    late = 1.0 - share_now
    exchange = (share_now**2 + late**2) * days.sum() + 5 * noise**2
    scale = np.sqrt(days.sum() * exchange)
    week = share_now * days.sum() + late * days[:4].sum()
    week_variance = late**2 * days[4] + days[:4].sum() + share_now**2 * days[4] + 5 * noise**2
    return (
        share_now * days.sum() / scale,
        late * days.sum() / scale,
        week / np.sqrt(days.sum() * week_variance),
    )


def test_a_market_that_follows_is_told_and_weeks_give_the_truth():
    now, leading, weekly = [], [], []
    for seed in range(20):
        pair = CrossMarketCorrelation(1000.0, 1000.0).fit(*delayed(seed)).pairs_[0]
        assert pair.verdict == "use weekly bars"
        now.append(pair.correlation)
        leading.append(pair.continuous_leads)
        weekly.append(pair.weekly_correlation)
    for figures, truth in zip((now, leading, weekly), delayed_truth(), strict=True):
        mean, error = mean_and_error(figures)
        assert abs(mean - truth) < 3.0 * error
    assert np.mean(weekly) > 2.0 * np.mean(now)


def test_the_side_that_leads_is_told():
    coin, share, times, closes = delayed(0)
    estimator = CrossMarketCorrelation(1000.0).fit(coin, share, times, closes)
    assert estimator.cross_correlation(-1)[0, 0] == estimator.pairs_[0].continuous_leads > 0.4
    assert abs(estimator.cross_correlation(1)[0, 0]) < 0.15
    assert estimator.cross_correlation(1)[0, 0] == estimator.pairs_[0].exchange_leads
    assert estimator.use_weekly_bars_.tolist() == [[True]]


def test_no_correlation_at_all_is_no_delay():
    """Half of a correlation near zero is noise: without a margin most of these would be told to follow."""
    verdicts = [
        CrossMarketCorrelation(1000.0).fit(*markets(seed, n_weeks=52, correlation=0.0)).pairs_[0].verdict
        for seed in range(20)
    ]
    assert verdicts.count("use weekly bars") <= 4


def test_daily_bars_that_end_hours_away_are_told():
    told = 0
    for seed in range(10):
        coin, share, times, closes = markets(seed, n_weeks=208)
        midnight = times.astype("datetime64[D]") == times
        estimator = CrossMarketCorrelation(1000.0, 1000.0).fit(coin[midnight], share, times[midnight], closes)
        told += estimator.pairs_[0].verdict == "use weekly bars"
        assert estimator.correlation_[0, 0] < 0.4
        assert estimator.weekly_correlation_[0, 0] > 0.35
    assert told == 10


def test_weekends_and_holidays_belong_to_the_next_close():
    """The coin moves on Sundays and Wednesdays, which the exchange keeps; the exchange on the day after."""
    times = hours(60)
    rng = np.random.default_rng(1)
    day = (times.astype("datetime64[D]").astype(int) + 3) % 7
    noon = (times - times.astype("datetime64[D]")) // HOUR == 12
    shocks = np.where(noon & np.isin(day, (2, 6)), 0.05 * rng.normal(size=len(times)), 0.0)
    kept = closing(times) & (day != 2)
    coin = walk(shocks)[:, np.newaxis]
    share = coin[kept] ** 0.5
    estimator = CrossMarketCorrelation().fit(coin, share, times, times[kept])
    assert estimator.correlation_[0, 0] == pytest.approx(1.0, rel=CLOSED_FORM)
    assert estimator.n_intervals_[0, 0] == kept.sum() - 1
    assert estimator.pairs_[0].verdict == "synchronous"


def test_it_is_the_plain_correlation_of_returns_between_closes():
    coin, share, times, closes = markets(3, n_weeks=30, n_continuous=2, n_exchange=3)
    x = np.diff(np.log(coin[np.isin(times, closes)]), axis=0)
    y = np.diff(np.log(share), axis=0)
    weights = 0.5 ** (np.arange(len(x))[::-1] / 20.0)
    scale = np.sqrt(np.outer(weights @ x**2, weights @ y**2))
    estimator = CrossMarketCorrelation(20.0, 8.0).fit(coin, share, times, closes)
    np.testing.assert_allclose(estimator.correlation_, (x * weights[:, np.newaxis]).T @ y / scale, rtol=1e-10)
    lagged = (x[1:] * weights[1:, np.newaxis]).T @ y[:-1]
    scale = np.sqrt(np.outer(weights[1:] @ x[1:] ** 2, weights[1:] @ y[:-1] ** 2))
    np.testing.assert_allclose(estimator.cross_correlation(1), lagged / scale, rtol=1e-10)
    error = (1.0 - estimator.correlation_**2) / (weights.sum() / np.sqrt((weights**2).sum()))
    np.testing.assert_allclose(estimator.standard_error_, error, rtol=1e-10)
    ends = np.flatnonzero(np.diff((closes.astype("datetime64[D]").astype(int) + 3) // 7))
    x = np.diff(np.log(coin[np.isin(times, closes)][[0, *ends]]), axis=0)
    y = np.diff(np.log(share[[0, *ends]]), axis=0)
    weights = 0.5 ** (np.arange(len(x))[::-1] / 8.0)
    scale = np.sqrt(np.outer(weights @ x**2, weights @ y**2))
    np.testing.assert_allclose(
        estimator.weekly_correlation_, (x * weights[:, np.newaxis]).T @ y / scale, rtol=1e-10
    )


def test_an_outage_is_one_long_interval_not_zero_returns():
    coin, share, times, closes = markets(4, n_weeks=20)
    holed = coin.copy()
    silent = (times > closes[50]) & (times <= closes[53])
    holed[silent] = np.nan
    kept = np.delete(np.arange(len(closes)), [51, 52, 53])
    estimator = CrossMarketCorrelation().fit(holed, share, times, closes)
    expected = CrossMarketCorrelation().fit(coin, share[kept], times, closes[kept])
    assert estimator.n_intervals_[0, 0] == len(closes) - 4
    np.testing.assert_allclose(estimator.correlation_, expected.correlation_, rtol=CLOSED_FORM)


def test_an_old_price_is_no_price():
    coin, share, times, closes = markets(5, n_weeks=20)
    holed = coin.copy()
    holed[(times > closes[50] - 5 * HOUR) & (times <= closes[50])] = np.nan
    strict = CrossMarketCorrelation(max_age="4h").fit(holed, share, times, closes)
    assert strict.n_intervals_[0, 0] == len(closes) - 2
    lenient = CrossMarketCorrelation(max_age="5h").fit(holed, share, times, closes)
    assert lenient.n_intervals_[0, 0] == len(closes) - 1


def test_a_pair_unseen_for_weeks_starts_anew():
    coin, share, times, closes = markets(6, n_weeks=40)
    share[50:65] = np.nan
    estimator = CrossMarketCorrelation().fit(coin, share, times, closes)
    assert closes[65] - closes[49] > np.timedelta64(14, "D")
    assert estimator.n_intervals_[0, 0] == len(closes) - 17


def test_exchanges_that_close_at_different_hours_have_their_own_intervals():
    coin, _, times, _ = markets(7, n_weeks=30)
    day = times.astype("datetime64[D]")
    weekday = (day.astype(int) + 3) % 7 < 5
    hour = (times - day) // HOUR
    both = np.isin(hour, (6, 21)) & weekday
    closes = np.where((hour[both] == 6)[:, np.newaxis], [1.0, np.nan], [np.nan, 1.0]) * coin[both]
    estimator = CrossMarketCorrelation().fit(coin, closes, times, times[both])
    np.testing.assert_allclose(estimator.correlation_, 1.0, rtol=CLOSED_FORM)
    np.testing.assert_array_equal(estimator.n_intervals_, 149)


def test_a_late_listing_leaves_the_others_alone_and_shows_after_twenty_intervals():
    coin, share, times, closes = markets(8, n_weeks=20, n_exchange=2)
    alone = CrossMarketCorrelation().fit(coin, share[:, :1], times, closes)
    for n_own, shown in ((20, False), (21, True)):
        late = share.copy()
        late[:-n_own, 1] = np.nan
        estimator = CrossMarketCorrelation().fit(coin, late, times, closes)
        np.testing.assert_array_equal(estimator.correlation_[:, :1], alone.correlation_)
        assert np.isfinite(estimator.correlation_[0, 1]) == shown
        assert estimator.pairs_[1].verdict == ("synchronous" if shown else "warming")


def test_an_asset_that_stands_still_has_no_correlation():
    coin, share, times, closes = markets(9, n_weeks=30, n_exchange=2)
    share[:, 1] = 5.0
    estimator = CrossMarketCorrelation().fit(coin, share, times, closes)
    assert estimator.correlation_[0, 1] == estimator.weekly_correlation_[0, 1] == 0.0
    assert not estimator.use_weekly_bars_[0, 1]


def stream(market, *, start=None, until=None, together=True):
    coin, share, times, closes = market
    estimator = CrossMarketCorrelation(30.0, 10.0) if start is None else start
    for i, time in enumerate(times if until is None else times[:until]):
        closed = np.flatnonzero(closes == time)
        row = share[closed[0]] if len(closed) else None
        if together:
            estimator.partial_fit(time, continuous=coin[i], exchange=row)
        else:
            estimator.partial_fit(time, continuous=coin[i])
            if row is not None:
                estimator.partial_fit(time, exchange=row)
    return estimator


def gappy(seed=10, n_weeks=25):
    coin, share, times, closes = markets(seed, n_weeks=n_weeks, n_continuous=3, n_exchange=2)
    rng = np.random.default_rng(seed)
    coin[rng.random(coin.shape) < 0.3] = np.nan
    coin[:200, 1] = np.nan
    share[rng.random(share.shape) < 0.2] = np.nan
    return coin, share, times, closes


@pytest.mark.parametrize("together", [True, False])
def test_stream_and_batch_are_one_bit_for_bit(together):
    market = gappy()
    batch = CrossMarketCorrelation(30.0, 10.0).fit(*market)
    assert stream(market, together=together).to_bytes() == batch.to_bytes()


def test_a_restored_state_continues_bit_for_bit():
    coin, share, times, closes = gappy()
    half = len(times) // 2
    parts = CrossMarketCorrelation.from_bytes(stream((coin, share, times, closes), until=half).to_bytes())
    rest = (coin[half:], share, times[half:], closes)
    whole = CrossMarketCorrelation(30.0, 10.0).fit(coin, share, times, closes)
    assert stream(rest, start=parts).to_bytes() == whole.to_bytes()
    assert repr(parts) == repr(whole)


def test_the_future_changes_nothing():
    coin, share, times, closes = gappy()
    now = closes[60]
    row = int(np.flatnonzero(times == now)[0])
    rng = np.random.default_rng(0)
    other_coin = np.exp(perturb_future(np.log(coin), row, rng=rng))
    other_share = np.exp(perturb_future(np.log(share), 60, rng=rng))
    assert not np.array_equal(other_coin, coin, equal_nan=True)
    first = stream((coin, share, times, closes), until=row + 1)
    again = stream((other_coin, other_share, times, closes), until=row + 1)
    assert first.to_bytes() == again.to_bytes()
    # A batch whose exchange ends at `now` does not look at the bars that follow.
    until = closes <= now
    batches = [
        CrossMarketCorrelation(30.0, 10.0).fit(prices, share[until], times, closes[until])
        for prices in (coin, other_coin)
    ]
    for name in ("correlation_", "weekly_correlation_", "standard_error_", "n_intervals_"):
        np.testing.assert_array_equal(getattr(batches[0], name), getattr(batches[1], name))
        np.testing.assert_array_equal(getattr(batches[0], name), getattr(first, name))


def test_bars_stamped_at_their_opening():
    coin, share, times, closes = markets(11, n_weeks=10)
    closed = CrossMarketCorrelation().fit(coin, share, times, closes)
    opened = CrossMarketCorrelation(bar="1h").fit(coin, share, times - HOUR, closes)
    np.testing.assert_array_equal(opened.correlation_, closed.correlation_)
    online = CrossMarketCorrelation(bar="1h")
    for i, time in enumerate(times):
        online.partial_fit(time - HOUR, continuous=coin[i])
        if time in closes:
            online.partial_fit(time, exchange=share[closes == time][0])
    assert online.to_bytes() == opened.to_bytes()
    with pytest.raises(InputError, match="one by one"):
        online.partial_fit(times[-1] + HOUR, continuous=coin[0], exchange=share[0])


def frames(market):
    coin, share, times, closes = market
    return (
        pd.DataFrame(coin, index=pd.DatetimeIndex(times, tz="UTC"), columns=["BTC", "ETH", "SOL"]),
        pd.DataFrame(share, index=pd.DatetimeIndex(closes).tz_localize("UTC"), columns=["SPY", "QQQ"]),
    )


def test_labels():
    market = gappy()
    coins, shares = frames(market)
    estimator = CrossMarketCorrelation(30.0, 10.0).fit(coins, shares.tz_convert("America/New_York"))
    bare = CrossMarketCorrelation(30.0, 10.0).fit(*market)
    for name in (
        "correlation_",
        "use_weekly_bars_",
        "weekly_correlation_",
        "standard_error_",
        "n_intervals_",
    ):
        frame = getattr(estimator, name)
        assert list(frame.index) == ["BTC", "ETH", "SOL"]
        assert list(frame.columns) == ["SPY", "QQQ"]
        np.testing.assert_array_equal(frame, getattr(bare, name))
    assert [(p.continuous, p.exchange) for p in estimator.pairs_[:2]] == [("BTC", "SPY"), ("BTC", "QQQ")]
    assert '"weekly_correlation": ' in dumps(estimator.pairs_[0])
    later = coins.index[-1] + pd.Timedelta(hours=1)
    row = pd.Series({"SOL": 3.0, "BTC": 1.0, "ETH": 2.0})
    estimator.partial_fit(later, continuous=row)
    bare.partial_fit(later, continuous=[1.0, 2.0, 3.0])
    np.testing.assert_array_equal(estimator.correlation_, bare.correlation_)
    with pytest.raises(ShapeError, match="missing SOL"):
        estimator.partial_fit(later + pd.Timedelta(hours=1), continuous=row.drop("SOL"))
    restored = CrossMarketCorrelation.from_bytes(estimator.to_bytes())
    pd.testing.assert_frame_equal(restored.correlation_, estimator.correlation_)


def test_polars_frames():
    coin, share, times, closes = gappy()
    coins = pl.DataFrame(coin, schema=["BTC", "ETH", "SOL"]).insert_column(0, pl.Series("time", times))
    shares = pl.DataFrame(share, schema=["SPY", "QQQ"]).insert_column(0, pl.Series("time", closes))
    frame = CrossMarketCorrelation(30.0, 10.0).fit(coins, shares).correlation_
    assert frame.columns == ["continuous", "SPY", "QQQ"]
    assert frame["continuous"].to_list() == ["BTC", "ETH", "SOL"]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
def test_copies_are_independent(again):
    estimator = CrossMarketCorrelation().fit(*frames(gappy()))
    before = estimator.to_bytes()
    twin = again(estimator)
    assert twin.to_bytes() == before
    twin.partial_fit(MONDAY + 10_000 * HOUR, continuous=[1.0, 2.0, 3.0], exchange=[4.0, 5.0])
    assert estimator.to_bytes() == before


def test_nothing_fitted():
    estimator = CrossMarketCorrelation()
    for name in ("correlation_", "weekly_correlation_", "standard_error_", "use_weekly_bars_", "pairs_"):
        with pytest.raises(StateError, match="fit"):
            getattr(estimator, name)
    estimator.partial_fit(MONDAY, exchange=[50.0, 60.0])
    with pytest.raises(StateError, match="both markets"):
        _ = estimator.correlation_
    estimator.partial_fit(MONDAY + HOUR, continuous=[100.0])
    assert np.isnan(estimator.correlation_).all()
    assert estimator.correlation_.shape == (1, 2)
    assert [pair.verdict for pair in estimator.pairs_] == ["warming", "warming"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"half_life": 0}, "half_life is 0"),
        ({"weekly_half_life": "long"}, "weekly_half_life is 'long'"),
        ({"bar": "hour"}, "bar is 'hour'"),
        ({"max_age": 24}, "max_age is 24"),
    ],
)
def test_wrong_parameters(arguments, message):
    with pytest.raises(ParameterError, match=message):
        CrossMarketCorrelation(**arguments)


def test_refused_rows_leave_the_state_as_it_was():
    estimator = CrossMarketCorrelation().fit(*gappy())
    before = estimator.to_bytes()
    last = hours(25)[-1]
    refusals = [
        ({"time": last + HOUR}, InputError, "neither continuous nor exchange"),
        ({"time": last, "continuous": [1.0, 1.0, 1.0]}, InputError, "expected later than"),
        ({"time": last - HOUR, "exchange": [1.0, 1.0]}, InputError, "expected later than"),
        ({"time": last + HOUR, "continuous": [1.0, 1.0]}, ShapeError, r"\(2,\), expected \(3,\)"),
        ({"time": last + HOUR, "continuous": []}, EmptyInputError, "continuous has no asset"),
        ({"time": last + HOUR, "exchange": [1.0, 0.0]}, InputError, r"exchange is 0\.0 at \(1,\)"),
        ({"time": last + HOUR, "exchange": [1.0, np.inf]}, NonFiniteError, "exchange is inf"),
        ({"time": 1.5, "exchange": [1.0, 1.0]}, InputError, "whole nanoseconds"),
        ({"time": None, "exchange": [1.0, 1.0]}, InputError, "time"),
    ]
    for arguments, error, message in refusals:
        with pytest.raises(error, match=message):
            estimator.partial_fit(**arguments)
    with pytest.raises(ParameterError, match="lag is 2"):
        estimator.cross_correlation(2)
    assert estimator.to_bytes() == before


def test_refused_batches():
    coin, share, times, closes = gappy()
    numbered = pd.DataFrame(coin)
    for arguments, error, message in (
        ((coin, share, times), InputError, "no times of exchange"),
        ((numbered, share, None, closes), InputError, "index of continuous holds numbers"),
        ((coin, share, times[::-1], closes), InputError, "continuous_times does not increase at index 1"),
        ((coin, share, times[1:], closes), ShapeError, "continuous_times has shape"),
        ((coin[:0], share, times[:0], closes), EmptyInputError, "continuous has shape"),
        ((-coin, share, times, closes), InputError, "expected a positive price"),
    ):
        with pytest.raises(error, match=message):
            CrossMarketCorrelation().fit(*arguments)


def test_states_of_other_estimators_are_refused():
    with pytest.raises(StateError, match="not a CrossMarketCorrelation"):
        CrossMarketCorrelation.from_bytes(EwmaCovariance(5.0).fit(np.ones((3, 2))).to_bytes())
    data = bytearray(CrossMarketCorrelation().fit(*gappy()).to_bytes())
    data[200] ^= 1
    with pytest.raises(StateError):
        CrossMarketCorrelation.from_bytes(bytes(data))
