"""What is installed: exact versions and files, none with a known fault (target 42)."""

import re
from pathlib import Path

import yaml
from packaging.version import Version

PROJECT = Path(__file__).parents[2]
LOCKS = tuple(f"requirements{part}.txt" for part in ("", "-dev", "-ocr", "-postgres"))
ADVISORIES = yaml.safe_load((PROJECT / "security" / "advisories.yaml").read_text("utf-8"))


def lines(lock: str) -> list[str]:
    text = (PROJECT / lock).read_text("utf-8").replace("\\\n", " ")
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


def pins(lock: str) -> dict[str, str]:
    found = {}
    for line in lines(lock):
        exact = re.fullmatch(
            r"([a-z0-9][a-z0-9._-]*)==([\w.]+)(?:\s+--hash=sha256:[0-9a-f]{64})+", line
        )
        assert exact, f"{line!r} is no exact version with its hashes"
        found[exact[1]] = exact[2]
    return found


def test_every_package_has_one_version_with_its_hashes_and_none_a_known_fault() -> None:
    versions: dict[str, str] = {}
    for lock in LOCKS:
        found = pins(lock)
        assert faults(found) == []
        assert {name for name in found if versions.get(name, found[name]) != found[name]} == set()
        versions |= found
    assert len(versions) > 180


def test_the_version_of_torch_is_the_one_that_the_others_were_resolved_with() -> None:
    (torch,) = lines("requirements-torch.txt")
    assert torch in lines("requirements.in")
    assert faults(dict([torch.split("==")])) == []


def test_nothing_is_installed_without_hashes_but_what_the_manual_names() -> None:
    """Target 42."""
    found = {}
    for name in ("Makefile", "Dockerfile"):
        text = (PROJECT / name).read_text("utf-8").replace("\\\n", " ")
        calls = re.findall(r"(?:\$\(PIP\)|/pip) install ([^&;\n]*)", text)
        loose = {call.split("#")[0].split()[-1] for call in calls if "--require-hashes" not in call}
        found[name] = loose
    assert found == {name: {"requirements-torch.txt", "."} for name in found}


def test_the_base_image_is_named_in_one_place_by_a_whole_digest() -> None:
    """Target 42."""
    image = (PROJECT / "Dockerfile").read_text("utf-8")
    assert {line.split()[1] for line in image.splitlines() if line.startswith("FROM")} == {
        "${BASE}"
    }
    (base,) = re.findall(r"^ARG BASE=(\S+)$", image, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", base)


def test_the_image_recognises_text_unless_it_is_built_without() -> None:
    image = (PROJECT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    assert "ARG OCR=yes" in image
    command = re.search(r'if \[ "\$OCR" != no \]; then +\S*pip install ([^;]*);', image)
    assert command is not None
    assert command[1].split()[-1] == "requirements-ocr.txt"


def test_an_old_version_is_found_and_each_advisory_is_of_a_package_that_is_pinned() -> None:
    named = {one["package"] for one in ADVISORIES["advisories"]}
    assert named <= {"torch", *(name for lock in LOCKS for name in pins(lock))}
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
