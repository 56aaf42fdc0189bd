"""What README and documentation claim: links, commands, options, pages, examples, the build."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

import pi_amt
from pi_amt import testing
from pi_amt.cli.commands import COMMANDS, parser
from pi_amt.cli.main import mend
from pi_amt.datasets.loading import DATASETS
from pi_amt.models import loading as models
from pi_amt.permutations import loading as permutations
from pi_amt.statistics.bias import shipped_table
from pi_amt.store.store import read_rows

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md") if "_build" not in p.parts)
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
SHELL = re.compile(r"^(?:PYTHONPATH=\S+ )?(?:pi-amt|python -m pi_amt) .*$", re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: what a block of Python prints is stored in the file that the page includes after it
PRINTED = re.compile(r"^```python\n(.*?)^```\n\n```\{literalinclude\} (\S+)$", re.M | re.S)
NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _commands() -> list[str]:
    texts = (re.sub(r"\\\n\s*", "", path.read_text()) for path in TEXTS)
    return sorted({line for text in texts for line in SHELL.findall(text)})


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_links_lead_to_files_of_the_repository(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        # What is generated is included by pages of the folder above.
        folder = DOCS if path.parent.name == "generated" else path.parent
        if not re.match(r"https?:|#|mailto:", target):
            assert (folder / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=_name)
def test_links_to_headings_exist(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        file, _, anchor = target.partition("#")
        if anchor and file.endswith(".md"):
            text = (path.parent / file).read_text()
            headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, target


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_readme_and_makefile_agree_on_the_commands() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for path in TEXTS:
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), (path, target)
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme


def test_there_are_commands_to_check() -> None:
    assert len(_commands()) > 25


@pytest.mark.parametrize("line", _commands())
def test_commands_parse(line: str) -> None:
    words = [word for word in shlex.split(line, comments=True) if not word.startswith("PYTHONPATH")]
    arguments = words[1:] if words[0] == "pi-amt" else words[3:]
    if not arguments or arguments in (["--help"], ["run", "--help"]):
        return  # tests/cli read what these print
    if arguments[0] in COMMANDS and arguments[0] not in ("run", "train"):
        assert parser().parse_args(arguments).command == arguments[0]
    elif arguments[0] not in ("--version", "train"):
        _check_overrides(mend(arguments))


def _check_overrides(arguments: list[str]) -> None:
    """The whole composes, with each alternative of every ``key=a,b``."""
    overrides = [a for a in arguments if a not in ("-m", "--cfg", "job")]
    if any("searchpath" in override for override in overrides):
        return  # runs in its own test
    choices = {}
    for override in overrides:
        key, _, value = override.partition("=")
        choices[key] = [value] if "[" in value else value.split(",")
    first = {key: values[0] for key, values in choices.items()}
    others = [first | {key: v} for key, values in choices.items() for v in values[1:]]
    with initialize_config_module("pi_amt.cli.conf", version_base="1.3"):
        for chosen in (first, *others):
            compose("config", overrides=[f"{k}={v}" for k, v in chosen.items()])


def test_help_shows_every_command() -> None:
    helped = parser().format_help()
    assert all(f"\n    {command}" in helped for command in COMMANDS)


@pytest.mark.parametrize("name", permutations.available())
def test_every_permutation_has_a_page_with_a_picture(name: str) -> None:
    text = (DOCS / "permutations" / f"{name}.md").read_text()
    assert text.startswith(f"# `{name}`\n")
    assert f"\n{name}\n" in (DOCS / "permutations" / "index.md").read_text()
    picture = DOCS / "images" / "permutations" / f"{name}.png"
    assert 2_000 < picture.stat().st_size < 60_000


@pytest.mark.parametrize("name", permutations.available())
def test_a_page_names_options_with_their_defaults(name: str) -> None:
    """Numbers and words in the column "default" are those of the config."""
    with initialize_config_module("pi_amt.cli.conf", version_base="1.3"):
        cfg = compose("config", overrides=[f"permutation={name}"])
    text = (DOCS / "permutations" / f"{name}.md").read_text()
    for key, default in re.findall(r"^\| `([a-z_.]+)` \| `?([\w.]+)`? \|", text, re.MULTILINE):
        node: Any = cfg
        for part in key.split("."):
            node = node[part]
        is_number = isinstance(node, int | float) and not isinstance(node, bool)
        assert node == float(default) if is_number else str(node) == default, key


def test_pages_of_ratio_masks_say_how_true_they_are() -> None:
    tables = [shipped_table(model) for model in models.SHIPPED]

    def bias(label: str) -> list[str]:
        """Of one mask, with each model."""
        masks = [mask for table in tables for mask in table.masks if mask.label == label]
        return [f"{mask.drops.bias:.2f}" for mask in masks]

    def said(page: str) -> str:
        return " ".join((DOCS / "permutations" / f"{page}.md").read_text().split())

    def off(label: str) -> str:
        one, other = (
            f"{number.lstrip('-')} too {'low' if number.startswith('-') else 'high'}"
            for number in bias(label)
        )
        return f"its drop is {one} with Basic Pitch and {other} with Timbre-Trap"

    binary, with_other = bias("fund_mask")
    assert (
        f"{off('ratio_fund_mask')}; that of `fund_mask` is {binary} and {with_other} too high."
    ) in said("ratio_fund_mask")
    (binary, with_other), (soft, soft_with_other) = bias("harm_mask"), bias("soft_harm_mask")
    assert (
        f"{off('ratio_harm_mask')}; that "
        f"of `harm_mask` is {binary} and {with_other} too high, and that of `soft_harm_mask` "
        f"{soft} and {soft_with_other}."
    ) in said("ratio_harm_mask")
    worst = [
        max(
            mask.drops.error
            for mask in table.masks
            if re.fullmatch(r"remove_harmonic\(harmonic=[2-5],kind=ratio\)", mask.label)
        )
        for table in tables
    ]
    one, other = (f"{error:.3f}".lstrip("0") for error in worst)
    assert (
        f"its drops came within {one} of the true ones on average with Basic Pitch, and within "
        f"{other} with Timbre-Trap"
    ) in said("remove_harmonic")


def test_the_readme_says_how_far_masks_of_basic_pitch_are_off() -> None:
    drops = {mask.label: mask.drops for mask in shipped_table("basic_pitch").masks}
    binary, ratio = drops["fund_mask"], drops["ratio_fund_mask"]
    text = " ".join((DOCS.parent / "README.md").read_text().split())
    assert (
        f"`fund_mask` reads a drop of {binary.measured:.2f} where the truth is {binary.true:.2f}. "
        "**Ratio masks** take only the share that the partials are estimated to hold, and read "
        f"{ratio.measured:.2f}."
    ) in text


@pytest.mark.parametrize("group", ["model", "dataset", "executor", "experiment"])
def test_every_config_is_documented(group: str) -> None:
    text = "".join(path.read_text() for path in TEXTS)
    paths = sorted((ROOT / "src" / "pi_amt" / "cli" / "conf" / group).glob("*.yaml"))
    assert len(paths) > 1
    for path in paths:
        if path.stem != "none":
            assert re.search(rf"{group}={path.stem}|`{path.stem}`", text), path


def _python_blocks() -> Iterator[Any]:
    for path in [ROOT / "README.md", *PAGES]:
        printed = dict(PRINTED.findall(path.read_text()))
        for number, block in enumerate(PYTHON.findall(path.read_text())):
            yield pytest.param(block, printed.get(block, ""), id=f"{_name(path)}-{number}")


@pytest.mark.parametrize(("block", "file"), list(_python_blocks()))
def test_python_examples_run(
    block: str, file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(DOCS / "examples"))
    monkeypatch.setenv("COLUMNS", "88")
    exec(compile(block.replace("max_tracks=4", "max_tracks=2"), "<docs>", "exec"), {})
    if file:
        printed, stored = capsys.readouterr().out.strip(), (DOCS / file).read_text().strip()
        assert NUMBER.sub("#", printed) == NUMBER.sub("#", stored)
        numbers = [
            [float(n.replace("−", "-")) for n in NUMBER.findall(text)] for text in (printed, stored)
        ]
        # another processor rounds otherwise, which may cost or win a note
        assert numbers[0] == pytest.approx(numbers[1], abs=0.05)


def test_what_the_page_of_an_own_model_says_is_what_its_blocks_print() -> None:
    page = (DOCS / "your-model.md").read_text()
    assert len(PRINTED.findall(page)) == len(PYTHON.findall(page)) == 2
    answer = (DOCS / "generated" / "your_model" / "answer.txt").read_text()
    said = re.search(r"falls from ([\d.]+) to ([\d.]+)", " ".join(answer.split()))
    excess = re.search(r"excess: ([\d.]+)", answer)
    assert said
    assert excess
    assert f"falls from {said[1]} to {said[2]}" in " ".join(page.split())
    assert f"over the matched control is {excess[1]}." in page
    check = (DOCS / "generated" / "your_model" / "check.txt").read_text()
    lines = re.findall(r"^[A-G]#?\d .*", check, re.MULTILINE)
    left = [float(line.split()[2].replace("−", "-")) for line in lines]
    assert len(left) == 10
    assert f"−{abs(max(left)):.0f} dB or less" in page


def _columns(page: Path, head: str) -> dict[str, dict[str, str]]:
    """A table of a page by its first column, each row by the words of the heading."""
    lines = page.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(f"| {head} |"))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[first:])
    titles, _, *cells = ([cell.strip() for cell in row.strip("|").split("|")] for row in rows)
    return {row[0]: dict(zip(titles, row, strict=True)) for row in cells}


def test_every_dataset_and_model_of_other_people_has_a_licence_and_a_citation() -> None:
    stated = _columns(DOCS / "datasets.md", "dataset | licence")
    stated = {name.lower().removesuffix("2100"): row for name, row in stated.items()}
    made = {name: DATASETS.load(name) for name in DATASETS.names()}
    fetched = {n for n, make in made.items() if hasattr(sys.modules[make.__module__], "SOURCE")}
    assert stated.keys() == fetched
    for row in stated.values():
        assert re.search(r"^(CC |none is stated|the copy at .* CC0)", row["licence"])
        assert row["read in"]
        assert re.search(r": .+\. .*\b20\d\d$", row["publication"])
    ready = _columns(DOCS / "black-box.md", "`model=` | what it is")
    by_model = {name.strip("`"): row["licence"] for name, row in ready.items()}
    opened = _columns(DOCS / "models" / "others.md", "| `model=harmonica`")["licence"]
    by_model |= {title.split("=")[1].strip("`"): cell for title, cell in opened.items() if title}
    others = models.BUILT_IN.keys() - {*models.SHIPPED, "callable", "command"}
    assert others <= by_model.keys()
    assert all(by_model.values())


@pytest.fixture(scope="module")
def toys() -> dict[str, Any]:
    """The example's names; its models have one transform, which hears each recording once."""
    names = runpy.run_path(str(DOCS / "examples" / "toy_models.py"))
    analyze, heard = names["ToyModel"].analyze, dict[bytes, pi_amt.Spectrogram]()

    def analyze_once(model: Any, samples: Any, sample_rate: int) -> pi_amt.Spectrogram:
        key = samples.tobytes()
        if key not in heard:
            heard[key] = analyze(model, samples, sample_rate)
        return heard[key]

    names["ToyModel"].analyze = analyze_once
    return names


