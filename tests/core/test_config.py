import re
from pathlib import Path

import pytest

from core.config import Config
from core.config_files import load_config
from core.errors import ConfigError

PROJECT = Path(__file__).parent.parent.parent


def write(path: Path, text: str) -> Path:
    file = path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_shipped_file_says_what_the_defaults_are() -> None:
    shipped = load_config(PROJECT / "config.yaml")
    defaults = Config()
    demo = {"company", "lookups"}
    assert shipped.model_dump(exclude=demo) == defaults.model_dump(exclude=demo)


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "console: {host: 127.0.0.1, port: 8080}\n")
    monkeypatch.setenv("ANSWERDESK__CONSOLE__PORT", "9000")
    config = load_config(file)
    assert (config.console.port, config.console.host) == (9000, "127.0.0.1")


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "answers: {answer_att: 0.8}\n")
    with pytest.raises(ConfigError, match=r"there is no key 'answers\.answer_att'"):
        load_config(file)


def test_a_wrong_value_is_named_with_its_key(tmp_path: Path) -> None:
    file = write(tmp_path, "answers: {answer_at: 7}\n")
    with pytest.raises(ConfigError, match=r"answers\.answer_at: 7 is too much; write at most 1\."):
        load_config(file)


@pytest.mark.parametrize("name", ["''", "' '"])
def test_the_company_has_a_name(tmp_path: Path, name: str) -> None:
    file = write(tmp_path, f"company: {{name: {name}}}\n")
    with pytest.raises(ConfigError, match=r"company\.name: it is empty; fill it in"):
        load_config(file)


def test_yes_is_no_number(tmp_path: Path) -> None:
    file = write(tmp_path, "console: {port: yes}\n")
    with pytest.raises(ConfigError, match=r"console\.port: yes and no are not numbers; write one"):
        load_config(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("company: 5", "company: “5” is not a section; write its keys below it"),
        ("company: {welcome: {en: 3}}", "company.welcome.en: “3” is not text; write text"),
        ("company: {languages: en}", "company.languages: “en” is not a list; write one value"),
        ("console:", "console: it is empty; fill it in"),
        ("refresh: {sources: [{path: 5}]}", "refresh.sources.0.path: “5” is not text"),
        ("telegram: {timezone: Mars}", "telegram.timezone: there is no time zone 'Mars'; write"),
        ("telegram: {hours: [late]}", "telegram.hours: 'late' is no time; write it as mon-fri"),
        ("webhooks: [{}]", "webhooks.0.url: it is missing; add it"),
        ("webhooks: [{evnts: []}]", "there is no key 'webhooks.0.evnts'. Remove or correct it"),
        ("lookups: {orders: 5}", "lookups.orders: “5” is not a section"),
    ],
)
def test_what_is_wrong_in_a_section_is_said_in_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_config(write(tmp_path, f"{text}\n"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("COMPANY__LANGUAGES", "english", '“english” is not a list; write it as ["one", "two"].'),
        ("COMPANY__LANGUAGES", '["english"]', "languages.0: there are no texts in 'english'; wri"),
        ("COMPANY__WELCOME", "Hello", '“Hello” is not a section; write it as {"name": "value"}.'),
        ("COMPANY__WELCOME__EN", "", "company.welcome.en: it is empty; fill it in."),
        ("COMPANY", "Acme", "company: “Acme” is not a section; write it as"),
        ("CONSOLE__PORT", "http", "console.port: “http” is not a whole number; write one such"),
        ("CONSOLE__PROT", "80", "there is no key 'console.prot'. Remove or correct it."),
        ("CONSOL__PORT", "80", "there is no key 'consol'. Remove or correct it."),
        ("TELEGRAM__TIMEZONE", "Mars", "telegram.timezone: there is no time zone 'Mars'; write"),
    ],
)
def test_what_is_wrong_in_the_environment_is_said_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"ANSWERDESK__{name}", value)
    known = name if "CONSOL__" not in name else "CONSOL"
    with pytest.raises(ConfigError, match=rf"^ANSWERDESK__{known}.*: .*{re.escape(said)}"):
        load_config(write(tmp_path, "{}\n"))


