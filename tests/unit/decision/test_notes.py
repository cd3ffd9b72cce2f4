from poise.decision import told_once


def test_what_is_unknown_is_told_once_and_everything_else_unless_it_repeats() -> None:
    given = [
        "untiered: no market cap for A; pass market_caps",
        "stale: A: unseen",
        "untiered: size or volume unknown for A",
        "stale: B: unseen",
        "stale: A: unseen",
    ]
    assert told_once(given) == (given[0], given[1], given[3])
    assert told_once([]) == ()
