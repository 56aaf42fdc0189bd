"""Training loop of Timbre-Trap: ``pi-amt train timbre_trap key=value …``.

The schedule runs over wall-clock minutes (or a number of steps), in stages of ever denser frames.
``output/checkpoint.pt`` is everything a resumed run needs; ``output/weights.safetensors`` is the
best moving average so far by validation; ``output/log.csv`` has one row per validation.
"""

from __future__ import annotations

import contextlib
import csv
import pickle
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from pi_amt.models.timbre_trap.network import TimbreTrapNetwork
from pi_amt.models.timbre_trap.training.banks import load_bank
from pi_amt.models.timbre_trap.training.config import Config, load_config
from pi_amt.models.timbre_trap.training.objective import initialize, transcription_loss
from pi_amt.models.timbre_trap.training.optimizers import build_optimizers
from pi_amt.models.timbre_trap.training.stream import BlockStream, Reservoir
from pi_amt.models.timbre_trap.training.validation import Validation
from pi_amt.models.timbre_trap.weights import load_weights

_LOG_COLUMNS = ("minutes", "step", "stage", "lr", "train_loss", "val_loss", "val_frame_f", "best")


def main(overrides: list[str]) -> int:
    """Train; returns the process's exit status (0, or 2 with one line on stderr)."""
    try:
        Training(load_config(overrides)).run()
    except (ValueError, FileNotFoundError) as error:
        print(f"pi-amt: {error}", file=sys.stderr)
        return 2
    return 0


