"""A program as a listener: it is given a WAV file and answers with a MIDI file or with lines.

Each recording is heard in a temporary folder of its own, which is removed afterwards. The program
runs in the folder where pi_amt was started, so that paths in the command mean what they mean there.
"""

from __future__ import annotations

import math
import shlex
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from pi_amt.core.checks import check_choice, check_range, check_text
from pi_amt.core.errors import DataError, NotReady
from pi_amt.core.note_files import read_notes
from pi_amt.core.notes import DEFAULT_VELOCITY, Notes
from pi_amt.core.units import Samples, hz_to_midi
from pi_amt.models.black_box.black_box import BlackBox
from pi_amt.models.black_box.identity import identity_of_command, name_of
from pi_amt.models.black_box.programs import ProgramError, Said, run

WAV_FORMATS = ("PCM_16", "PCM_24", "PCM_32", "FLOAT")
COLUMNS = ("onset", "offset", "duration", "pitch", "hz", "velocity", "-")
#: numbers without which a line can be no note
_LEAST_COLUMNS = 3
_LEAST_SECONDS, _TIMES_THE_RECORDING = 60.0, 20.0


class Command(BlackBox):
    """A program of somebody else, such as ``transkun {wav} {mid}``.

    Args:
        command: the program and its arguments, as a shell would split them; no shell runs it.
            ``{wav}`` stands for the recording, ``{mid}`` for the MIDI file that it writes.
        columns: for a program that prints its notes in place of a MIDI file, one per line: what
            the numbers of a line are, such as ``onset offset pitch``. There are ``onset``,
            ``offset`` or ``duration`` (seconds), ``pitch`` (MIDI number) or ``hz``, ``velocity``,
            and ``-`` for what is not needed. A line of fewer numbers is no note.
        wav_format: samples of the WAV file. All but ``FLOAT`` end at full scale: a louder
            recording is made softer as a whole.
        timeout_seconds: after which the program is killed; ``None``: a minute and twenty times the
            length of the recording.
        fingerprint: a text that changes whenever the program's answers may, such as its version.
            The command, its program and all files that it names count by themselves.
        label: what the model is called in tables; ``None``: the name of the program, or of
            the file that it runs.
        sample_rate, gain_db, late_ms: of the WAV file, see :class:`BlackBox`. Some programs take
            every file for one of 44,100 Hz.

    Raises:
        ValueError: for options that cannot work, or a program that is not there.
    """

    def __init__(
        self,
        command: str | None = None,
        columns: str | None = None,
        wav_format: str = "PCM_16",
        timeout_seconds: float | None = None,
        fingerprint: str | None = None,
        label: str | None = None,
        sample_rate: int | None = 44_100,
        gain_db: float = 0.0,
        late_ms: float = 0.0,
    ) -> None:
        check_choice("model.wav_format", wav_format, WAV_FORMATS)
        if timeout_seconds is not None:
            check_range("model.timeout_seconds", timeout_seconds, 0.001, unit="seconds")
        self.columns = None if columns is None else _columns(columns)
        self.words = _words(command, columns)
        super().__init__(label or name_of(self.words), sample_rate, gain_db, late_ms)
        self.wav_format = wav_format
        self.timeout_seconds = timeout_seconds
        own = {"columns": columns, "wav_format": wav_format}
        self.identity = identity_of_command(
            self.name, self.words, fingerprint, {**self.settings, **own}
        )

    def __repr__(self) -> str:
        return f"Command({shlex.join(self.words)})"

    def answer(self, samples: Samples, sample_rate: int) -> Notes:
        """What the program writes or prints.

        Raises:
            ValueError: if it fails, takes too long, or answers with what cannot be notes.
        """
        timeout = self.timeout_seconds
        if timeout is None:
            timeout = _LEAST_SECONDS + _TIMES_THE_RECORDING * len(samples) / sample_rate
        with TemporaryDirectory(prefix="pi_amt_", ignore_cleanup_errors=True) as folder:
            wav, mid = Path(folder, "heard.wav"), Path(folder, "notes.mid")
            heard = _within_full_scale(samples, self.wav_format)
            soundfile.write(wav, heard, sample_rate, self.wav_format)
            places = {"{wav}": str(wav), "{mid}": str(mid)}
            said = run([_filled(word, places) for word in self.words], timeout_seconds=timeout)
            if self.columns is not None:
                return self._parsed(said.printed)
            if not mid.exists():
                raise ProgramError(
                    f"{self.name} ended without an error and wrote no MIDI file"
                    f"{_instead(said, Path(folder))}"
                )
            return self._read(mid)

    def _read(self, mid: Path) -> Notes:
        try:
            return read_notes(mid)
        except DataError as error:
            reason = str(error).partition(": ")[2]
            raise ProgramError(
                f"{self.name} wrote no MIDI file that can be read: {reason}"
            ) from None

    def _parsed(self, printed: str) -> Notes:
        """Notes from printed lines, see ``columns``."""
        columns = self.columns or ()
        rows: list[list[float]] = []
        shorter = ""
        for line in filter(str.strip, printed.splitlines()):
            try:
                row = [float(field) for field in line.replace(",", " ").split()]
            except ValueError:
                row = [math.nan] * len(columns)
            if len(row) > len(columns) or not all(map(math.isfinite, row)):
                raise ProgramError(
                    f"{self.name} printed {line.strip()!r:.80}, expected numbers: "
                    f"{' '.join(columns)}"
                )
            if len(row) == len(columns):
                rows.append(row)
            elif len(row) >= _LEAST_COLUMNS:
                shorter = shorter or line.strip()
        if shorter and not rows:
            raise ProgramError(
                f"{self.name} printed {shorter!r:.80} and no longer line, expected as many numbers "
                f"as model.columns names: {' '.join(columns)}"
            )
        values = dict(zip(columns, np.array(rows).reshape(-1, len(columns)).T, strict=True))
        onsets = values["onset"]
        return Notes.from_arrays(
            onsets,
            values["offset"] if "offset" in values else onsets + values["duration"],
            values["pitch"] if "pitch" in values else hz_to_midi(values["hz"]),
            values.get("velocity", np.full(len(onsets), DEFAULT_VELOCITY)),
        )


