"""Without a network: the page opens with what was seen last, what is written waits and then goes
out in order, and whoever is logged out leaves nothing behind."""

import time

import pytest
from playwright.sync_api import Locator, expect

from tests.end_to_end.person import Person
from tests.running import wait_until

# Whether the service worker is there with the page, and the last message is on disk.
IS_KEPT = """async ([account, peer, text]) => {
  const opened = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  if (!navigator.serviceWorker.controller || !(await caches.match('/'))) return false;
  const database = await opened(indexedDB.open(`katydid seen ${account}`));
  const store = database.transaction('conversations').objectStore('conversations');
  const kept = await opened(store.get(peer));
  database.close();
  return kept?.messages.at(-1)?.text === text;
}"""
WHAT_IS_LEFT = """async () => ({
  databases: (await indexedDB.databases()).map(({ name }) => name),
  drafts: Object.keys(localStorage),
  page: Boolean(await caches.match('/')),
})"""


def test_the_chat_opens_without_a_network_and_what_is_written_there_goes_out_in_order(
    alice: Person, bob: Person
) -> None:
    alice.talk_to(bob).write("Before", "The last one seen")
    bob.open(alice).sees("Before", "The last one seen")
    _wait_until_kept(alice, bob, "The last one seen")
    with alice.offline():
        alice.page.reload()
        alice.sees("Before", "The last one seen")
        alice.write("Offline 1", "Offline 2")
        alice.sees_state("Offline 2", "waiting")
        _field(alice).fill("Only begun")
        status = alice.page.get_by_text("2 messages waiting")
        expect(status).to_contain_text("what you write is sent when the network is back")
        bob.write("Bob, meanwhile")

        alice.page.reload()
        alice.sees("Before", "The last one seen", "Offline 1", "Offline 2")
        expect(_field(alice)).to_have_value("Only begun")
        expect(alice.line(bob)).to_contain_text("You: Offline 2")
        alice.visit("/settings")
        expect(alice.page.get_by_role("heading", name="No network")).to_be_visible()
        alice.visit(f"/#{bob.account}")

    everything = ["Before", "The last one seen", "Bob, meanwhile", "Offline 1", "Offline 2"]
    bob.sees(*everything)
    alice.sees(*everything)
    expect(status).to_be_hidden()
    expect(_field(alice)).to_have_value("Only begun")


def test_who_logs_out_leaves_nothing_that_was_seen(alice: Person, bob: Person) -> None:
    alice.talk_to(bob).write("Between us")
    _field(alice).fill("Only begun")
    _wait_until_kept(alice, bob, "Between us")
    other_tab = alice.another_tab()
    other_tab.wait_until_online()
    # What it still asks for would be answered by 401, upon which a page leaves for the login.
    other_tab.page.wait_for_load_state("networkidle")

    alice.page.get_by_role("button", name="Log out").click()
    expect(alice.page.get_by_role("heading", name="Welcome to Katydid")).to_be_visible()
    expect(
        other_tab.page.get_by_role("heading", name="This browser was signed out")
    ).to_be_visible()

    outbox = [f"katydid {alice.account}"]
    left = {"databases": outbox, "drafts": [], "page": False}
    wait_until("nothing to be left", lambda: alice.page.evaluate(WHAT_IS_LEFT) == left)
    alice.context.set_offline(True)
    alice.visit("/")
    expect(alice.page.get_by_role("heading", name="No network")).to_be_visible()


def test_another_account_is_shown_nothing_of_the_one_before(alice: Person, bob: Person) -> None:
    alice.talk_to(bob).write("Between us")
    _wait_until_kept(alice, bob, "Between us")

    alice.context.clear_cookies()  # the session is over, without a word
    alice.account, name = bob.account, alice.account
    alice.visit("/")
    alice.page.wait_for_url("**/login")  # where the page goes by itself
    alice.log_in()

    expect(alice.page.locator("body")).to_have_attribute("data-account", bob.account)
    assert f"katydid seen {name}" not in alice.page.evaluate(WHAT_IS_LEFT)["databases"]


@pytest.mark.parametrize(
    "seconds", [3, pytest.param(300, marks=[pytest.mark.minutes, pytest.mark.timeout(600)])]
)
def test_a_cut_while_both_write_loses_nothing_doubles_nothing_and_keeps_the_order(
    alice: Person, bob: Person, seconds: int
) -> None:
    alice.talk_to(bob).write("Before")
    bob.open(alice).sees("Before")
    written: dict[str, list[str]] = {"Alice": [], "Bob": []}

    with alice.offline():
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            for name, person in (("Alice", alice), ("Bob", bob)):
                written[name].append(f"{name} {len(written[name])}")
                person.write(written[name][-1])
            alice.page.wait_for_timeout(200 if seconds < 60 else 2_000)
    alice.write("Alice, afterwards")
    bob.write("Bob, afterwards")

    count = 1 + sum(map(len, written.values())) + 2
    for person in (alice, bob):
        expect(person.messages).to_have_count(count, timeout=60_000)
    alice.sees_state("Alice, afterwards", "read")
    shown = alice.messages.all_inner_texts()
    assert bob.messages.all_inner_texts() == shown
    for name, texts in written.items():
        assert [text for text in shown if text.startswith(name)] == [*texts, f"{name}, afterwards"]


def _field(person: Person) -> Locator:
    return person.page.get_by_label("Message", exact=True)


def _wait_until_kept(person: Person, peer: Person, text: str) -> None:
    arguments = [person.account, peer.account, text]
    wait_until(f"“{text}” to be kept", lambda: person.page.evaluate(IS_KEPT, arguments))
