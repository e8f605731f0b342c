"""`models`."""

import asyncio
from typing import Annotated, Any

import typer
from rich.markup import escape

from app import output
from app.commands.common import Failed, Json, read_config, say
from core.config import data_folder
from core.errors import ModelError, ModelFileMissing
from models.factory import make_store
from models.weights.fetch import ModelStore
from models.weights.sources import Progress
from models.weights.spec import Hub, Named, parse_spec

_FOR_TESTS = ("smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct")


async def list_models(*, as_json: Json = False) -> None:
    """List the catalogue and what of it is on disk."""
    store = make_store(data_folder())
    rows = [await asyncio.to_thread(_describe, store, name) for name in store.catalogue.names]
    output.print_listed(
        rows,
        ("model", "kind", "MB", "licence", "state"),
        [(r["name"], r["kind"], r["size_bytes"] // 10**6, r["licence"], r["state"]) for r in rows],
        as_json=as_json,
    )


async def fetch(
    name: Annotated[str, typer.Argument(help="A catalogue name, or hub:OWNER/NAME.")] = "",
    *,
    default: Annotated[bool, typer.Option("--default", help="The configured models.")] = False,
    tests: Annotated[bool, typer.Option("--tests", help="Also those the tests use.")] = False,
) -> None:
    """Fetch weights and check them; what is there already is not fetched again."""
    if not (name or default or tests):
        raise typer.BadParameter("give a NAME, or --default")
    wanted = [name] if name else []
    if default:
        config = read_config()
        models = config.models
        wanted += [models.embedder, models.second_embedder]
        wanted += [models.generator] if config.answers.compose else []
    if tests:
        wanted += _FOR_TESTS
    store = make_store(data_folder())
    for spec in dict.fromkeys(wanted):
        match parse_spec(spec):
            case Named(known):
                await _fetch(store, known)
            case Hub() as hub:
                say(f"{spec} is whole: {await asyncio.to_thread(store.fetch_hub, hub)}")
            case _ if spec == name:
                raise Failed(f"{spec!r} is nothing to fetch: it stays where it is.")


async def use(name: str) -> None:
    """Say how to use a model, after fetching it and checking that it fits the index."""
    store = make_store(data_folder())
    model = store.catalogue.get(name)
    await _fetch(store, name)
    key = f"models.{model.kind}"
    output.console.print(
        f"{escape(name)} is ready. Set {key} to {escape(name)} in config.yaml "
        f"(or ANSWERDESK__MODELS__{model.kind.upper()}={escape(name)})."
    )
    if model.kind == "embedder":
        output.console.print(
            "Then start the service again, or run `answerdesk rebuild`: everything is embedded "
            "anew beside the index that answers meanwhile."
        )


async def _fetch(store: ModelStore, name: str) -> None:
    try:
        await asyncio.to_thread(store.check, name)
    except ModelError:
        size = store.catalogue.get(name).size_bytes
        say(f"Fetching {name} ({size / 1e6:.0f} MB) …")
    else:
        return
    with output.progress() as shown:
        task = shown.add_task(name, total=None)

        def report(progress: Progress) -> None:
            shown.update(
                task,
                description=f"{name}: {progress.step}",
                completed=progress.done_bytes,
                total=progress.total_bytes or None,
            )

        folder = await asyncio.to_thread(store.fetch, name, report)
    say(f"{name} is whole: {folder}")


def _describe(store: ModelStore, name: str) -> dict[str, Any]:
    model = store.catalogue.get(name)
    try:
        store.check(name)
        state = "ready"
    except ModelFileMissing:
        state = "not fetched"
    except ModelError as error:
        state = str(error)
    return {
        "name": name,
        "kind": model.kind,
        "size_bytes": model.size_bytes,
        "licence": model.licence,
        "state": state,
    }
