"""docs/things as it stands, with MQTT 5 and 3.1.1: each of its lines is run, and each example."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from chat.settings import REPOSITORY
from chat.topics import down_filter, up
from cli.free_ports import free_ports
from mqtt_acl.issuer import Credentials
from tests.conftest import needs
from tests.deploy.certificates import Authority
from tests.docs.board_compiler import compile_for_a_board
from tests.docs.tls_relay import TlsRelay
from tests.mqtt import MQTT_3, MQTT_5, Client
from tests.running import Installation, wait_until
from tests.web.conftest import password_hash
from tests.web.site import Site, execute
from tests.web.visitor import PASSWORD

__all__ = ["password_hash"]

FOLDER = REPOSITORY / "docs" / "things"
PAGE = (FOLDER / "README.md").read_text()
LINES = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
VERSIONS = {"5": MQTT_5, "311": MQTT_3}
OWN_TOPIC = "chat/v1/up/e/front-door"  # as the page has it


class Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        pass


class Home:
    """Alice, who listens, and her thing; `run` runs a block of the page as it is for that thing."""

    def __init__(self, installation: Installation, folder: Path, version: str) -> None:
        self.folder = folder
        self.version = version
        self.thing = f"front-door-{version}"
        self.device = self.password = ""
        self._settings = installation.settings
        authority = Authority(folder)
        issued = authority.issue("localhost")
        self._relay = TlsRelay(
            issued["KATYDID_TLS_CERTIFICATE"],
            issued["KATYDID_TLS_KEY"],
            installation.settings.mqtt_port,
        )
        self._environ = os.environ | {
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SSL_CERT_FILE": str(authority.file),
            "MQTT_VERSION": version,
            "OUTBOX": str(folder / "outbox.json"),
            "PRESSED": str(folder / "pressed"),
        }
        for ours in ("XDG_CONFIG_HOME", "PYTHONPATH", "PYTHONSAFEPATH"):
            self._environ.pop(ours, None)
        self.alice = Client(
            installation.settings, installation.new_device("alice"), protocol=VERSIONS[version]
        ).connect()
        self.alice.subscribe(down_filter("alice"))

    def close(self) -> None:
        self.alice.close()
        self._relay.close()

    @property
    def line(self) -> str:
        """The one under the QR code."""
        login = f"{self.thing}.{self.device}:{self.password}@127.0.0.1:{self._settings.mqtt_port}"
        return f"mqtt://{login}{self.filled_in(f'/{OWN_TOPIC}?owner=alice')}"

    def filled_in(self, block: str) -> str:
        """With this thing, version, and installation in place of those of the page."""
        own_topic = up(self.thing, "x", "send").removesuffix("/x/send")
        for there, here in (
            ("alice:PASSWORD", f"'alice:{PASSWORD}'"),
            (OWN_TOPIC, own_topic),
            ("DEVICE_PASSWORD", self.password),
            ("DEVICE", self.device),
            ("127.0.0.1:8000", f"127.0.0.1:{self._settings.http_port}"),
            ("-h chat.example.org -p 8883", f"-h localhost -p {self._relay.port}"),
            ("-p 1883", f"-p {self._settings.mqtt_port}"),
            (":1883/", f":{self._settings.mqtt_port}/"),
            ("-V 5", f"-V {self.version}"),
        ):
            block = block.replace(there, here)
        block = re.sub(r"front-door(?!-\d)", self.thing, block)
        return block if self.version == "5" else block.replace(" -x 604800", "")

    def run(self, block: str) -> str:
        """What it prints; it must succeed."""
        done = subprocess.run(
            ["sh", "-ec", self.filled_in(block)],
            cwd=FOLDER,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def running(self, block: str, **others: str) -> Iterator[Callable[[], str]]:
        """While it runs; answers what it has printed so far."""
        output = self.folder / "output"
        with output.open("w") as written:
            process = subprocess.Popen(
                ["sh", "-ec", self.filled_in(block)],
                cwd=FOLDER,
                env=self._environ | others,
                stdout=written,
                stderr=written,
                start_new_session=True,
            )
        try:
            yield output.read_text
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)

    def hears(self, text: str) -> dict[str, Any]:
        """Alice does, from the thing."""
        return self.alice.wait_for(
            "message", lambda each: each["from"] == self.thing and text in each["text"]
        )

    def tell(self, text: str, id: str) -> None:
        self.alice.publish(up("alice", self.thing, "send"), {"id": id, "text": text})
        self.alice.wait_for("message", lambda each: each["id"] == id)

    def is_online(self) -> bool:
        told = [each for each in self.alice.received("presence") if each["account"] == self.thing]
        return bool(told) and bool(told[-1]["online"])


@pytest.fixture(scope="module")
def installation(
    tmp_path_factory: pytest.TempPathFactory, password_hash: str
) -> Iterator[Installation]:
    for program in ("mosquitto", "mosquitto_pub", "mosquitto_sub", "mosquitto_rr", "curl", "node"):
        needs(program)
    installation = Installation(tmp_path_factory.mktemp("things"))
    installation.register("alice", "bob")
    execute(installation, "UPDATE account SET password_hash = :hash", hash=password_hash)
    installation.start("broker", "bridge")
    port = installation.settings.http_port
    app = Site(installation).app
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield installation
    server.shutdown()
    server.server_close()
    installation.stop_all()


@pytest.fixture(scope="module", params=VERSIONS)
def home(
    request: pytest.FixtureRequest,
    installation: Installation,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Home]:
    home = Home(installation, tmp_path_factory.mktemp("home"), request.param)
    yield home
    home.close()


def test_each_line_of_the_page_does_what_the_page_says(home: Home) -> None:
    """From making the thing to deleting it; in the order of the page."""
    blocks = iter(LINES)

    # Making one.
    told = json.loads(home.run(next(blocks)))
    home.device, home.password = told["device"], told["mqtt"]["password"]
    [shown] = re.findall(r"^```\n(.*)\n```$", PAGE, re.MULTILINE)
    assert told["url"] == home.filled_in(shown) == home.line
    put, listed, removed = next(blocks).splitlines()
    home.run(put)
    [thing] = [
        each for each in json.loads(home.run(listed))["things"] if each["account"] == home.thing
    ]
    assert thing["allowed"] == ["bob"]
    home.run(removed)
    assert '"allowed":["bob"]' not in home.run(listed)

    # Talking.
    home.run(next(blocks))
    first = home.hears("Somebody is at the door")
    with home.running(next(blocks)) as printed:
        ids = iter(range(100))
        wait_until("mosquitto_sub to print it", lambda: _ring(home, printed, next(ids)))
    assert f"chat/v1/down/{home.thing}/message" in printed()
    for _ in range(2):  # by TLS, and with a file of options
        seen = len(home.alice.received("message"))
        home.run(next(blocks))
        wait_until("the next one", lambda seen=seen: len(home.alice.received("message")) > seen)
    options = home.folder / ".config" / "mosquitto_pub"
    assert options.stat().st_mode & 0o077 == 0
    options.unlink()

    # Missing nothing.
    begun, gone_on = next(blocks).splitlines()
    home.run(begun)
    home.tell("While you were away", "away")
    with home.running(gone_on) as printed:
        wait_until("it to be printed", lambda: "While you were away" in printed())
    for block in (next(blocks), next(blocks)):
        page = json.loads(home.run(block))
        assert page["messages"][0]["seq"] == first["seq"] == 1
        assert len(page["messages"]) > 3

    # The examples.
    _the_doorbell_rings(home, next(blocks))
    _the_bot_answers(home, next(blocks), "time", "It is ")
    _the_sensor_reports(home, next(blocks))
    _the_bot_answers(home, next(blocks), "Hello Node", "You said: Hello Node")

    # When it got lost, or is not needed any more.
    old = home.password
    renewed = json.loads(home.run(next(blocks)))
    assert renewed["mqtt"]["password"] != old
    credentials = Credentials("", f"{home.thing}.{home.device}", old)
    with Client(home._settings, credentials) as stranger:
        assert stranger.connect_reason.is_failure
    erased = json.loads(home.run(next(blocks)))
    assert (erased["finished"], erased["messages"]) == (True, "keep")
    assert list(blocks) == []


def _ring(home: Home, printed: Callable[[], str], number: int) -> bool:
    """Again and again, until the listener has subscribed."""
    home.tell("Is anybody there?", f"ring-{number}")
    return "Is anybody there?" in printed()


def _the_doorbell_rings(home: Home, block: str) -> None:
    home.run(block)
    home.hears("The post is here")


def _the_bot_answers(home: Home, block: str, question: str, answer: str) -> None:
    with home.running(block) as printed:
        wait_until("the bot to be online", home.is_online)
        home.tell(question, question)
        asked = home.alice.wait_for("message", lambda each: each["id"] == question)
        answered = home.hears(answer)
        assert answered["reply_to"] == asked["seq"]
        home.alice.wait_for(
            "receipt",
            lambda each: each["account"] == home.thing and each["read"] >= asked["seq"],
        )
        assert printed() == ""
    wait_until("the bot to be offline", lambda: not home.is_online())


def _the_sensor_reports(home: Home, block: str) -> None:
    """What it did not hear was archived goes out once more, and is there once."""
    before = {"id": "heard-nothing", "text": "load before the crash"}
    home.run(
        f"mosquitto_pub -V 5 -h 127.0.0.1 -p 1883 -i front-door.DEVICE -u front-door.DEVICE"
        f" -P DEVICE_PASSWORD -q 1 -t '{OWN_TOPIC}/alice/send' -m '{json.dumps(before)}'"
    )
    home.hears("load before the crash")
    outbox = home.folder / "outbox.json"
    outbox.write_text(json.dumps([before]))

    with home.running(block):
        reported = home.alice.wait_for(
            "message", lambda each: each["text"].startswith("load ") and "crash" not in each["text"]
        )
        wait_until("the outbox to be empty", lambda: json.loads(outbox.read_text()) == [])
        wait_until("the sensor to be online", home.is_online)

    repeats = [each for each in home.alice.received("message") if each["id"] == before["id"]]
    assert len({each["seq"] for each in repeats}) == 1
    assert reported["seq"] == repeats[0]["seq"] + 1
    wait_until("the sensor to be offline", lambda: not home.is_online())


def test_each_press_of_the_boards_button_is_told_once_although_the_bridge_is_away(
    installation: Installation, tmp_path: Path
) -> None:
    home = Home(installation, tmp_path, "311")
    home.thing = "button"
    told = json.loads(home.run(LINES[0]))
    home.device, home.password = told["device"], told["mqtt"]["password"]
    program = (FOLDER / "micropython_button.py").read_text().replace("mqtt://…", told["url"])
    compile_for_a_board(program, tmp_path)
    main = tmp_path / "main.py"
    main.write_text(program.replace("REPEAT_AFTER_MS = 5000", "REPEAT_AFTER_MS = 300"))
    pressed = tmp_path / "pressed"

    with home.running(f"python {REPOSITORY}/tests/docs/board {main}") as printed:
        pressed.touch()
        wait_until("the light to be on", lambda: "light 1" in printed())
        home.hears("The button was pressed")
        wait_until("the light to be off", lambda: "light 0" in printed())
        # While nobody archives, it is sent again and again.
        installation.kill("bridge")
        pressed.touch()
        wait_until("the light to be on again", lambda: printed().count("light 1") == 2)
        installation.start("bridge")
        wait_until("the light to be off again", lambda: printed().endswith("light 0\n"))

    page = json.loads(home.run(LINES[8]))
    assert [each["text"] for each in page["messages"]] == ["The button was pressed"] * 2
    home.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_doorbell_that_is_let_go_leaves_no_password_behind(tmp_path: Path, number: int) -> None:
    needs("mosquitto_pub")
    [nobody] = free_ports(1)
    thing = f"mqtt://front-door.x:secret@127.0.0.1:{nobody}/chat/v1/up/e/front-door?owner=alice"
    ringing = subprocess.Popen(
        ["sh", FOLDER / "doorbell.sh"],
        env=os.environ | {"THING": thing, "TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until("it to ring", lambda: list(tmp_path.glob("*/mosquitto_pub")))

    os.killpg(ringing.pid, number)

    assert ringing.wait(timeout=15) == 128 + number
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", ["bot.py", "sensor.py", "doorbell.sh"])
@pytest.mark.parametrize("line", ["", "nonsense", "mqtt://door.x:y@house:port/up?owner=alice"])
def test_a_line_that_is_none_ends_the_program_in_words(program: str, line: str) -> None:
    needs("mosquitto_pub")
    by = "sh" if program.endswith(".sh") else sys.executable

    ended = subprocess.run(
        [by, FOLDER / program],
        env=os.environ | {"THING": line, "PYTHONSAFEPATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode != 0
    assert ended.stderr == (
        "THING must be the line under the QR code of the thing: mqtt://…?owner=…\n"
    )


def test_a_doorbell_whose_credential_is_refused_does_not_go_on_ringing(
    installation: Installation,
) -> None:
    broker = f"127.0.0.1:{installation.settings.mqtt_port}"
    thing = f"mqtt://front-door.x:wrong@{broker}/chat/v1/up/e/front-door?owner=alice"

    ended = subprocess.run(
        ["sh", FOLDER / "doorbell.sh"],
        env=os.environ | {"THING": thing},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    assert "Not authorized" in ended.stderr
