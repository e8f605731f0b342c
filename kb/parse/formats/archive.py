"""ZIP of files that can be read: each is parsed, each that cannot is named with its reason."""

import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from core.errors import UnreadableFile
from core.types import ParsedFile, Section, Skipped
from kb.parse.formats.dialogflow import SAID, joined
from kb.parse.limits import open_zip, read_member

_FURNITURE = re.compile(r"(?:^|/)(?:__MACOSX/|\.(?!\.?/)|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_PART_OF_A_BOT = re.compile(rb"^(?:nlu|responses|rules|stories)[ \t]*:", re.MULTILINE)
"""Files of Rasa's training data, which only together say what is answered to what."""

ParsePart: TypeAlias = Callable[[str, bytes], ParsedFile | str]
"""Reads a file in another by its name and content, or says why it is not read."""


def parse_archive(
    name: str, data: bytes, *, parse: ParsePart
) -> tuple[list[Section], list[Skipped]]:
    """Read each file of an archive with `parse`; its name is data and touches no disk."""
    sections: list[Section] = []
    skipped: list[Skipped] = []
    of_a_bot: dict[str, bytes] = {}
    objects: dict[str, bytes] = {}

    def take(member: str, content: bytes) -> None:
        taken, named = inside(parse(member, content), member)
        sections.extend(taken)
        skipped.extend(named)

    with open_zip(name, data) as archive:
        for info in archive.infolist():
            member = info.filename
            if not member or info.is_dir() or _FURNITURE.search(member):
                continue
            if reason := _refused(info):
                skipped.append(Skipped(member[:200], reason))
                continue
            try:
                content = read_member(name, archive, info)
            except UnreadableFile as error:
                skipped.append(Skipped(member[:200], error.reason))
                continue
            if member.lower().endswith((".yml", ".yaml")) and _PART_OF_A_BOT.search(content):
                of_a_bot[member] = content
            elif member.endswith(".json"):
                objects[member] = content
            else:
                take(member, content)
    if of_a_bot:
        take(" + ".join(of_a_bot), b"\n---\n".join(of_a_bot.values()))
    if any(map(SAID.search, objects)):
        intents = {member: c for member, c in objects.items() if "intents/" in member}
        skipped += [Skipped(m[:200], "It has no intents.") for m in objects if m not in intents]
        objects = {"intents.json": joined(intents)}
    for member, content in objects.items():
        take(member, content)
    return sections, skipped


def _refused(info: zipfile.ZipInfo) -> str:
    if (info.external_attr >> 16) & 0o170000 == 0o120000:
        return "It is a link, not a file."
    if info.filename.lower().endswith((".zip", ".gz", ".7z", ".rar", ".tar")):
        return "An archive inside an archive is not opened. Upload it by itself."
    return ""


def inside(parsed: ParsedFile | str, member: str) -> tuple[list[Section], list[Skipped]]:
    """Return the sections and what was skipped of a file in another, with its name."""
    if isinstance(parsed, str):
        return [], [Skipped(member[:200], parsed)]
    title = (parsed.title,) if parsed.title else ()
    sections = [
        replace(
            section,
            title_path=(*(title if section.title_path[:1] != title else ()), *section.title_path),
            location=f"{member}, {section.location}" if section.location else member,
        )
        for section in parsed.sections
    ]
    return sections, [replace(s, location=f"{member}, {s.location}") for s in parsed.skipped]
