"""How long a message takes from one browser to the other: printed, never asserted."""

from collections.abc import Callable
from statistics import median, quantiles

from tests.end_to_end.person import Person

MESSAGES = 30

# In the receiver's page: note the time at which each new message is in the document.
NOTE_ARRIVALS = """
window.arrivals = {};
new MutationObserver(() => {
  for (const text of document.querySelectorAll('[data-message] [data-part=text]')) {
    window.arrivals[text.textContent] ??= performance.timeOrigin + performance.now();
  }
}).observe(document.querySelector('[data-messages]'), { childList: true, subtree: true });
"""
# In the sender's page: write as a keyboard would, and answer when Enter was pressed.
SEND = """text => {
  const field = document.querySelector('[data-composer-text]');
  field.value = text;
  field.dispatchEvent(new Event('input'));
  const sentAt = performance.timeOrigin + performance.now();
  field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', cancelable: true }));
  return sentAt;
}"""


def test_measure_live_delivery(alice: Person, bob: Person, tell: Callable[[str], None]) -> None:
    alice.talk_to(bob).write("Begin")
    bob.open(alice).sees("Begin")
    bob.page.evaluate(NOTE_ARRIVALS)

    sent_at = {}
    for number in range(MESSAGES):
        text = f"Message {number}"
        sent_at[text] = alice.page.evaluate(SEND, text)
        bob.page.wait_for_function("text => window.arrivals[text]", arg=text)
    arrived_at = bob.page.evaluate("window.arrivals")

    took = [arrived_at[text] - sent_at[text] for text in sent_at]
    tell(
        f"browser to browser, from Enter to the page, {MESSAGES} messages one by one:"
        f" median {median(took):.0f} ms, 9 of 10 within {quantiles(took, n=10)[-1]:.0f} ms"
    )
