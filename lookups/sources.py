"""Where records come from: a table in a file, a JSON service. SQL is in `db.records`."""

import asyncio
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpx
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from core.errors import ConfigError, LookupFailed, UnreadableFile
from kb.parse.encoding.decoding import decode
from kb.parse.limits import MAX_ROWS, check_office
from lookups.recognise import Parameter
from lookups.template import Record, shown

MAX_RECORDS = 20
"""Records of one request that are looked at."""
_MAX_REPLY_BYTES = 256 * 1024
_MAX_DEPTH = 5
_VALUE = re.compile(r"\$\{(\w+)\}")
_SEPARATORS = ",;\t|"


class RecordSource(Protocol):
    """Finds records by the values that a customer gave."""

    async def find(self, values: Mapping[str, str]) -> Sequence[Record]:
        """Return the records for `values` by parameter, at most `MAX_RECORDS`; empty if none.

        Cancelling it ends the request.

        Raises:
            LookupFailed: if the source cannot be asked, or its reply cannot be used.
        """

    async def close(self) -> None:
        """Close connections."""


class TableFile:
    """Rows of a CSV or XLSX file with the column names in its first row.

    It is read again when it has changed. A row is found by the values of `keys`.
    """

    def __init__(self, path: Path, keys: Sequence[Parameter]) -> None:
        self._path = path
        self._keys = keys
        self._state: tuple[int, int] | None = None
        self._rows: dict[tuple[str, ...], list[Record]] = {}
        self._reading = asyncio.Lock()

    async def find(self, values: Mapping[str, str]) -> Sequence[Record]:
        """Return the rows with these values."""
        async with self._reading:
            await asyncio.to_thread(self._refresh)
        key = tuple(parameter.folded(values[parameter.name]) for parameter in self._keys)
        return self._rows.get(key, [])[:MAX_RECORDS]

    async def close(self) -> None:
        """Do nothing: the file is open only while it is read."""

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            state = (stat.st_mtime_ns, stat.st_size)
            if state == self._state:
                return
            found: dict[tuple[str, ...], list[Record]] = {}
            for row in self._read():
                key = tuple(p.folded(shown(row.get(p.field))) for p in self._keys)
                if all(key):
                    found.setdefault(key, []).append(row)
        except (
            OSError, csv.Error, UnreadableFile, zipfile.BadZipFile, InvalidFileException,
            KeyError, ValueError,
        ) as error:  # fmt: skip
            raise LookupFailed(f"{self._path.name}: {type(error).__name__}") from error
        self._rows, self._state = found, state

    def _read(self) -> Iterator[Record]:
        data = self._path.read_bytes()
        table = self._sheet(data) if self._path.suffix == ".xlsx" else self._lines(data)
        names = [shown(name) for name in next(table, ())]
        if missing := [p.field for p in self._keys if p.field not in names]:
            raise LookupFailed(f"{self._path.name} has no column {', '.join(missing)}")
        for number, cells in enumerate(table):
            if number >= MAX_ROWS:
                raise LookupFailed(f"{self._path.name} has more than {MAX_ROWS:,} rows: use SQL")
            yield dict(zip(names, cells, strict=False))

    def _lines(self, data: bytes) -> Iterator[Sequence[object]]:
        text = decode(self._path.name, data)
        header = text.split("\n", 1)[0]
        yield from csv.reader(
            io.StringIO(text, newline=""), delimiter=max(_SEPARATORS, key=header.count)
        )

    def _sheet(self, data: bytes) -> Iterator[Sequence[object]]:
        check_office(self._path.name, data)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            yield from book.worksheets[0].iter_rows(values_only=True)
        finally:
            book.close()


class JsonService:
    """Records that a service returns as JSON to GET; 404 means that there is none."""

    def __init__(self, url: str, *, record: str = "", token: str = "") -> None:
        """Take the address and how to read its reply.

        Args:
            url: with a ``${parameter}`` for each value, never in its host.
            record: where in the reply the record or the list of them is, such as ``data.orders``.
            token: sent as ``Authorization: Bearer``; empty: none.
        """
        if "${" in urlsplit(url).netloc or not url.startswith(("http://", "https://")):
            raise ConfigError(
                f"The address of a lookup is {url!r}: it must begin with http:// or https:// and "
                "have no value in its host."
            )
        self._url = url
        self.parameters = frozenset(_VALUE.findall(url))
        """Names of the values that the address takes."""
        self._record = record
        # Neither proxies nor other addresses: what a customer gave goes where the operator said.
        self._client = httpx.AsyncClient(
            headers={"Accept": "application/json", "Accept-Encoding": "identity"}
            | ({"Authorization": f"Bearer {token}"} if token else {}),
            follow_redirects=False,
            trust_env=False,
            timeout=None,  # `lookups.dialogue` bounds the whole
        )

    async def find(self, values: Mapping[str, str]) -> Sequence[Record]:
        """Ask the service."""
        if any(not value.strip("./\\ ") for value in values.values()):
            return []  # dots alone would be another path
        url = _VALUE.sub(lambda match: quote(values[match[1]], safe=""), self._url)
        try:
            async with self._client.stream("GET", url) as response:
                if response.status_code == 404:
                    return []
                if response.status_code != 200:
                    raise LookupFailed(f"HTTP status {response.status_code}")
                body = b""
                async for piece in response.aiter_raw():
                    body += piece
                    if len(body) > _MAX_REPLY_BYTES:
                        raise LookupFailed(f"a reply of more than {_MAX_REPLY_BYTES:,} bytes")
            return self._records(json.loads(body))
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError) as error:
            raise LookupFailed(type(error).__name__) from None

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    def _records(self, found: Any) -> list[Record]:
        for name in filter(None, self._record.split(".")):
            found = found.get(name) if isinstance(found, dict) else None
        listed = found if isinstance(found, list) else [found]
        return [dict(_flat(item)) for item in listed[:MAX_RECORDS] if isinstance(item, dict)]


def _flat(
    item: Mapping[str, Any], prefix: str = "", depth: int = 1
) -> Iterator[tuple[str, object]]:
    """Yield the values of nested objects under names joined by dots; lists are left out."""
    for name, value in item.items():
        if isinstance(value, dict) and depth < _MAX_DEPTH:
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        elif value is None or isinstance(value, str | int | float | bool):
            yield f"{prefix}{name}", value
