"""The sub-commands of ``pi-amt``: for each a function that adds its arguments to a parser, and one
that does what was asked.

The functions import what they need when they are called, so that ``--help`` appears at once.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

from pi_amt.cli.overrides import options_of_model, with_home
from pi_amt.core.text import listed, plural
from pi_amt.core.version import __version__

if TYPE_CHECKING:
    from pi_amt.datasets.track import Dataset

_HEARD_SECONDS = 60.0  # of each recording: enough to tell whether its notes fit


def _transcribe(command: ArgumentParser) -> None:
    """write the notes of audio files as MIDI, clean or perturbed"""
    command.add_argument("audio", nargs="+", help="audio files")
    command.add_argument(
        "-o", "--output", default=".", help="folder for the MIDI files (default: this folder)"
    )
    command.add_argument(
        "--model",
        default="basic_pitch",
        help="basic_pitch (default), any other that pi-amt list shows, or package.module:Class",
    )
    command.add_argument(
        "--model-option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="option of the model, e.g. size=nano",
    )
    _weights_and_device(command)
    command.add_argument("--permutation", help="perturb the input first, e.g. fund_mask")
    command.add_argument("--midi", help="reference notes, for permutations that need them")
    _options_of_a_permutation(command)
    command.add_argument("--csv", action="store_true", help="also write the notes as <name>.csv")
    command.add_argument(
        "--save-perturbed-audio",
        action="store_true",
        help="also write what the model heard as <name>.perturbed.wav; the whole recording is then "
        "held in memory (1 GB for six minutes of Timbre-Trap)",
    )
    _examples(
        command,
        "pi-amt transcribe take.wav -o transcriptions --csv",
        "pi-amt transcribe take.wav --permutation fund_mask --midi take.mid -o perturbed",
        "pi-amt transcribe take.wav --model callable "
        "--model-option function=my_transcriber.py:transcribe",
    )
    command.set_defaults(run=do_transcribe)


def do_transcribe(options: Namespace) -> int:
    from pi_amt.cli.transcribe import transcribe

    return transcribe(options)


def _perturb(command: ArgumentParser) -> None:
    """write a recording as it sounds under a mask, as a file for any tool"""
    command.add_argument("audio", help="audio file")
    command.add_argument("--permutation", required=True, help="a mask, e.g. ratio_fund_mask")
    command.add_argument("--midi", help="reference notes, for permutations that need them")
    _options_of_a_permutation(command)
    command.add_argument(
        "-o", "--output", required=True, help="the sound, a name that ends in .wav or .flac"
    )
    _examples(
        command,
        "pi-amt perturb take.wav --midi take.mid --permutation ratio_fund_mask -o without.wav",
    )
    command.set_defaults(run=do_perturb)


def do_perturb(options: Namespace) -> None:
    """Write the perturbed sound."""
    from pi_amt.cli.perturb import perturb

    perturb(options)


def _options_of_a_permutation(command: ArgumentParser) -> None:
    _option(command, "option of the permutation, e.g. half_width_cents=100")
    command.add_argument("--seed", type=int, default=0, help="seed of the draws (default: 0)")


def _score_notes(command: ArgumentParser) -> None:
    """score transcriptions of any system against their reference notes, without a model"""
    command.add_argument("reference", help="file of notes, or a folder of them")
    command.add_argument(
        "estimate", help="the transcription, or a folder of them with files of the same names"
    )
    command.add_argument(
        "--pedal",
        default="extend",
        choices=("extend", "ignore"),
        help="of MIDI: whether the pedal holds notes (default: extend); only offsets depend on it",
    )
    command.add_argument("--csv", metavar="F", help="also write a line per file as CSV")
    _examples(
        command,
        "pi-amt score take.mid transcription.mid",
        "pi-amt score references transcriptions --csv scores.csv",
    )
    command.set_defaults(run=do_score)


def do_score(options: Namespace) -> int:
    """Score notes against notes; 1 if files of a folder cannot be scored."""
    from pi_amt.cli.score import score

    return score(options)


def _table(command: ArgumentParser) -> None:
    """print the tables of a results folder from its stored rows, without running a model"""
    _results(command)
    _score(command)
    command.add_argument(
        "--variants",
        default="newest",
        choices=("newest", "separate", "refuse"),
        help="where rows differ in weights, settings or version: take the newest complete set "
        "(default), show each set by itself, or refuse",
    )
    command.add_argument(
        "--all",
        action="store_true",
        help="print every table with its notes and warnings, instead of the short answer",
    )
    command.add_argument(
        "--equivalence-margin",
        type=float,
        default=0.03,
        metavar="M",
        help="the verdict is 'does not rely' where the excess confidently lies within ±M "
        "(default: 0.03)",
    )
    command.add_argument("--csv", metavar="F", help="also write CSV")
    command.add_argument("--latex", metavar="F", help="also write LaTeX (booktabs)")
    command.add_argument("--parquet", metavar="F", help="also write Parquet")
    command.add_argument("--markdown", action="store_true", help="print every table as Markdown")
    command.add_argument(
        "--anatomy",
        action="store_true",
        help="print every table, and also false notes by interval, drops by kind of note and what "
        "became of the lost notes",
    )
    command.add_argument(
        "--errors",
        action="store_true",
        help="print only what failed and has not succeeded since, with tracebacks",
    )
    _examples(command, "pi-amt table results --csv drops.csv --latex drops.tex")
    command.set_defaults(run=do_table)


def do_table(options: Namespace) -> None:
    """Print and write the table of stored rows, or print what failed."""
    if options.errors:
        _print_errors(options.results)
        return
    from pi_amt.cli.printout import print_headline, print_short, tables_of
    from pi_amt.permutation_importance import Importance
    from pi_amt.store.renamed import read_results
    from pi_amt.store.store import note_tables_of

    rows, said = read_results(options.results, notes=options.anatomy)
    with note_tables_of(options.results):
        importance = Importance.from_rows(
            rows,
            score=options.score,
            variants=options.variants,
            equivalence_margin=options.equivalence_margin,
            messages=said,
        )
        everything = options.all or options.anatomy or options.markdown
        tables = tables_of(importance) if everything else []
    result = importance.table()
    for path, write in (
        (options.csv, result.to_csv),
        (options.latex, result.to_latex),
        (options.parquet, result.to_parquet),
    ):
        if path:
            write(path)
            print(f"wrote {path}", file=sys.stderr)
    if not everything:
        for line in said:  # the screen below has no room for notes, and these say what it is of
            print(f"pi-amt: {line}", file=sys.stderr)
        print_short(importance, {}, store=options.results)
        return
    for shown in tables:
        text = (
            f"{shown.title}\n\n{shown.to_markdown()}"
            if options.markdown
            else shown.to_text(fold=True)
        )
        print(f"{text}\n")
    print_headline(importance)


def _print_errors(results: str) -> None:
    """What failed, by recording and reason: conditions that failed alike stand together."""
    from pi_amt.store.store import read_errors

    alike: dict[tuple[str, ...], list[str]] = {}
    for row in read_errors(results):
        place = (row.model, row.dataset, row.track, row.error, row.traceback)
        alike.setdefault(place, []).append(row.label)
    for (model, dataset, track, error, traceback), labels in alike.items():
        print(f"{model} × {dataset}/{track} ({', '.join(dict.fromkeys(labels))})\n  {error}")
        print(f"{indent(traceback.rstrip() or 'no traceback was kept', '  ')}\n")
    print("nothing failed" if not alike else f"{plural(len(alike), 'failure')}")


def _report(command: ArgumentParser) -> None:
    """make one self-contained HTML file of a results folder"""
    _results(command)
    _score(command)
    command.add_argument(
        "-o", "--output", default="report.html", help="the file (default: report.html)"
    )
    command.add_argument(
        "--examples",
        type=int,
        default=3,
        help="number of recordings in the explorer; 0 leaves it out (default: 3)",
    )
    _examples(command, "pi-amt report results -o report.html --examples 5")
    command.set_defaults(run=do_report)


def do_report(options: Namespace) -> None:
    """Write the HTML report."""
    from pi_amt.report.page.build import build
    from pi_amt.store.store import note_tables_of

    with note_tables_of(options.results):
        page = build(
            options.results, options.output, score=options.score, examples=options.examples
        )
    print(page)


def _compare(command: ArgumentParser) -> None:
    """compare two results folders (of two versions or weights), recording by recording"""
    command.add_argument("store_a", help="results folder or store")
    command.add_argument("store_b", help="results folder or store")
    _score(command)
    command.add_argument("--csv", metavar="F", help="also write CSV")
    command.add_argument("--html", metavar="F", help="also write a page with pictures")
    _examples(command, "pi-amt compare results_old results_new --html differences.html")
    command.set_defaults(run=do_compare)


def do_compare(options: Namespace) -> None:
    """Print the paired comparison of two stores.

    Raises:
        ValueError: if one of them has no rows, or nothing can be compared.
    """
    from pi_amt.report.tables.contrasts import compare
    from pi_amt.store.renamed import read_results

    stores = {s: read_results(s, notes=False) for s in (options.store_a, options.store_b)}
    for store, (rows, _) in stores.items():
        if not rows:
            raise ValueError(
                f"compare: got a store without rows in {store}, expected results, run a study first"
            )
    (rows_a, said_a), (rows_b, said_b) = stores[options.store_a], stores[options.store_b]
    result = compare(rows_a, rows_b, score=options.score)
    renamed = [f"{name}: {line}" for name, said in (("A", said_a), ("B", said_b)) for line in said]
    result = replace(result, footers=(*result.footers, *renamed))
    if options.csv:
        result.to_csv(options.csv)
    if options.html:
        from pi_amt.report.page.comparison import write_comparison

        write_comparison(result, options.html, (options.store_a, options.store_b))
    print(result)


def _plan(command: ArgumentParser) -> None:
    """say how many recordings a study needs, from the spread in the results of an earlier one"""
    _results(command)
    _score(command)
    command.add_argument(
        "--half-width",
        type=float,
        default=0.05,
        help="wanted half-width of the 95 %% intervals (default: 0.05)",
    )
    command.add_argument(
        "--equivalence-margin",
        type=float,
        default=0.03,
        metavar="M",
        help="an excess that confidently lies within ±M counts as none (default: 0.03)",
    )
    command.add_argument(
        "--power", type=float, default=0.8, help="chance that a test succeeds (default: 0.8)"
    )
    command.add_argument("--csv", metavar="F", help="also write CSV")
    _examples(command, "pi-amt plan results --half-width 0.02")
    command.set_defaults(run=do_plan)


def do_plan(options: Namespace) -> None:
    """Print how many recordings each condition needs.

    Raises:
        ValueError: for options that cannot be meant, or too few recordings to plan from.
    """
    from pi_amt.report.tables.planning import planning_table
    from pi_amt.statistics.planning import Wanted
    from pi_amt.statistics.result import Result
    from pi_amt.store.renamed import read_results

    wanted = Wanted(options.half_width, options.equivalence_margin, options.power)
    rows, said = read_results(options.results, notes=False)
    table = planning_table(Result.from_rows(rows, score=options.score, messages=said), wanted)
    if options.csv:
        table.to_csv(options.csv)
    print(table)


def _export(command: ArgumentParser) -> None:
    """write raw rows or notes for analysis elsewhere"""
    _results(command)
    command.add_argument("--rows", metavar="F", help="write all rows, as .csv or .parquet")
    command.add_argument(
        "--notes", metavar="F", help="write the notes of all rows, as .csv or .parquet"
    )
    _examples(command, "pi-amt export results --rows rows.csv --notes notes.csv")
    command.set_defaults(run=do_export)


def do_export(options: Namespace) -> None:
    """Write raw rows and notes.

    Raises:
        ValueError: if neither was asked for, or there are no rows.
    """
    from pi_amt.store.export import export_notes, export_rows
    from pi_amt.store.store import note_tables_of, read_rows
    from pi_amt.store.untouched import untouched_are_empty

    rows = untouched_are_empty(read_rows(options.results))
    if not (options.rows or options.notes):
        raise ValueError("export: got neither --rows nor --notes, expected one of them")
    if not rows:
        raise ValueError(
            f"{options.results}: got a store without rows, expected results, run a study first"
        )
    if options.rows:
        print(f"{options.rows}: {plural(export_rows(rows, options.rows), 'row')}")
    if options.notes:
        with note_tables_of(options.results):
            count = export_notes(rows, options.notes)
        print(f"{options.notes}: {plural(count, 'note')}")


def _calibrate(command: ArgumentParser) -> None:
    """measure how far each mask is from the true ablation, on synthesised tones or on music"""
    command.add_argument(
        "model", help="basic_pitch, any other that pi-amt list shows, or package.module:Class"
    )
    _weights_and_device(command)
    _option(command, "option of the model, e.g. size=nano")
    command.add_argument(
        "--music",
        action="store_true",
        help="on music: the drop under each mask beside the true drop; takes minutes, and tables "
        "and reports show the bias from then on",
    )
    command.add_argument(
        "--masks",
        metavar="A,B",
        help="with --music: config names of the masks, in place of all that are calibrated",
    )
    command.add_argument(
        "--domain",
        choices=("input", "audio"),
        default="input",
        help="with --music: what the masks act on, the model's input (default) or the sound that "
        "it hears",
    )
    command.add_argument(
        "--save",
        metavar="F",
        help="with --music: the JSON file to write (default: in the user's "
        "data folder, where tables and reports look for it)",
    )
    _examples(
        command,
        "pi-amt calibrate basic_pitch",
        "pi-amt calibrate callable --option function=my_transcriber.py:transcribe --music "
        "--domain audio --masks ratio_fund_mask,ratio_harm_mask",
    )
    command.set_defaults(run=do_calibrate)


def do_calibrate(options: Namespace) -> None:
    """Print how close each mask comes to the true ablation.

    Raises:
        ValueError: for an option that needs ``--music`` without it, for a mask that is not
            calibrated, or if a recording failed.
    """
    if options.music:
        _calibrate_music(options)
        return
    own = {
        "save": options.save,
        "masks": options.masks is not None,
        "domain": options.domain != "input",
    }
    if given := [f"--{name}" for name, asked in own.items() if asked]:
        raise ValueError(
            f"calibrate: got {', '.join(given)} without --music, expected both or neither"
        )
    from pi_amt.models.loading import load_model
    from pi_amt.report.tables.calibration import calibration_table
    from pi_amt.study.calibration import calibrate

    model = load_model(options.model, **options_of_model(options))
    name = f"{model.identity.name} ({model.identity.weights_label})"
    print(calibration_table(name, calibrate(model)))


def _calibrate_music(options: Namespace) -> None:
    """Print the known bias of each mask, and keep it where tables and reports find it."""
    from pi_amt.core.hashing import canonical_json
    from pi_amt.models.loading import ModelSpec
    from pi_amt.report.tables.calibration import bias_table
    from pi_amt.statistics.bias import BiasTable, user_folder
    from pi_amt.study.truth import TRUTH_SET, calibrate_music, calibrated_masks

    given = options_of_model(options)
    if options.domain != "input":
        given["domain"] = options.domain
    masks = calibrated_masks(None if options.masks is None else options.masks.split(","))
    rows = calibrate_music(ModelSpec(options.model, canonical_json(given)), calibrated=masks)
    table = BiasTable.from_rows(rows.clean, rows.pairs, TRUTH_SET)
    print(bias_table(table))
    if options.save:
        path = Path(options.save)
    else:
        path, table = user_folder() / table.file_name, table.with_kept()
    print(f"\n{table.write(path)}: known bias of {plural(len(table.masks), 'mask')}")


def _card(command: ArgumentParser) -> None:
    """write a card of what a model relies on, and compare it with the card of an older release"""
    command.add_argument(
        "model",
        help="basic_pitch, any other that pi-amt list shows, package.module:Class, or a results "
        "folder of domain=audio, from whose rows the card is made",
    )
    _weights_and_device(command)
    _option(command, "option of the model, e.g. size=nano")
    command.add_argument(
        "--seconds",
        type=float,
        default=5.0,
        help="how many seconds to run of each of the six recordings of the truth set (default: 5)",
    )
    command.add_argument("--results", metavar="DIR", help="keep the rows in this results folder")
    command.add_argument("--dataset", help="which dataset, where the results folder holds several")
    command.add_argument("-o", "--output", metavar="F", help="write the card as JSON")
    command.add_argument("--against", metavar="OLD.json", help="an older card to compare with")
    command.add_argument(
        "--fail-if-changed",
        action="store_true",
        help="exit with status 1 if a measure has changed since the card of --against",
    )
    command.add_argument(
        "--tolerance",
        type=float,
        default=0.01,
        help="a smaller difference is no change, even if its interval excludes 0 (default: 0.01)",
    )
    _examples(
        command,
        "pi-amt card basic_pitch -o card.json",
        "pi-amt card package.module:MyModel --against card.json --fail-if-changed",
    )
    command.set_defaults(run=do_card)


def do_card(options: Namespace) -> int:
    """Print a card; 1 if it has changed and may not."""
    from pi_amt.cli.card import card

    return card(options)


def _check(command: ArgumentParser) -> None:
    """check a model, dataset or permutation against the rules that every study relies on"""
    command.add_argument(
        "name", help="one that pi-amt list shows, or package.module:attribute of your own"
    )
    command.add_argument(
        "--kind",
        choices=("model", "dataset", "permutation"),
        help="what it is, if its name does not tell",
    )
    _option(command, "option of it, e.g. data_folder=recordings or function=file.py:transcribe")
    _weights_and_device(command)
    command.add_argument(
        "--rate", type=int, help="sample rate of a model's sounds, Hz (default: the model's own)"
    )
    _examples(
        command,
        "pi-amt check my_package.models:MyModel --device cpu",
        "pi-amt check callable --option function=my_transcriber.py:transcribe",
        "pi-amt check command --option command='transkun {wav} {mid}'",
        "pi-amt check folder --option data_folder=recordings",
        "pi-amt check fund_mask --option half_width_cents=100",
    )
    command.set_defaults(run=do_check)


def do_check(options: Namespace) -> int:
    """Print what is wrong; 1 if something is."""
    from pi_amt.cli.check import check

    return check(options)


def _new(command: ArgumentParser) -> None:
    """write a folder with a model, dataset or permutation of your own to begin from"""
    command.add_argument("kind", choices=("model", "dataset", "permutation"))
    command.add_argument(
        "name", help="its name, also that of the new folder: small letters, digits and _"
    )
    _examples(command, "pi-amt new model my_model")
    command.set_defaults(run=do_new)


def do_new(options: Namespace) -> None:
    """Write the folder, and say what to do with it."""
    from pi_amt.cli.new import write_package

    folder = write_package(options.kind, options.name)
    print(f"wrote {folder}/src/{options.name}.py, a {options.kind} that works, with its tests")
    print(f"next: pip install --editable './{folder}[test]' && pytest {folder}")
    print(f"{folder}/README.md says how to go on")


def _data(command: ArgumentParser) -> None:
    """look through a dataset folder: tracks, hours, missing partners, unreadable files"""
    command.add_argument("dataset", help="maps, maestro, folder or another that pi-amt list shows")
    command.add_argument(
        "data_folder", nargs="?", help="where its files are; not for datasets that are built in"
    )
    command.add_argument(
        "--full",
        action="store_true",
        help="decode every file instead of reading headers, and say where the notes hardly fit "
        "the sound, or onsets are found over 20 ms late or early as a whole",
    )
    _examples(command, "pi-amt data folder my_recordings --full")
    command.set_defaults(run=do_data)


def do_data(options: Namespace) -> int:
    """Print what is in a dataset folder; 1 if something is missing or unreadable."""
    from pi_amt.datasets.loading import load_dataset, survey

    folder = {} if options.data_folder is None else {"data_folder": options.data_folder}
    dataset = load_dataset(options.dataset, **folder)
    found = survey(dataset, full=options.full)
    print(found)
    if options.full:
        doubts: dict[str, list[str]] = {}
        for kind, line in _doubts(dataset):
            doubts.setdefault(kind, []).append(line)
        for kind, lines in doubts.items():
            print(f"{kind}: {len(lines)}")
            for line in listed(lines):
                print(f"  {line}")
    return 0 if found.is_clean else 1


def _doubts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """(what is odd, the recording and how) where the notes cannot be right, or all onsets are off
    by the same time, as far as a transcription shows."""
    from pi_amt.core.errors import printable
    from pi_amt.models.loading import load_model
    from pi_amt.scoring.alignment import (
        SHIFTED_MS,
        alignment,
        onset_offset_ms,
        share_beyond,
        whole_shift,
    )

    model = load_model("basic_pitch")
    for track in dataset:
        try:
            (samples, rate), notes = track.audio(), track.notes()
        except (OSError, ValueError):  # told by the survey
            continue
        heard = model.transcribe(samples[: round(_HEARD_SECONDS * rate)], rate)
        reference = notes.clipped(_HEARD_SECONDS)
        found = alignment(reference, heard, _HEARD_SECONDS)
        beyond = share_beyond(notes, len(samples) / rate)
        if cause := replace(found, beyond=beyond).likely_cause:
            yield "notes that hardly fit the sound", printable(f"{track.name}: {cause}")
        elif shift := whole_shift(onset_offset_ms(reference, heard)):
            kind = f"onsets that Basic Pitch finds over {SHIFTED_MS:g} ms late or early as a whole"
            yield kind, printable(f"{track.name}: {shift}")


def _list(command: ArgumentParser) -> None:
    """show models, datasets, permutations, scorers, executors and experiments, with their origin"""
    _examples(command, "pi-amt list")
    command.set_defaults(run=do_list)


def do_list(options: Namespace) -> None:
    """Print everything that can be named on the command line, with its origin; of a plug-in that
    cannot be used, why."""
    from pi_amt.cli.config_keys import names_in
    from pi_amt.cli.plugins import REGISTRIES

    for kind, registry in REGISTRIES.items():
        entries = list(registry.look())
        print(f"{kind}s:" if entries else f"{kind}s: none")
        for entry in entries:
            said = f"BROKEN: {entry.problem}" if entry.problem else entry.summary
            print(f"  {entry.name:18} {entry.origin:12} {said}")
    print("experiments: " + ", ".join(names_in("experiment")))


def _doctor(command: ArgumentParser) -> None:
    """check this installation: versions, weights, cores, GPU, and a known answer from each model"""
    _examples(command, "pi-amt doctor")
    command.set_defaults(run=do_doctor)


def do_doctor(options: Namespace) -> int:
    """Check the installation; 1 if something is wrong."""
    from pi_amt.cli.doctor import examine

    return 0 if examine() else 1


def _run(command: ArgumentParser) -> None:
    """do one run or, with -m, a sweep; the word run may be left out before key=value or -m"""


def _resume(command: ArgumentParser) -> None:
    """go on with a study that was stopped, from what its results folder holds"""
    _results(command)
    command.formatter_class = RawDescriptionHelpFormatter
    command.epilog = """\
