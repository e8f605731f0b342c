"""What owners change on the console: a file of its own, whose values count above `config.yaml`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, get_args

import yaml

from app.paths import find_config
from console.settings import BadValue, Change, Setting
from core.config import Config
from core.config_files import CHANGED_NAME, BadSetting, load_config, read_yaml, variable_of
from core.durable import write_durably
from core.errors import ConfigError
from core.wording import tr
from jobs.schedule import trigger_of

_HEAD = """\
# What owners changed on the console's page of settings. It counts above config.yaml; without a key,
# or without this file, config.yaml counts again after a restart.
"""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """The configuration as it would be read now, and its part that may be changed."""

    config: Path
    path: Path

    @classmethod
    def find(cls, root: Path) -> Self:
        """Return that of a data folder."""
        return cls(find_config(), root / CHANGED_NAME)

    def load(self) -> Config:
        """Read everything.

        Raises:
            ConfigError: naming the key, the value and what is expected.
        """
        return load_config(self.config, changed=self._changed())

    def show(self, names: Sequence[str]) -> list[Setting]:
        """Return settings, such as ``company.name``, as they are stored."""
        now, below, changed = self.load(), load_config(self.config), self._changed()
        found = []
        for name in names:
            section, key = name.split(".")
            value = _text(_of(now, name))
            annotation = type(getattr(now, section)).model_fields[key].annotation
            found.append(
                Setting(
                    name,
                    value,
                    choices=[one for one in get_args(annotation) if isinstance(one, str)],
                    lines=isinstance(_of(now, name), tuple | dict),
                    fixed_by=variable_of(section, key),
                    below=_text(_of(below, name)) if key in changed.get(section, {}) else None,
                )
            )
        return found

    def change(self, texts: Mapping[str, str]) -> list[Change]:
        """Store values, as a form has them; one that `config.yaml` has too is not kept apart.

        Raises:
            BadValue: if one cannot be used; nothing was stored.
        """
        before, below, changed = self.load(), load_config(self.config), self._changed()
        for name, text in texts.items():
            section, key = name.split(".")
            if variable := variable_of(section, key):
                raise BadValue(
                    name, tr("it is set by %(variable)s; change it there", variable=variable)
                )
            old = _of(below, name)
            changed.setdefault(section, {})[key] = _value(text, like=old)
        try:
            after = load_config(self.config, changed=changed)
            trigger_of("refresh", after.refresh.cron, after.refresh.timezone)
        except BadSetting as error:
            raise BadValue(error.key, error.reason) from error
        except ConfigError as error:
            raise BadValue("", str(error)) from error
        for name in texts:
            section, key = name.split(".")
            if _of(after, name) == _of(below, name):
                del changed[section][key]
            else:
                value = _of(after, name)
                changed[section][key] = list(value) if isinstance(value, tuple) else value
        kept = {section: keys for section, keys in changed.items() if keys}
        text = yaml.safe_dump(kept, allow_unicode=True, sort_keys=False) if kept else ""
        write_durably(self.path, (_HEAD + text).encode())
        return [
            Change(name, _text(_of(before, name)), _text(_of(after, name)))
            for name in texts
            if _of(before, name) != _of(after, name)
        ]

    def _changed(self) -> dict[str, dict[str, Any]]:
        found = read_yaml(self.path)
        if not all(isinstance(keys, dict) for keys in found.values()):
            raise ConfigError(f"{str(self.path)!r} has values outside of sections. Correct it.")
        return found


@dataclass(frozen=True, slots=True)
class RunningSettings:
    """The settings of the service, for the console's page."""

    file: SettingsFile
    running: Config
    """What counts until the next restart."""
    again: Callable[[], None]
    """Has everything closed, and opened with what is stored then."""

    async def show(self, names: Sequence[str]) -> tuple[list[Setting], bool]:
        """Return settings as they are stored, and whether all of the stored ones count."""
        shown = await asyncio.to_thread(self.file.show, names)
        return shown, await asyncio.to_thread(self.file.load) == self.running

    async def change(self, texts: Mapping[str, str]) -> list[Change]:
        """Store values; they count after a restart."""
        return await asyncio.to_thread(partial(self.file.change, texts))

    async def restart(self) -> None:
        """Let what is stored count.

        Raises:
            ConfigError: if it cannot be read; the service goes on as it was.
        """
        await asyncio.to_thread(self.file.load)
        self.again()


def _of(config: Config, name: str) -> Any:
    section, key = name.split(".")
    return getattr(getattr(config, section), key)


def _text(value: Any) -> str:
    """Write a value as a form shows it: lists a line each, texts by language as ``en: Hello``."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {text}" for key, text in value.items())
    if isinstance(value, tuple):
        return "\n".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(text: str, *, like: Any) -> Any:
    """Read what a form has; numbers are read later, with everything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(like, dict):
        pairs = (line.partition(":") for line in lines)
        return {key.strip().lower(): value.strip() for key, _, value in pairs}
    return lines if isinstance(like, tuple) else text.strip()
