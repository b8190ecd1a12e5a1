"""What a browser is called where people see it, such as “Firefox on Linux”.

Only words of these tables, so nothing that a request says of itself is kept. The page has the same
ones for the list of devices (`static/device.js`).
"""

# Mark in the user agent → name; the first that fits, since each also names those it descends from.
_BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def browser_name(user_agent: str) -> str:
    """A few words for the browser of a request's `User-Agent`."""
    browser = _first(_BROWSERS, user_agent) or "Browser"
    return f"{browser} on {_first(_SYSTEMS, user_agent) or 'an unknown system'}"


def _first(names: dict[str, str], user_agent: str) -> str | None:
    return next((name for mark, name in names.items() if mark in user_agent), None)
