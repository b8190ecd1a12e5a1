"""What a text may become on the page: links and a little formatting, and never anything else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.end_to_end.conftest import NewPerson
from tests.end_to_end.person import Person
from tests.end_to_end.program import Program
from tests.end_to_end.running_up import Up

NAME = "<img src=x onerror=harmed=1>"
REACTION = "<img/src=x/onerror=harmed=1>"
ALLOWED = {"A", "STRONG", "EM", "CODE", "PRE"}
LINK_ATTRIBUTES = {"href", "target", "rel", "dir", "title"}
SHOW = """async text => {
    const { formatted } = await import('/static/formatting.js');
    const shown = document.createElement('div');
    shown.append(formatted(text));
    document.body.replaceChildren(shown);
    shown.querySelectorAll('a').forEach(a => a.dispatchEvent(new MouseEvent('mouseover')));
    return {
        html: shown.innerHTML,
        text: shown.textContent,
        elements: [...shown.querySelectorAll('*')].map(each => ({
            name: each.nodeName,
            attributes: Object.fromEntries([...each.attributes].map(a => [a.name, a.value])),
        })),
        harmed: 'harmed' in window,
    };
}"""

WHAT_IS_THERE = """() => ({
    protocols: [...document.querySelectorAll('[data-messages] a')].map(({ protocol }) => protocol),
    elements: [...document.querySelectorAll('[data-part=text] *')].map(({ nodeName }) => nodeName),
    scripts: document.querySelectorAll('script').length,
    harmed: 'harmed' in window,
})"""

# Each is shown as it is written, with no element at all.
PLAIN = [
    "<script>harmed = 1</script>",
    "<img src=x onerror=harmed=1>",
    "<svg/onload=harmed=1><iframe srcdoc='<script>parent.harmed=1</script>'>",
    '"><a href="javascript:harmed=1">x</a>',
    "&lt;b&gt; &#60;script&#62; &amp;amp;",
    "{{ 7 * 7 }} ${harmed=1} <%= 1 %>",
    "javascript:harmed=1",
    "JaVaScRiPt:harmed=1",
    "java\tscript:harmed=1",
    "\x01javascript:harmed=1",
    "data:text/html,<script>harmed=1</script>",
    "data:text/html;base64,PHNjcmlwdD5oYXJtZWQ9MTwvc2NyaXB0Pg==",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:null/1",
    "view-source:http:/x",
    "[a link](javascript:harmed=1)",
    "![a picture](data:image/svg+xml,<svg/onload=harmed=1>)",
    "https://bank.example@evil.example/",
    "https://name:secret@evil.example/",
    "http://",
    "https://[",
    "mailto:",
    "mailto:nobody",
    "xhttps://example.org",
    "example.org",
    "\u202egro.elpmaxe\u202c",
    "2*3*4 = 24, f(*args, **kwargs), snake_case_name, __init__, 2 ** 3 ** 4",
    "* one\n* two\n_ _ ** ** `` ```` ```",
    "**not closed, _nor this, `nor this",
    "🦗 שלום مرحبا",
    "[[Prototype]] __proto__ constructor",
]

# text → what is shown, as HTML. Links are written <url>text</url> here for their many attributes.
FORMATTED = {
    "**bold** and _italic_ and *too*": "<strong>bold</strong> and <em>italic</em> and <em>too</em>",
    "**bold _both_**": "<strong>bold <em>both</em></strong>",
    "_a snake_case name_": "<em>a snake_case name</em>",
    "`**not bold** <b>`": "<code>**not bold** &lt;b&gt;</code>",
    "```\nx = `y` ** 2\n```": '<pre tabindex="0"><code>x = `y` ** 2</code></pre>',
    "```js\n<script>harmed=1</script>```": (
        '<pre tabindex="0"><code>&lt;script&gt;harmed=1&lt;/script&gt;</code></pre>'
    ),
    "**<img src=x onerror=harmed=1>**": "<strong>&lt;img src=x onerror=harmed=1&gt;</strong>",
    "**`_**https://example.org**_`**": (
        "<strong>`_</strong><a>https://example.org</a>**_`**"  # as good a reading as another
    ),
    "**a**" * 3: "<strong>a</strong>" * 3,
}

# text → the address it leads to, and what of it is the link
LINKS = {
    "see https://example.org/a_b_c*d*?q=1&r=2#f.": (
        "https://example.org/a_b_c*d*?q=1&r=2#f",
        "https://example.org/a_b_c*d*?q=1&r=2#f",
    ),
    "(http://example.org/x_(y))": ("http://example.org/x_(y)", "http://example.org/x_(y)"),
    "**https://example.org**": ("https://example.org/", "https://example.org"),
    "mailto:bob@example.org, please": ("mailto:bob@example.org", "mailto:bob@example.org"),
    'https://example.org/"onmouseover="harmed=1': ("https://example.org/", "https://example.org/"),
    "https://example.org/<script>harmed=1</script>": (
        "https://example.org/",
        "https://example.org/",
    ),
    "https://example.org/\u202egpj.exe": ("https://example.org/", "https://example.org/"),
    "https://example.org/?u=javascript:harmed=1": (
        "https://example.org/?u=javascript:harmed=1",
        "https://example.org/?u=javascript:harmed=1",
    ),
    # Cyrillic letters that look Latin: the title tells.
    "https://\u0430\u0440\u0440\u04cf\u0435.com": (
        "https://xn--80ak6aa92e.com/",
        "https://\u0430\u0440\u0440\u04cf\u0435.com",
    ),
}


@pytest.fixture(scope="module")
def page(katydid: Up, chromium: Browser) -> Iterator[Page]:
    """One page of the site for all texts, under the site's policy."""
    page = chromium.new_page()
    problems: list[str] = []
    page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{katydid.url}/login")
    yield page
    page.close()
    assert problems == []


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_formatting_is_shown_as_it_is_written(page: Page, text: str) -> None:
    shown = page.evaluate(SHOW, text)

    assert shown["elements"] == []
    assert shown["text"] == text
    assert not shown["harmed"]


