"""Bytes that two readers of HTTP could understand in two ways, or that never become a request."""

from collections.abc import Callable

from attacks.attack import HTTP, Door, Seen
from attacks.place import Place
from attacks.raw_http import exchange

HTTP_DOOR = Door(HTTP)
# What must never be answered: it stands where a body is, if the first request is read as it should.
_SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
_POST = b"POST /api/v1/devices HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def _with_length(size: int) -> bytes:
    return f"Content-Length: {size}\r\n".encode()


_SHAPES: dict[str, bytes] = {
    "Content-Length and Transfer-Encoding": _POST
    + _with_length(len(_SMUGGLED) + 5)
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + _SMUGGLED,
    "two Content-Lengths": _POST
    + _with_length(0)
    + _with_length(len(_SMUGGLED))
    + b"\r\n"
    + _SMUGGLED,
    "two Content-Lengths in one line": _POST
    + f"Content-Length: 0, {len(_SMUGGLED)}\r\n\r\n".encode()
    + _SMUGGLED,
    "a Content-Length with a sign": _POST
    + f"Content-Length: +{len(_SMUGGLED)}\r\n\r\n".encode()
    + _SMUGGLED,
    "a Content-Length that is negative": _POST + b"Content-Length: -1\r\n\r\n" + _SMUGGLED,
    "a folded header": _POST + b"X-Folded: a\r\n" + b" Content-Length: 0\r\n\r\n" + _SMUGGLED,
    "a Transfer-Encoding that is nearly chunked": _POST
    + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    + _SMUGGLED,
    "a space before the colon": _POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + _SMUGGLED,
    "a tab in Transfer-Encoding": _POST
    + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"
    + _SMUGGLED,
    "chunks whose size has a sign": _POST
    + b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n"
    + _SMUGGLED,
    "a NUL in a header": _POST + b"X-Nul: a\0b\r\n\r\n" + _SMUGGLED,
    "a header name that is none": _POST + b"X(Header): x\r\n\r\n" + _SMUGGLED,
    "HTTP/0.9": b"GET /smuggled\r\n" + _SMUGGLED,
    "an unknown version": b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n" + _SMUGGLED,
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01" * 100,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 100,
}


def _refusing(data: bytes) -> Callable[[Place], Seen]:
    """One request is one answer at most, and what follows an unclear one is not read."""

    def run(place: Place) -> Seen:
        answers = exchange(place.http_port, data, is_all=True)
        place.loot.add(answers.raw)
        is_refused = all(400 <= each < 600 for each in answers.statuses)
        return Seen(is_refused and len(answers.statuses) <= 1, str(answers))

    return run


for _name, _data in _SHAPES.items():
    HTTP_DOOR.add(_name, "refused, and nothing behind it answered", _refusing(_data))


_LARGE: dict[str, bytes] = {
    "a header of 1 MB": _POST + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n",
    "10,000 headers": _POST + b"X-Many: x\r\n" * 10_000 + b"\r\n",
    "an address of 100 kB": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
}
for _name, _data in _LARGE.items():
    HTTP_DOOR.add(_name, "refused", _refusing(_data))
