"""Passwords that are strange, long, or the same and typed another way."""

from attacks.at_once import listed
from attacks.attack import HTTP, Door, Seen
from attacks.place import Place

HTTP_DOOR = Door(HTTP)
_ME = "/api/v1/accounts/me"
# To who types it the same: an accent as one character or two, and from a keyboard of full width.
_TYPED = ("caf\u00e9 cr\u00e8me", "cafe\u0301 cre\u0300me", "\uff43af\u00e9 cr\u00e8me")
_LONGEST = "x" * 199 + "y"


def _registered(place: Place, password: str) -> tuple[str, int]:
    """A new name, and the status of registering it."""
    name = f"{place.newcomer()}-p"
    body = {"account": name, "password": password, "invitation": place.invitation()}
    with place.http() as client:
        return name, client.post("/api/v1/accounts", json=body).status_code


def _lets_in(place: Place, name: str, password: str) -> int:
    with place.http() as client:
        auth = name.encode(), password.encode()
        return client.get(_ME, auth=auth).status_code


@HTTP_DOOR.attack("one's own password from another keyboard (NFC, NFD, full width)", "let in")
def other_keyboard(place: Place) -> Seen:
    """Who is shut out of what is his own asks for a way around, and that is the attack."""
    name, status = _registered(place, _TYPED[1])
    said = {_lets_in(place, name, each) for each in _TYPED}
    plain = _lets_in(place, name, "cafe creme")
    return Seen(
        status == 201 and said == {200} and plain == 401, f"let in; without accents {plain}"
    )


@HTTP_DOOR.attack("passwords that are cut short somewhere: after 72 bytes, at a NUL", "401")
def cut_short(place: Place) -> Seen:
    name, status = _registered(place, _LONGEST)
    right = _lets_in(place, name, _LONGEST)
    wrong = {
        _lets_in(place, name, each)
        for each in (_LONGEST[:72], _LONGEST[:-1], _LONGEST + "y", _LONGEST + "\0", "x" * 200)
    }
    return Seen(status == 201 and right == 200 and wrong == {401}, listed(wrong))


@HTTP_DOOR.attack(
    "registering with a password that is short, long, has NUL, or shrinks", "422 or 413"
)
def unfit(place: Place) -> Seen:
    said = {
        _registered(place, each)[1]
        for each in ("x" * 7, "x" * 201, "x" * 60_000, "long enough\0", "e\u0301" * 4, "x" * 70_000)
    }
    return Seen(said == {413, 422}, listed(said))


@HTTP_DOOR.attack("a password of 60 kB, of what doubles when it is made normal, at a login", "401")
def very_long(place: Place) -> Seen:
    name = place.newcomer()
    body = {"account": name, "password": "\ufdfa" * 6_000}  # 18 characters each
    with place.http() as stranger:
        token = stranger.get("/login").text.partition('name="csrf_token" value="')[2].split('"')[0]
        status = stranger.post("/login", data=body | {"csrf_token": token}).status_code
    by_program = _lets_in(place, name, "\ufdfa" * 900)
    return Seen(status == by_program == 401, f"{status}, {by_program}")
