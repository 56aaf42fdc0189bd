"""Folders laid out as the datasets are, with short synthetic audio; for tests of any module."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import soundfile

from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.datasets.track import joined

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


# --- datasets of other instruments: a second of sound each, files named and written as theirs are


def write_sound(path: Path, notes: Notes, rate: int = RATE, gain: float = 0.2) -> None:
    """Sine tones of the notes."""
    seconds = 1.2
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    samples = np.zeros(len(time))
    for onset, offset, hz in zip(notes.onsets, notes.offsets, notes.frequencies, strict=True):
        samples += gain * np.sin(2 * np.pi * hz * time) * ((time >= onset) & (time < offset))
    soundfile.write(path, samples, rate)


def tones(*pitches: float, first: float = 0.05) -> Notes:
    """One note after the other, 0.25 s each, 0.3 s apart."""
    onsets = np.arange(len(pitches)) * 0.3 + first
    return Notes.from_arrays(onsets, onsets + 0.25, pitches)


def rows(notes: Notes) -> list[tuple[float, float, float]]:
    """Onset, duration and pitch of each note."""
    columns = (notes.onsets, notes.durations, notes.pitches)
    return list(zip(*(column.tolist() for column in columns), strict=True))


#: GuitarSet: excerpt → the notes of its six strings
GUITARSET = {
    "00_BN1-129-Eb_comp": [tones(40.1), tones(45.0), Notes.empty(), tones(55.2, 57.0)],
    "00_BN1-129-Eb_solo": [Notes.empty()] * 4 + [tones(59.9, 61.0), tones(64.06)],
    "05_Rock3-117-Bb_comp": [tones(41.0), Notes.empty(), tones(50.5)],
}


def make_guitarset(root: Path) -> Path:
    """GuitarSet as its archives unpack: JAMS with six pairs of annotations, sound by microphone."""
    for excerpt, strings in GUITARSET.items():
        six = [*strings, *[Notes.empty()] * (6 - len(strings))]
        annotations: list[dict[str, Any]] = []
        for number, notes in enumerate(six):
            about = {"data_source": str(number), "annotation_tools": ""}
            times = [t for a, d, _ in rows(notes) for t in np.arange(a, a + d, 0.0058).tolist()]
            hz = [
                {"voiced": True, "index": i, "frequency": float(440 * 2 ** ((p - 69) / 12))}
                for i, (a, d, p) in enumerate(rows(notes))
                for _ in np.arange(a, a + d, 0.0058)
            ]
            annotations += [
                {
                    "namespace": "pitch_contour",
                    "annotation_metadata": about,
                    "data": {
                        "time": times,
                        "duration": [0.0] * len(times),
                        "value": hz,
                        "confidence": [None] * len(times),
                    },
                },
                {
                    "namespace": "note_midi",
                    "annotation_metadata": about,
                    "data": [
                        {"time": a, "duration": d, "value": p, "confidence": None}
                        for a, d, p in rows(notes)
                    ],
                },
            ]
        tempo = {"time": 0.0, "duration": 1.0, "value": 129.0, "confidence": 1.0}
        annotations.append({"namespace": "tempo", "annotation_metadata": {}, "data": [tempo]})
        about_file = {"title": excerpt, "duration": 1.2, "jams_version": "0.3.1"}
        path = root / "annotation" / f"{excerpt}.jams"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps({"annotations": annotations, "file_metadata": about_file, "sandbox": {}})
        )
        whole = joined(six)
        write_sound(root / "audio_mono-mic" / f"{excerpt}_mic.wav", whole, 44_100)
        write_sound(root / "audio_mono-pickup_mix" / f"{excerpt}_mix.wav", whole, 44_100, 0.1)
    return root


#: URMP: piece → its parts, as written in the folder's name
URMP = {
    "01_Jupiter_vn_vc": [tones(67.1, 69.0), tones(43.0, 45.2)],
    "12_Spring_vn_vn_vc": [tones(76.0), tones(71.9, 72.0), tones(52.0)],
    "08_Spring_fl_vn": [tones(88.0, 90.1), tones(64.0)],
    "15_Surprise_tpt_tpt_tbn": [tones(70.0), tones(65.9), tones(53.1, 55.0)],
}


def hz_lines(notes: Notes, separator: str) -> str:
    """Onset, frequency, duration: as URMP and vocadito write notes."""
    hz = notes.frequencies.tolist()
    lines = [f"{a:.9f}{separator}{f:.3f}{separator}{d:.9f}" for (a, d, _), f in
             zip(rows(notes), hz, strict=True)]  # fmt: skip
    return "\n".join(lines) + "\n"


def vibrato(seconds: float) -> float:
    """Semitones above a note's pitch at a moment of the recording."""
    return 0.3 * float(np.sin(2 * np.pi * 6 * seconds))