The newest study of the folder goes on: what is missing is computed, and the table, the
run folders and the report are made as the study itself would have made them.

Its configuration was stored when it started. Config files are not read, so they may have
been edited or deleted, and the results folder may have been moved. Recordings may have
been moved only if their dataset still finds them. If weights, recordings or the method have
changed since, nothing is computed, and the message says what has changed.

examples:
  pi-amt resume                 the study in ./results
  pi-amt resume /data/results   one in another folder
"""
    command.set_defaults(run=do_resume)


def do_resume(options: Namespace) -> int:
    """Go on with a study; 1 if recordings failed."""
    from pi_amt.cli.app import resume
    from pi_amt.cli.printout import print_failures

    done = resume(options.results)
    print_failures(done.failed, done.folders)
    return 1 if done.failed else 0


def _train(command: ArgumentParser) -> None:
    """train a model: pi-amt train timbre_trap [key=value ...]"""


def do_train(arguments: list[str]) -> int:
    """Train a model; the other arguments are Hydra overrides, which ``--help`` lists.

    Raises:
        ValueError: for another model, or without the packages that training needs.
    """
    if {"-h", "--help"} & set(arguments):
        print("usage: pi-amt train timbre_trap [key=value ...]; the keys and their defaults:\n")
        print((files("pi_amt") / "models/timbre_trap/training/timbre_trap.yaml").read_text("utf-8"))
        return 0
    if arguments[:1] != ["timbre_trap"]:
        got = arguments[0] if arguments else "nothing"
        raise ValueError(f"train: got {got}, expected timbre_trap [key=value ...]")
    if find_spec("symusic") is None:
        raise ValueError("train: the extra packages are missing, pip install 'pi_amt[train]'")
    from pi_amt.models.timbre_trap.training.loop import main

    return main([with_home(argument) for argument in arguments[1:]])


def _results(command: ArgumentParser) -> None:
    command.add_argument(
        "results",
        nargs="?",
        default="results",
        help="results folder or store (default: results)",
    )


def _score(command: ArgumentParser) -> None:
    command.add_argument(
        "--score",
        default="F-measure_no_offset",  # F_MEASURE, which takes SciPy to import
        help="score that drops are of (default: F-measure_no_offset; `--score which` names all)",
    )


def _examples(command: ArgumentParser, *lines: str) -> None:
    """Commands to copy, the last thing that ``--help`` shows."""
    command.formatter_class = RawDescriptionHelpFormatter
    head = "example:" if len(lines) == 1 else "examples:"
    command.epilog = "\n  ".join([head, *lines])


def _option(command: ArgumentParser, what: str) -> None:
    command.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help=what)


def _weights_and_device(command: ArgumentParser) -> None:
    command.add_argument("--weights", help="file of weights other than those shipped")
    command.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")


#: Every command in the order of ``--help``, which shows the docstrings of these functions.
#: What follows ``run`` and ``train`` is in Hydra's grammar and never comes to argparse.
COMMANDS: dict[str, Callable[[ArgumentParser], None]] = {
    "transcribe": _transcribe,
    "perturb": _perturb,
    "score": _score_notes,
    "table": _table,
    "report": _report,
    "compare": _compare,
    "plan": _plan,
    "export": _export,
    "calibrate": _calibrate,
    "card": _card,
    "check": _check,
    "new": _new,
    "data": _data,
    "list": _list,
    "doctor": _doctor,
    "run": _run,
    "resume": _resume,
    "train": _train,
}

_EPILOG = """\
`pi-amt run --help` explains every option of a study, and `pi-amt COMMAND --help` those of a
command, with examples. `pi-amt list` shows models, datasets, conditions and experiments.
`python -m pi_amt` is the same program. Documentation: README.md and docs/.