@pytest.mark.parametrize(
    ("model", "drops", "excesses"),
    [
        ("fundamental only", (1, 0, 0), (1, -1, -1)),
        ("harmonics 2 to 4", (0, 1, None), (None, 0, None)),
        ("above 4 kHz", (0, 1, 1), (None, 0, 1)),
        ("ignores its input", (0, 0, 0), (0, 0, 0)),
    ],
)
def test_toy_models_come_out_as_constructed(
    toys: dict[str, Any],
    model: str,
    drops: tuple[float | None, ...],
    excesses: tuple[float | None, ...],
) -> None:
    result = toys["study"](toys["MODELS"][model])
    assert not [row for row in result.rows if row.status == "error"]
    found = {row.label: row for row in result.results}
    assert found["identity"].drop == 0
    table = (DOCS / "generated" / "toy_models.txt").read_text().partition(f"{model}\n")[2]
    for label, drop, excess in zip(toys["CONDITIONS"], drops, excesses, strict=True):
        row = found[label]
        shown = f"{label:10}  drop {row.drop:5.2f}  excess {row.excess_drop:5.2f}"
        assert shown in table.partition("\n\n")[0]
        if drop is not None:
            assert row.drop == pytest.approx(drop, abs=0.02)
        if excess is not None:
            assert row.excess_drop == pytest.approx(excess, abs=0.05)
    if model == "harmonics 2 to 4":  # its control removes what it reads, the mask does not
        assert found["fund_mask"].excess_drop < -0.1


