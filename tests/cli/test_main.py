"""The command line as text: mended overrides, near matches, exit codes, no torch for --help."""

from __future__ import annotations

import errno
import math
import re
import shlex
import subprocess
import sys
from dataclasses import asdict, fields, replace
from inspect import signature
from pathlib import Path

import pytest
import soundfile
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.datasets.layouts import make_maps, write_pair
from tests.rows import make_row

from pi_amt.cli.commands import COMMANDS, parser
from pi_amt.cli.main import FLAGS, main, mend
from pi_amt.cli.messages import one_line
from pi_amt.cli.overrides import quoted
from pi_amt.cli.printout import failures
from pi_amt.core.note_files import write_midi
from pi_amt.core.notes import Notes
from pi_amt.datasets.folder import folder
from pi_amt.datasets.loading import load_dataset
from pi_amt.models import loading as models
from pi_amt.models.timbre_trap.training.config import Config
from pi_amt.permutation_importance import Importance
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.card import TOLERANCE
from pi_amt.statistics.inference import EQUIVALENCE_MARGIN
from pi_amt.statistics.planning import Wanted
from pi_amt.store.store import FILE_NAME, Store


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            ["-m", "model=basic_pitch,", "dataset=maps,", "permutation=fund_mask,", "harm_mask"],
            ["-m", "model=basic_pitch", "dataset=maps", "permutation=fund_mask,harm_mask"],
        ),
        (["permutation=a,", "b,", "c", "dataset=demo"], ["permutation=a,b,c", "dataset=demo"]),
        (["model=basic_pitch", ",timbre_trap"], ["model=basic_pitch,timbre_trap"]),
        (["permutation=a,", "b", "-m"], ["-m", "permutation=a,b"]),
        (["model=a", "--cfg", "job", "-m", "seed=1"], ["--cfg", "job", "-m", "model=a", "seed=1"]),
        (["model=a", "-cd", "x=y", "seed=1"], ["-cd", "x=y", "model=a", "seed=1"]),
        (["--info", "seed=1"], ["--info=all", "seed=1"]),
        (["seed=1", "-i", "defaults", "-m"], ["--info=defaults", "-m", "seed=1"]),
        (["seed=1", "--info", "-m"], ["--info=all", "-m", "seed=1"]),
        (["--dry-run", "-m", "dataset=demo"], ["-m", "dataset=demo", "dry_run=true"]),
        (["permutation=", "a,", "b,"], ["permutation=a,b"]),
        # Not config groups, or in brackets: untouched.
        (
            ["dataset.settings=[ENSTDkAm,", "ENSTDkCl]"],
            ["dataset.settings=[ENSTDkAm,", "ENSTDkCl]"],
        ),
        (["results_dir=out,"], ["results_dir=out,"]),
        (["mask.fill=silence,background"], ["mask.fill=silence,background"]),
    ],
)
def test_lists_split_by_blanks_are_joined(given: list[str], expected: list[str]) -> None:
    assert mend(given) == expected


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="aZ '\"\\,=()[]{}~#:/é\t", max_size=12))
def test_a_quoted_value_is_read_back_whatever_its_characters(value: str) -> None:
    parser = OverridesParser.create()
    assert parser.parse_override(f"dataset.data_folder={quoted(value)}").value() == value


@pytest.mark.parametrize("name", ["Ana's takes", "takes (new)", "a=b", "it's \"this\" one, 'no'"])
def test_the_advice_for_a_value_in_need_of_quotes_can_be_pasted(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    takes = tmp_path / name
    write_pair(takes / "a.wav", takes / "a.mid")
    common = ["dataset=folder", "dry_run=true", f"results_dir={tmp_path / 'results'}"]
    status = main([*common, f"dataset.data_folder={takes}"])
    if status:
        told = capsys.readouterr().err
        assert "quotes of their own, " in told
        (advice,) = shlex.split(told.partition("quotes of their own, ")[2])
        status = main([*common, advice])
    assert status == 0
    assert "1 recording (" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.command=tool {wav} {mid}", "model.command='tool {wav} {mid}'"),
        ("model.command=sh -c 'a, b' {wav}", r"model.command='sh -c \'a, b\' {wav}'"),
        ("model.command='tool {wav} {mid}'", "model.command='tool {wav} {mid}'"),
        ("model.columns=onset, offset, hz", "model.columns='onset, offset, hz'"),
        ("model.columns=null", "model.columns=null"),
    ],
)
def test_a_command_needs_no_quotes_but_those_of_the_shell(override: str, expected: str) -> None:
    assert mend([override]) == [expected]
    meant = override.partition("=")[2].strip("'")
    read = OverridesParser.create().parse_override(expected).value()
    assert ("null" if read is None else str(read)) == meant


