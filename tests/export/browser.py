"""Chromium, headless, as the tests of exported pages use it: no request leaves, no error passes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

# Debian's, and what others call it. Playwright's own is not downloaded.
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser; it ends with the context."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    assert path is not None, f"tests of pages need a browser on the path: {', '.join(_NAMES)}"
    with sync_playwright() as playwright:
        # As root, in a container say, Chromium has no sandbox.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, path: Path, address: str = "", **settings: Any) -> Iterator[Page]:
    """Open a page from its file, and fail if it asks for anything else, or says an error."""
    context = browser.new_context(**settings)
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("request", lambda request: problems.append(f"request: {request.url}"))
    url = f"{path.as_uri()}#{address}"
    page.goto(url)
    page.wait_for_function("globalThis.ganfield && document.querySelector('#where').textContent")
    yield page
    context.close()
    # Its own file, its empty icon, and what it makes itself.
    own = [path.as_uri(), "data:,", "blob:"]
    allowed = tuple(f"request: {start}" for start in own)
    problems = [problem for problem in problems if not problem.startswith(allowed)]
    assert not problems, problems