@pytest.mark.parametrize(("text", "expected"), FORMATTED.items())
def test_a_little_formatting_is_shown_and_nothing_in_it_runs(
    page: Page, text: str, expected: str
) -> None:
    shown = page.evaluate(SHOW, text)

    for link in _links(shown):
        written = "".join(f' {name}="{value}"' for name, value in link.items())
        shown["html"] = shown["html"].replace(written, "")
    assert shown["html"] == expected
    assert not shown["harmed"]


@pytest.mark.parametrize(("text", "link"), LINKS.items())
def test_a_link_leads_where_it_says_and_tells_nothing_of_us(
    page: Page, text: str, link: tuple[str, str]
) -> None:
    url, words = link

    shown = page.evaluate(SHOW, text)

    (attributes,) = _links(shown)
    assert attributes["href"] == url
    assert attributes.get("title", words) == url
    assert attributes["target"] == "_blank"
    assert set(attributes["rel"].split()) == {"noopener", "noreferrer", "nofollow"}
    assert set(attributes) <= LINK_ATTRIBUTES
    assert f">{words}</a>".replace("&", "&amp;") in shown["html"]
    assert shown["text"] == text.replace("**", "")
    assert {each["name"] for each in shown["elements"]} <= ALLOWED
    assert not shown["harmed"]


@pytest.mark.parametrize("piece", ["*", "**", "_", "`", "```", "**a", "_*", "https://", "(", "*a_"])
def test_a_text_made_to_be_slow_is_shown(page: Page, piece: str) -> None:
    text = (piece * 4_000)[:4_000]

    assert page.evaluate(SHOW, text)["text"] != ""  # the page's deadline is the test's


def test_nothing_that_people_write_or_are_called_does_harm(
    katydid: Up, new_visitor: NewPerson, alice: Person
) -> None:
    bob = new_visitor("bob").register(NAME)
    texts = [*PLAIN, *FORMATTED, *LINKS]
    asked = _note_requests_and_dialogs(alice.page)
    sends = [json.dumps({"id": str(number), "text": each}) for number, each in enumerate(texts)]
    replies = [json.dumps({"id": "r", "text": "Quoted", "reply_to": 2})]
    reactions = [json.dumps({"id": "e", "seq": 1, "reaction": REACTION})]
    program = Program(katydid.url, bob)

    program.send(alice, *sends, *replies)
    program.send(alice, *reactions, verb="react")
    alice.open(bob)
    expect(alice.messages).to_have_count(len(texts) + 1)
    expect(alice.page.locator("[data-reaction]")).to_have_text(f"{REACTION}  by {NAME}")
    alice.page.reload()
    expect(alice.messages).to_have_count(len(texts) + 1)

    expect(alice.page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(alice.line(bob)).to_contain_text(NAME)
    expect(alice.page.locator("[data-part=quote-words]").last).to_have_text(PLAIN[1])
    for name in PLAIN[:12]:
        alice.page.evaluate("name => (location.hash = name)", name)
        alice.talk_to(name)
        expect(alice.page.locator("[data-begin-problem]")).to_be_visible()
        alice.page.keyboard.press("Escape")
    shown = alice.page.evaluate(WHAT_IS_THERE)
    assert set(shown["protocols"]) <= {"http:", "https:", "mailto:"}
    assert set(shown["elements"]) <= ALLOWED
    assert shown["scripts"] == 1  # the page's own
    assert not shown["harmed"]
    assert [each for each in asked if not each.startswith(katydid.url)] == []


def test_a_long_message_is_folded_until_one_wants_more(alice: Person, bob: Person) -> None:
    long = "\n".join(f"Line {number}" for number in range(1, 61))

    bob.talk_to(alice).write("**Look** at https://example.org/ <b>now</b>", long, "The end")
    alice.open(bob)

    alice.sees("Look at https://example.org/ <b>now</b>", long, "The end")
    more = alice.page.get_by_role("button", name="Show more")
    expect(more).to_have_attribute("aria-expanded", "false")
    text = alice.message("Line 60").locator("[data-part=text]")
    folded = _height(text)
    more.press("Enter")
    less = alice.page.get_by_role("button", name="Show less")
    expect(less).to_have_attribute("aria-expanded", "true")
    assert _height(text) > 2 * folded


def _note_requests_and_dialogs(page: Page) -> list[str]:
    """What the page asks for from now on, and what it asks its reader."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    return asked


def _links(shown: Any) -> list[dict[str, str]]:
    return [each["attributes"] for each in shown["elements"] if each["name"] == "A"]


def _height(text: Any) -> float:
    box = text.bounding_box()
    assert box is not None
    return float(box["height"])