class Training:
    """State of a run: network, its moving average, optimisers, clock."""

    def __init__(self, config: Config) -> None:
        self.config = config
        cuda = torch.cuda.is_available() and config.device != "cpu"
        if config.device == "cuda" and not cuda:
            raise ValueError("device=cuda: PyTorch sees no GPU here; use device=auto or cpu")
        self.device = torch.device("cuda" if cuda else "cpu")
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        self.network = TimbreTrapNetwork()
        if config.init:
            trained, _ = load_weights(config.init)
            self.network.load_state_dict(trained, strict=False)  # its sliCQ stays
        else:
            initialize(self.network, config.seed)
        self.network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = {k: p.detach().clone() for k, p in self.network.named_parameters()}
        self.optimizers = build_optimizers(
            self.network, config.optimizer, config.learning_rate, config.weight_decay
        )
        self.step, self.minutes, self.best, self.stale = 0, 0.0, -1.0, 0
        self.losses: list[float] = []
        config.output.mkdir(parents=True, exist_ok=True)
        self._resume()
        transcribe = self.network.transcribe_channels
        self.forward: Any = torch.compile(transcribe) if config.compile else transcribe

    # The clock and what depends on it.

    @property
    def progress(self) -> float:
        """Share of the schedule that is done, 0 to 1."""
        if self.config.steps > 0:
            return self.step / self.config.steps
        return self.minutes / self.config.minutes

    @property
    def stage(self) -> int:
        """Index of the present stage."""
        ends = [stage.until for stage in self.config.stages]
        return min(int(np.searchsorted(ends, self.progress, side="right")), len(ends) - 1)

    def learning_rate(self) -> float:
        """Warm-up, flat, then linear to zero."""
        config, progress = self.config, self.progress
        rise = min(1.0, (self.step + 1) / 100) if config.warmup else 1.0
        fall = min(1.0, max(0.01, (1 - progress) / max(1e-9, 1 - config.flat_until)))
        return config.learning_rate * rise * fall

    # The loop.

    def run(self) -> None:
        """Train until the schedule or patience ends."""
        config = self.config
        train = [load_bank(instrument, config.banks) for instrument in config.train_on]
        held_out = [load_bank(instrument, config.banks) for instrument in config.validate_on]
        excerpts = _load_excerpts(config)
        first_index = self.step * 4  # past every example a resumed run has seen
        stream = BlockStream(
            config.seed, first_index, config.stages, config.frames, train, excerpts
        )
        stream.stage.value = self.stage
        reservoir = Reservoir(stream, config.reservoir, config.workers, config.seed + self.step)
        filled_stage, last_validation = -1, time.monotonic()
        clock = time.monotonic() - self.minutes * 60
        validation: Validation | None = None
        while self.progress < 1.0 and self.stale < config.patience:
            if self.stage != filled_stage:
                filled_stage = self.stage
                stream.stage.value = filled_stage
                reservoir.empty()
                reservoir.refill(min(config.reservoir, 20 * config.batch))
                validation = Validation(config, self.stage, held_out)
            self._train_step(reservoir)
            self.minutes = (time.monotonic() - clock) / 60
            due = time.monotonic() - last_validation > config.validate_minutes * 60
            if due or self.progress >= 1.0:
                assert validation is not None
                self._validate(validation)
                last_validation = time.monotonic()
                self.minutes = (time.monotonic() - clock) / 60

    def _train_step(self, reservoir: Reservoir) -> None:
        config = self.config
        reservoir.refill(config.stages[self.stage].fresh)
        tensors = [t.to(self.device) for t in reservoir.batch(config.batch)]
        channels, targets, weights = tensors
        out = self._mixed(self.forward)(channels.contiguous(memory_format=torch.channels_last))
        loss = transcription_loss(out, targets, weights, config.positive_weight)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        rate = self.learning_rate()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self.losses.append(float(loss.detach()))
        decay = min(config.average, self.step / (self.step + 10))
        with torch.no_grad():
            for key, parameter in self.network.named_parameters():
                self.average[key].lerp_(parameter, 1 - decay)

    def _mixed(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The function in the precision of the config."""

        def call(channels: Tensor) -> Tensor:
            with self._autocast():
                return function(channels)

        return call

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.config.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    # Validation, log, files.

    def _validate(self, validation: Validation) -> None:
        """Score the moving average; log; keep the checkpoint, and the weights if they are best."""
        self._swap()
        loss, score, threshold = validation.score(
            self._mixed(self.network.transcribe_channels), self.device
        )
        self._swap()
        better = score > self.best or self.stage != getattr(self, "best_stage", -1)
        self.best_stage = self.stage
        self.best, self.stale = (score, 0) if better else (self.best, self.stale + 1)
        self._log(loss, score, better)
        print(f"  threshold {threshold:.2f}", flush=True)
        self._save(better)

    def _swap(self) -> None:
        """Exchange the weights and their moving average."""
        with torch.no_grad():
            for key, parameter in self.network.named_parameters():
                held = parameter.detach().clone()
                parameter.copy_(self.average[key])
                self.average[key] = held

    def _log(self, val_loss: float, score: float, better: bool) -> None:
        path = self.config.output / "log.csv"
        new = not path.exists()
        row = (
            f"{self.minutes:.1f}", self.step, self.stage, f"{self.learning_rate():.2g}",
            f"{np.mean(self.losses or [0]):.4f}", f"{val_loss:.4f}", f"{score:.4f}", int(better),
        )  # fmt: skip
        self.losses.clear()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(_LOG_COLUMNS)
            writer.writerow(row)
        print(" ".join(f"{k}={v}" for k, v in zip(_LOG_COLUMNS, row, strict=True)), flush=True)

    def _save(self, better: bool) -> None:
        output = self.config.output
        state = {
            "network": {k: p.detach().cpu() for k, p in self.network.named_parameters()},
            "average": {k: v.cpu() for k, v in self.average.items()},
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "clock": [self.step, self.minutes, self.best, self.stale, self.stage],
        }
        torch.save(state, output / "checkpoint.partial")
        (output / "checkpoint.partial").replace(output / "checkpoint.pt")
        if better:
            tensors = {k: v.cpu().contiguous() for k, v in self.average.items()}
            save_file(tensors, output / "weights.partial")
            # safetensors lets nobody else read what it writes
            shutil.copymode(output / "checkpoint.pt", output / "weights.partial")
            (output / "weights.partial").replace(output / "weights.safetensors")

    def _resume(self) -> None:
        path = self.config.output / "checkpoint.pt"
        if not (self.config.resume and path.exists()):
            return
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            self.network.load_state_dict(state["network"], strict=False)
            for optimizer, held in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(held)
        except (RuntimeError, ValueError, KeyError, EOFError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"cannot go on from {path.absolute()} ({reason:.120}): it is damaged, or of "
                "another optimizer; use resume=false or another output"
            ) from None
        self.average = {k: v.to(self.device) for k, v in state["average"].items()}
        self.step, self.minutes, self.best, self.stale, self.best_stage = state["clock"]
        print(f"resumed at step {self.step}, minute {self.minutes:.1f}", flush=True)


def _load_excerpts(config: Config) -> list[np.ndarray]:
    if not config.excerpts:
        return []
    with np.load(config.excerpts) as scores:
        return [scores[name] for name in scores.files if name not in config.exclude_excerpts]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
