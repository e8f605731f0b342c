"""Logins: passwords, codes, the delay after wrong ones, known browsers."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import TypeVar

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from starlette.requests import Request

from console.security import (
    CookieSigner,
    address_group,
    bearer_of,
    client_address,
    is_of_this_machine,
)
from core.errors import AnswerdeskError
from core.rights import Role
from core.wording import ntr, tr
from db.accounts import BY_PASSWORD, Account, Accounts

COOKIE = "answerdesk_operator"
PASSWORD_CHARS = (10, 200)
"""Shortest and longest password of an account."""

_FREE_FAILURES = 5
"""Wrong passwords of one address that cost nothing; from then on each doubles the delay."""
_FIRST_DELAY_S = 15.0
_LONGEST_DELAY_S = 900.0
"""Also how long failures are remembered. One address has about 12 guesses in half an hour."""
_ACCOUNT_FAILURES = 100
"""Wrong passwords of one account in 15 minutes; beyond it strangers share one guess in 5 s."""
_ACCOUNT_DELAY_S = 5.0
_MAX_KNOWN_FAILURES = 1000
"""Wrong passwords, since its last right one, after which an address is a stranger again."""
_MAX_KEPT = 1000
_CODE_WAITS_S = 300.0
"""How long after the password the code of the authenticator app may be given."""
_STEP_S = 30

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_hasher = PasswordHasher()


class TooManyFailures(AnswerdeskError):
    """A client gave wrong passwords too often."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = ceil(wait_s)
        seconds = ntr("%(num)s second", "%(num)s seconds", self.wait_s)
        minutes = ntr("%(num)s minute", "%(num)s minutes", ceil(wait_s / 60))
        when = seconds if wait_s <= 60 else minutes
        super().__init__(tr("Too many wrong passwords. Try again in %(when)s.", when=when))


@dataclass(frozen=True, slots=True)
class Person:
    """Who sends a request."""

    role: Role
    name: str = ""
    """Of the account, or the program's key; empty: whoever is on this machine, where there is no
    password."""
    account_id: int = 0
    """0: with the password of the console, or a key."""
    session_id: int = 0
    language: str = ""
    """Chosen for the console's texts; empty: the browser's."""

    @property
    def author(self) -> str:
        """Who is named with what is changed."""
        return self.name or "console"


NOBODY = Person("viewer")
current_person: ContextVar[Person] = ContextVar("person", default=NOBODY)
"""The sender of the current request."""


class Attempts:
    """Delays guesses.

    Wrong passwords delay the next one of the same address, and many for one account those of all
    addresses from which nobody logged in to it yet. Where somebody did, the right password is
    always taken: guesses of others behind the same address, or elsewhere, lock nobody out.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[int, float]] = {}
        """Wrong passwords by address: how many, and when the last was looked at."""
        self._accounts: dict[int, deque[float]] = {}
        """When the last ones for each account were looked at."""
        self._known: dict[tuple[int, str], int] = {}
        """Addresses that gave an account's password, with how many wrong ones came since."""
        self._one = asyncio.Lock()
        """One is looked at after the other, so that many at once are no way around a delay."""

    async def check(
        self,
        is_right: Callable[[], Awaitable[bool]],
        *,
        account: int,
        client: str,
        last: bool = True,
    ) -> bool:
        """Tell whether a password or code is right, and remember if it is not.

        Args:
            is_right: looks at it; not called during a delay, unless the address is known.
            account: whose it is; any number for names that nobody has.
            client: address of whoever gives it.
            last: whether this logs in; the password does not where a code must follow.

        Raises:
            TooManyFailures: if it comes before the delay after wrong ones is over; also for the
                right one, unless the address gave it before.
        """
        key = (account, address_group(client))
        async with self._one:
            now = self._clock()
            wait_s = self._wait_s(key, now)
            if wait_s > 0 and key not in self._known:
                raise TooManyFailures(wait_s)
            if await is_right():
                if last:
                    self._failures.pop(key[1], None)
                    _keep_last(self._known, key, 0)
                return True
            if key in self._known:
                self._known[key] += 1
                if self._known[key] >= _MAX_KNOWN_FAILURES:
                    del self._known[key]
            if wait_s > 0:
                raise TooManyFailures(wait_s)
            count, at = self._failures.get(key[1], (0, 0.0))
            count = count + 1 if now - at < _LONGEST_DELAY_S else 1
            _keep_last(self._failures, key[1], (count, now))
            failures = self._accounts.get(account) or deque(maxlen=_ACCOUNT_FAILURES)
            failures.append(now)
            _keep_last(self._accounts, account, failures)
            return False

    def _wait_s(self, key: tuple[int, str], now: float) -> float:
        """Return the seconds until a password of an address is looked at."""
        wait_s = 0.0
        count, last = self._failures.get(key[1], (0, 0.0))
        if count >= _FREE_FAILURES:
            doubled = _FIRST_DELAY_S * 2 ** min(count - _FREE_FAILURES, 10)
            wait_s = last + min(doubled, _LONGEST_DELAY_S) - now
        failures = self._accounts.get(key[0], deque())
        many = len(failures) == _ACCOUNT_FAILURES and failures[0] > now - _LONGEST_DELAY_S
        if many and key not in self._known:
            wait_s = max(wait_s, failures[-1] + _ACCOUNT_DELAY_S - now)
        return wait_s


