"""Hydra launcher that computes all jobs of a sweep together, see :mod:`pi_amt.cli.app`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

if TYPE_CHECKING:
    from pi_amt.cli.app import Task
    from pi_amt.store.rows import Row

# a plain node: Hydra runs this file before it is in sys.modules, where a dataclass would look
ConfigStore.instance().store(
    group="hydra/launcher",
    name="pi_amt",
    node={"_target_": "hydra_plugins.pi_amt_launcher.launcher.PiAmtLauncher"},
    provider="pi_amt",
)


class PiAmtLauncher(Launcher):
    """Computes all jobs together, then lets each write its own folder as if run alone."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keep what Hydra gives; the task function is a ``pi_amt.cli.app.Task``."""
        self._context = hydra_context
        self._config = config
        self._task = cast("Task", task_function)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run all jobs of the sweep."""
        from pi_amt.cli import app  # imports torch: not while Hydra merely looks for plugins

        setup_globals()
        configs = [
            self._job_config(initial_job_idx + i, overrides)
            for i, overrides in enumerate(job_overrides)
        ]
        rows = app.compute(configs, self._task)
        if configs[0].dry_run:
            return []
        Path(str(self._config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        results = [self._write(config, found) for config, found in zip(configs, rows, strict=True)]
        app.conclude(configs, rows)
        return results

    def _job_config(self, number: int, overrides: Sequence[str]) -> DictConfig:
        config = self._context.config_loader.load_sweep_config(self._config, list(overrides))
        with open_dict(config):
            config.hydra.job.id = str(number)
            config.hydra.job.num = number
        HydraConfig.instance().set_config(config)  # for ${hydra:…} in the folder's name
        sweep = config.hydra.sweep
        with read_write(config.hydra.runtime):
            config.hydra.runtime.output_dir = os.path.abspath(Path(sweep.dir) / sweep.subdir)
        return config

    def _write(self, config: DictConfig, rows: list[Row]) -> JobReturn:
        """Let a job write its folder."""
        from pi_amt.cli import app

        result = run_job(
            hydra_context=self._context,
            task_function=lambda _: app.write_results(config, rows),
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )
        result.return_value  # noqa: B018 - re-raises what the task raised
        return result
