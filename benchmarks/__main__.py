"""``python -m benchmarks [--only PART …]``: measure, print one table, write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch

from benchmarks import gpu, precision, processes, roofline, stages, studies
from benchmarks.measure import ROOT, Line, machine

#: name → title, and what measures it in so many rounds
PARTS: dict[str, tuple[str, Callable[[int], list[Line]]]] = {
    "basic_pitch": ("Basic Pitch: this study against the naive ways", studies.basic_pitch),
    "timbre_trap": ("Timbre-Trap: this study against the naive ways", studies.timbre_trap),
    "cores": ("All cores, by the wall clock", studies.cores),
    "stages": ("Where the time goes: eight conditions, read to scored row", stages.stages),
    "ratio_masks": ("Ratio masks: a study of them against binary masks", studies.ratio_masks),
    "conditions": ("Scaling over the number of conditions", studies.conditions),
    "workers": ("Scaling over workers", studies.workers),
    "length": ("Scaling over length: one recording, eight conditions", processes.length),
    "long": ("Timbre-Trap over 45 minutes, eight conditions", processes.long),
    "long_ratio_basic_pitch": (
        "Basic Pitch over 45 minutes, eight ratio masks",
        partial(processes.long_ratio, "basic_pitch"),
    ),
    "long_ratio_timbre_trap": (
        "Timbre-Trap over 45 minutes, eight ratio masks",
        partial(processes.long_ratio, "timbre_trap"),
    ),
    "roofline": ("Arithmetic per second, one core", roofline.roofline),
    "precision": ("precision=bf16", precision.precision),
    "startup": ("Start-up", processes.startup),
    "gpu": ("One GPU", gpu.gpu),
}
ONLY_BY_NAME = ("long", "long_ratio_basic_pitch", "long_ratio_timbre_trap")
HEAD = """\
# Benchmarks

This page is written by `python -m benchmarks` (`make bench`), which takes about 20 minutes on two
free cores. Figures are processor seconds of one thread, unless they say *wall*. Where several ways
are compared, they take turns on the same machine, and the figures are medians over these rounds.
`--only PART` measures one part anew. The parts whose names begin with `long` take up to two hours,
and are measured only if they are named.

{machine}
"""


def main() -> None:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        metavar="PART",
        default=[part for part in PARTS if part not in ONLY_BY_NAME],
        help=f"these of {', '.join(PARTS)}; without it, all but {', '.join(ONLY_BY_NAME)}",
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: expected at least 1")
    torch.set_num_threads(1)
    known = read_sections(options.output)
    for part in options.only:
        title, measure = PARTS[part]
        print(f"\n{title}", flush=True)
        before = when()
        lines = measure(options.rounds)
        width = max(len(line.what) for line in lines)
        for line in lines:
            print(f"  {line.what:{width}}  {line.value:>14}  {line.note}")
        known[title] = f"{before}\n\n{table(lines)}"
        sections = "".join(
            f"\n## {title}\n\n{known[title]}" for title, _ in PARTS.values() if title in known
        )
        head = HEAD.format(machine="".join(f"- {line}\n" for line in machine()))
        options.output.write_text(head + sections, encoding="utf-8")
    print(f"\nwrote {options.output}", file=sys.stderr)


def when() -> str:
    """When a part was measured, and how busy the machine was."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"*{now}, load average before (1, 5, 15 min) {load}*"


def table(lines: list[Line]) -> str:
    """Lines as a Markdown table."""
    rows = [f"| {line.what} | {line.value} | {line.note} |" for line in lines]
    return "\n".join(["| | | |", "|---|---:|---|", *rows, ""])


def read_sections(path: Path) -> dict[str, str]:
    """Sections that were measured before, by title."""
    if not path.is_file():
        return {}
    found = {}
    for section in path.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        found[title] = body.strip("\n") + "\n"
    return found


if __name__ == "__main__":
    main()
