"""Requests that are whole, and ask for what they should not: paths, methods, fields, bodies."""

import gzip
import json
from collections.abc import Callable

from attacks.attack import HTTP, Door, Seen
from attacks.place import ALICE, MALLORY, Place
from attacks.raw_http import exchange, request
from bench.people import PASSWORD

HTTP_DOOR = Door(HTTP)
_JSON = {"Content-Type": "application/json"}
_PATHS = (
    "/../../../../etc/passwd",
    "/static/../../chat/secrets.py",
    "/static/%2e%2e/%2e%2e/chat/secrets.py",
    "/static/..%2f..%2fchat%2fsecrets.py",
    "/static/%252e%252e/chat/secrets.py",
    "/static/..;/..;/chat/secrets.py",
    "/static/..\\..\\chat\\secrets.py",
    "/static//etc/passwd",
    "//etc/passwd",
    "/static/api.js%00.html",
    "/static/vendor/../../templates/login.html",
    "/.git/config",
    "/secrets/server_key",
    "/var/secrets/server_key",
)
_LEAKS = (b"root:", b"import ", b"{% ", b"[core]")


@HTTP_DOOR.attack("paths that lead out of the files of the pages", "no file from elsewhere")
def paths(place: Place) -> Seen:
    said = set()
    for path in _PATHS:
        answers = exchange(place.http_port, request("GET", path))
        if answers.status == 200 and any(leak in answers.raw for leak in _LEAKS):
            return Seen(False, f"{path} is answered with a file")
        said.add(answers.status)
    return Seen(500 not in said, ", ".join(map(str, sorted(filter(None, said)))))


@HTTP_DOOR.attack("another site's address for a path", "no redirect to it")
def foreign_paths(place: Place) -> Seen:
    leads_to = set()
    for path in (
        "//evil.example",
        "//evil.example/..",
        "/%2f%2fevil.example",
        "/login//evil.example/",
    ):
        answers = exchange(place.http_port, request("GET", path))
        leads_to.add(answers.headers.get("location", "nowhere"))
    outside = [each for each in leads_to if each.startswith(("//", "http"))]
    return Seen(not outside, ", ".join(sorted(leads_to)))


@HTTP_DOOR.attack("another method in a header, a field or the query", "the method as it is")
def method_override(place: Place) -> Seen:
    device = place.new_device(MALLORY).user_name.partition(".")[2]
    headers = {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
    with place.http(place.mallory) as mallory:
        path = f"/api/v1/devices/{device}?_method=DELETE"
        said = mallory.post(path, headers=headers, json={"_method": "DELETE"}).status_code
        devices = mallory.get("/api/v1/devices").json()["devices"]
    stays = any(each["device"] == device for each in devices)
    return Seen(stays and said == 405, str(said))


@HTTP_DOOR.attack("TRACE, CONNECT and a made-up method", "405 or 400")
def methods(place: Place) -> Seen:
    asked = [("TRACE", "/"), ("CONNECT", "evil.example:443"), ("BREW", "/login")]
    said = {exchange(place.http_port, request(*each)).status for each in asked}
    return Seen(said <= {400, 404, 405, 501}, ", ".join(map(str, said)))


@HTTP_DOOR.attack("fields that are not asked for: kind, owner, id, hash, role", "as if not there")
def more_fields(place: Place) -> Seen:
    name = f"{MALLORY}-assigned"
    more = {
        "id": 1,
        "kind": "thing",
        "owner_id": 1,
        "role": "admin",
        "is_admin": True,
        "password_hash": "!",
        "created_at": 0,
        "deleted_at": 0,
        "account_id": 1,
    }
    body = {"account": name, "password": PASSWORD, "invitation": place.invitation(), **more}
    with place.http() as mallory:
        mallory.post("/api/v1/accounts", json=body).raise_for_status()
        mallory.auth = (name, PASSWORD)
        changed = mallory.patch("/api/v1/accounts/me", json=more | {"account": ALICE}).json()
        device = {"name": "x", "kind": "thing", "account": ALICE, **more}
        user_name = mallory.post("/api/v1/devices", json=device | {"kind": "phone"}).json()["mqtt"]
    is_own = changed["account"] == name and changed["kind"] == "person"
    is_own = is_own and user_name["username"].startswith(f"{name}.")
    return Seen(is_own, "a person of that name, and its own device" if is_own else str(changed))


def _body(make: Callable[[], bytes], *statuses: int, **headers: str) -> Callable[[Place], Seen]:
    def run(place: Place) -> Seen:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        with place.http(place.mallory) as mallory:
            answer = mallory.post("/api/v1/devices", content=make(), headers=_JSON | more)
            return Seen(answer.status_code in statuses, str(answer.status_code))

    return run


_DEVICE = json.dumps({"name": "x", "kind": "phone"}).encode()
HTTP_DOOR.add("JSON nested 30,000 deep", "400", _body(lambda: b"[" * 30_000, 400))
HTTP_DOOR.add("JSON nested 100,000 deep", "413", _body(lambda: b"[" * 100_000, 413))
HTTP_DOOR.add("1e999 for a number", "400 or 422", _body(lambda: b'{"name": 1e999}', 400, 422))
HTTP_DOOR.add(
    "the same key twice, of which one is wrong",
    "judged by what is used",
    _body(lambda: b'{"kind": "phone", "name": "x", "kind": "admin"}', 422),
)
HTTP_DOOR.add("a body of 10 MB", "413", _body(lambda: b"x" * 10_000_000, 413))
HTTP_DOOR.add(
    "a body that unpacks to 100 MB",
    "400, not unpacked",
    _body(lambda: gzip.compress(b" " * 100_000_000), 400, 413, 415, Content_Encoding="gzip"),
)
HTTP_DOOR.add(
    "JSON in UTF-16 and UTF-7", "400", _body(lambda: _DEVICE.decode().encode("utf-16"), 400)
)
HTTP_DOOR.add(
    "JSON as a form", "415", _body(lambda: _DEVICE, 415, Content_Type="multipart/form-data")
)


@HTTP_DOOR.attack("a body in chunks without an end to its size", "413")
def endless_chunks(place: Place) -> Seen:
    head = request("POST", "/api/v1/devices", headers=_JSON | {"Transfer-Encoding": "chunked"})
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    answers = exchange(place.http_port, head + chunk * 40)
    return Seen(answers.status in (401, 413), str(answers))


_INJECTIONS = (
    "' OR '1'='1",
    "alice'; DROP TABLE account; --",
    '" OR ""="',
    "%' UNION SELECT password_hash FROM account --",
    "${7*7}{{7*7}}<%= 7*7 %>",
    "\\",
    "%",
    "_",
)


@HTTP_DOOR.attack("SQL and templates in names, peers, queries and cursors", "no rows, no 500")
def injections(place: Place) -> Seen:
    accounts = place.count("SELECT count(*) FROM account")
    said = set()
    with place.http(place.mallory) as mallory:
        for each in _INJECTIONS:
            for path, query in (
                ("/accounts/x", {}),
                ("/search", {"q": each}),
                ("/search", {"q": "canary", "with": each, "from": each}),
                ("/conversations/alice/messages", {"before": each, "limit": each}),
            ):
                address = f"/api/v1{path}".replace("/x", f"/{each}")
                answer = mallory.get(address, params=query)
                said.add(answer.status_code)
                if "49" in answer.text and "7*7" not in answer.text:
                    return Seen(False, "a template was filled in")
    held = 500 not in said and place.count("SELECT count(*) FROM account") == accounts
    return Seen(held and not place.loot.found, ", ".join(map(str, sorted(said))))
