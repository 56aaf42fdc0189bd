"""``pi-amt score``: two files or two folders, without a model."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pi_amt.cli.main import main
from pi_amt.core.note_files import write_csv, write_midi
from pi_amt.core.notes import Notes


def notes(n: int = 30, late: float = 0.0) -> Notes:
    onsets = 0.5 * np.arange(n) + 0.1 + late
    return Notes.from_arrays(onsets, onsets + 0.4, 40 + 7.0 * (np.arange(n) % 5))


def line(text: str, begin: str) -> list[str]:
    return next(row for row in text.splitlines() if row.startswith(begin)).split()


def test_two_files_give_scores_fates_and_where_the_onsets_lie(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_midi(notes(), tmp_path / "ref.mid")
    write_csv(notes(late=0.03)[np.arange(30) % 3 != 0], tmp_path / "est.csv")
    arguments = [str(tmp_path / name) for name in ("ref.mid", "est.csv", "scores.csv")]
    assert main(["score", arguments[0], arguments[1], "--csv", arguments[2]]) == 0
    told = capsys.readouterr().out
    assert line(told, "pitch, onset within 50 ms ")[-3:] == ["0.800", "1.000", "0.667"]
    assert "What became of 10 missed notes" in told
    assert line(told, "gone ")[1] == "10"
    assert "all onsets are 30 ms late" in " ".join(told.split())
    (record,) = csv.DictReader(Path(arguments[2]).read_text(encoding="utf-8").splitlines())
    assert float(record["F"]) == pytest.approx(0.8)
    assert (record["file"], record["missed"], record["gone"]) == ("est", "10", "10")
    assert float(record["onset_offset_ms"]) == pytest.approx(30, abs=0.1)


def test_folders_are_paired_by_name_and_the_unpaired_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refs, ests = tmp_path / "refs", tmp_path / "ests" / "deep"
    refs.mkdir()
    ests.mkdir(parents=True)
    for name, found in (("a", 30), ("B", 15)):
        write_midi(notes(), refs / f"{name}.mid")
        write_csv(notes(found), ests / f"{name.lower()}.csv")
    write_midi(notes(), refs / "alone.mid")
    write_midi(notes(), ests / "other.mid")
    write_csv(notes(1), refs / "a.txt.csv")  # another name
    table = tmp_path / "scores.csv"
    assert main(["score", str(refs), str(tmp_path / "ests"), "--csv", str(table)]) == 0
    said = capsys.readouterr()
    assert line(said.out, "mean ")[1:4] == ["0.833", "1.000", "0.750"]
    for name in ("alone.mid", "other.mid"):
        assert name in said.err
    records = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [record["file"] for record in records] == ["a", "B"]
    assert float(records[1]["recall"]) == 0.5


def test_links_to_folders_are_followed_and_loops_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refs, ests = tmp_path / "refs", tmp_path / "ests"
    for folder in (refs / "deep", ests):
        folder.mkdir(parents=True)
        write_midi(notes(), folder / "a.mid")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "refs").symlink_to(refs)
    (refs / "deep" / "loop").symlink_to(refs)
    assert main(["score", str(tmp_path / "linked"), str(ests)]) == 0
    said = capsys.readouterr()
    assert line(said.out, "mean ")[1] == "1.000"
    assert said.err == ""


def test_midi_goes_before_text_of_the_same_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("refs", "ests"):
        (tmp_path / folder).mkdir()
        write_midi(notes(), tmp_path / folder / "a.mid")
    (tmp_path / "refs" / "a.txt").write_text("0 1 60\n")
    assert main(["score", str(tmp_path / "refs"), str(tmp_path / "ests")]) == 0
    assert line(capsys.readouterr().out, "mean ")[1] == "1.000"


def test_a_broken_file_is_told_and_the_others_are_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("refs", "ests"):
        (tmp_path / folder).mkdir()
        for name in "ab":
            write_midi(notes(), tmp_path / folder / f"{name}.mid")
    (tmp_path / "ests" / "a.mid").write_bytes(b"")
    assert main(["score", str(tmp_path / "refs"), str(tmp_path / "ests")]) == 1
    said = capsys.readouterr()
    assert "a.mid: the file is empty" in said.err
    assert "1 transcription against" in said.out


def test_what_cannot_be_scored_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("refs", "ests"):
        (tmp_path / folder).mkdir()
        write_midi(notes(), tmp_path / folder / f"{folder}.mid")
    write_midi(Notes.empty(), tmp_path / "none.mid")
    milliseconds = [f"{1000 * a:.0f},{1000 * b:.0f},60" for a, b in zip(
        notes().onsets, notes().offsets, strict=True)]  # fmt: skip
    (tmp_path / "ms.csv").write_text("\n".join(milliseconds))
    (tmp_path / "hz.csv").write_text("0,1,261.6\n")
    for reference, estimate, told in (
        ("refs", "ests", "no file of the same name"),
        ("refs", "none.mid", "expected two files or two folders"),
        ("refs/refs.mid", "missing.mid", "missing.mid: the file is missing"),
        ("none.mid", "refs/refs.mid", "reference: got no notes"),
        ("refs/refs.mid", "ms.csv", "expected seconds in both"),
        ("refs/refs.mid", "hz.csv", "Hz become MIDI numbers"),
    ):
        assert main(["score", str(tmp_path / reference), str(tmp_path / estimate)]) == 2
        said = capsys.readouterr().err.strip().splitlines()[-1]
        assert told in said
        assert said.startswith("pi-amt: ")


def test_a_transcription_without_notes_is_scored_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_midi(notes(), tmp_path / "ref.mid")
    write_midi(Notes.empty(), tmp_path / "est.mid")
    assert main(["score", str(tmp_path / "ref.mid"), str(tmp_path / "est.mid")]) == 0
    told = capsys.readouterr().out
    assert "the transcription has no notes" in told
    assert line(told, "gone ")[1] == "30"


def test_no_model_is_loaded(tmp_path: Path) -> None:
    write_midi(notes(), tmp_path / "a.mid")
    code = (
        "import sys; from pi_amt.cli.main import main; "
        f"main(['score', {str(tmp_path / 'a.mid')!r}, {str(tmp_path / 'a.mid')!r}]); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
