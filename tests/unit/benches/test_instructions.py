"""The verdicts of the instruction count, without running it."""

import json

import pytest

from benches.instructions import BASELINE, Count, judge, why_not_comparable

BEFORE = {"dot": 1000.0}


@pytest.mark.parametrize(
    ("after", "failed", "said"),
    [
        (1000.0, False, "+0.0%"),
        (1049.0, False, "+4.9%"),
        (1051.0, True, "DEARER"),
        (951.0, False, "-4.9%"),
        (949.0, False, "improved"),
    ],
)
def test_only_what_got_dearer_fails(after, failed, said):
    (verdict,) = judge(BEFORE, {"dot": after})
    assert verdict.failed is failed
    assert said in verdict.text
    assert ("improved" in verdict.text) == (after < 950.0)


def test_a_kernel_that_one_side_does_not_know_fails():
    new, gone = judge({"gone": 1.0}, {"a new one": 1.0})
    assert (new.kernel, new.failed) == ("a new one", True)
    assert (gone.kernel, gone.failed) == ("gone", True)


def test_other_compilers_and_paths_are_not_compared():
    baseline = Count("1.95.0", "x86_64-unknown-linux-gnu", "avx2", BEFORE)
    assert why_not_comparable(baseline, "1.95.0", "x86_64-unknown-linux-gnu", "avx2") is None
    reason = why_not_comparable(baseline, "1.96.0", "x86_64-unknown-linux-gnu", "baseline")
    assert reason == "rustc 1.95.0 then, 1.96.0 now; instruction set avx2 then, baseline now"


def test_a_count_survives_its_file(tmp_path):
    count = Count("1.95.0", "x86_64-unknown-linux-gnu", "avx2", BEFORE)
    (tmp_path / "count.json").write_text(count.to_json())
    assert Count.read(tmp_path / "count.json") == count


def test_the_committed_baseline_counts_something():
    baseline = Count.read(BASELINE)
    assert len(baseline.per_call) >= 12
    assert min(baseline.per_call.values()) > 10
    assert json.loads(BASELINE.read_text()).keys() == vars(baseline).keys()