def f0_lines(notes: Notes, separator: str, times: Iterable[float]) -> str:
    """Time and frequency of every frame, with vibrato, 0 where no note sounds."""
    lines = []
    for time in times:
        at = np.flatnonzero((notes.onsets <= time) & (time < notes.offsets))
        hz = 440 * 2 ** ((notes.pitches[at[0]] + vibrato(time) - 69) / 12) if len(at) else 0.0
        lines.append(f"{time}{separator}{hz:.3f}")
    return "\n".join(lines) + "\n"


def make_urmp(root: Path) -> Path:
    """URMP: a folder per piece with its mix, and for each part sound, notes and f0."""
    for piece, parts in URMP.items():
        folder = root / "Dataset" / piece
        number, title, *instruments = piece.split("_")
        for i, (instrument, notes) in enumerate(zip(instruments, parts, strict=True), start=1):
            named = "tpt" if (title, i) == ("Surprise", 3) else instrument  # so in the dataset
            part = f"{i}_{named}_{number}_{title}"
            write_sound(folder / f"AuSep_{part}.wav", notes, 48_000)
            (folder / f"Notes_{part}.txt").write_text(hz_lines(notes, "\t"))
            (folder / f"F0s_{part}.txt").write_text(
                f0_lines(notes, "\t", np.arange(0.023, 1.2, 0.01).round(3).tolist())
            )
        write_sound(folder / f"AuMix_{piece}.wav", joined(parts), 48_000)
    return root


VOCADITO = {1: tones(50.03, 51.7, 53.4), 2: tones(60.0, 62.2), 10: tones(57.5, 59.0)}


def make_vocadito(root: Path) -> Path:
    """vocadito: sound, f0, and the notes of two annotators (A2 hears the first note only)."""
    for number, notes in VOCADITO.items():
        write_sound(root / "Audio" / f"vocadito_{number}.wav", notes, 44_100)
        for kind, name, text in (
            ("F0", "f0", f0_lines(notes, ",", (np.arange(206) * 256 / 44_100).tolist())),
            ("Notes", "notesA1", hz_lines(notes, ",")),
            ("Notes", "notesA2", hz_lines(notes[:1], ",")),
        ):
            path = root / "Annotations" / kind / f"vocadito_{number}_{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    (root / "vocadito_metadata.csv").write_text("track_id,singer_id,average_pitch,language\n")
    return root


MUSICNET = {
    ("test", 1759): (tones(60, 64, 67), "Schubert", "Piano Sonata in A major"),
    ("test", 1819): (tones(48, 55), "Mozart", "String Quartet No 15"),
    ("test", 2106): (tones(72), "Mozart", "String Quartet No 15"),
    ("train", 1727): (tones(50, 52), "Schubert", "Piano Quintet in A major"),
}


def make_musicnet(root: Path) -> Path:
    """MusicNet: labels that count samples at 44.1 kHz, and a table of metadata."""
    table = ["id,composer,composition,movement,ensemble,source,transcriber,catalog_name,seconds"]
    for (split, number), (notes, composer, work) in MUSICNET.items():
        write_sound(root / "musicnet" / f"{split}_data" / f"{number}.wav", notes, 44_100)
        lines = ["start_time,end_time,instrument,note,start_beat,end_beat,note_value"]
        lines += [
            f"{round(44_100 * a)},{round(44_100 * (a + d))},1,{p:.0f},0.0,1.0,Quarter"
            for a, d, p in rows(notes)
        ]
        path = root / "musicnet" / f"{split}_labels" / f"{number}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        table.append(f"{number},{composer},{work},1. Allegro,Solo,Museopen,Piano-midi,D959,1")
    (root / "musicnet_metadata.csv").write_text("\n".join(table) + "\n")
    return root


