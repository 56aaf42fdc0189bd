"""A package of other people that adds to pi_amt: written into a folder, as pip would leave it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

#: what the package ``acme`` holds
SOURCE = '''
"""A package with something of every kind."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pi_amt
from tests.toys import ToyTrack, ToyTranscriber


class Model(ToyTranscriber):
    """Hears fundamentals. It hears nothing else."""

    def __init__(self, weights=None, loudness: float = 1.0, shape=(1, 2), other=object()):
        super().__init__()


def tracks(number: int, folder: Path = Path("x"), *, max_tracks: int | None = None):
    """So many toy tracks."""
    return [ToyTrack(name) for name in "abcdefgh"[:number]][:max_tracks]


@dataclass(frozen=True)
class Halve(pi_amt.Permutation):
    """Every bin at a share of its level."""

    share_kept: float = 0.5

    name: ClassVar[str] = "halve"
    summary: ClassVar[str] = "every bin at a share of its level"
    aliases: ClassVar[dict[str, str]] = {"share": "share_kept"}

    def draw(self, scene):
        return pi_amt.Change(lambda s: s.with_values(s.tensor * self.share_kept))


def count(reference, estimate):
    """How many notes are too many."""
    return {"more": len(estimate) - len(reference)}


def threads(n_jobs: int = 2, at_most: int | None = None):
    """Threads of this process."""
    return ThreadPoolExecutor(n_jobs)


number = 3
'''
GROUPS = {
    "models": {"theirs": "acme:Model"},
    "datasets": {"letters": "acme:tracks"},
    "permutations": {"halve": "acme:Halve"},
    "scorers": {"count": "acme:count"},
    "executors": {"threads": "acme:threads"},
}
#: what can be wrong with a plug-in
BROKEN = {
    "models": {"gone": "acme_gone:Model", "basic_pitch": "acme:Model"},
    "datasets": {"exits": "acme_exits:tracks", "demo": "acme:tracks"},
    "permutations": {"lost": "acme:Lost", "kind": "acme:Model", "fund_mask": "acme:Halve"},
    "scorers": {"number": "acme:number"},
    "executors": {"late": "acme_exits:threads"},
}


def install(folder: Path, groups: Mapping[str, Mapping[str, str]], *, name: str = "acme") -> None:
    """Write the package and its metadata, version 1.0, into a folder of the search path."""
    (folder / "acme.py").write_text(SOURCE)
    (folder / "acme_exits.py").write_text("raise SystemExit(3)\n")
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[pi_amt.{group}]", *(f"{n} = {path}" for n, path in points.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