a first answer:
  pi-amt experiment=answer                    what both models rely on, on the built-in recordings
  pi-amt table --all                          all figures of it

the study:
  pi-amt -m dataset=demo                      2 models x 8 conditions on the built-in recordings
  pi-amt -m dataset=demo controls=true repeats=5
  pi-amt model=basic_pitch dataset=maps permutation=fund_mask dataset.data_folder=DIR
  pi-amt experiment=dose                      or harmonic_profile, shapley, sensitivity, ...
  pi-amt -m dataset=maestro dry_run=true      compute nothing, say what it would take
  pi-amt -m                                   2 models x 2 datasets x 8 conditions

without a model:
  pi-amt score references transcriptions      score the notes of any system
"""


def owners_of(option: str) -> list[str]:
    """The commands that have a long option, such as ``--permutation``, of their own."""
    owners = []
    for name, add_arguments in COMMANDS.items():
        command = ArgumentParser(add_help=False)
        add_arguments(command)
        if option.startswith("--") and any(option in a.option_strings for a in command._actions):
            owners.append(name)
    return owners


def parser() -> ArgumentParser:
    """The parser of the sub-commands; ``run`` of what it returns does what was asked."""
    top = ArgumentParser(
        prog="pi-amt",
        description="Which harmonic features does a music-transcription model rely on? pi-amt\n"
        "perturbs the model's own input, transcribes again and reports the drop in note\n"
        "F-measure.",
        epilog=_EPILOG,
        formatter_class=partial(RawDescriptionHelpFormatter, max_help_position=20),
    )
    top.add_argument("--version", action="version", version=f"pi-amt {__version__}")
    commands = top.add_subparsers(dest="command", metavar="command")
    for name, add_arguments in COMMANDS.items():
        summary = add_arguments.__doc__
        add_arguments(commands.add_parser(name, help=summary, description=summary))
    return top
