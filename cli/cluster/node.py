"""`python -m cli.cluster.node NUMBER`: prepares a RabbitMQ node of the cluster, then becomes it."""

import os
import sys
from typing import NoReturn

from chat.errors import KatydidError
from chat.secrets import load_secrets
from chat.settings import settings_from
from cli.cluster.debian_root import cache_folder
from cli.cluster.layout import chosen_ports, rabbitmq_cluster
from cli.cluster.rabbitmq import bring_rabbitmq, node_command, node_environ, prepare_node
from cli.open_files import allow_many_open_files


def main(number: int) -> NoReturn:
    """The process is the node from here on, unless it cannot be."""
    try:
        settings = settings_from(os.environ)
        secrets = load_secrets(settings)
        root = bring_rabbitmq(cache_folder())
        cluster = rabbitmq_cluster(settings, chosen_ports(settings), secrets, root)
        prepare_node(cluster, number, secrets)
    except (KatydidError, OSError) as error:
        print(f"rabbitmq: {error}", file=sys.stderr)
        sys.exit(2)
    command, environ = node_command(cluster, number), node_environ(cluster, number)
    allow_many_open_files()
    os.execvpe(command[0], command, environ)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]))
