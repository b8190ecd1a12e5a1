"""Two people talk: what each of them sees, and when."""

from playwright.sync_api import expect

from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import Person


def test_two_people_register_talk_and_find_the_history_after_a_reload(
    new_visitor: NewPerson,
) -> None:
    alice = new_visitor("alice").register("Alice Lindqvist")
    bob = new_visitor("bob").register("Bob Okafor")

    alice.talk_to(bob).write("Do you hear them tonight?")
    bob.open(alice).write("All night long.", "They never stop!")
    alice.sees("Do you hear them tonight?", "All night long.", "They never stop!")

    alice.page.reload()
    bob.page.reload()

    alice.sees("Do you hear them tonight?", "All night long.", "They never stop!")
    bob.sees("Do you hear them tonight?", "All night long.", "They never stop!")


def test_a_message_goes_from_waiting_by_archived_and_delivered_to_read(
    alice: Person, bob: Person
) -> None:
    bob.visit("/settings")  # no chat is open: nothing is received
    alice.talk_to(bob)
    expect(alice.page.get_by_label("Message", exact=True)).to_be_visible()

    with alice.offline():
        alice.write("Are you there?")
        alice.sees_state("Are you there?", "waiting")
    alice.sees_state("Are you there?", "archived")

    bob.visit("/")
    alice.sees_state("Are you there?", "delivered")
    expect(bob.line(alice)).to_contain_text("1 unread")

    bob.open(alice)
    alice.sees_state("Are you there?", "read")
    expect(alice.message("Are you there?")).to_contain_text("Read")
    expect(bob.line(alice)).not_to_contain_text("unread", use_inner_text=True)


def test_nothing_is_read_in_a_conversation_that_is_not_open(alice: Person, bob: Person) -> None:
    alice.talk_to(bob).write("First")
    bob.open(alice)
    alice.sees_state("First", "read")

    bob.page.evaluate("location.hash = ''")
    alice.write("Second", "Third")

    alice.sees_state("Third", "delivered")
    expect(bob.line(alice)).to_contain_text("2 unread")
    expect(bob.page).to_have_title("(2) Katydid")
    bob.page.reload()
    expect(bob.line(alice)).to_contain_text("2 unread")
    bob.open(alice)
    expect(bob.page).to_have_title("Katydid")


def test_one_sees_who_is_writing_and_who_is_online(alice: Person, bob: Person) -> None:
    alice.talk_to(bob).write("Hello")
    bob.open(alice)
    expect(alice.page.locator("[data-conversation] [data-part=presence]")).to_have_text("online")

    bob.page.get_by_label("Message", exact=True).press_sequentially("H")
    expect(alice.line(bob)).to_contain_text("is writing…")

    bob.page.close()
    expect(alice.page.locator("[data-conversation] [data-part=presence]")).to_contain_text(
        "last seen today at"
    )


def test_texts_are_shown_as_they_were_written(alice: Person, bob: Person) -> None:
    texts = [
        "<img src=x onerror=alert(1)>",
        "<script>document.title = 'broken'</script>",
        "{{ 7 * 7 }} &amp; %s \\n",
        "javascript:alert(1)",
        "  two  spaces\n\nand a blank line".strip(),
        "🦗 שלום مرحبا",
        "W" * 300,
    ]

    alice.talk_to(bob).write(*texts)
    bob.open(alice)

    expect(bob.messages).to_have_count(len(texts))
    assert bob.messages.all_inner_texts() == texts
    expect(bob.page).to_have_title("Katydid")
    assert not _scrolls_sideways(bob)


def test_a_conversation_begins_with_an_exact_name_only(alice: Person, bob: Person) -> None:
    alice.talk_to("nobody-of-this-name")
    problem = alice.page.locator("[data-begin-problem]")
    expect(problem).to_contain_text("There is no account called “nobody-of-this-name”")

    alice.page.get_by_label("Account name").fill(alice.account)
    alice.page.keyboard.press("Enter")
    expect(problem).to_contain_text("That is you")

    alice.page.get_by_label("Account name").fill(f" @{bob.account.upper()} ")
    alice.page.keyboard.press("Enter")
    expect(alice.page.get_by_role("heading", name="Bob")).to_be_visible()


def test_carol_hears_nothing(alice: Person, bob: Person, new_person: NewPerson) -> None:
    carol = new_person("carol")

    alice.talk_to(bob).write("Between us")
    bob.open(alice).sees("Between us")

    expect(carol.page.get_by_text("No conversations yet.")).to_be_visible()


def test_a_text_over_the_limit_is_refused_before_it_is_sent(alice: Person, bob: Person) -> None:
    alice.talk_to(bob)
    field = alice.page.get_by_label("Message", exact=True)
    note = alice.page.locator("[data-composer-note]")

    field.fill("🦗" * 3_900)
    expect(note).to_have_text("100 characters left")
    field.fill("🦗" * 4_001)
    expect(note).to_have_text("1 too many: a message has at most 4,000 characters.")
    field.press("Enter")
    expect(alice.messages).to_have_count(0)

    field.fill("🦗" * 4_000)
    field.press("Enter")
    bob.open(alice).sees("🦗" * 4_000)


def _scrolls_sideways(person: Person) -> bool:
    return bool(
        person.page.evaluate(
            "[document.scrollingElement, document.querySelector('[data-scroller]')]"
            ".some((each) => each && each.scrollWidth > each.clientWidth)"
        )
    )
