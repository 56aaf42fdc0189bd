"""The harmonic profile on the truth set, beside the drops of the sound without each partial.

``python scripts/true_profile.py RESULTS [--model NAME] [--tracks N] [--seconds S]`` runs the
conditions of ``experiment=harmonic_profile`` on the held-out recordings of the truth set with the
shipped models, or with one of them, and the models on the same recordings made without partial k,
or of it alone. It goes on where it was stopped. ``scripts/make_findings.py`` reads the store.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from hydra import compose, initialize_config_module

from pi_amt.cli.config import conditions_of
from pi_amt.models.loading import SHIPPED, ModelSpec
from pi_amt.store.store import Store
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import local
from pi_amt.study.groups import Group
from pi_amt.study.truth import DATASET, Truth, held_out_recordings, truth_groups

PARTIALS = range(1, 11)


def main() -> None:
    """Compute what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("results", type=Path, help="folder of the store")
    parser.add_argument("--model", choices=list(SHIPPED), help="one model only")
    parser.add_argument("--tracks", type=int, help="so many recordings only")
    parser.add_argument("--seconds", type=float, help="of each recording, its beginning only")
    options = parser.parse_args()
    with initialize_config_module("pi_amt.cli.conf", version_base=None):
        conditions = conditions_of(compose("config", ["experiment=harmonic_profile"]))
    tracks = [
        replace(track, max_seconds=options.seconds)
        for track in held_out_recordings()[: options.tracks]
    ]
    truths = [Truth((k,), keep) for keep in (False, True) for k in PARTIALS]
    groups = [
        group
        for model in map(ModelSpec, [options.model] if options.model else SHIPPED)
        for group in (
            Group(model, DATASET, tracks, conditions),
            *truth_groups(model, tracks, truths),
        )
    ]
    with Store(options.results) as store:
        summary = run_study(groups, store, local)
    if summary.errors:
        raise SystemExit(f"{summary.errors[0].track}: {summary.errors[0].error}")


if __name__ == "__main__":
    main()
