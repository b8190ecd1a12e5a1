"""The tabs of one browser: one connection between them, and each shows everything."""

from playwright.sync_api import WebSocket, expect

from tests.end_to_end.person import Person


def test_two_tabs_share_one_connection_and_the_second_takes_it_over(
    alice: Person, bob: Person
) -> None:
    second = alice.another_tab()
    second.wait_until_online()
    sockets: list[WebSocket] = []
    second.page.on("websocket", lambda socket: sockets.append(socket))

    second.talk_to(bob).write("From the second tab")
    alice.open(bob).sees("From the second tab")
    bob.open(alice).write("To both")
    alice.sees("From the second tab", "To both")
    second.sees("From the second tab", "To both")
    assert sockets == []

    alice.page.close()
    bob.write("Are you still there?")
    second.sees("From the second tab", "To both", "Are you still there?")
    second.write("Yes")
    bob.sees("From the second tab", "To both", "Are you still there?", "Yes")
    assert len(sockets) == 1


def test_what_one_tab_has_read_is_read_in_the_other(alice: Person, bob: Person) -> None:
    second = alice.another_tab()
    second.wait_until_online()

    bob.talk_to(alice).write("Hello")
    expect(alice.line(bob)).to_contain_text("1 unread")
    second.bring_to_front()
    second.open(bob)

    expect(alice.line(bob)).not_to_contain_text("unread", use_inner_text=True)
    bob.sees_state("Hello", "read")


def test_without_web_locks_the_newest_tab_takes_over_and_the_older_one_says_so(
    alice: Person, bob: Person
) -> None:
    alice.context.add_init_script("delete Navigator.prototype.locks")
    alice.page.reload()

    second = alice.another_tab()
    second.wait_until_online()
    notice = alice.page.get_by_text("Katydid is open in a newer tab")
    expect(notice).to_be_visible()

    alice.page.get_by_role("button", name="Use it here").click()
    alice.wait_until_online()
    expect(notice).to_be_hidden()
    expect(second.page.get_by_text("Katydid is open in a newer tab")).to_be_visible()
    alice.talk_to(bob).write("Here again")
    bob.open(alice).sees("Here again")