def _words(command: str | None, columns: str | None) -> tuple[str, ...]:
    """The command as words, its program as a path.

    Raises:
        ValueError: if it is no command, lacks a place for a file, or its program is not there.
    """
    if command is not None:
        check_text("model.command", command, "tool {wav} {mid}")
    expected = "expected a program with its arguments, such as 'tool {wav} {mid}'"
    try:
        words = shlex.split(command or "")
    except ValueError as error:
        raise ValueError(f"model.command: got {command!r} ({error}), {expected}") from None
    if not words:
        given = "nothing" if command is None else repr(command)
        raise NotReady(f"model.command: got {given}, {expected}")
    if words[0] in ("{wav}", "{mid}"):
        raise ValueError(
            f"model.command: got {command!r}, which begins with a file in place of the program, "
            f"{expected}"
        )
    needed = ("{wav}", "{mid}") if columns is None else ("{wav}",)
    for place in needed:
        if not any(place in word for word in words[1:]):
            hint = "; give model.columns if it prints notes" * (place == "{mid}")
            raise ValueError(f"model.command: got {command!r} without {place}, {expected}{hint}")
    program = shutil.which(words[0])
    if program is None:
        raise NotReady(
            f"model.command: got the program {words[0]!r}, which is not installed or not on PATH, "
            "expected one that can be started"
        )
    return (program, *words[1:])


def _columns(columns: str) -> tuple[str, ...]:
    """The names of columns, checked."""
    check_text("model.columns", columns, "onset offset pitch")
    names = tuple(columns.replace(",", " ").split())
    for name in names:
        check_choice("model.columns", name, COLUMNS)
    for wanted in (("onset",), ("offset", "duration"), ("pitch", "hz")):
        if sum(names.count(one) for one in wanted) != 1:
            raise ValueError(
                f"model.columns: got {columns!r}, expected {' or '.join(wanted)} once, such as "
                "'onset offset pitch'"
            )
    return names


def _instead(said: Said, folder: Path) -> str:
    """What a program did that wrote no MIDI file where it was to: wrote another one beside the
    sound, printed it, or nothing but what it said."""
    others = sorted(one.name for one in folder.iterdir() if one.suffix.lower() in (".mid", ".midi"))
    if others:
        return (
            f" as {{mid}}, but {others[0]} beside the sound: run it through a shell that renames "
            "the file (docs/black-box.md shows one)"
        )
    if said.printed.startswith("MThd"):
        return (
            " as {mid}, but printed one: run it through a shell, "
            'sh -c \'tool "$0" > "$1"\' {wav} {mid}'
        )
    return said.last_words


def _filled(word: str, places: dict[str, str]) -> str:
    for place, path in places.items():
        word = word.replace(place, path)
    return word


def _within_full_scale(samples: Samples, wav_format: str) -> Samples:
    peak = float(np.abs(samples).max(initial=0.0))
    return samples if wav_format == "FLOAT" or peak <= 1 else samples / np.float32(peak)
