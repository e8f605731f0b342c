"""Leave out a part of LanceDB that Answerdesk never uses.

`import lancedb` loads a REST client generated for catalogue servers, 163 modules of it: 0.9 s of
its 1.4 s, and 20 MB that stay. It is only used with such a server; ours is a folder or a bucket.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_PACKAGE = "lance_namespace_urllib3_client"


def leave_out_rest_client() -> None:
    """Give `import lancedb` empty classes in place of the client. Call it before that import."""
    if _PACKAGE not in sys.modules:
        sys.meta_path.insert(0, _Finder())


class _Empty(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        empty = type(name, (), {"__module__": self.__name__})
        setattr(self, name, empty)
        return empty


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != _PACKAGE:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""