class Logins:
    """Logged-in browsers and the check of passwords."""

    def __init__(self, password: str, accounts: Accounts, signer: CookieSigner) -> None:
        """`password` is the console's, the owner's way in; empty: nobody needs to log in."""
        self._password = password
        self._accounts = accounts
        self._signer = signer
        self._attempts = Attempts()

    @property
    def required(self) -> bool:
        """Whether there is a password at all."""
        return bool(self._password)

    async def person(self, request: Request) -> Person | None:
        """Return who sends a request, ``None`` for strangers.

        Without a password everybody on this machine may do everything.

        Raises:
            TooManyFailures: after too many wrong bearer tokens.
        """
        if not self.required:
            return Person("owner") if is_of_this_machine(request) else None
        if token := bearer_of(request):
            known = await self._is_consoles(token, client_address(request))
            return Person("owner", BY_PASSWORD) if known else None
        token = request.cookies.get(COOKIE, "")
        found = await self._accounts.session(self._digest(token)) if token else None
        if found is None:
            return None
        session, account = found
        if not session.account_id:
            return Person("owner", BY_PASSWORD, 0, session.session_id)
        if account is None:
            return None
        return Person(
            account.role, account.name, account.account_id, session.session_id, account.language
        )

    async def check(self, name: str, password: str, *, client: str) -> Account | None:
        """Return whose password this is; without a name it must be the console's.

        Raises:
            TooManyFailures: as `Attempts.check`.
        """
        if not name.strip():
            right = await self._is_consoles(password, client)
            owner = Account(account_id=0, name=BY_PASSWORD, role="owner", totp="")
            return owner if right else None
        account = await self._accounts.named(name)
        stored = account.password if account else ""
        right = await self._attempts.check(
            lambda: asyncio.to_thread(_is_password, stored, password),
            account=account.account_id if account else -1,
            client=client,
            last=not (account and account.totp),
        )
        return account if right else None

    def after_password(self, account: Account) -> str:
        """Return what the form that asks for a code has instead of the password."""
        return self._signer.sign(f"code:{account.account_id}:{time.time() + _CODE_WAITS_S:.0f}")

    async def check_code(self, after_password: str, code: str, *, client: str) -> Account | None:
        """Return whose code this is, of the app or for recovery; it is used up then.

        Raises:
            TooManyFailures: as `Attempts.check`.
        """
        kind, _, rest = (self._signer.read(after_password) or "").partition(":")
        number, _, until = rest.partition(":")
        if kind != "code" or float(until) < time.time():
            return None
        account = await self._accounts.get(int(number))
        if account is None:
            return None

        async def is_right() -> bool:
            step = step_of(account.totp, code)
            if step:
                return await self._accounts.use_totp(account.account_id, step)
            return await self._accounts.use_recovery(account.account_id, code)

        right = await self._attempts.check(is_right, account=account.account_id, client=client)
        return account if right else None

    async def open(self, account_id: int, request: Request) -> str:
        """Return a new token for a browser in which somebody logged in."""
        token = secrets.token_urlsafe(32)
        await self._accounts.open_session(
            account_id,
            self._digest(token),
            address=client_address(request),
            browser=request.headers.get("user-agent", ""),
        )
        return token

    async def _is_consoles(self, password: str, client: str) -> bool:
        async def is_right() -> bool:
            same = hmac.compare_digest(password.encode(), self._password.encode())
            return self.required and same

        return await self._attempts.check(is_right, account=0, client=client)

    def _digest(self, token: str) -> str:
        """Return what is stored of a token: another password of the console ends all logins."""
        return hmac.new(self._password.encode(), token.encode(), hashlib.sha256).hexdigest()


async def hash_password(password: str) -> str:
    """Return what is stored of a password.

    Raises:
        AnswerdeskError: if it is too short or too long.
    """
    least, most = PASSWORD_CHARS
    if not least <= len(password) <= most:
        raise AnswerdeskError(
            tr("A password has %(least)s to %(most)s characters.", least=least, most=most)
        )
    return await asyncio.to_thread(_hasher.hash, password)


def step_of(secret: str, code: str) -> int:
    """Return when an app made this code, in steps of 30 s, at most one ago or ahead; 0: never."""
    now = int(time.time())
    for at in (now, now - _STEP_S, now + _STEP_S):
        right = secret and pyotp.TOTP(secret).at(at)
        if right and hmac.compare_digest(right.encode(), code.replace(" ", "").encode()):
            return at // _STEP_S
    return 0


def _is_password(stored: str, password: str) -> bool:
    """Tell whether a password is the stored one; takes as long where none is stored."""
    try:
        return _hasher.verify(stored or _no_password(), password) and bool(stored)
    except Argon2Error:
        return False


@cache
def _no_password() -> str:
    return _hasher.hash(secrets.token_hex())


def _keep_last(kept: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Put a key last; beyond a thousand the first goes."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > _MAX_KEPT:
        kept.pop(next(iter(kept)))
