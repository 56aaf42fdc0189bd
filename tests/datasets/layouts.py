"""Folders laid out as the datasets are, with short synthetic audio; for tests of any module."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes

RATE = 22_050


def write_pair(audio: Path, midi: Path, pitches: Iterable[float] = (60, 64, 67)) -> Notes:
    """A second of sine tones, one after the other, and their MIDI file (or MAPS text)."""
    onsets = np.arange(len(list(pitches))) * 0.3 + 0.05
    notes = Notes.from_arrays(onsets, onsets + 0.25, list(pitches))
    time = np.arange(RATE) / RATE
    samples = np.zeros(RATE)
    for onset, offset, hz in zip(notes.onsets, notes.offsets, notes.frequencies, strict=True):
        samples += 0.3 * np.sin(2 * np.pi * hz * time) * ((time >= onset) & (time < offset))
    audio.parent.mkdir(parents=True, exist_ok=True)
    midi.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(audio, samples, RATE)
    if midi.suffix == ".txt":
        rows = zip(notes.onsets, notes.offsets, notes.pitches, strict=True)
        lines = [f"{on:.6f}\t{off:.6f}\t{pitch:.0f}" for on, off, pitch in rows]
        midi.write_text("OnsetTime\tOffsetTime\tMidiPitch\n" + "\n".join(lines) + "\n")
    else:
        write_midi(notes, midi)
    return notes


def make_maps(
    root: Path,
    settings: Iterable[str] = ("ENSTDkAm", "ENSTDkCl"),
    pieces: Iterable[str] = ("alb_se3", "bk_xmas1"),
    kind: str = "MUS",
    notes_suffix: str = ".mid",
) -> Path:
    """MAPS as its archives unpack: ``MAPS_<setting>_2/<setting>/<kind>/…``."""
    separator = "-" if kind == "MUS" else "_"
    for k, setting in enumerate(settings):
        folder = root / f"MAPS_{setting}_2" / setting / kind
        for i, piece in enumerate(pieces):
            stem = f"MAPS_{kind}{separator}{piece}_{setting}"
            write_pair(
                folder / f"{stem}.wav", folder / f"{stem}{notes_suffix}", (60 + i, 64, 67 + k)
            )
    return root


MAESTRO_COLUMNS = (
    "canonical_composer",
    "canonical_title",
    "split",
    "year",
    "midi_filename",
    "audio_filename",
    "duration",
)
MAESTRO_WORKS = (
    ("Frédéric Chopin", 'Études Op. 10, No. 4, "Torrent"', "test", 2004, "MIDI-Unprocessed_01"),
    ("Alban Berg", "Sonata Op. 1", "train", 2018, "MIDI-Unprocessed_02"),
    ("Alban Berg", "Sonata Op. 1", "test", 2018, "MIDI-Unprocessed_03"),
    ("Alban Berg", "Sonata Op. 1", "test", 2008, "MIDI-Unprocessed_04"),
    ("J. S. Bach", "Fugue in C", "validation", 2008, "MIDI-Unprocessed_05"),
)


def make_maestro(root: Path) -> Path:
    """MAESTRO: ``maestro-v3.0.0.csv`` and ``<year>/…``; three recordings in the test split."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "maestro-v3.0.0.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(MAESTRO_COLUMNS)
        for i, (composer, title, split, year, stem) in enumerate(MAESTRO_WORKS):
            midi, audio = f"{year}/{stem}.midi", f"{year}/{stem}.wav"
            table.writerow([composer, title, split, year, midi, audio, 1.0])
            write_pair(root / audio, root / midi, (60 + i, 64, 67))
    return root
