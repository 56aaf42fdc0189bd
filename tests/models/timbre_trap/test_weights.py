"""Loading weights: good files of both kinds, and one clear line for every bad one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.models.timbre_trap.parity import synthetic_state
from torch import Tensor

from pi_amt.models.timbre_trap import weights as module
from pi_amt.models.timbre_trap.network import TimbreTrapNetwork
from pi_amt.models.timbre_trap.weights import SHIPPED_LABEL, USER_LABEL, load_weights

State = dict[str, Tensor]
LAST = "decoder.convout.bias"


def full_state() -> State:
    """As the authors save it: with the transform's tables."""
    return {**TimbreTrapNetwork().state_dict(), **synthetic_state()}


def saved(path: Path, state: object) -> Path:
    torch.save(state, path)
    return path


def test_a_published_style_checkpoint_loads_unchanged(tmp_path: Path) -> None:
    path = saved(tmp_path / "tt-orig.pt", full_state())
    state, info = load_weights(path)
    assert set(state) == {k for k in full_state() if not k.startswith("sliCQ")}
    assert all(torch.equal(state[k], synthetic_state()[k]) for k in state)
    assert info.label == USER_LABEL
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_checkpoints_of_other_precisions_load_as_float32(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    """Their tables are rounded, too; that is no other transform."""
    given = {k: v.to(dtype) if v.is_floating_point() else v for k, v in full_state().items()}
    state, _ = load_weights(saved(tmp_path / "half.pt", given))
    assert all(torch.equal(state[key], given[key].float()) for key in state)


def test_the_kind_of_a_file_goes_by_its_content(tmp_path: Path) -> None:
    save_file(synthetic_state(), tmp_path / "renamed.pt")
    torch.save(synthetic_state(), tmp_path / "renamed.safetensors")
    for path in tmp_path.iterdir():
        assert torch.equal(load_weights(path)[0][LAST], synthetic_state()[LAST])


def test_safetensors_need_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save_file(synthetic_state(), path)
    state, info = load_weights(path)
    assert torch.equal(state[LAST], synthetic_state()[LAST])
    assert info.label == USER_LABEL


def test_the_shipped_file_is_known_by_its_hash_and_never_called_the_papers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.safetensors"
    save_file(synthetic_state(), path)
    record = tmp_path / "record.json"
    record.write_text(json.dumps({"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}))
    monkeypatch.setattr(module, "SHIPPED_RECORD", record)
    assert load_weights(path)[1].label == SHIPPED_LABEL == "synthetic-trained reproduction"


def test_the_shipped_weights_load_and_match_their_record() -> None:
    _, info = load_weights()
    assert info.label == SHIPPED_LABEL


def drop(state: State) -> object:
    del state[LAST]
    return state


def add(state: State) -> object:
    return {**state, "decoder.extra.weight": torch.zeros(1)}


def reshape(state: State) -> object:
    return {**state, "encoder.convlat.weight": torch.zeros(64, 64, 31, 1)}


def spoil(state: State) -> object:
    state[LAST][0] = float("nan")
    return state


def other_transform(state: State) -> object:
    return {**state, "sliCQ.windows": state["sliCQ.windows"] * 0.9}


def too_large(state: State) -> object:
    return {**state, LAST: torch.full((2,), 1e300, dtype=torch.float64)}


def sparse(state: State) -> object:
    return {**state, LAST: state[LAST].to_sparse()}


def prefixed(state: State) -> object:
    return {f"module.{key}": value for key, value in state.items()}


def integers(state: State) -> object:
    return {**state, LAST: torch.zeros(2, dtype=torch.int64)}


def not_a_state_dict(_: State) -> object:
    return [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, f"missing key {LAST}"),
        (add, "unexpected key decoder.extra.weight"),
        (reshape, r"encoder.convlat.weight has shape \(64, 64, 31, 1\), expected \(128, 64, 31, 1"),
        (spoil, f"{LAST} holds values that are not finite"),
        (integers, f"{LAST} holds values that are not finite"),
        (other_transform, "sliCQ.windows differs"),
        (too_large, f"{LAST} holds values that are not finite numbers of 32 bits"),
        (sparse, f"{LAST} is not an ordinary tensor"),
        (prefixed, "missing key encoder.*its first key is module"),
        (not_a_state_dict, "list that is not a state dict"),
    ],
)
def test_wrong_checkpoints_name_what_is_wrong(
    tmp_path: Path, change: Callable[[State], object], message: str
) -> None:
    path = saved(tmp_path / "bad.pt", change({k: v.clone() for k, v in full_state().items()}))
    with pytest.raises(ValueError, match=message) as caught:
        load_weights(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("keep", [0, 7, 200, 0.5])
def test_truncated_files_are_refused_in_one_line(tmp_path: Path, suffix: str, keep: float) -> None:
    path = tmp_path / f"cut{suffix}"
    if suffix == ".pt":
        torch.save(synthetic_state(), path)
    else:
        save_file(synthetic_state(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep if keep >= 1 or keep == 0 else keep * len(content))])
    with pytest.raises(ValueError, match=r"readable|damaged") as caught:
        load_weights(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\x80\x02.", b"\x80\x02K", b"\x80\x02M\x01", b"\x80\x02e."])
def test_damaged_pickles_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a readable checkpoint") as caught:
        load_weights(path)
    assert "\n" not in str(caught.value)


class Bomb:
    """Pickles into a call of a function."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.marker),)


def test_a_pickle_with_code_is_refused_and_the_code_is_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "was_run"
    path = saved(tmp_path / "bomb.pt", {**full_state(), "x": Bomb(marker)})
    with pytest.raises(ValueError, match="refused"):
        load_weights(path)
    assert not marker.exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_weights(tmp_path / "nowhere.pt")
