"""``python -m benchmarks [--only PART …]``: measure, print one table, write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks import processes, studies
from benchmarks.measure import ROOT, Line, machine

PARTS = {
    "basic_pitch": ("Basic Pitch: this study against the naive ways", studies.basic_pitch),
    "timbre_trap": ("Timbre-Trap: this study against the naive ways", studies.timbre_trap),
    "stages": ("Where the time goes: eight conditions, read to scored row", studies.stages),
    "conditions": ("Scaling over the number of conditions", studies.conditions),
    "workers": ("Scaling over workers", studies.workers),
    "length": ("Scaling over length: one recording, eight conditions", processes.length),
    "roofline": ("Arithmetic per second, one core", studies.roofline),
    "startup": ("Start-up", processes.startup),
}
HEAD = """\
# Benchmarks

Written by `python -m benchmarks` (`make bench`) on {date}. Figures are processor seconds of one
thread unless they say wall; medians of {rounds} interleaved rounds, so ratios compare like with
like on the same machine at the same time. `--only PART` measures one part.

{machine}
"""


def main() -> None:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds: expected at least 1")
    torch.set_num_threads(1)
    known = read_sections(options.output)
    about = "".join(f"- {line}\n" for line in machine())
    for part in options.only:
        title, measure = PARTS[part]
        print(f"\n{title}", flush=True)
        lines = measure(options.rounds)
        width = max(len(line.what) for line in lines)
        for line in lines:
            print(f"  {line.what:{width}}  {line.value:>14}  {line.note}")
        known[title] = table(lines)
        sections = "".join(
            f"\n## {title}\n\n{known[title]}" for title, _ in PARTS.values() if title in known
        )
        date = datetime.now(UTC).date().isoformat()
        head = HEAD.format(date=date, rounds=options.rounds, machine=about)
        options.output.write_text(head + sections, encoding="utf-8")
    print(f"\nwrote {options.output}", file=sys.stderr)


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