@pytest.mark.parametrize("name", ["2024", "2024_05_12", "1.10", "1e3", "-1", "True", "nan"])
@pytest.mark.parametrize("key", ["results_dir", "dataset.data_folder"])
def test_folders_that_look_like_numbers_need_no_quotes(key: str, name: str) -> None:
    (override,) = mend([f"{key}={name}"])
    assert OverridesParser.create().parse_override(override).value() == name
    assert mend([f"{key}=a,{name}"]) == [f"{key}=a,'{name}'"]


@pytest.mark.parametrize("given", ["results_dir='a,1,b'", "results_dir=a_1", "seed=1_0"])
def test_other_values_stay_as_they_are(given: str) -> None:
    assert mend([given]) == [given]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("results_dir=~/out", "results_dir='/home/ana/out'"),
        ("results_dir=~", "results_dir='/home/ana'"),
        ("dataset.data_folder='~/my takes'", "dataset.data_folder='/home/ana/my takes'"),
        ("+model.weights=~/a,~/b,c", "+model.weights='/home/ana/a','/home/ana/b','c'"),
        ("results_dir=/tmp/~/x", "results_dir=/tmp/~/x"),
        ("~model.weights", "~model.weights"),
        ("results_dir=~out", "results_dir=~out"),
    ],
)
def test_the_home_folder_is_written_out(
    override: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    assert mend([override]) == [expected]


def test_commands_and_datasets_know_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_pair(tmp_path / "takes" / "a.wav", tmp_path / "takes" / "a.mid")
    assert len(folder("~/takes")) == 1
    assert main(["data", "folder", "~/takes"]) == 0
    with Store("~/results") as store:
        store.write([make_row("no_permutation", 0.5)])
    assert store.path == tmp_path / "results" / FILE_NAME
    assert main(["export", "~/results", "--rows=~/rows.csv"]) == 0
    assert (tmp_path / "rows.csv").is_file()


def test_failures_of_a_study_are_told_below_the_data_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "a folder whose name is long" / "takes"
    write_pair(data / "set" / "a.wav", data / "set" / "a.mid")
    for i in range(25):
        (data / "set" / f"b{i:02}.mid").write_bytes(b"MThd")
    given = ["dataset=folder", f"dataset.data_folder={data}", f"results_dir={tmp_path / 'results'}"]
    assert main([*given, "model=basic_pitch", "executor=serial", "report=false"]) == 1
    told = capsys.readouterr().err.splitlines()
    begin = told.index("25 recordings failed:")
    assert told[begin + 1] == "  folder/set/b00: set/b00.wav: the file is missing"
    assert told[begin + 21 :] == ["  and 5 more", f"  (in {data})"]


def test_a_full_survey_says_where_notes_do_not_fit_the_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Demo recordings with their own notes, with notes 200 and 22 ms early, and cut to half."""
    good, early, short, little = list(load_dataset("demo", max_tracks=4))
    for track in (good, early, short, little):
        samples, rate = track.audio()
        notes = track.notes()
        if track is early:
            notes = Notes.from_arrays(notes.onsets - 0.2, notes.offsets - 0.2, notes.pitches)
        if track is little:
            notes = Notes.from_arrays(notes.onsets - 0.022, notes.offsets - 0.022, notes.pitches)
        if track is short:
            samples = samples[: len(samples) // 2]
        soundfile.write(tmp_path / f"{track.name}.wav", samples, rate)
        write_midi(notes, tmp_path / f"{track.name}.mid")
    assert main(["data", "folder", str(tmp_path)]) == 0
    assert "hardly fit" not in capsys.readouterr().out
    assert main(["data", "folder", str(tmp_path), "--full"]) == 0
    told = capsys.readouterr().out
    assert "notes that hardly fit the sound: 2\n" in told
    assert re.search(rf"{early.name}: the notes lie (19|20|21)\d ms before the sound", told)
    assert "onsets that Basic Pitch finds over 20 ms late or early as a whole: 1\n" in told
    assert re.search(rf"{little.name}: (2\d|3[0-2]) ms late\n", told)
    assert re.search(rf"{short.name}: \d+% of the notes begin after the sound has ended", told)


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        (["-m"], "× 1 condition = "),
        (["--multirun"], "× 1 condition = "),
        (["--config-dir", "."], "× 1 condition = "),
        (["--cfg", "job"], "dry_run: true"),
        (["--cfg=job", "--resolve"], "dry_run: true"),
        (["--info"], ""),  # goes through logging, which holds another stdout
        (["--info", "defaults"], ""),
    ],
)
@pytest.mark.parametrize("dry_run", ["dry_run=true", "--dry-run"])
def test_flags_of_hydra_stand_anywhere_beside_a_dry_run(
    flag: list[str],
    said: str,
    dry_run: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)  # the program sets it for Hydra
    for arguments in (
        ["dataset=demo", dry_run, *flag],
        ["dataset=demo", *flag, dry_run],
        [dry_run, *flag, "dataset=demo"],
        [*flag, dry_run, "dataset=demo"],
    ):
        swept = ["model=basic_pitch", "permutation=no_permutation"]
        assert main(["run", *arguments, *swept]) == 0
        assert said in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_command_and_the_sweep(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    # argparse gives long names a line of their own
    assert [n for n in COMMANDS if not re.search(rf"\n    {n}\s", text)] == []
    assert "pi-amt -m" in text


@pytest.mark.parametrize("arguments", [["--help"], ["timbre_trap", "-h"]])
def test_help_of_train_names_every_key(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments]) == 0
    told = capsys.readouterr().out
    assert [f.name for f in fields(Config) if f"\n{f.name}:" not in told] == []


def test_without_arguments_it_says_what_it_can_do_and_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    assert "usage: pi-amt" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_defaults_of_commands_are_those_of_the_library(capsys: pytest.CaptureFixture[str]) -> None:
    """They are written twice, because to import the constants takes too long for ``--help``."""
    examples = signature(Importance.report).parameters["examples"]
    wanted = {
        "plan": {"score": F_MEASURE, **asdict(Wanted())},
        "table": {"score": F_MEASURE, "equivalence_margin": EQUIVALENCE_MARGIN},
        "report": {"score": F_MEASURE, "examples": examples.default},
        "compare": {"score": F_MEASURE},
        "card": {"tolerance": TOLERANCE},
    }
    needs = {"compare": ["a", "b"], "card": ["basic_pitch"]}
    for command, expected in wanted.items():
        found = vars(parser().parse_args([command, *needs.get(command, [])]))
        assert {name: found[name] for name in expected} == expected
        with pytest.raises(SystemExit):
            parser().parse_args([command, "--help"])
        told = " ".join(capsys.readouterr().out.split())
        for name, value in expected.items():
            option = name.replace("_", "-")
            assert re.search(rf"--{option} .*?\(default: {value}[;)]", told), (command, name)


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)])
def test_help_does_not_import_torch_or_hydra(arguments: list[str]) -> None:
    code = (
        "import sys; from pi_amt.cli.main import main\n"
        f"try: assert main({[*arguments, '--help']}) == 0\n"
        "except SystemExit as end: assert end.code == 0\n"
        "sys.exit(any(m in sys.modules for m in ('torch', 'hydra', 'scipy', 'numpy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["mask.half_width_cent=50"], "half_width_cents"),
        (["permutation=fundmask"], "did you mean fund_mask"),
        (["hydra/launcher=basik"], "did you mean basic"),
        (["+foo=1"], "got unknown key 'foo'; `pi-amt run --help`"),
        (["+permutaton=fund_mask"], "did you mean permutation"),
        (["++mask.half_width_cent=50"], "did you mean mask.half_width_cents"),
        (["+model.trm=full"], "did you mean trim"),
        (["model.melodia_trick=maybe"], "melodia_trick: got 'maybe'"),
        (["model.onset_threshold=abc"], "onset_threshold: got 'abc'"),
        (["model=timbre_trap", "+model.decoder.gap=3"], "did you mean gap_ms"),
        (["model=timbre_trap", "+model.decoder.rise=abc"], "rise: got 'abc'"),
        (["n_jobs=two"], "n_jobs: got 'two'"),
        (["n_jobs=1.5"], "n_jobs: got 1.5"),
        (["repeats=two"], "repeats: got 'two'"),
        (["repeats=1.5"], "repeats: got 1.5"),
        (["tabel"], "did you mean table"),
        (["--permutation", "fund_mask"], "pi-amt perturb, expected key=value: pi-amt run permu"),
        (["run", "--permutation=fund_mask"], ": pi-amt run permutation=fund_mask"),
        (["-m", "--anatomy"], "got --anatomy, an option of pi-amt table, expected the command"),
        (["model=basic-pitch"], "basic_pitch"),
        (["dataset.subsample=2"], "subsample_every"),
        (["n_jobs=0"], "n_jobs"),
        (["n_jobs=-3"], "n_jobs"),
        (["device=cuda:7"], "device"),
        (["tuning=sharp"], "tuning"),
        (["repeats=0"], "repeats"),
        (["modle=basic_pitch"], "did you mean model"),
        (["dataset=folder", "dataset.data_folder=a (b), c"], "\"dataset.data_folder='a (b), c'\""),
        (["results_dir="], "results_dir: got nothing, expected a folder"),
        (["results_dir=null", "-m"], "results_dir: got nothing, expected a folder"),
        (["dataset=folder"], "got no dataset.data_folder, expected one"),
        (["--foo"], "got --foo, which is no flag of pi-amt run, expected key=value"),
        (["run", "-x", "seed=1"], "got -x, which is no flag"),
        (["-m", "dataset=maps,maestro", "dataset.data_folder=x"], "one command per dataset"),
        (["model=timbre_trap", "model.onset_threshold=0.4"], "the chosen model has no such option"),
        (["permutation=random", f"seed={2**63}"], "expected a whole number of at most 64 bits"),
        (["score=F-mesure"], "F-measure"),
        (["controls=maybe"], "controls: got unknown 'maybe'"),
        (["seed=abc"], "seed: got 'abc'"),
        (["mask.fill=silnce"], "fill: got 'silnce'"),
        (["shuffle.draw=once"], "draw: got 'once'"),
        (["mask.half_width_cents=-5", "permutation=fund_mask"], "half_width_cents"),
        (["table", "/nowhere/at/all"], "no results"),
        (["data", "mapz", "/tmp"], "maps"),
        (["train", "basic_pitch"], "timbre_trap"),
        (["transcribe", "x.wav", "--option", "p=1"], "--permutation"),
        (["transcribe", "a/x.wav", "b/x.wav"], "names that differ"),
        (["transcribe", "x.wav", "--permutation", "matched_energy"], "expected --midi with it"),
    ],
)
@pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning")  # lines, too
def test_a_wrong_option_is_one_line_that_names_the_right_one(
    arguments: list[str],
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)  # the program sets both for Hydra
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    hydra = [] if arguments[0] in COMMANDS else [f"results_dir={tmp_path}"]
    code = main([*arguments, *hydra])
    told = capfd.readouterr().err
    assert code == 2, told
    assert told.startswith("pi-amt: ")
    assert len(told.strip().splitlines()) == 1, told
    assert hint in told
    assert "TypeError" not in told
    assert "append" not in told  # Hydra's advice to add the mistyped key


def test_the_flags_that_a_study_takes_are_those_of_hydra() -> None:
    known = {flag for action in get_args_parser()._actions for flag in action.option_strings}
    assert set(FLAGS) == known


def test_a_full_disk_without_a_file_name_is_told_in_words() -> None:
    told = one_line(OSError(errno.ENOSPC, "No space left on device"))
    assert told.startswith("No space left on device: make room")


@pytest.mark.parametrize("suffix", [".mid", ".midi", ".txt"])
def test_a_transcription_never_takes_the_place_of_a_reference(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = tmp_path / f"take{suffix}"
    write_pair(tmp_path / "take.wav", reference)
    before = reference.read_bytes()
    transcribe = ["transcribe", str(tmp_path / "take.wav"), "-o"]
    assert main([*transcribe, str(tmp_path)]) == 2
    assert "expected another folder" in capsys.readouterr().err
    assert main([*transcribe, str(tmp_path / "out")]) == 0
    given = tmp_path / "out" / "take.mid"
    assert main([*transcribe, str(tmp_path / "out"), "--midi", str(given)]) == 2
    assert reference.read_bytes() == before
    assert not (tmp_path / "take.mid").exists() or suffix == ".mid"


def test_a_warning_is_one_line_without_source_code(tmp_path: Path) -> None:
    make_maps(tmp_path, settings=["ENSTDkAm"])
    command = [sys.executable, "-m", "pi_amt", "data", "maps", str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert told.startswith("pi-amt: warning: dataset maps: ")
    assert told.count("\n") == 1


def test_failures_name_the_conditions_where_the_recording_itself_is_good() -> None:
    rows = [
        replace(make_row(label, math.nan, track=track), role=role, status="error", error=error)
        for track, label, role, error in [
            ("a", "no_permutation", "baseline", "a.wav: empty"),
            ("a", "fund_mask", "condition", "a.wav: empty"),
            ("b", "wrong_piece(fund_mask)", "control", "a.mid: empty"),
        ]
    ]
    assert [line.partition("/")[2] for line in failures(rows)] == [
        "a: a.wav: empty",
        "b: wrong_piece(fund_mask): a.mid: empty",
    ]


@pytest.mark.parametrize(
    "command",
    [["table", "--anatomy"], ["report", "--output", "r.html"], ["export", "--notes", "n.csv"]],
)
def test_a_damaged_note_table_names_its_store(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    labels = ("no_permutation", "fund_mask")
    with Store("results") as store:
        store.write(replace(make_row(label, 0.5), notes=b"nt, but no more") for label in labels)
    assert main([command[0], "results", *command[1:]]) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path / 'results' / FILE_NAME} is damaged: got a damaged note table" in told


def test_an_export_of_a_store_without_rows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store(tmp_path):
        pass
    assert main(["export", str(tmp_path), "--rows", str(tmp_path / "rows.csv")]) == 2
    assert f"{tmp_path}: got a store without rows" in capsys.readouterr().err
    assert not (tmp_path / "rows.csv").exists()


def deaf() -> object:
    """Makes a model of somebody else that hears nothing."""
    return lambda samples, sample_rate: Notes.empty()


def test_doctor_looks_at_all_models_though_one_cannot_be_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["broken:Model", "command", "basic_pitch", "tests.cli.test_main:deaf"]
    monkeypatch.setattr(models, "available_models", lambda: names)
    assert main(["doctor"]) == 1
    told = capsys.readouterr().out
    assert "command      not ready: model.command: got nothing, expected a program" in told
    assert "WRONG: model: cannot load broken:Model" in told
    assert "tests.cli.test_main:deaf runs, and hears [] in a synthetic A4" in told
    assert "ok: hears a synthetic A4 · published weights" in told


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("run", "train")])
def test_help_ends_with_an_example_that_parses(command: str) -> None:
    """Those of ``run`` and ``train`` are Hydra's and the trainer's own."""
    helped = subprocess.run(
        [sys.executable, "-m", "pi_amt", command, "--help"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    last = helped.strip().splitlines()[-1].partition("   ")[0].strip()
    words = shlex.split(last)
    assert words[:2] == ["pi-amt", command]
    assert parser().parse_args(words[1:]).command == command
