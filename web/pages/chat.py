"""`/` and `/settings`: frames that the browser's modules fill, by the API and the broker."""

from flask import render_template

from web.callers import browser
from web.parts import parts


def chat() -> str:
    """The chat."""
    return render_template("chat.html", account=browser().account)


def settings() -> str:
    """The account, and all that is its own."""
    return render_template(
        "settings.html", account=browser().account, registration=parts().settings.registration
    )
