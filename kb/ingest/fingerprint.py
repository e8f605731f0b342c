"""The settings that made a document's chunks, as one line: if it differs, it is read again.

The line is that of parser and chunker, then which columns an operator named for this document, then
the hash of the work that operators did on its entries by hand.
"""

_COLUMNS = "; columns "
_WORK = "; work "


def with_columns(settings: str, columns: str) -> str:
    """Return plain settings with the columns of a document (`kb.parse.faq.columns.written`)."""
    return f"{settings}{_COLUMNS}{columns}" if columns else settings


def with_work(settings: str, work: str) -> str:
    """Return settings with another hash of operators' edits."""
    own = settings.split(_WORK)[0]
    return f"{own}{_WORK}{work}" if work else own


def columns_of(settings: str) -> str:
    """Return the columns that an operator named, empty for none."""
    return settings.split(_WORK)[0].partition(_COLUMNS)[2]