def test_thresholds_out_of_order_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "answers: {answer_at: 0.3, hedge_at: 0.6}\n")
    with pytest.raises(ConfigError, match=r"hedge_at \(0\.6\) must not be above answer_at"):
        load_config(file)


@pytest.mark.parametrize(
    ("proxy", "said"),
    [("proxy.example", "does not appear to be an IPv4"), ("0.0.0.0/0", "trusts everybody")],
)
def test_a_proxy_is_an_address_or_a_network(tmp_path: Path, proxy: str, said: str) -> None:
    file = write(tmp_path, f"console: {{trusted_proxies: ['{proxy}']}}\n")
    with pytest.raises(ConfigError, match=said):
        load_config(file)


def test_a_time_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "knowledge: {timezone: Berlin}\n")
    with pytest.raises(ConfigError, match="there is no time zone 'Berlin'; write one as Europe"):
        load_config(file)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist\. Copy config\.yaml"):
        load_config(tmp_path / "none.yaml")


def test_broken_yaml_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(write(tmp_path, "answers: [\n"))


def test_the_configuration_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().answers.answer_at = 0.1  # type: ignore[misc]


_LOOKUP = (
    "lookups: {a: {questions: [Where], replies: [{text: {en: Here}}], parameters: {n: {%s}}%s}}"
)


@pytest.mark.parametrize(
    ("parameter", "rest", "reason"),
    [
        ("pattern: email, ask: {en: Which}", "", "exactly one of file, sql and http"),
        (
            "pattern: email, ask: {en: Which}",
            ", file: a.csv, http: {url: 'http://a/'}",
            "exactly one of file, sql and http",
        ),
        ("pattern: email, ask: {en: Which}, proof: true", ", file: a.csv", "that is no proof"),
        ("pattern: email, ask: {}", ", file: a.csv", "it is empty; write at least one line"),
        ("pattern: email", ", file: a.csv", r"lookups\.a\.parameters\.n\.ask"),
    ],
)
def test_a_lookup_that_makes_no_sense_is_refused(
    tmp_path: Path, parameter: str, rest: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        load_config(write(tmp_path, _LOOKUP % (parameter, rest)))


def test_the_secret_of_a_lookup_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(
        tmp_path,
        _LOOKUP % ("pattern: email, ask: {en: Which}", ", http: {url: 'http://a/${n}'}"),
    )
    monkeypatch.setenv("ANSWERDESK__LOOKUPS__A__HTTP__TOKEN", "from-the-environment")
    http = load_config(file).lookups["a"].http
    assert http is not None
    assert (http.url, http.token) == ("http://a/${n}", "from-the-environment")


def test_sources_are_of_five_kinds(tmp_path: Path) -> None:
    text = """
        refresh:
          sources:
          - {path: /srv/faq, patterns: ["*.md"]}
          - {file: /srv/prices.csv}
          - {url: "https://example.com/help", cron: "*/30 * * * *", timezone: Europe/Berlin}
          - {sitemap: "https://example.com/sitemap.xml", patterns: ["help/**"]}
          - {git: /srv/handbook}
    """
    config = load_config(write(tmp_path, text))
    assert [source.place for source in config.refresh.sources] == [
        ("path", "/srv/faq"),
        ("file", "/srv/prices.csv"),
        ("url", "https://example.com/help"),
        ("sitemap", "https://example.com/sitemap.xml"),
        ("git", "/srv/handbook"),
    ]


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        ("[{patterns: [a]}]", "exactly one of path, file, url, sitemap and git"),
        ("[{path: a, url: 'https://a'}]", "exactly one of path, file, url, sitemap and git"),
        ("[{url: 'ftp://a'}]", "url must begin with http:// or https://"),
        ("[{file: a, patterns: [b]}]", "patterns mean nothing for a file"),
        ("[{path: a}, {path: b}, {path: a}]", "a is listed twice: join its patterns"),
        ("[{folder: a}]", "there is no key 'refresh.sources.0.folder'"),
    ],
)
def test_a_source_that_makes_no_sense_is_refused(tmp_path: Path, sources: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason.replace("(", r"\(")):
        load_config(write(tmp_path, f"refresh: {{sources: {sources}}}"))
