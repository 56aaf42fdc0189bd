"""Hydra config source of what other packages add: ``model=theirs`` needs no YAML file.

``conf/config.yaml`` puts it at the end of the search path, so that a YAML file of the same name
wins.
"""

from __future__ import annotations

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from pi_amt.cli.options import PLUGGABLE


class PlugInSource(ConfigSource):
    """The config groups of pi_amt, filled with the installed plug-ins."""

    @staticmethod
    def scheme() -> str:
        """It stands before ``://`` in the search path."""
        return "pi-amt-plug-ins"

    def load_config(self, config_path: str) -> ConfigResult:
        """The options of one plug-in with their defaults."""
        from pi_amt.cli.plugins import node_of  # imports torch: not while Hydra looks for plugins

        group, name = _parts(config_path)
        return ConfigResult(
            provider=self.provider,
            path=self.full_path(),
            config=OmegaConf.create(node_of(group, name)),
            header={"package": None},
        )

    def available(self) -> bool:
        """Always: without plug-ins it is empty."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Whether there can be plug-ins of this kind."""
        return config_path.strip("/") in PLUGGABLE

    def is_config(self, config_path: str) -> bool:
        """Whether this plug-in is installed, broken or not: a broken one says why when loaded."""
        group, name = _parts(config_path)
        return name in self.list(group, ObjectType.CONFIG)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """The installed plug-ins of a group."""
        group = config_path.strip("/")
        if group not in PLUGGABLE or results_filter is ObjectType.GROUP:
            return []
        from pi_amt.cli.plugins import plugged_in

        return plugged_in(group)


def _parts(config_path: str) -> tuple[str, str]:
    """``model/theirs.yaml`` → ``model``, ``theirs``."""
    group, _, name = config_path.strip("/").removesuffix(".yaml").rpartition("/")
    return group, name
