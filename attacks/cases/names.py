"""Names that look like another's, or like nothing."""

import json
from collections.abc import Callable

from attacks.attack import HTTP, Door, Seen
from attacks.place import Place
from bench.people import PASSWORD

HTTP_DOOR = Door(HTTP)
_ACCOUNTS = {
    "in another script": "аlice",
    "in full width": "ａｌｉｃｅ",
    "with an accent of its own": "alice\u0301",
    "with a zero-width space": "ali\u200bce",
    "with a soft hyphen": "ali\u00adce",
    "turned around": "\u202eecila",
    "in capitals": "ALICE",
    "with a line break": "alice\n",
    "with NUL": "alice\0",
    "of a program of ours": "_bridge",
    "with a dot, as devices have": "alice.x",
    "with a slash and a wildcard": "a/+/#",
}
_SHOWN = {
    "turned around by a control": "Alice \u202e",
    "with a zero-width space": "Ali\u200bce",
    "of joiners alone": "\u200d\u200c\u200d",
    "of fillers that show nothing": "\u3164\u115f\u2800",
    "with a line break": "Alice\nBob",
    "with NUL": "Alice\0",
    "of spaces": "\u2003 \u00a0",
    "with half of a surrogate pair": "Alice \ud800",
}


def _registering(name: str) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        body = {"account": name, "password": PASSWORD, "invitation": place.invitation()}
        with place.http() as mallory:
            status = mallory.post("/api/v1/accounts", json=body).status_code
        return Seen(status == 422, str(status))

    return run


def _being_shown_as(name: str) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        said = json.dumps({"display_name": name})  # half a pair can be written so alone
        headers = {"Content-Type": "application/json"}
        with place.http(place.mallory) as mallory:
            answer = mallory.patch("/api/v1/accounts/me", content=said, headers=headers)
        return Seen(answer.status_code in (400, 422), str(answer.status_code))

    return run


for _what, _name in _ACCOUNTS.items():
    HTTP_DOOR.add(f"an account name {_what}", "422", _registering(_name))
for _what, _name in _SHOWN.items():
    HTTP_DOOR.add(f"a display name {_what}", "422 or 400", _being_shown_as(_name))
