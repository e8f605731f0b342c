"""Open the lookups of the configuration."""

import datetime as dt
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from app.paths import PROJECT
from core.config import Config, LookupConfig
from core.errors import ConfigError
from core.protocols import Embedder
from core.types import Vector
from db.records import SqlRecords
from kb.index.index import Index
from lookups.dialogue import Lookup, Lookups
from lookups.recognise import Parameter
from lookups.sources import JsonService, RecordSource, TableFile
from lookups.template import Reply


@asynccontextmanager
async def open_lookups(
    config: Config, embedder: Embedder, index: Index, *, today: Callable[[], dt.date]
) -> AsyncIterator[Lookups | None]:
    """Open what answers from customers' own records; ``None`` if nothing is configured.

    Raises:
        ConfigError: naming the lookup and what is wrong with it.
    """

    async def rival(vector: Vector) -> float:
        view = await index.view()
        found = await view.search_dense(vector, 1, today=today().isoformat(), rows="asked")
        return found[0].score if found else -1.0

    async with AsyncExitStack() as stack:
        opened = []
        for name, settings in config.lookups.items():
            try:
                lookup = make_lookup(name, settings)
            except ConfigError as error:
                raise ConfigError(f"lookups.{name}: {error}") from error
            stack.push_async_callback(lookup.source.close)
            opened.append(lookup)
        if not opened:
            yield None
            return
        yield Lookups(opened, embedder, rival, languages=config.company.languages, today=today)


def make_lookup(name: str, settings: LookupConfig) -> Lookup:
    """Return one lookup with its source, which is not asked yet.

    Raises:
        ConfigError: if a pattern, a reply, an address or a statement cannot be used.
    """
    parameters = tuple(
        Parameter(key, p.pattern, p.ask, proof=p.proof, field=p.field)
        for key, p in settings.parameters.items()
    )
    try:
        for parameter in parameters:
            parameter.regex  # noqa: B018 - it is compiled now, so that a mistake is found now
    except re.error as error:
        raise ConfigError(f"The pattern {error.pattern!r} cannot be read: {error}.") from error
    return Lookup(
        name=name,
        settings=settings,
        parameters=parameters,
        replies=tuple(Reply(reply.text, reply.when) for reply in settings.replies),
        source=_source(settings, parameters),
    )


def _source(settings: LookupConfig, parameters: tuple[Parameter, ...]) -> RecordSource:
    source: RecordSource
    if path := settings.file:
        # Below the working folder or, as the demo's file, beside the code.
        path = path if path.is_absolute() or path.exists() else PROJECT / path
        return TableFile(path, [p for p in parameters if not p.proof])
    if settings.sql:
        source = SqlRecords(settings.sql.url, settings.sql.statement)
        used = source.parameters
    elif settings.http:
        http = settings.http
        source = JsonService(http.url, record=http.record, token=http.token)
        used = source.parameters
    else:  # the configuration has exactly one of them
        raise AssertionError
    if unknown := used - {p.name for p in parameters}:
        raise ConfigError(f"There is no parameter {', '.join(sorted(unknown))}.")
    if unused := {p.name for p in parameters if not p.proof} - used:
        raise ConfigError(
            f"The parameter {', '.join(sorted(unused))} is not in the statement or address, so it "
            "would choose no record. Put it in, or make it a proof."
        )
    return source
