"""Errors this project raises. Each says what happened, with the values, and what to do next."""

from collections.abc import Sequence

from core.wording import N_, told, tr


class AnswerdeskError(Exception):
    """Base of every error raised on purpose by this project."""


def unchanged(reason: object) -> str:
    """Return why a change failed and that nothing was changed, which some errors say themselves."""
    said, why = tr("Nothing was changed."), str(reason)
    known = any(one.rstrip(".。") in why for one in (said, "Nothing was changed."))
    return why if known else f"{said} {why}"


class ConfigError(AnswerdeskError):
    """The configuration cannot be used."""


class StorageError(AnswerdeskError):
    """The database refused to read or write."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The database cannot be used: {reason}. Check the disk's free space and the "
            "permissions of the data folder."
        )


class DatabaseDamaged(StorageError):
    """A page of the database, or its whole file, is not what was written."""

    def __init__(self, reason: str) -> None:
        AnswerdeskError.__init__(
            self,
            f"The database is damaged ({reason}). Stop the service, move the data folder away, and "
            "put the last backup into an empty one: `answerdesk restore FILE`.",
        )


class ConversationErased(AnswerdeskError):
    """The asker had a conversation erased while a message of it was being answered."""

    def __init__(self) -> None:
        super().__init__(N_("This conversation was erased meanwhile."))


class LookupFailed(AnswerdeskError):
    """A source of records could not be asked; `reason` has nothing of a customer in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The records could not be looked up: {reason}.")
        self.reason = reason


# --- files and knowledge -----------------------------------------------------------------------


class IngestError(AnswerdeskError):
    """A source file could not become chunks."""


class UnreadableFile(IngestError):
    """A file's content cannot be read; `reason` is a sentence for the operator."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name!r}: {told(reason)}")
        self.reason = reason


class UnsupportedFile(IngestError):
    """No parser for this kind of file."""

    def __init__(self, name: str, supported: Sequence[str]) -> None:
        super().__init__(
            tr(
                "Cannot read %(name)r: upload one of %(known)s.",
                name=name,
                known=", ".join(supported),
            )
        )


class IndexUnusable(AnswerdeskError):
    """Nothing can be searched."""


class IndexMismatch(IndexUnusable):
    """The index was filled by another embedding model than the one in use."""

    def __init__(self, *, index_model: str, model: str) -> None:
        super().__init__(
            f"The index was filled by {index_model!r}, but models.embedder is {model!r}. "
            "Run `answerdesk rebuild` to embed everything again, or set models.embedder back."
        )


class IndexUnreachable(IndexUnusable):
    """The index may be whole, but cannot be read now; nothing is repaired for that."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The index cannot be reached ({reason}). Check the permissions of its folder, or the "
            "connection to its storage, and try again."
        )


class IndexDamaged(IndexUnusable):
    """The index cannot be opened or does not match the truth."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The index is damaged ({reason}). Run `answerdesk rebuild`.")
        self.reason = reason


class ReleaseNotFound(AnswerdeskError):
    """No release has this number."""

    def __init__(self, number: int, newest: int) -> None:
        super().__init__(
            tr(
                "Release %(number)s does not exist; the newest is %(newest)s. "
                "Those that are kept are listed under Knowledge.",
                number=number,
                newest=newest,
            )
        )


class IndexNotWritten(AnswerdeskError):
    """A change did not reach the index; the live release is untouched."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            tr(
                "The index could not be written (%(reason)s). Nothing was published: "
                "check the disk, then run it again.",
                reason=reason,
            )
        )


class PublishConflict(AnswerdeskError):
    """Another process published a release in between."""

    def __init__(self, expected: int, live: int) -> None:
        super().__init__(
            tr(
                "Release %(live)s went live while the one after %(expected)s was being made. "
                "Nothing was changed; run it again.",
                live=live,
                expected=expected,
            )
        )


class OriginalMissing(IngestError):
    """A release names an original that is not on disk, or is not what its name says."""

    def __init__(self, sha256: str, reason: str) -> None:
        super().__init__(
            f"The original {sha256[:12]}… {reason}. "
            "Restore it from a backup, or send the file again."
        )


# --- models ------------------------------------------------------------------------------------


class ModelError(AnswerdeskError):
    """A model could not do its work."""


class UnknownModel(ModelError):
    """The catalogue has no model of this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"No model is named {name!r}; the catalogue has {', '.join(known)}.")


class ModelFileMissing(ModelError):
    """The weights are not on disk."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(
            f"The weights of {name!r} are not at {path!r}. Run `answerdesk models fetch {name}`."
        )


class ModelFileDamaged(ModelError):
    """The weights are not the bytes that the catalogue names."""

    def __init__(self, name: str, path: str, *, expected: str, found: str) -> None:
        super().__init__(
            f"The weights of {name!r} at {path!r} are damaged or were changed: sha256 is "
            f"{found[:12]}…, expected {expected[:12]}…. Delete the file and run "
            f"`answerdesk models fetch {name}`."
        )


class FetchFailed(ModelError):
    """No source of the catalogue gave the weights."""

    def __init__(self, name: str, reasons: Sequence[str]) -> None:
        super().__init__(f"Could not fetch {name!r}: {'; '.join(reasons)}. Try again later.")


class ModelUnavailable(ModelError):
    """The model is down, still loading, or did not reply in time."""


class Overloaded(ModelError):
    """More calls are waiting than the queue allows."""

    def __init__(self, waiting: int, limit: int) -> None:
        super().__init__(f"{waiting} calls are waiting and the limit is {limit}.")


class TextTooLong(ModelError):
    """A text is longer than the embedding model reads."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"A text has {tokens} tokens and the model reads {limit}.")
        self.tokens = tokens
        self.limit = limit


class PromptTooLong(ModelError):
    """Prompt and reply do not fit the model's context."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(f"Prompt and reply need {tokens} tokens and the context has {limit}.")
        self.tokens = tokens
        self.limit = limit
