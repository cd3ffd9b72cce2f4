"""What a figure belongs to, and an environment that is fair."""

from __future__ import annotations

from pathlib import Path

from poise.bench.machine import ONE_THREAD, cpu_facts, fair_environment, machine, processor, versions

ZEN4 = {"cpu family": "25", "model": "17", "model name": "AMD EPYC", "flags": "fpu avx2 avx512f"}


def test_every_pool_gets_one_thread_and_no_kernel_is_pinned() -> None:
    fair = fair_environment({"PATH": "/bin", "OPENBLAS_CORETYPE": "Haswell"}, cpu={})
    assert fair == {"PATH": "/bin", **dict.fromkeys(ONE_THREAD, "1")}


def test_what_the_user_set_stays() -> None:
    assert fair_environment({"OMP_NUM_THREADS": "4"}, cpu={})["OMP_NUM_THREADS"] == "4"


def test_it_is_at_rest() -> None:
    fair = fair_environment({"A": "b", "OPENBLAS_L2_SIZE": "1"}, cpu=ZEN4)
    assert fair_environment(fair, cpu=ZEN4) == fair


def test_numpy_selects_without_avx512_where_that_is_slow() -> None:
    assert "X86_V4" in fair_environment({}, cpu=ZEN4)["NPY_DISABLE_CPU_FEATURES"]
    assert "NPY_DISABLE_CPU_FEATURES" not in fair_environment({}, cpu={**ZEN4, "cpu family": "26"})
    assert "NPY_DISABLE_CPU_FEATURES" not in fair_environment({}, cpu={**ZEN4, "flags": "fpu avx2"})


def test_the_processor_has_family_and_model(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\n", encoding="utf-8"
    )
    assert processor(cpu_facts(path)) == "AMD EPYC (family 25, model 17)"


def test_a_system_without_that_file(tmp_path: Path) -> None:
    assert cpu_facts(tmp_path / "none") == {}
    assert processor({})


def test_the_machine_tells_what_poise_uses() -> None:
    assert machine()["instruction set of poise"] in {"baseline", "avx2", "avx512"}


def test_a_missing_distribution_is_named() -> None:
    found = versions(["numpy", "no-such-thing"])
    assert found["no-such-thing"] == "not installed"
    assert found["numpy"][0].isdigit()
