"""How far Shapley values by ratio masks are from those of the true sounds.

``python scripts/shapley_truth.py [--model NAME] [--part PART] [--works N] [--seconds S]``: on
recordings of the truth set every coalition is run twice, as masks make it of the whole recording,
and on the sound of its players alone. Prints the mean of each player's values, bias and mean error.
"""

from __future__ import annotations

import argparse

import numpy as np

from pi_amt.datasets.known_partials import PARTS
from pi_amt.models.loading import ModelSpec
from pi_amt.permutations.coalition import PLAYERS
from pi_amt.report.tables.table import Table
from pi_amt.statistics.result import Result
from pi_amt.study.truth import coalitions_in_truth, one_per_work


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--model", default="basic_pitch")
    parser.add_argument("--part", default="development", choices=list(PARTS))
    parser.add_argument("--works", type=int, help="how many works (default: all)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each (default: 20)")
    parser.add_argument("--players", default=PLAYERS, help=f"(default: {PLAYERS})")
    options = parser.parse_args()
    tracks = one_per_work(options.part, max_seconds=options.seconds)[: options.works]
    model = ModelSpec(options.model, '{"device": "cpu"}')
    pairs = [Result.from_rows(r) for r in coalitions_in_truth(model, tracks, options.players)]
    (estimated,), (true,) = (result.attributions for result in pairs)
    off = estimated.values - true.values
    records = tuple(
        {
            "player": name,
            "true": float(np.mean(true.values[:, i])),
            "masks": float(np.mean(estimated.values[:, i])),
            "bias": float(np.mean(off[:, i])),
            "error": float(np.mean(np.abs(off[:, i]))),
        }
        for i, name in enumerate(true.players)
    )
    columns = ("player", "true", "masks", "bias", "error")
    title = f"Shapley values of {options.model} on {len(tracks)} recordings of the truth set"
    print(Table(title, columns, records, formats={"bias": "+.3f"}))
    score = np.abs(estimated.scores - true.scores)
    print(f"mean error of F of a coalition: {score[:, :-1].mean():.3f}")


if __name__ == "__main__":
    main()
