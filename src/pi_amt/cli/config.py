"""From a composed Hydra config to the objects of a study."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, ListConfig, OmegaConf

from pi_amt.cli.config_keys import known_keys, unknown_key
from pi_amt.cli.options import CONF, PLUGGABLE
from pi_amt.cli.plugins import node_of, plugged_in
from pi_amt.core.checks import check_choice, check_seed, check_tuning, unknown
from pi_amt.core.hashing import canonical_json
from pi_amt.core.notes import Notes
from pi_amt.datasets.track import Dataset
from pi_amt.models.audio_domain import DOMAINS
from pi_amt.models.devices import pick_device
from pi_amt.models.loading import ModelSpec
from pi_amt.permutations.coalition import PLAYERS, coalitions
from pi_amt.permutations.loading import PERMUTATIONS
from pi_amt.permutations.permutation import Permutation
from pi_amt.scoring.frames import FRAME_SCORES
from pi_amt.scoring.notes import NOTE_SCORES, TOLERANCE_SCORES
from pi_amt.scoring.plugins import plugged_scores
from pi_amt.study.conditions import Condition, as_condition, make_conditions, unsaid
from pi_amt.study.executors.processes import ExecutorFactory, available_cores, check_n_jobs, local
from pi_amt.study.groups import Group

PROCESSES_PER_GPU = 6
#: what all jobs of a sweep have in common
_SHARED = ("results_dir", "n_jobs", "executor", "score", "report", "fail_fast", "dry_run")
#: options by which datasets choose recordings
_CHOOSING_RECORDINGS = (
    *("data_folder", "settings", "kinds", "split", "part", "seed", "inharmonicity"),
    *("audio", "played", "by", "instruments", "annotator"),
    *("subsample_every", "max_tracks"),
)
#: a key of configs that a manifest kept: all permutations' options, as they were then
_STORED_PERMUTATIONS = "permutations"
_NOT_OPTIONS = ("permutation", "normalization")
_NODES_THAT_CHECK = (*PLUGGABLE, "conditions")


def choice(config: DictConfig, group: str) -> str:
    """Config name that was chosen for a group."""
    return str(config.hydra.runtime.choices[group])


def check_options(config: DictConfig) -> None:
    """Refuse values whose mistake would show late, or never (such as a mistyped fill in a run
    without masks).

    Raises:
        ValueError: for the first value that cannot work.
    """
    _check_added_keys(config)
    choices: dict[str, tuple[Any, ...]] = {
        "controls": (True, False, "floor", "matched"),
        "report": (True, False, "auto"),
        "fail_fast": (True, False),
        "score": tuple(score_names()),
    }
    for option, allowed in choices.items():
        if not any(
            config[option] is a or (config[option] == a and type(a) is str) for a in allowed
        ):
            known = [str(a).lower() if isinstance(a, bool) else a for a in allowed]
            raise ValueError(unknown(option, str(config[option]), known))
    check_choice("domain", domain_of(config), DOMAINS)
    check_seed(config.seed)
    for name in ("fund_mask", "random"):  # one that reads the node `mask`, one that reads `shuffle`
        make_permutation(config, name, {})


def check_alike(configs: Sequence[DictConfig]) -> None:
    """Refuse a sweep over what its jobs share: they are computed together, so only the first
    value would count.

    Raises:
        ValueError: for the first such option, with its values.
    """
    for option in _SHARED:
        nodes = [config[option] for config in configs]
        values = [plain(node) if isinstance(node, DictConfig) else node for node in nodes]
        said = list(dict.fromkeys(str(value) for value in values))
        if len(said) > 1:
            raise ValueError(
                f"{option}: got {' and '.join(said)} in one sweep, expected one value: "
                "run once for each"
            )
    _check_one_choice_of_recordings(configs)


def _check_one_choice_of_recordings(configs: Sequence[DictConfig]) -> None:
    """Refuse a sweep over what chooses a dataset's recordings: their rows would be one mean.

    Raises:
        ValueError: for the first such option, with its values.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for config in configs:
        dataset = choice(config, "dataset")
        options = plain(config.dataset)
        first = chosen.setdefault(dataset, options)
        for option in _CHOOSING_RECORDINGS:
            one, other = first.get(option), options.get(option)
            if one != other:
                raise ValueError(
                    f"dataset.{option}: got {one} and {other} in one sweep, expected one value: "
                    f"all recordings of {dataset} would be one study; run once for each, with a "
                    "results_dir of its own"
                )


