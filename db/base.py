"""The engine, the session and the base of all tables."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, event
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from db import steady

_WAL_SAFE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""Versions in which SQLite's WAL-reset bug is fixed (https://sqlite.org/releaselog/3_51_3.html)."""


class Base(DeclarativeBase):
    """Base of all tables; constraint names are fixed so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether this SQLite may use its write-ahead log without the WAL-reset corruption."""
    if version >= _WAL_SAFE[0]:
        return True
    return any(version[:2] == fixed[:2] and version >= fixed for fixed in _WAL_SAFE[1:])


def database_url(configured: str, data: Path) -> str:
    """Return the SQLAlchemy address: the configured one, or SQLite in the data folder."""
    return configured or f"sqlite+aiosqlite:///{data / 'answerdesk.db'}"


def create_engine(url: str) -> AsyncEngine:
    """Open the engine. On SQLite every commit reaches the disk before it returns."""
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info) else "DELETE"

        @event.listens_for(engine.sync_engine, "do_connect")
        def _steady(_dialect: Any, _record: Any, _args: Any, options: dict[str, Any]) -> None:
            options["async_creator_fn"] = steady.connect

        @event.listens_for(engine.sync_engine, "connect")
        def _pragmas(connection: Any, _record: Any) -> None:
            cursor = connection.cursor()
            for pragma in (
                "busy_timeout=10000",  # first: setting the journal mode may already have to wait
                f"journal_mode={journal}",
                "synchronous=FULL",
                "foreign_keys=ON",
                "secure_delete=ON",
            ):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    return engine


class Database:
    """Sessions on one engine."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session in one transaction: commit at the end, roll back on an error."""
        async with self._sessions() as session, session.begin():
            yield session

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
