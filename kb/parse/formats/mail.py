"""EML: the text of an e-mail under its subject, and its attachments as files of their own."""

import email
import email.policy
from collections.abc import Callable
from dataclasses import replace
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart

from core.errors import UnreadableFile, UnsupportedFile
from core.types import ParsedFile, Section, Skipped
from core.wording import N_
from kb.parse.formats.archive import inside

_MAX_PARTS = 200


def parse_mail(
    name: str, data: bytes, *, parse: Callable[[str, bytes], ParsedFile]
) -> tuple[str, list[Section], list[Skipped]]:
    """Read an e-mail; `parse` reads its body and its attachments.

    Raises:
        UnreadableFile: if it is none.
    """
    message = email.message_from_bytes(data, policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not message.keys():
        raise UnreadableFile(name, N_("It is no e-mail: it has no header. Save it again as EML."))
    sections: list[Section] = []
    skipped: list[Skipped] = []
    body = message.get_body(("html", "plain"))
    parts = [*([body] if body is not None else []), *message.iter_attachments()]
    for number, part in enumerate(parts[:_MAX_PARTS]):
        is_body = part is body
        kind = "html" if part.get_content_subtype() == "html" else "txt"
        label = f"text.{kind}" if is_body else (part.get_filename() or f"attachment {number}")[:200]
        try:
            parsed = parse(label, _content(part, label, is_body=is_body))
        except UnsupportedFile as error:
            skipped.append(Skipped(label, str(error)))
        except UnreadableFile as error:
            skipped.append(Skipped(label, error.reason))
        except (MessageError, LookupError, ValueError, AttributeError) as error:
            skipped.append(Skipped(label, f"It is damaged ({type(error).__name__})."))
        else:
            if is_body:
                sections += parsed.sections
                skipped += parsed.skipped
            else:
                sections += [inside(section, parsed, label) for section in parsed.sections]
                skipped += [replace(s, location=f"{label}, {s.location}") for s in parsed.skipped]
    if len(parts) > _MAX_PARTS:
        skipped.append(Skipped("attachments", f"Only {_MAX_PARTS} are read."))
    return str(message.get("subject", "")).strip(), sections, skipped


def _content(part: MIMEPart, label: str, *, is_body: bool) -> bytes:
    """Return the content of a part; a body in UTF-8, whatever it was sent in."""
    if is_body:
        return str(part.get_content()).encode("utf-8-sig", "replace")
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise UnreadableFile(label, N_("An e-mail inside an e-mail is not opened."))
    return content
