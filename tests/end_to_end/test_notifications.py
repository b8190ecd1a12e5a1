"""Notifications in a browser: what a push service brings is shown, and goes once it is read."""

from typing import Any

from playwright.sync_api import APIResponse, CDPSession, Request, Route, expect

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


# Chromium subscribes at its maker's service, on the internet. This is what it answers then.
SUBSCRIBES = """
  const bytes = (length) => crypto.getRandomValues(new Uint8Array(length));
  const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  PushManager.prototype.subscribe = async function ({ applicationServerKey }) {
    const pair = await crypto.subtle.generateKey(
      { name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
    const point = await crypto.subtle.exportKey('raw', pair.publicKey);
    const key = Uint8Array.from(
      atob(applicationServerKey.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt());
    globalThis.subscription = {
      options: { applicationServerKey: key.buffer },
      toJSON: () => ({
        endpoint: 'https://fcm.googleapis.com/fcm/send/' + base64url(bytes(16)),
        keys: { p256dh: base64url(point), auth: base64url(bytes(16)) },
      }),
      unsubscribe: async () => { globalThis.subscription = null; },
    };
    return globalThis.subscription;
  };
  PushManager.prototype.getSubscription = async () => globalThis.subscription ?? null;
"""


def is_told(person: Person) -> bool:
    origin = person.page.evaluate("location.origin")
    answer = person.page.request.get(f"{origin}/api/v1/devices/current/push")
    subscribed: bool = answer.json()["subscribed"]
    return subscribed


def test_notifications_are_switched_on_and_off(new_person: NewPerson) -> None:
    bob = new_person("bob", permissions=["notifications"])
    bob.page.add_init_script(SUBSCRIBES)
    bob.visit("/settings")
    switch = bob.page.get_by_role("switch", name="Tell this browser of new messages")
    expect(switch).not_to_be_checked()

    switch.check()
    told = bob.page.get_by_text("This browser is told from now on.")
    expect(told).to_be_visible(timeout=20_000)  # its service worker is only now being made
    assert is_told(bob)

    switch.uncheck()
    expect(bob.page.get_by_text("Saved.")).to_be_visible()
    assert not is_told(bob)


# What a browser has from the time when the server had another key.
HAS_AN_OLD_SUBSCRIPTION = """
  globalThis.subscription = {
    options: { applicationServerKey: new Uint8Array(65).buffer },
    toJSON: () => ({ endpoint: 'https://fcm.googleapis.com/fcm/send/old', keys: {} }),
    unsubscribe: async () => { globalThis.subscription = null; },
  };
"""


def test_a_browser_subscribes_anew_when_the_server_has_another_key(new_person: NewPerson) -> None:
    bob = new_person("bob", permissions=["notifications"])
    bob.page.add_init_script(SUBSCRIBES)
    bob.visit("/settings")
    bob.page.get_by_role("switch", name="Tell this browser of new messages").check()
    told = bob.page.get_by_text("This browser is told from now on.")
    expect(told).to_be_visible(timeout=20_000)
    bob.page.add_init_script(HAS_AN_OLD_SUBSCRIPTION)

    with bob.page.expect_request(is_subscription) as asked:
        bob.visit("/")

    assert asked.value.post_data_json["endpoint"] != "https://fcm.googleapis.com/fcm/send/old"
    assert len(asked.value.post_data_json["p256dh"]) == 87
    assert is_told(bob)


def is_subscription(asked: Request) -> bool:
    return asked.method == "PUT" and asked.url.endswith("/devices/current/push")


def test_an_answer_that_comes_late_does_not_move_the_switch_back(new_person: NewPerson) -> None:
    bob = new_person("bob", permissions=["notifications"])
    bob.page.add_init_script(SUBSCRIBES)
    held: list[tuple[Route, APIResponse]] = []

    def hold_first(route: Route) -> None:
        if held or route.request.method != "GET":
            route.continue_()
        else:
            held.append((route, route.fetch()))

    bob.page.route("**/api/v1/devices/current/push", hold_first)
    bob.visit("/settings")
    wait_until("the page to have asked", lambda: bob.page.wait_for_timeout(20) or held)
    switch = bob.page.get_by_role("switch", name="Tell this browser of new messages")
    switch.check()
    told = bob.page.get_by_text("This browser is told from now on.")
    expect(told).to_be_visible(timeout=20_000)

    [(route, answer)] = held
    assert answer.json()["subscribed"] is False
    with bob.page.expect_response("**/api/v1/devices/current/push"):
        route.fulfill(response=answer)
    bob.page.wait_for_timeout(200)  # as long as the page takes to show what it heard, and more
    expect(switch).to_be_checked()


def test_a_browser_that_cannot_be_told_says_why(new_person: NewPerson) -> None:
    bob, carol = new_person("bob", permissions=["notifications"]), new_person("carol")

    for person, why in (
        (bob, "This browser cannot reach its push service just now."),  # without the internet
        (carol, "This browser does not let us show notifications"),
    ):
        person.visit("/settings")
        person.page.get_by_role("switch", name="Tell this browser of new messages").click()
        expect(person.page.get_by_role("alert").filter(has_text=why)).to_be_visible()
        expect(person.page.get_by_role("switch", name="Tell this browser")).not_to_be_checked()
    bob.problems.clear()  # Chromium writes of its own why it does not subscribe in a test


def test_the_sound_is_switched_off_for_this_browser(new_person: NewPerson) -> None:
    bob = new_person("bob")
    bob.visit("/settings")
    sound = bob.page.get_by_role("switch", name="Play a sound")
    expect(sound).to_be_checked()

    sound.uncheck()
    bob.page.reload()

    expect(sound).not_to_be_checked()
