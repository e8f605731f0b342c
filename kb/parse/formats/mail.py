"""EML: the text of an e-mail under its subject, and its attachments as files of their own."""

import email
import email.policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart

from core.errors import UnreadableFile
from core.types import ParsedFile, Section, Skipped
from core.wording import N_
from kb.parse.formats.archive import ParsePart, inside

_MAX_PARTS = 200


def parse_mail(
    name: str, data: bytes, *, parse: ParsePart
) -> tuple[str, list[Section], list[Skipped]]:
    """Read an e-mail; `parse` reads its body and its attachments."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    if not isinstance(message, EmailMessage) or not message.keys():
        raise UnreadableFile(name, N_("It is no e-mail: it has no header. Save it again as EML."))
    sections: list[Section] = []
    skipped: list[Skipped] = []
    body = message.get_body(("html", "plain"))
    parts = [*([body] if body is not None else []), *message.iter_attachments()]
    for number, part in enumerate(parts[:_MAX_PARTS]):
        kind = "html" if part.get_content_subtype() == "html" else "txt"
        sent = f"text.{kind}" if part is body else part.get_filename() or f"attachment {number}"
        label = sent[:200]
        try:
            parsed = _parsed(part, label, parse, is_body=part is body)
        except (MessageError, LookupError, ValueError, AttributeError) as error:
            parsed = f"It is damaged ({type(error).__name__})."
        if part is body and isinstance(parsed, ParsedFile):
            sections += parsed.sections
            skipped += parsed.skipped
        else:
            taken, named = inside(parsed, label)
            sections += taken
            skipped += named
    if len(parts) > _MAX_PARTS:
        skipped.append(Skipped("attachments", f"Only {_MAX_PARTS} are read."))
    return str(message.get("subject", "")).strip(), sections, skipped


def _parsed(part: MIMEPart, label: str, parse: ParsePart, *, is_body: bool) -> ParsedFile | str:
    """Read a part; a body in UTF-8, whatever it was sent in."""
    if is_body:
        return parse(label, str(part.get_content()).encode("utf-8-sig", "replace"))
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return N_("An e-mail inside an e-mail is not opened.")
    return parse(label, content)
