"""What a RabbitMQ node of `compose.yaml` is told of the secrets when its container starts."""

import subprocess
from pathlib import Path

from chat.rotation import change_password
from chat.secrets import ADMIN_PASSWORD, load_secrets_in
from chat.settings import REPOSITORY
from cli.secrets import make_secrets


def test_a_node_is_told_the_newest_password_while_it_is_being_changed(tmp_path: Path) -> None:
    secrets, data, programs = (tmp_path / name for name in ("secrets", "data", "programs"))
    for folder in (data, programs):
        folder.mkdir()
    make_secrets([str(secrets)])
    change_password(secrets, ADMIN_PASSWORD, keeps_before=True)
    entry = programs / "docker-entrypoint.sh"
    entry.write_text('#!/bin/sh\nprintf "%s|%s" "$KATYDID_ADMIN_PASSWORD" "$KATYDID_DOOR_WORD"\n')
    entry.chmod(0o755)
    script = (REPOSITORY / "deploy" / "rabbitmq-start.sh").read_text()
    for inside, here in (("/run/secrets", secrets), ("/var/lib/rabbitmq", data)):
        script = script.replace(inside, str(here))

    said = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    word = (secrets / "door_word").read_text().strip()
    assert said == f"{load_secrets_in(secrets).admin_password}|{word}"
    assert (data / ".erlang.cookie").read_text() == (secrets / "erlang_cookie").read_text().strip()