def _check_added_keys(config: DictConfig) -> None:
    """Refuse keys that ``+key=value`` adds where nobody would read them: at the top and in the
    nodes of shared options. Models, datasets and permutations refuse unknown options themselves.
    """
    known = known_keys()
    for override in OmegaConf.select(config, "hydra.overrides.task", default=[]):
        added = re.match(r"\+\+?([\w/.]+)=", override)
        key = added[1] if added else ""
        read = key in known or key.partition(".")[0] in _NODES_THAT_CHECK
        if added and not read:
            raise ValueError(unknown_key(key))


def group_of(config: DictConfig, datasets: dict[str, Dataset]) -> Group:
    """The group that one job asks for.

    Args:
        config: composed config of the job, ``hydra`` node included.
        datasets: cache, so that jobs of a sweep share one look at the disk.

    Raises:
        ValueError: for options that cannot work.
    """
    node = canonical_json(plain(config.dataset))
    if node not in datasets:
        datasets[node] = instantiate(config.dataset)
    return Group(
        model=model_spec(config),
        dataset=choice(config, "dataset"),
        tracks=list(datasets[node]),
        conditions=conditions_of(config),
        tuning=tuning_of(config),
        align=align_of(config),
    )


def model_spec(config: DictConfig) -> ModelSpec:
    """The recipe for the job's model."""
    options = plain(config.model)
    name = options.pop("_target_", None) or options.pop("name")
    options.pop("name", None)
    options |= {"device": config.device, "precision": config.precision}
    if (domain := domain_of(config)) != DOMAINS[0]:  # recipes of earlier versions do not name it
        options["domain"] = domain
    return ModelSpec(str(name), canonical_json(options))


def domain_of(config: DictConfig) -> str:
    """``input`` or ``audio``; the manifests of versions up to 0.2.0 know none but ``input``."""
    return str(config.get("domain", DOMAINS[0]))


def tuning_of(config: DictConfig) -> str | float:
    """``estimate``, ``off`` or cents.

    Raises:
        ValueError: for anything else.
    """
    tuning = config.tuning
    if tuning is False:  # YAML reads a bare `off` as false
        return "off"
    check_tuning(tuning)
    return tuning if isinstance(tuning, str) else float(tuning)


def align_of(config: DictConfig) -> str:
    """``off`` or ``median``; the manifests of versions up to 0.2.0 know none but ``off``."""
    align = config.get("align", "off")
    return "off" if align is False else str(align)  # YAML reads a bare `off` as false


def executor_of(config: DictConfig) -> ExecutorFactory:
    """What makes the job's executor."""
    options = plain(config.executor)
    factory = get_method(options.pop("_target_"))
    if factory is local and options["n_jobs"] is not None:
        check_n_jobs(options["n_jobs"])  # refused at the start, even if nothing is to compute
    if (
        "n_jobs" in options
        and options["n_jobs"] is None
        and pick_device(config.device).type == "cuda"
    ):
        # Enough processes that the card never waits for decoding and scoring, few enough that
        # their contexts (half a gigabyte each) leave it its memory.
        options["n_jobs"] = min(available_cores(), PROCESSES_PER_GPU)
    return partial(factory, **options)


def conditions_of(config: DictConfig) -> list[Condition]:
    """All conditions that one job asks for, baseline and controls included."""
    if config.conditions:
        wanted = [c for item in config.conditions for c in _experiment_conditions(config, item)]
    else:
        condition = as_condition(instantiate(config.permutation), config.seed)
        wanted = [replace(condition, normalization=config.normalization)]
        if condition.role == "baseline":
            wanted = [condition]
    return make_conditions(
        wanted, repeats=config.repeats, seed=config.seed, controls=config.controls
    )


def _experiment_conditions(config: DictConfig, item: DictConfig) -> Iterator[Condition]:
    """The grid of one item of ``conditions``: every list in it is a set of alternatives, and
    ``present: every`` stands for all coalitions of the item's players."""
    options = plain(item)
    if options.get("present") == "every":
        found = coalitions(options.get("players", PLAYERS))
        options |= {"players": found[0].players, "present": [one.present for one in found]}
    alternatives = [v if isinstance(v, list) else [v] for v in options.values()]
    varied = [key for key, values in zip(options, alternatives, strict=True) if len(values) > 1]
    for values in itertools.product(*alternatives):
        chosen = dict(zip(options, values, strict=True))
        name = chosen["permutation"]
        changes = {k: v for k, v in chosen.items() if k not in _NOT_OPTIONS}
        condition = as_condition(make_permutation(config, name, changes), config.seed)
        # what varies tells conditions apart; where nothing does, everything that was set
        telling = [k for k in varied if k != "permutation"] or list(changes)
        left_out = unsaid(condition.permutation)
        named = [k for k in telling if k not in left_out]
        shown = ", ".join(f"{k}={chosen[k]}" for k in named)
        plain_name = condition.label == name  # otherwise the label names the target already
        yield replace(
            condition,
            label=f"{name}({shown})" if shown and plain_name else condition.label,
            normalization=chosen.get("normalization", config.normalization),
            varied=tuple(named) if shown and plain_name else (),
        )


