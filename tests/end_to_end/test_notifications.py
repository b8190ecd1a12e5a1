"""Notifications in a browser: what a push service brings is shown, and goes once it is read."""

from typing import Any

from playwright.sync_api import CDPSession, expect

from push.notices import MessageNotice, Notice, ReadNotice, encoded
from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import Person
from tests.running import wait_until

SHOWN = """async () => {
  const registration = await navigator.serviceWorker.ready;
  const shown = await registration.getNotifications();
  return shown.map(({ title, body, tag }) => [title, body, tag]);
}"""


class PushService:
    """Brings what the server has sent to a browser, as the browser maker's service does: over the
    browser's own interface for that, since the services are on the internet."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._registrations: list[str] = []
        person.page.evaluate("async () => { await navigator.serviceWorker.ready }")
        self._browser: CDPSession = person.context.new_cdp_session(person.page)
        self._browser.on("ServiceWorker.workerRegistrationUpdated", self._note)
        self._browser.send("ServiceWorker.enable")
        wait_until("the service worker to be known", lambda: self._pump() or self._registrations)

    def bring(self, notice: Notice) -> None:
        self._browser.send(
            "ServiceWorker.deliverPushMessage",
            {
                "origin": self._person.page.evaluate("location.origin"),
                "registrationId": self._registrations[-1],
                "data": encoded(notice).decode(),
            },
        )
        # Who asks Chromium what is shown takes away what it was just about to show (version 156).
        self._person.page.wait_for_timeout(500)

    def _pump(self) -> None:
        self._person.page.wait_for_timeout(20)

    def _note(self, event: dict[str, Any]) -> None:
        self._registrations += [each["registrationId"] for each in event["registrations"]]


def shown(person: Person) -> list[list[str]]:
    found: list[list[str]] = person.page.evaluate(SHOWN)
    return found


def news(peer: Person, text: str, *, unread: int = 1) -> MessageNotice:
    return MessageNotice(peer=peer.account, name="Alice", text=text, unread=unread, seq=unread)


def test_what_is_told_is_shown_in_one_place_and_goes_when_it_was_read(
    alice: Person, new_person: NewPerson
) -> None:
    bob = new_person("bob", permissions=["notifications"])
    alice.talk_to(bob).write("First", "Second")
    expect(bob.line(alice)).to_contain_text("Second")
    service = PushService(bob)

    service.bring(news(alice, "First"))
    service.bring(news(alice, "<b>Second</b>", unread=2))

    latest = ["Alice (2)", "<b>Second</b>", alice.account]
    wait_until("the notification to be shown", lambda: shown(bob) == [latest])

    bob.open(alice)
    wait_until("the notification to go", lambda: shown(bob) == [])

    service.bring(news(alice, "Third"))
    wait_until("the notification to be shown", lambda: len(shown(bob)) == 1)
    service.bring(ReadNotice(peer=alice.account))
    wait_until("the notification to go", lambda: shown(bob) == [])
