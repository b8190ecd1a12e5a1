"""docs/client.md and the README are true: their programs run as they stand there, on MQTT 5 and
3.1.1, and so do the commands."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import client
from chat.settings import REPOSITORY
from client import Katydid
from tests.client.serving import Serving, until
from tests.end_to_end.running_up import add_account
from tests.running import wait_until
from tests.web.visitor import PASSWORD

DOCUMENT = (REPOSITORY / "docs" / "client.md").read_text()
PROGRAMS = dict(re.findall(r"```python (\w+)\n(.+?)```", DOCUMENT, re.DOTALL))
COMMANDS = dict(re.findall(r"```sh (\w+)\n(.+?)```", DOCUMENT, re.DOTALL))
[README] = re.findall(r"```python\n(.+?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)
SITE = "http://127.0.0.1:8000"
RUN = "\nasyncio.run(main())\n"
VERSIONS = ["5", "3.1.1"]


@pytest.fixture(scope="module", autouse=True)
def alice_and_bob(serving: Serving) -> None:
    for name in ("alice", "bob"):
        add_account(serving.installation.database, name, password=PASSWORD)


@pytest.fixture(autouse=True)
def home(tmp_path: Path) -> Iterator[Path]:
    """Of somebody who tries what stands there, and has installed the client."""
    with pytest.MonkeyPatch.context() as here:
        here.setenv("XDG_DATA_HOME", str(tmp_path))
        here.setenv("KATYDID_PASSWORD", PASSWORD)
        here.setitem(sys.modules, "katydid_client", client)
        yield tmp_path


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_programs_that_end_say_what_they_should(
    serving: Serving, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []
    for name in ("hello", "history", "errors"):
        await main_of(PROGRAMS[name], serving, version)()
        said.append(capsys.readouterr().out)

    hello, history, errors = said
    assert re.fullmatch(r"\d+ \d{4}-.+\n", hello)
    assert " alice text Hello, Bob\n" in history
    assert errors == "There is no account 'bbo'.\n"


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_bot_answers(serving: Serving, version: str) -> None:
    asked = f"Is anybody there, on {version}?"

    async with (
        running(main_of(PROGRAMS["bot"], serving, version)),
        serving.chat("alice") as alice,
    ):
        await logged_in(serving, "bob")
        await alice.send("bob", asked)

        answer = f"You said: {asked}"
        await until("its answer", lambda: serving.archived("bob")[-1:] == [answer])


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_events_are_told(
    serving: Serving, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ""

    def has_said(line: str) -> bool:
        nonlocal said
        said += capsys.readouterr().out
        return f"{line}\n" in said

    async with (
        running(main_of(PROGRAMS["events"], serving, version)),
        serving.chat("alice") as alice,
    ):
        await until("it to be online", lambda: has_said("Online()"))
        text = await alice.send("bob", "Hello")
        await alice.react(text, "👍")
        await until("the text", lambda: has_said("alice: Hello"))
        await until("the reaction", lambda: has_said(f"alice: reaction of {text.seq}"))


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_lines_of_the_readme_send(serving: Serving, version: str) -> None:
    body = "".join(f"    {line}\n" for line in README.splitlines())
    setup = "import os\nfrom katydid_client import Katydid\n"
    program = (
        f"{setup}async def main():\n    password = os.environ['KATYDID_PASSWORD']\n{body}{RUN}"
    )

    await main_of(program, serving, version)()

    assert serving.archived("alice")[-1] == "Somebody is at the door"


def test_the_commands_do_what_is_said(serving: Serving, home: Path) -> None:
    said = type_in(COMMANDS["commands"], serving)

    assert serving.archived("alice")[-2:] == ["The backup is done", "A longer text"]
    assert "alice: The backup is done\n" in said
    type_in(f"python -m client login {SITE} bob", serving)
    with begun(COMMANDS["listen"], serving) as listening:
        server = serving.url.rpartition("/")[2].replace(":", "_")
        device = home / "katydid" / server / "bob" / "listen" / "device.json"
        wait_until("it to listen", device.exists)
        alice = f"python -m client --url {SITE} --account alice"
        type_in(f"{alice} send bob one\n{alice} send bob two", serving)
        heard, _ = listening.communicate(timeout=30)
    assert [line.partition('"text": ')[2][:5] for line in heard.splitlines()] == ['"one"', '"two"']


def test_every_call_of_the_table_is_one_and_no_other_is_public() -> None:
    named = set(re.findall(r"`(?:chat\.)?(\w+)\(", DOCUMENT)) | {"is_online"}

    assert [name for name in named if not hasattr(Katydid, name)] == []
    assert {name for name in vars(Katydid) if not name.startswith("_")} - named == set()


def main_of(
    program: str, serving: Serving, version: str
) -> Callable[[], Coroutine[Any, Any, None]]:
    """What the program runs in its last line, on this server and this version of MQTT."""
    assert program.endswith(RUN)
    assert ", password=" in program
    changed = program.replace(SITE, serving.url).removesuffix(RUN)
    changed = changed.replace(", password=", f', mqtt="{version}", password=')
    names: dict[str, Any] = {}
    exec(compile(changed, "docs/client.md", "exec"), names)  # noqa: S102  that is what it is for
    main: Callable[[], Coroutine[Any, Any, None]] = names["main"]
    return main


@asynccontextmanager
async def running(main: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """A program that would go on for ever."""
    task = asyncio.create_task(main())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def logged_in(serving: Serving, account: str) -> None:
    """Wait until a device of the account is connected."""
    rows = serving.installation.rows
    of = "SELECT 1 FROM presence JOIN account ON account.id = account_id WHERE name = :name"
    await until("it to be connected", lambda: rows(of, name=account))


def begun(lines: str, serving: Serving) -> "subprocess.Popen[str]":
    """At a shell."""
    return subprocess.Popen(
        ["sh", "-ec", lines.replace(SITE, serving.url)],
        cwd=REPOSITORY,
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def type_in(lines: str, serving: Serving) -> str:
    """To its end, which must be a good one."""
    with begun(lines, serving) as shell:
        said, wrong = shell.communicate(timeout=60)
    assert shell.returncode == 0, said + wrong
    return said
