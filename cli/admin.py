"""`./katydid admin …`: what the pages of admins do, for who is at the machine; and the first admin.

It works in the site's own parts, with the settings and secrets of the installation, whether that
runs or not. In the audit, it is the command line.
"""

import argparse
import logging
from collections.abc import Callable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from chat.administration import PAGE, audit, find_accounts
from chat.database import Database
from chat.deletions import deletion_of
from chat.logs import configure_logs
from chat.models import Account
from chat.reports import open_report, open_reports, reported_messages
from chat.secrets import load_secrets
from chat.settings import Settings, settings_from
from chat.times import rfc3339
from cli.migrate import DatabaseFails
from cli.readiness import site_url
from cli.terminal import say
from mqtt_acl.issuers import issuer_for
from web import create_app
from web.administration import (
    account_to_look_after,
    close_open_report,
    delete_other_account,
    disable_account,
    enable_account,
    make_admin,
    make_no_admin,
    make_reset_link,
)
from web.deletions import go_on_with_deletion
from web.parts import parts


def admin(environ: Mapping[str, str], arguments: list[str]) -> int:
    """Exit status: 0 when it was done, 1 when something was in the way, 2 for wrong words."""
    asked = _parser().parse_args(arguments)
    configure_logs("admin", least=logging.WARNING)  # what was done is told here in words
    settings = settings_from(environ)
    secrets = load_secrets(settings)
    database = Database(settings.database_url)
    issuer = issuer_for(settings, secrets)
    app = create_app(settings, secrets, issuer, database)
    try:
        with app.app_context():
            asked.do(settings, asked)
    except SQLAlchemyError as error:
        raise DatabaseFails(database, error) from None
    finally:
        issuer.close()
        database.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("./katydid admin", description="Look after the accounts.")
    words = parser.add_subparsers(metavar="WHAT", required=True)

    def word(
        name: str, does: str, do: Callable[[Settings, argparse.Namespace], None]
    ) -> argparse.ArgumentParser:
        added = words.add_parser(name, help=does, description=does)
        added.set_defaults(do=do)
        return added

    listing = word("accounts", "list accounts by name", _accounts)
    listing.add_argument("beginning", nargs="?", default="", help="only those that begin so")
    listing.add_argument("--after", default="", metavar="NAME", help="go on after this one")
    for name, does, do in (
        ("grant", "make an account an admin", _about(make_admin, "is an admin")),
        ("revoke", "make an admin none", _about(make_no_admin, "is no admin")),
        ("disable", "cut an account off, until it is enabled", _about(disable_account, "disabled")),
        ("enable", "let a disabled account go on", _about(enable_account, "is enabled")),
        ("reset", "print a link to set a forgotten password anew", _reset),
    ):
        word(name, does, do).add_argument("account", help="its name")
    leaving = word("delete", "delete an account for ever", _delete)
    leaving.add_argument("account", help="its name")
    leaving.add_argument(
        "--messages", choices=("erase", "keep"), required=True, help="what becomes of what it wrote"
    )
    word("reports", "list the open reports", _reports)
    word("report", "show an open report", _report).add_argument("number", type=int)
    word("close", "close a report", _close).add_argument("number", type=int)
    word("audit", "list what admins did, newest first", _audit)
    return parser


def _about(
    do: Callable[[Account | None, Account], None], outcome: str
) -> Callable[[Settings, argparse.Namespace], None]:
    def work(_: Settings, asked: argparse.Namespace) -> None:
        do(None, account_to_look_after(asked.account))
        say(f"{asked.account} {outcome}")

    return work


def _accounts(_: Settings, asked: argparse.Namespace) -> None:
    with parts().database.reading() as sql:
        found = find_accounts(sql, beginning=asked.beginning, after=asked.after)
    for each in found[:PAGE]:
        marks = [
            mark
            for mark, has in (
                ("thing", each.kind == "thing"),
                ("admin", each.is_admin),
                ("disabled", each.disabled_at is not None),
            )
            if has
        ]
        print("\t".join((each.name, each.display_name, ", ".join(marks))).rstrip())
    if len(found) > PAGE:
        say(f"there are more: ./katydid admin accounts --after {found[PAGE - 1].name}")


def _reset(settings: Settings, asked: argparse.Namespace) -> None:
    token, expires_at = make_reset_link(None, account_to_look_after(asked.account))
    say(f"who has this link can set the password of {asked.account}, once, until {expires_at}")
    print(f"{site_url(settings)}/reset?link={token}", flush=True)


def _delete(_: Settings, asked: argparse.Namespace) -> None:
    account = account_to_look_after(asked.account)
    delete_other_account(None, account, erases_messages=asked.messages == "erase")
    go_on_with_deletion(account)  # where that took too long for a page
    with parts().database.reading() as sql:
        deletion = deletion_of(sql, account)
    finished = "is deleted" if deletion.finished_at else "is being deleted; the site goes on"
    say(f"{account.name} {finished}, {deletion.messages} messages erased so far")


def _reports(_: Settings, __: argparse.Namespace) -> None:
    with parts().database.reading() as sql:
        found = open_reports(sql)
    for report, reporter, reported in found:
        at = rfc3339(report.created_at)
        print(f"{report.id}\t{at}\t{reported.name} by {reporter.name}\t{_one_line(report.reason)}")
    if not found:
        say("no report is open")


def _report(_: Settings, asked: argparse.Namespace) -> None:
    with parts().database.reading() as sql:
        report, reporter, reported = open_report(sql, asked.number)
        messages = reported_messages(sql, asked.number)
    print(f"{reported.name}, reported by {reporter.name}, {rfc3339(report.created_at)}")
    print(_one_line(report.reason))
    for message in messages:
        print(f"{rfc3339(message.stored_at)}\t{_one_line(message.text)}")


def _close(_: Settings, asked: argparse.Namespace) -> None:
    close_open_report(None, asked.number)
    say(f"report {asked.number} is closed")


def _audit(_: Settings, __: argparse.Namespace) -> None:
    with parts().database.reading() as sql:
        found = audit(sql)
    for line, by, about in found[:PAGE]:
        detail = f" ({line.detail})" if line.detail else ""
        print(f"{rfc3339(line.at)}\t{by or 'command line'}\t{about}: {line.act}{detail}")


def _one_line(text: str) -> str:
    """What people wrote, without what a terminal would take for a command."""
    return "".join(character if character.isprintable() else " " for character in text)
