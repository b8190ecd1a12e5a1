"""`./katydid COMMAND`: which commands there are, and the one place where an error ends a run.

Each command's module is imported only when it is asked for. What comes before this, a Python and
its packages, is the business of the script `katydid`.
"""

import os
import sys

from chat.errors import KatydidError, SettingError
from cli.terminal import say, spell_what_it_lacks


def main(command: str, arguments: list[str]) -> int:
    """Exit status: 0 when all went well, 1 when something failed, 2 for a wrong setting."""
    try:
        if command == "up":
            from cli.up import up

            return up(os.environ, arguments)
        if command == "prepare":
            from cli.prepare import prepare

            return prepare(os.environ)
        if command == "cluster":
            return _cluster(arguments)
        if command == "migrate-to":
            from cli.migrate_to import migrate_to

            return migrate_to(os.environ, arguments)
        if command == "migrate":
            from cli.migrate import migrate

            return migrate(os.environ)
        if command == "backup":
            from cli.backup import backup

            return backup(os.environ, arguments)
        if command == "restore":
            from cli.restore import restore

            return restore(os.environ, arguments)
        if command == "doctor":
            from cli.doctor import doctor

            return doctor(os.environ, arguments)
        if command == "explain":
            from cli.explain import explain

            return explain(os.environ, arguments)
        if command == "invite":
            from cli.invite import invite

            return invite(os.environ, arguments)
        if command == "admin":
            from cli.admin import admin

            return admin(os.environ, arguments)
        if command == "chaos":
            from cli.chaos import chaos

            return chaos(arguments)
        if command == "bench":
            from cli.bench import bench

            return bench(arguments)
        if command == "lock":
            from cli.lock import lock

            return lock(arguments)
        if command == "licences":
            from cli.licences import licences

            return licences(arguments)
        if command == "bill":
            from cli.bill import bill

            return bill(arguments)
        if command == "rotate":
            from cli.rotate import rotate

            return rotate(os.environ, arguments)
        if command == "attack":
            from cli.attack import attack

            return attack(arguments)
        if command == "secrets":
            from cli.secrets import make_secrets

            return make_secrets(arguments)
        from cli.test import test

        return test(os.environ, arguments)
    except KatydidError as error:
        say(str(error))
        return 2 if isinstance(error, SettingError) else 1
    except OSError as error:  # a full disk, a file of someone else
        say(f"{error.filename or 'The system'}: {error.strerror or error}.")
        return 1
    except KeyboardInterrupt:
        return 130


def _cluster(arguments: list[str]) -> int:
    if arguments == ["up"]:
        from cli.cluster.up import cluster_up

        return cluster_up(os.environ)
    if arguments == ["down"]:
        from cli.cluster.down import cluster_down

        return cluster_down(os.environ)
    if arguments[:1] == ["rotate"]:
        from cli.cluster.rotate import cluster_rotate

        return cluster_rotate(os.environ, arguments[1:])
    say("./katydid cluster is for one of: cluster up, cluster down, cluster rotate")
    return 2


if __name__ == "__main__":
    spell_what_it_lacks()
    sys.exit(main(sys.argv[1], sys.argv[2:]))
