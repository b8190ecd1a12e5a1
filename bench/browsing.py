"""A real Chromium with what it tells of itself: what a visit transfers, when the first message is
shown, how long the frames of a scroll take, and what is held in memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from bench.chromium import CHROMIUM_ARGUMENTS, chromium_program

_WIDTH, _HEIGHT = 412, 823  # a phone, as Lighthouse has it
_WITHIN_MILLISECONDS = 60_000.0

# When the first message stands in the document, and the frame that shows it begins.
_NOTE_FIRST_MESSAGE = """
new MutationObserver((_, observer) => {
  if (!document.querySelector('[data-message]')) return;
  observer.disconnect();
  requestAnimationFrame(() => { window.firstMessageAt = performance.now(); });
}).observe(document, { childList: true, subtree: true });
"""
# One step in each frame until the end of the conversation has come, noting how long each frame
# took. It waits there for what is being fetched; a frame has no part in that.
_SCROLL = """(step) => new Promise((resolve) => {
  const scroller = document.querySelector('[data-scroller]');
  const hasEnded = () => IS_AT_END;
  const frames = [];
  const long = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) long.push(duration);
  });
  observer.observe({ type: 'long-animation-frame' });
  let before = performance.now();
  let most = 0;
  const frame = (now) => {
    frames.push(now - before);
    before = now;
    if (frames.length % 100 === 0)
      most = Math.max(most, document.querySelectorAll('[data-message]').length);
    if (!hasEnded()) {
      scroller.scrollTop += step;
      return requestAnimationFrame(frame);
    }
    setTimeout(() => { observer.disconnect(); resolve({ frames, long, most }); }, 200);
  };
  requestAnimationFrame(frame);
})"""
_TOP = "scroller.scrollTop === 0 && document.querySelector('[data-message]').dataset.seq === '1'"
_BOTTOM = (
    "document.querySelector('[data-jump]').hidden"
    " && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2"
)


@dataclass(frozen=True)
class Visit:
    """What one visit was like. Bytes are those of JavaScript and CSS that came by the network."""

    transferred_bytes: int
    from_service_worker: int
    from_network: int
    first_message_milliseconds: float


@dataclass(frozen=True)
class Scroll:
    """What a scroll through a conversation was like; `long` are the frames over 50 ms, as the
    browser counts them (the Long Animation Frames API)."""

    frames_milliseconds: list[float]
    long_milliseconds: list[float]
    most_messages: int
    seconds: float


class Reader:
    """Somebody at a browser of their own, who is logged in and reads."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self._url = url
        self._context = context
        self._context.add_init_script(_NOTE_FIRST_MESSAGE)
        self.page: Page = context.new_page()
        self._cdp: CDPSession = context.new_cdp_session(self.page)
        self._cdp.send("Network.enable")
        self._sizes: list[tuple[int, bool]] = []
        kinds: dict[str, tuple[str, bool]] = {}

        def note(event: dict[str, Any]) -> None:
            response = event["response"]
            kinds[event["requestId"]] = (
                response["mimeType"],
                bool(response.get("fromServiceWorker")),
            )

        def add(event: dict[str, Any]) -> None:
            kind, by_worker = kinds.pop(event["requestId"], ("", False))
            if kind in ("text/javascript", "text/css"):
                self._sizes.append((int(event["encodedDataLength"]), by_worker))

        self._cdp.on("Network.responseReceived", note)
        self._cdp.on("Network.loadingFinished", add)

    def slow_down(self) -> None:
        """A phone's network as Lighthouse takes it: 150 ms to the server and back, 1.6 Mbit/s."""
        self._cdp.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": 150,
                "downloadThroughput": 200e3,
                "uploadThroughput": 9e4,
            },
        )

    def visit(self, peer: str) -> Visit:
        """Open the conversation by its address, until its newest messages are shown."""
        self._sizes.clear()
        self.page.goto("about:blank")
        self.page.goto(f"{self._url}/#{peer}")
        self.page.wait_for_function("() => window.firstMessageAt", timeout=_WITHIN_MILLISECONDS)
        self.page.wait_for_selector("[data-connection=online]", timeout=_WITHIN_MILLISECONDS)
        self.page.wait_for_function("() => navigator.serviceWorker.controller !== null")
        by_network = [size for size, by_worker in self._sizes if not by_worker]
        return Visit(
            transferred_bytes=sum(by_network),
            from_service_worker=len(self._sizes) - len(by_network),
            from_network=len(by_network),
            first_message_milliseconds=float(self.page.evaluate("window.firstMessageAt")),
        )

    def scroll_to_the_top(self, pixels_a_frame: int) -> Scroll:
        return self._scroll(-pixels_a_frame, _TOP)

    def scroll_to_the_bottom(self, pixels_a_frame: int) -> Scroll:
        return self._scroll(pixels_a_frame, _BOTTOM)

    def held_bytes(self) -> int:
        """What the page's scripts and its document hold, after a collection of garbage."""
        self._cdp.send("HeapProfiler.collectGarbage")
        used = self._cdp.send("Runtime.getHeapUsage")
        return int(used["usedSize"])

    def nodes(self) -> int:
        """How many elements the document has."""
        return int(self.page.evaluate("document.querySelectorAll('*').length"))

    def close(self) -> None:
        self._context.close()

    def _scroll(self, step: int, is_at_end: str) -> Scroll:
        began = time.perf_counter()
        found = self.page.evaluate(_SCROLL.replace("IS_AT_END", is_at_end), step)
        return Scroll(found["frames"], found["long"], found["most"], time.perf_counter() - began)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A Chromium without a window. Raises ChromiumMissing."""
    program = chromium_program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


def readers(browser: Browser, url: str, account: str, password: str) -> Callable[[], Reader]:
    """Makes browsers in which the account is logged in, and which know nothing else of the site."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/login")
    page.get_by_label("Account name").fill(account)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("[data-connection=online]", timeout=_WITHIN_MILLISECONDS)
    cookies = context.storage_state()["cookies"]
    context.close()

    def make() -> Reader:
        fresh = browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT})
        fresh.add_cookies(cookies)  # type: ignore[arg-type]
        return Reader(fresh, url)

    return make
