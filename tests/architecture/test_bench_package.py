"""The package that measures the core compiles it as the wheel does: same profile, same versions."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "benches" / "kernels"


def read(path):
    return tomllib.loads(path.read_text())


def packages(lock):
    return read(lock)["package"]


def needed_by(name, lock):
    """What a package needs, directly or not, as pairs of name and version.

    A lock file names the version where there are several.
    """
    found = packages(lock)
    (start,) = (package for package in found if package["name"] == name)
    needed, waiting = set(), [start]
    while waiting:
        for dependency in waiting.pop().get("dependencies", []):
            crate, *version = dependency.split()
            (package,) = (
                p for p in found if p["name"] == crate and (not version or p["version"] == version[0])
            )
            if (crate, package["version"]) not in needed:
                needed.add((crate, package["version"]))
                waiting.append(package)
    return needed


def test_it_is_compiled_with_the_profile_that_ships():
    ships = read(ROOT / "Cargo.toml")["profile"]["release"]
    assert read(PACKAGE / "Cargo.toml")["profile"]["release"] == ships


def test_it_measures_the_versions_that_ship():
    shipped = {(package["name"], package["version"]) for package in packages(ROOT / "Cargo.lock")}
    measured = needed_by("poise-core", PACKAGE / "Cargo.lock")
    assert {"faer", "ndarray"} <= {crate for crate, _ in measured}
    assert measured <= shipped, "in benches/kernels: cargo update -p CRATE --precise VERSION"