@pytest.mark.parametrize("model", ["callable", "command"])
def test_a_function_and_a_program_are_models_from_the_command_line(
    model: str, tmp_path: Path
) -> None:
    page = (DOCS / "black-box.md").read_text()
    (line,) = re.findall(rf"^python -m pi_amt (-m model={model} .*)$", page, re.MULTILINE)
    few = ["dataset.max_tracks=1", "dataset.max_seconds=4", "n_jobs=1", "report=false"]
    done = subprocess.run(
        [sys.executable, "-m", "pi_amt", *shlex.split(line), *few, f"results_dir={tmp_path}"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = read_rows(tmp_path)
    assert {row.status for row in rows} == {"ok"}
    assert {row.model for row in rows} == {
        "transcribe" if model == "callable" else "my_transcriber"
    }
    assert any(row.scores["F-measure_no_offset"] > 0.1 for row in rows)


def test_own_model_dataset_and_permutation_join_from_the_command_line(tmp_path: Path) -> None:
    page = (DOCS / "extending.md").read_text()
    (line,) = re.findall(r"^PYTHONPATH=\. python -m pi_amt (.*)$", page, re.MULTILINE)
    arguments = [*shlex.split(line)[:-1], f"results_dir={tmp_path}", "report=false", "n_jobs=1"]
    done = subprocess.run(
        [sys.executable, "-m", "pi_amt", *arguments],
        cwd=DOCS / "examples",
        env={"PYTHONPATH": ".", "PATH": "", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {row.label for row in pi_amt.read_rows(tmp_path)} == {
        "no_permutation",
        "fund_mask",
        "tilt",
    }
    assert "tilt" in done.stdout


def test_shown_configs_are_those_of_the_examples() -> None:
    page = (DOCS / "extending.md").read_text()
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    for name, block in blocks:
        assert OmegaConf.create(block) == OmegaConf.load(DOCS / "examples" / name)


def _python_sources() -> Iterator[tuple[str, str]]:
    """Name and text of every example of the documentation."""
    for path in sorted((DOCS / "examples").glob("*.py")):
        yield _name(path), path.read_text()
    for path in TEXTS:
        yield from ((_name(path), block) for block in PYTHON.findall(path.read_text()))
    for notebook in sorted((ROOT / "examples").glob("*.ipynb")):
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield _name(notebook), "".join(cell["source"])


def test_what_the_tutorial_shows_is_what_its_commands_print() -> None:
    """Each stored output belongs to a block of commands, and tells what the page says of it."""
    page = (DOCS / "tutorial.md").read_text()
    script = runpy.run_path(str(ROOT / "scripts" / "make_examples.py"), run_name="script")
    stored = {file: commands for commands, file in script["shown"](page)}
    assert set(stored) == set(re.findall(r"literalinclude\} (\S+)", page))
    assert len(stored) == 4
    answer = (DOCS / "generated" / "tutorial" / "answer.txt").read_text()
    said = re.search(r"falls from ([\d.]+) to ([\d.]+)", " ".join(answer.split()))
    assert said
    assert page.count(f"falls from {said[1]} to {said[2]}") == 2


def test_examples_import_public_names_only() -> None:
    sources = list(_python_sources())
    assert len(sources) > 8
    public = {"pi_amt": pi_amt.__all__, "pi_amt.testing": testing.__all__}
    for name, text in sources:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                assert not [a.name for a in node.names if a.name.startswith("pi_amt.")], name
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pi_amt"):
                assert node.module in public, f"{name}: {ast.unparse(node)}"
                assert {alias.name for alias in node.names} <= set(public[node.module]), name


def test_every_public_name_is_there() -> None:
    for name in pi_amt.__all__:
        assert getattr(pi_amt, name) is not None, name


def test_citation_and_changelog_name_this_version() -> None:
    citation = OmegaConf.to_container(OmegaConf.load(ROOT / "CITATION.cff"))
    assert isinstance(citation, dict)
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == pi_amt.__version__
    assert citation["license"] == "Apache-2.0"
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"## [{pi_amt.__version__}] - {citation['date-released']}" in changelog


def test_documentation_builds_without_warnings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "--fail-on-warning", "--quiet", DOCS, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Spectrogram" in (tmp_path / "api.html").read_text()
