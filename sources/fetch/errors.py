"""Why a page was not fetched, as sentences for operators."""

from core.errors import AnswerdeskError


class PageNotFetched(AnswerdeskError):
    """A page could not be had; what the knowledge base knows of it stays."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} was not fetched: {reason}.")
        self.reason = reason


class UrlRefused(PageNotFetched):
    """A URL, or an address that its host name stands for, is none to be fetched from."""


class AddressRefused(OSError):
    """A host name stands for an address that must not be reached."""

    def __init__(self, host: str, address: str, reason: str) -> None:
        super().__init__(f"{host} is at {address}, {reason}")
