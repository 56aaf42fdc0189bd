"""What the sub-commands of ``pi-amt`` do; each takes its parsed options."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from pi_amt.cli.config_keys import names_in
from pi_amt.cli.overrides import with_home
from pi_amt.cli.printout import print_headline, tables_of
from pi_amt.core.audio import read_audio
from pi_amt.core.errors import printable
from pi_amt.core.note_files import read_notes, write_midi
from pi_amt.core.notes import Notes
from pi_amt.core.text import listed, plural
from pi_amt.core.tuning import estimate_tuning
from pi_amt.datasets import loading as datasets
from pi_amt.datasets.folder import NOTES_SUFFIXES
from pi_amt.datasets.track import Dataset
from pi_amt.models import loading as models
from pi_amt.models.loading import load_model
from pi_amt.permutation_importance import Importance
from pi_amt.permutations import loading as permutations
from pi_amt.report.tables.contrasts import compare
from pi_amt.scoring.alignment import alignment, share_beyond
from pi_amt.scoring.notes import score_notes
from pi_amt.store.renamed import read_results
from pi_amt.store.store import note_tables_of, read_rows

_HEARD_SECONDS = 60.0  # of each recording: enough to tell whether its notes fit
_REFERENCES = (*NOTES_SUFFIXES, ".txt")  # of MAPS: text, unless there is a .mid


def do_transcribe(options: Namespace) -> int:
    """Write ``<name>.mid`` per audio file; broken files are reported, the others go on.

    Raises:
        ValueError: for options that do not go together, or names that would collide.
    """
    model = load_model(options.model, weights=options.weights, device=options.device)
    permutation = None
    if options.permutation:
        permutation = permutations.load_permutation(options.permutation, **_options(options.option))
        if permutation.prepass() is not None:
            raise ValueError(
                f"--permutation: got {permutation.name}, which must read a whole recording first; "
                "it works in studies only"
            )
    elif options.option:
        raise ValueError("--option: got one without --permutation, expected both")
    notes = read_notes(options.midi) if options.midi else None
    folder = Path(options.output)
    failures = 0
    _check_different_names(options.audio)
    _check_references_stay(options.audio, folder, options.midi)
    folder.mkdir(parents=True, exist_ok=True)
    for path in map(Path, options.audio):
        try:
            samples, sample_rate = read_audio(path)
        except (OSError, ValueError) as error:
            print(f"pi-amt: {error}", file=sys.stderr)
            failures += 1
            continue
        perturb = None
        if permutation is not None:
            perturb = partial(permutation, notes=notes, key=options.seed)
        found = model.transcribe(
            samples,
            sample_rate,
            perturb=perturb,
            tuning_cents=estimate_tuning(samples, sample_rate) if perturb else 0.0,
        )
        target = folder / f"{path.stem}.mid"
        write_midi(found, target)
        print(printable(f"{target}: {plural(len(found), 'note')}{_against(notes, found)}"))
    return 1 if failures else 0


def _check_different_names(paths: list[str]) -> None:
    """Refuse files whose transcriptions would overwrite each other."""
    by_name: dict[str, str] = {}
    for path in paths:
        other = by_name.setdefault(Path(path).stem, path)
        if other != path:
            raise ValueError(
                f"got {other} and {path}, expected names that differ: both would be written to "
                f"{Path(path).stem}.mid, use one output folder each"
            )


def _check_references_stay(paths: list[str], folder: Path, midi: str | None) -> None:
    """Refuse transcriptions that would overwrite, or be taken for, the notes beside the audio."""
    for path in map(Path, paths):
        reference = Path(midi) if midi else None
        in_place = _same(folder, path.parent)
        at_risk = [path.with_suffix(suffix) for suffix in _REFERENCES] if in_place else []
        if reference and _same(folder / f"{path.stem}.mid", reference):
            at_risk.append(reference)
        for notes in filter(Path.exists, at_risk):
            raise ValueError(
                f"--output: got {folder.absolute()}, where {notes} would be overwritten or the "
                "transcription taken for it, expected another folder, such as -o transcriptions"
            )


def _same(a: Path, b: Path) -> bool:
    return a.exists() and b.exists() and a.samefile(b)


def _against(reference: Notes | None, found: Notes) -> str:
    if reference is None:
        return ""
    scores = score_notes(reference, found)
    return f", F {scores['F-measure_no_offset']:.3f} (onset and pitch)"


def _options(pairs: list[str]) -> dict[str, Any]:
    for pair in pairs:
        if "=" not in pair:
            raise ValueError(f"--option: got {pair!r}, expected KEY=VALUE")
    node: Any = OmegaConf.to_container(OmegaConf.from_dotlist(pairs))
    return {str(key): value for key, value in node.items()}


def do_table(options: Namespace) -> None:
    """Print and write the table of stored rows."""
    rows, said = read_results(options.results, notes=options.anatomy)
    importance = Importance.from_rows(
        rows, score=options.score, variants=options.variants, messages=said
    )
    result = importance.table()
    with note_tables_of(options.results):
        tables = tables_of(importance)
    for shown in tables:
        text = (
            f"{shown.title}\n\n{shown.to_markdown()}"
            if options.markdown
            else shown.to_text(fold=True)
        )
        print(f"{text}\n")
    print_headline(importance)
    for path, write in (
        (options.csv, result.to_csv),
        (options.latex, result.to_latex),
        (options.parquet, result.to_parquet),
    ):
        if path:
            write(path)
            print(f"wrote {path}", file=sys.stderr)


def do_report(options: Namespace) -> None:
    """Write the HTML report."""
    from pi_amt.report.page.build import build

    with note_tables_of(options.results):
        page = build(
            options.results, options.output, score=options.score, examples=options.examples
        )
    print(page)


def do_compare(options: Namespace) -> None:
    """Print the paired comparison of two stores.

    Raises:
        ValueError: if one of them has no rows, or nothing can be compared.
    """
    stores = {s: read_results(s, notes=False) for s in (options.store_a, options.store_b)}
    for store, (rows, _) in stores.items():
        if not rows:
            raise ValueError(
                f"compare: got a store without rows in {store}, expected results, run a study first"
            )
    (rows_a, said_a), (rows_b, said_b) = stores[options.store_a], stores[options.store_b]
    result = compare(rows_a, rows_b, score=options.score)
    renamed = [f"{name}: {line}" for name, said in (("A", said_a), ("B", said_b)) for line in said]
    print(replace(result, footers=(*result.footers, *renamed)))
    if options.csv:
        result.to_csv(options.csv)


def do_export(options: Namespace) -> None:
    """Write raw rows and notes.

    Raises:
        ValueError: if neither was asked for, or there are no rows.
    """
    from pi_amt.store.export import export_notes, export_rows

    rows = read_rows(options.results)
    if not (options.rows or options.notes):
        raise ValueError("export: got neither --rows nor --notes, expected one of them")
    if not rows:
        raise ValueError(f"{options.results}: got a store without rows, run a study first")
    if options.rows:
        print(f"{options.rows}: {plural(export_rows(rows, options.rows), 'row')}")
    if options.notes:
        with note_tables_of(options.results):
            count = export_notes(rows, options.notes)
        print(f"{options.notes}: {plural(count, 'note')}")


def do_calibrate(options: Namespace) -> None:
    """Print how close each mask comes to the true ablation."""
    from pi_amt.report.tables.calibration import calibration_table
    from pi_amt.study.calibration import calibrate

    model = load_model(options.model, weights=options.weights, device=options.device)
    name = f"{model.identity.name} ({model.identity.weights_label})"
    print(calibration_table(name, calibrate(model)))


def do_data(options: Namespace) -> int:
    """Print what is in a dataset folder; 1 if something is missing or unreadable."""
    settings = {} if options.data_folder is None else {"data_folder": options.data_folder}
    dataset = datasets.load_dataset(options.dataset, **settings)
    survey = datasets.survey(dataset, full=options.full)
    print(survey)
    if options.full and (doubts := list(_doubts(dataset))):
        print(f"notes that hardly fit the sound: {len(doubts)}")
        for line in listed(doubts):
            print(f"  {line}")
    return 0 if survey.is_clean else 1


def _doubts(dataset: Dataset) -> Iterator[str]:
    """One line per recording whose notes cannot be right, as far as a model hears."""
    model = load_model("basic_pitch")
    for track in dataset:
        try:
            (samples, rate), notes = track.audio(), track.notes()
        except (OSError, ValueError):  # told by the survey
            continue
        heard = model.transcribe(samples[: round(_HEARD_SECONDS * rate)], rate)
        found = alignment(notes.clipped(_HEARD_SECONDS), heard, _HEARD_SECONDS)
        beyond = share_beyond(notes, len(samples) / rate)
        if cause := replace(found, beyond=beyond).likely_cause:
            yield printable(f"{track.name}: {cause}")


def do_list(options: Namespace) -> None:
    """Print everything that can be named on the command line."""
    print("models:      " + ", ".join(models.available_models()))
    print("datasets:    " + ", ".join(datasets.available_datasets()))
    for group in ("executor", "experiment"):
        print(f"{group + 's:':12} " + ", ".join(names_in(group)))
    print("permutations:")
    for name, summary in permutations.available().items():
        print(f"  {name:20} {summary}")


def do_doctor(options: Namespace) -> int:
    """Check the installation; 1 if something is wrong."""
    from pi_amt.cli.doctor import examine

    return 0 if examine() else 1


def do_train(arguments: list[str]) -> int:
    """Train a model; the rest of the arguments are Hydra overrides, all told by ``--help``.

    Raises:
        ValueError: for another model, or without the packages that training needs.
    """
    if {"-h", "--help"} & set(arguments):
        print("usage: pi-amt train timbre_trap [key=value ...]; the keys and their defaults:\n")
        print((files("pi_amt.models.timbre_trap.training") / "timbre_trap.yaml").read_text("utf-8"))
        return 0
    if arguments[:1] != ["timbre_trap"]:
        got = arguments[0] if arguments else "nothing"
        raise ValueError(f"train: got {got}, expected timbre_trap [key=value ...]")
    if find_spec("symusic") is None:
        raise ValueError("train: the extra packages are missing, pip install 'pi_amt[train]'")
    from pi_amt.models.timbre_trap.training.loop import main

    return main([with_home(argument) for argument in arguments[1:]])