def make_permutation(config: DictConfig, name: str, changes: dict[str, Any]) -> Permutation:
    """A permutation by its config name, with the shared mask and shuffle options of the job.

    Raises:
        ValueError: for an unknown name or option, with near matches.
    """
    nodes = permutations_of(config)
    if name not in nodes:
        PERMUTATIONS.load(name)  # says what is wrong with one that is broken
        raise ValueError(unknown("permutation", name, nodes))
    shared = {key: config[key] for key in ("mask", "shuffle")}
    # inside the whole, so that ${mask.fill} and its like are found
    node = OmegaConf.create({**shared, "permutation": nodes[name]}).permutation
    for key, value in changes.items():
        if key not in node:
            raise ValueError(unknown(f"{name}: option", key, [str(k) for k in node]))
        if isinstance(node[key], DictConfig) and isinstance(value, str):
            node[key].name = value  # another target, with the shared options
        else:
            node[key] = value
    permutation: Permutation = instantiate(node)
    return permutation


def permutations_of(config: DictConfig) -> dict[str, Any]:
    """The options of every permutation: those that a manifest kept, else those of the package."""
    if _STORED_PERMUTATIONS not in config:
        return permutation_nodes()
    nodes: Any = OmegaConf.to_container(config[_STORED_PERMUTATIONS])
    return {str(name): node for name, node in nodes.items()}


@cache
def permutation_nodes() -> dict[str, Any]:
    """The options of every permutation by its config name, with their interpolations.

    They are read once: a file that is edited while a study runs changes nothing in it. A plug-in
    that is broken is left out.
    """
    found = sorted((CONF / "permutation").glob("*.yaml"))
    nodes = {path.stem: OmegaConf.to_container(OmegaConf.load(path)) for path in found}
    for name in plugged_in("permutation"):
        with suppress(ValueError):
            nodes[name] = node_of("permutation", name)
    return nodes


def stored_study(configs: Sequence[DictConfig]) -> dict[str, Any]:
    """What a manifest keeps of the jobs of a command, for :func:`restored` to make them again.

    ``jobs`` are their composed configurations, resolved and plain. Of the node ``hydra`` they hold
    what a job is told by: the rest sets up Hydra itself.
    """
    return {
        "jobs": [_stored(c) for c in configs],
        _STORED_PERMUTATIONS: permutations_of(configs[0]),
    }


def _stored(config: DictConfig) -> dict[str, Any]:
    apart = ("hydra", _STORED_PERMUTATIONS)
    keys = [k for k in config if k not in apart and not OmegaConf.is_missing(config, k)]
    nodes = {str(key): config[key] for key in keys}
    return {
        **{key: plain(node) if OmegaConf.is_config(node) else node for key, node in nodes.items()},
        "hydra": {name: plain(config.hydra[name]) for name in ("runtime", "overrides", "job")},
    }


def restored(stored: Mapping[str, Any], results_dir: Path) -> list[DictConfig]:
    """The configs of jobs that :func:`stored_study` kept, with their results in another place.

    Args:
        stored: a manifest.
        results_dir: where the results folder is now; folders inside it have moved with it.
    """
    configs = []
    for job in stored["jobs"]:
        config = OmegaConf.create({**job, _STORED_PERMUTATIONS: stored[_STORED_PERMUTATIONS]})
        runtime = config.hydra.runtime
        before, folder = Path(runtime.cwd, config.results_dir), Path(runtime.output_dir)
        if folder.is_relative_to(before):
            runtime.output_dir = str(results_dir / folder.relative_to(before))
        config.results_dir = str(results_dir)
        configs.append(config)
    return configs


def score_names() -> list[str]:
    """Keys of the scores of a row."""
    empty = Notes.empty()
    plugged = plugged_scores(empty, empty)
    return [*NOTE_SCORES, *TOLERANCE_SCORES, *FRAME_SCORES, *plugged]


def plain(node: DictConfig | ListConfig) -> Any:
    """A config node as plain Python, resolved."""
    return OmegaConf.to_container(node, resolve=True)
