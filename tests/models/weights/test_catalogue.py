from pathlib import Path

import pytest

from core.errors import ConfigError, UnknownModel
from models.weights.catalogue import HubSource, PackageSource, load_catalogue
from models.weights.spec import Hub, Local, Named, Off, Server, parse_spec


def test_the_catalogue_has_the_models_of_the_manual() -> None:
    assert load_catalogue().names == (
        "multilingual-e5-small",
        "all-MiniLM-L6-v2",
        "smollm2-135m-instruct",
        "qwen2.5-coder-0.5b-instruct",
        "qwen2.5-coder-1.5b-instruct",
    )


def test_every_model_can_be_had_without_a_hub_and_every_file_is_pinned() -> None:
    for model in load_catalogue().models:
        assert any(isinstance(source, PackageSource) for source in model.sources)
        assert all(len(file.sha256) == 64 for file in (*model.files, *model.downloads))
        assert model.licence
        assert (model.dim and model.max_tokens) or model.context_tokens


def test_packages_are_exact_pins() -> None:
    for model in load_catalogue().models:
        for source in model.sources:
            if isinstance(source, PackageSource):
                assert all("==" in package for package in source.packages)


def test_the_hub_comes_before_packages_where_it_has_the_same_bytes() -> None:
    sources = load_catalogue().get("qwen2.5-coder-1.5b-instruct").sources
    assert [type(source) for source in sources] == [HubSource, PackageSource]


def test_an_unknown_model_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownModel, match=r"named 'gpt'; the catalogue has multilingual-e5-small"):
        load_catalogue().get("gpt")


def test_a_wrong_entry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text("models: [{name: x, kind: embeder}]")
    with pytest.raises(ConfigError, match=r"models\.0\.kind: Input should be 'embedder'"):
        load_catalogue(path)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("multilingual-e5-small", Named("multilingual-e5-small")),
        ("off", Off()),
        ("path:/models/x.gguf", Local(Path("/models/x.gguf"))),
        ("hub:intfloat/multilingual-e5-base", Hub("intfloat/multilingual-e5-base")),
        ("hub:Qwen/Q-GGUF/q4/x.gguf", Hub("Qwen/Q-GGUF", "q4/x.gguf")),
        (
            "url:http://127.0.0.1:8000/v1/#tei",
            Server(base_url="http://127.0.0.1:8000/v1", model="tei"),
        ),
        (
            "url:https://h/v1#m?query_prompt=query:%20&passage_prompt=passage:%20&max_tokens=256",
            Server(
                base_url="https://h/v1",
                model="m",
                query_prompt="query: ",
                passage_prompt="passage: ",
                max_tokens=256,
            ),
        ),
        ("url:http://h/v1#m?input_type=yes", Server("http://h/v1", "m", input_type=True)),
    ],
)
def test_each_form_of_a_model_is_understood(text: str, spec: object) -> None:
    assert parse_spec(text) == spec


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' names no model. Write a name of the catalogue, \"path:FOLDER\""),
        ("pth:/x", "'pth:/x' names no model"),
        ("hub:bert", "'hub:bert' names no repository"),
        ("hub:a/../b", "names no repository"),
        ("url:127.0.0.1/v1#m", "has no http address"),
        ("url:http://h/v1#m?prompt=x", "there is no option 'prompt'; after MODEL"),
        ("url:http://h/v1#m?max_tokens=many", "Write a whole number"),
    ],
)
def test_anything_else_is_refused_with_the_forms_that_are_allowed(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_spec(text)
    assert sentence in str(caught.value)