BACH10 = {
    "01-AchGottundHerr": [tones(72.01), tones(67.1, 69), tones(60.5), tones(48.0, 50.2)],
    "02-AchLiebenChristen": [tones(74.0), tones(65.5), tones(62.0), tones(50.0)],
    "10-NunBitten": [tones(69.0, 71.0), tones(64.0), tones(57.1), tones(45.0)],
}
BACH10_INSTRUMENTS = ("violin", "clarinet", "saxphone", "bassoon")


def make_bach10(root: Path) -> Path:
    """Bach10: GTNotes is a cell per part of cells per note of frame numbers and MIDI pitches."""
    for piece, parts in BACH10.items():
        folder = root / "Bach10_v1.1" / piece
        cells = np.empty((4, 1), dtype=object)
        for i, (instrument, notes) in enumerate(zip(BACH10_INSTRUMENTS, parts, strict=True)):
            write_sound(folder / f"{piece}-{instrument}.wav", notes, 44_100)
            cells[i, 0] = np.empty((len(notes), 1), dtype=object)
            for j, (onset, seconds, pitch) in enumerate(rows(notes)):
                first = round((onset - 0.023) / 0.010) + 1
                frames = np.arange(first, first + round(seconds / 0.010))
                vibrato = 0.02 * np.sin(frames)
                vibrato -= np.median(vibrato)
                cells[i, 0][j, 0] = np.vstack([frames, pitch + vibrato])
        write_sound(folder / f"{piece}.wav", joined(parts), 44_100)
        scipy.io.savemat(folder / f"{piece}-GTNotes.mat", {"GTNotes": cells})
        (folder / f"{piece}.txt").write_text("50\t0\t72\t1\n")
    return root


#: Slakh: song → split and stems: class of instrument, whether a drum, and notes (none: no files)
SLAKH: dict[str, tuple[str, dict[str, tuple[str, bool, Notes | None]]]] = {
    "Track01876": (
        "test",
        {
            "S00": ("Guitar", False, tones(52, 55)),
            "S01": ("Drums", True, tones(36, 38)),
            "S02": ("Piano", False, tones(60, 64, 67)),
            "S03": ("Sound Effects", False, None),
        },
    ),
    "Track01877": ("test", {"S00": ("Piano", False, tones(72)), "S01": ("Bass", False, tones(40))}),
    "Track01900": ("test", {"S00": ("Organ", False, tones(65, 60))}),
    "Track00001": ("train", {"S00": ("Piano", False, tones(62))}),
    "Track01953": ("omitted", {"S00": ("Piano", False, tones(62))}),
}


def make_slakh(root: Path, suffix: str = ".flac") -> Path:
    """Slakh2100-redux; with ``.wav`` BabySlakh, which has no splits."""
    for song, (split, stems) in SLAKH.items():
        folder = root / "slakh2100_flac_redux" / split / song
        if suffix == ".wav":
            folder = root / "babyslakh_16k" / song
        about = ["UUID: 1a81ae09", "audio_dir: stems", "midi_dir: MIDI", "stems:"]
        for stem, (kind, is_drum, notes) in stems.items():
            about += [f"  {stem}:", "    audio_rendered: false", f"    inst_class: {kind}"]
            about += [f"    is_drum: {str(is_drum).lower()}", "    plugin_name: None"]
            if notes is None:
                continue
            write_sound(folder / "stems" / f"{stem}{suffix}", notes)
            (folder / "MIDI").mkdir(exist_ok=True)
            if is_drum:
                message = bytes([0x99, 36, 64]), bytes([0x89, 36, 0])
                events = b"\x00" + message[0] + b"\x60" + message[1] + b"\x00\xff\x2f\x00"
                head = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60"
                track = b"MTrk" + len(events).to_bytes(4, "big") + events
                (folder / "MIDI" / f"{stem}.mid").write_bytes(head + track)
            else:
                write_midi(notes, folder / "MIDI" / f"{stem}.mid")
        sounding = [notes for _, _, notes in stems.values() if notes is not None]
        write_sound(folder / f"mix{suffix}", joined(sounding), gain=0.1)
        write_midi(joined(sounding), folder / "all_src.mid")
        (folder / "metadata.yaml").write_text("\n".join([*about, "target_peak: -1.0"]) + "\n")
    return root
