"""README.md and the code name the same things; its commands themselves are run end to end."""

import re

import pytest

from chat.settings import REPOSITORY, settings_from
from chat.topics import down_filter, up

README = (REPOSITORY / "README.md").read_text()
SETTINGS = (REPOSITORY / "chat" / "settings.py").read_text()


def test_every_setting_stands_in_the_readme_and_no_other() -> None:
    read = set(re.findall(r'"(KATYDID_\w+)"', SETTINGS))
    described = set(re.findall(r"KATYDID_\w+", README))

    assert described == read


def test_the_defaults_are_those_of_the_readme() -> None:
    settings = settings_from({})

    for value in (settings.http_port, settings.mqtt_port, settings.websocket_port):
        assert f"`{value}`" in README
    for text in (
        settings.host,
        settings.login_limit,
        settings.registration_limit,
        settings.device_limit,
    ):
        assert f"`{text}`" in README
    assert f"`{settings.rate_per_second:.0f}` `{settings.rate_burst}`" in README


def test_ci_runs_the_readmes_own_test_command() -> None:
    command = "./katydid test"
    assert f"```sh\n{command}\n```" in README

    last = (REPOSITORY / ".ci" / "run").read_text().strip().splitlines()[-1]
    assert last.endswith(command)


def test_the_topics_of_the_examples_are_right() -> None:
    assert f"-t '{up('alice', 'bob', 'send')}'" in README
    assert f"-t '{down_filter('alice')}'" in README


@pytest.mark.parametrize(
    "document",
    sorted(
        str(file.relative_to(REPOSITORY))
        for file in (*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"))
    ),
)
def test_what_is_linked_is_there(document: str) -> None:
    path = REPOSITORY / document
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), f"{document} links to {target}"


@pytest.mark.parametrize("place", re.findall(r"^\| `([a-z_]+[./][a-z]*)` \|", README, re.MULTILINE))
def test_where_to_find_things_is_true(place: str) -> None:
    assert (REPOSITORY / place).exists()
