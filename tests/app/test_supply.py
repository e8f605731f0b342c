"""What is installed: exact versions, none with a known fault (target 42)."""

import re
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

PROJECT = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
ADVISORIES = yaml.safe_load((PROJECT / "security" / "advisories.yaml").read_text("utf-8"))


def lines(lock: str) -> list[str]:
    text = (PROJECT / lock).read_text("utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] not in "#-"]


def faults(pins: dict[str, str]) -> list[str]:
    """Return the advisories that hold for versions."""
    return [
        one["id"]
        for one in ADVISORIES["advisories"]
        if one["package"] in pins
        and not one.get("accepted")
        and ("fixed" not in one or Version(pins[one["package"]]) < Version(str(one["fixed"])))
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_one_version_and_none_a_known_fault(lock: str) -> None:
    pins = {}
    for line in lines(lock):
        found = re.fullmatch(r"([a-z0-9][a-z0-9._-]*)(?:\[[\w,]+\])?==([\w.]+)", line)
        assert found, f"{line!r} is no exact version"
        pins[found[1]] = found[2]
    assert len(pins) > 20
    assert faults(pins) == []


def test_an_old_version_is_found_and_each_advisory_is_of_a_package_that_is_pinned() -> None:
    pins = {re.split(r"[\[=]", line)[0] for lock in LOCKS for line in lines(lock)}
    named = {one["package"] for one in ADVISORIES["advisories"]}
    assert named <= pins
    assert faults({"h11": "0.14.0", "starlette": "1.0.0"}) == ["CVE-2025-43859"]
    assert all("fixed" in one or one["accepted"] for one in ADVISORIES["advisories"])


def test_diskcache_is_not_used() -> None:
    """As security/advisories.yaml says."""
    used = [
        path
        for folder in ("app", "bot", "console", "core", "db", "jobs", "kb", "models")
        for path in (PROJECT / folder).rglob("*.py")
        if re.search(r"diskcache|LlamaDiskCache|set_cache\(", path.read_text("utf-8"))
    ]
    assert used == []
