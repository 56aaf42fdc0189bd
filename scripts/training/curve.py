"""Draw a training log: losses and validation frame F over minutes.

``python -m scripts.training.curve train/timbre_trap/log.csv curve.svg``
"""

from __future__ import annotations

import argparse
import csv
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt


def draw(log: Path, figure: Path) -> None:
    """Losses and validation frame F over minutes, with the stages' boundaries."""
    with log.open(newline="") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    minutes = [row["minutes"] for row in rows]
    mpl.rcParams["svg.hashsalt"] = "pi_amt"  # the same log gives the same file
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    left.plot(minutes, [row["train_loss"] for row in rows], label="training", color="0.6")
    left.plot(minutes, [row["val_loss"] for row in rows], label="validation", color="C0")
    left.set(xlabel="wall-clock minutes", ylabel="loss (cross-entropy per bin × 100)")
    left.legend(frameon=False)
    right.plot(minutes, [row["val_frame_f"] for row in rows], color="C0", marker="o", ms=3)
    right.set(xlabel="wall-clock minutes", ylabel="validation frame F (quick stand-in)")
    for before, after in pairwise(rows):
        if after["stage"] != before["stage"]:
            for axes in (left, right):
                axes.axvline((before["minutes"] + after["minutes"]) / 2, color="0.8", lw=0.8)
    fig.savefig(figure, metadata={"Date": None} if figure.suffix == ".svg" else None)
    plt.close(fig)


def main() -> None:
    """Draw what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m scripts.training.curve", description=__doc__)
    parser.add_argument("log", type=Path, help="log.csv of a training")
    parser.add_argument("figure", type=Path, help="the file to write, e.g. curve.svg")
    given = parser.parse_args()
    draw(given.log, given.figure)


if __name__ == "__main__":
    main()
