"""Slakh2100: MIDI files of many instruments, synthesised stem by stem, Manilow et al. 2019.

Layout, anywhere below the folder: ``test/Track01876`` with ``mix.flac``, ``metadata.yaml`` and, for
each stem, ``stems/S00.flac`` and ``MIDI/S00.mid``. The full set has the splits ``train``,
``validation`` and ``test``, Slakh2100-redux also ``omitted`` (doubles of others); BabySlakh has
none, and WAV files. Licence: CC BY 4.0. A stem that was never rendered is not in the mix, though
its MIDI file is there, and drums have no pitch: the reference of a mix is the notes of all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from pi_amt.core.checks import check_choice, unknown
from pi_amt.core.errors import DataError, data_error, read_bytes
from pi_amt.datasets.files import (
    Selection,
    TrackList,
    audio_or,
    by_stem,
    given_folder,
    require_some,
    there,
)
from pi_amt.datasets.track import FileTrack

SOURCE = "https://zenodo.org/records/4599666 (slakh2100_flac_redux.tar.gz)"
BY = ("mix", "stem")
SPLITS = ("train", "validation", "test", "omitted")


def slakh(
    data_folder: str | Path = "datasets/slakh",
    by: str = "mix",
    split: str = "test",
    instruments: Sequence[str] | None = None,
    subsample_every: int = 1,
    max_tracks: int | None = None,
    max_seconds: float | None = None,
    pedal: str = "extend",
    onset_shift_ms: float = 0.0,
) -> TrackList:
    """Slakh below a folder.

    Args:
        data_folder: where its archive was unpacked.
        by: ``mix``: the mixes with the notes of all stems but drums; ``stem``: each of these stems
            alone.
        split: one of :data:`SPLITS`, or ``all``, which leaves out ``omitted``; without effect on
            BabySlakh, which has no splits.
        instruments: of ``by=stem``: classes of instruments as ``metadata.yaml`` has them, such as
            ``Piano``; ``None``: all.
        subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms: see
            :class:`~pi_amt.datasets.files.Selection`.

    Raises:
        ValueError: for an unknown option value, metadata of another form, or if no recording is
            there with its notes.
    """
    selection = Selection(subsample_every, max_tracks, max_seconds, pedal, onset_shift_ms)
    check_choice("by", by, BY)
    check_choice("split", split, (*SPLITS, "all"))
    if instruments is not None and by == "mix":
        raise ValueError(
            f"instruments: got {instruments!r} with by='mix', a mix holds all its instruments, "
            "use by='stem'"
        )
    folder = given_folder(data_folder)
    problems: list[str] = []
    songs = by_stem(folder, r"(Track\d+)/metadata", (".yaml",), problems)
    wanted_splits = SPLITS[:3] if split == "all" else (split,)
    songs = {n: t.parent for n, t in songs.items() if _split(t.parent) in (*wanted_splits, "")}
    stems = {name: _stems(song) for name, song in songs.items()}
    if instruments is not None:
        stems = _chosen(stems, instruments)
    make = _mix if by == "mix" else _alone
    tracks = [track for name, song in songs.items() for track in make(name, song, stems[name])]
    wanted = f"{split}/Track*/ with metadata.yaml, mix.flac, stems/*.flac and MIDI/*.mid"
    require_some("slakh", folder, tracks, wanted, SOURCE)
    return TrackList("slakh", selection.apply(tracks), tuple(problems), folder)


def _split(song: Path) -> str:
    name = song.parent.name.lower()
    return name if name in SPLITS else ""


def _stems(song: Path) -> dict[str, str]:
    """Stem → class of its instrument, of those with pitch that were rendered and of which there is
    any file."""
    table = there(song / "metadata.yaml")
    try:
        found = yaml.load(read_bytes(table), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        about = {str(stem): dict(said) for stem, said in found["stems"].items()}
    except DataError:
        raise
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise data_error(table, f"not Slakh's metadata with stems ({reason})") from None
    # the program that made the dataset says so of what it wrote as sound, and mixed that
    rendered = {
        stem
        for stem, said in about.items()
        if said.get("audio_rendered") or _files(song, stem)[0].exists()
    }
    return {
        stem: str(said.get("inst_class", ""))
        for stem, said in sorted(about.items())
        if not said.get("is_drum")
        and any(path.exists() for path in _files(song, stem))
        and (stem in rendered or not rendered)
    }


def _files(song: Path, stem: str) -> tuple[Path, Path]:
    """Audio and notes of a stem, which need not be there."""
    return audio_or(there(song / "stems") / stem), there(there(song / "MIDI") / f"{stem}.mid")


def _chosen(
    stems: Mapping[str, Mapping[str, str]], instruments: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Those stems of each song that are of some classes, letter case ignored."""
    wanted = [instruments] if isinstance(instruments, str) else list(instruments)
    known = {kind for of_song in stems.values() for kind in of_song.values()}
    proper = {kind.lower(): kind for kind in sorted(known)}
    for kind in wanted:
        if stems and str(kind).lower() not in proper:
            raise ValueError(unknown("instruments", str(kind), sorted(known)))
    kinds = {proper.get(str(kind).lower()) for kind in wanted}
    return {
        song: {stem: kind for stem, kind in of_song.items() if kind in kinds}
        for song, of_song in stems.items()
    }


def _mix(name: str, song: Path, stems: Mapping[str, str]) -> Iterator[FileTrack]:
    notes = [_files(song, stem)[1] for stem in stems]
    if notes:
        yield FileTrack(name, audio_or(song / "mix"), notes[0], name, more_notes=tuple(notes[1:]))


def _alone(name: str, song: Path, stems: Mapping[str, str]) -> Iterator[FileTrack]:
    for stem in stems:
        yield FileTrack(f"{name}-{stem}", *_files(song, stem), composition=name)
