"""Screenshots of a report for the documentation, from the rows of a demo run.

``make demo`` and then ``python scripts/make_docs_screens.py [RESULTS]``: it makes the report of
these rows with one recording in the explorer, opens it in Chromium (``apt-get install chromium``)
and writes small palette PNGs (under 300 kB each) into ``docs/images/report``.
"""

from __future__ import annotations

import argparse
import importlib
import io
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pi_amt.report.page.build import build

sync_api: Any = importlib.import_module("playwright.sync_api")  # a tool of the tests only
OUTPUT = Path("docs/images/report")
LIMIT_BYTES = 300_000
COLOURS = 128
WIDE, PHONE = (1400, 900), (390, 844)
#: what the explorer asks for before it is seen: the condition that the demo's answer rests on
CONDITION = "ratio_fund_mask"


@dataclass(frozen=True)
class Shot:
    """One picture: what the address of the page asks for, and the size of the window."""

    name: str
    fragment: str
    size: tuple[int, int] = WIDE
    scroll_to: str = ""


SHOTS = (
    Shot("overview", "#overview"),
    Shot("forest", "#overview", scroll_to="#forest-title"),
    Shot("condition", f"#conditions/{CONDITION}"),
    Shot("explorer", "#explorer"),
    Shot("phone", "#overview", PHONE),
)


def main() -> None:
    """Make the report and all pictures, and print their sizes."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("results", nargs="?", default="results", help="of `make demo`")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--page", type=Path, help="a report that is there already")
    parser.add_argument("--only", nargs="*", help="names of pictures (default: all)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = options.page or build(options.results, Path(folder) / "report.html", examples=1)
        shots = [shot for shot in SHOTS if not options.only or shot.name in options.only]
        for name, picture in taken(page.absolute(), shots):
            path = options.output / f"{name}.png"
            path.write_bytes(picture)
            print(f"{path}: {len(picture) / 1000:.0f} kB")
            if len(picture) > LIMIT_BYTES:
                raise ValueError(
                    f"{path}: got {len(picture)} bytes, expected {LIMIT_BYTES} at most"
                )


def taken(page: Path, shots: list[Shot]) -> list[tuple[str, bytes]]:
    """Name and PNG of each shot."""
    found = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for shot in shots:
            width, height = shot.size
            view = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme="light"
            )
            view.goto(page.as_uri() + shot.fragment)
            if shot.fragment == "#explorer":
                view.locator("#ex-condition").select_option(label=CONDITION)
            if shot.scroll_to:
                view.locator(shot.scroll_to).evaluate("e => e.scrollIntoView()")
            view.wait_for_timeout(500)
            found.append((shot.name, _small(view.screenshot())))
        browser.close()
    return found


def _small(png: bytes) -> bytes:
    """The same picture in few colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    few = picture.quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    main()
