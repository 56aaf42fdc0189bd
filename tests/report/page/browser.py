"""A real headless Chromium for the end-to-end tests; tests skip, saying why, without one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
_TIMEOUT_MS = 120_000  # for whatever a test waits for: a busy machine takes its time
OUTPUT = Path(__file__).resolve().parents[3] / "test-output"


def why_not() -> str:
    """Why there is no browser; empty if there is one."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed (pip install playwright)"
    return "" if executable() else "no chromium on this machine (apt-get install chromium)"


def executable() -> str | None:
    """Where Debian's Chromium is, if it is there."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Any]:
    """A started browser (Playwright's ``Browser``)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One page in its own context; collects what went wrong while it was open."""

    def __init__(self, browser: Any, path: Path, fragment: str = "", **context: Any) -> None:
        self._context = browser.new_context(accept_downloads=True, **context)
        self._context.set_default_timeout(_TIMEOUT_MS)
        self.page = self._context.new_page()
        self.troubles: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url, path))
        self.page.goto(path.absolute().as_uri() + fragment)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _asked(self, url: str, path: Path) -> None:
        own = url.split("#", maxsplit=1)[0] == path.absolute().as_uri()
        if not own and not url.startswith(("data:", "blob:")):
            self.troubles.append(f"request: {url}")

    def screenshot(self, name: str) -> None:
        """Write ``test-output/report-NAME.png`` (the whole page)."""
        OUTPUT.mkdir(exist_ok=True)
        self.page.screenshot(path=OUTPUT / f"report-{name}.png", full_page=True)

    def close(self) -> None:
        """Close, and fail on whatever was collected."""
        self._context.close()
        assert not self.troubles, self.troubles
