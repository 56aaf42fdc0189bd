"""Rows tell how stiff a mask took a recording's strings to be, and are found again without it."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from tests.toys import TOY, toy_tracks

from pi_amt.models.loading import ModelSpec
from pi_amt.permutations.masks import FundMask, RatioFundMask
from pi_amt.store.export import export_rows
from pi_amt.store.store import Store
from pi_amt.study.conditions import make_conditions
from pi_amt.study.driver import Summary, run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group

MASKS = [FundMask(), FundMask(inharmonicity="none"), FundMask(inharmonicity="estimate"),
         RatioFundMask()]  # fmt: skip


def study(results: Path) -> Summary:
    group = Group(ModelSpec(TOY), "toys", toy_tracks(2), make_conditions(MASKS))
    with Store(results) as store:
        return run_study([group], store, serial, quiet=True)


def test_an_export_tells_the_stiffness_of_each_recording(tmp_path: Path) -> None:
    study(tmp_path)
    with Store(tmp_path, readonly=True) as store:
        export_rows(store.rows(), tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    told = {(line["parameters"], line["label"], line["track"]): line["effects.stiffness"]
            for line in lines}  # fmt: skip
    assert len(told) == 10
    for (parameters, label, _), stiffness in told.items():
        if label == "no_permutation":
            assert stiffness == ""
        elif "none" in parameters:
            assert float(stiffness) == 0.0
        elif "estimate" in parameters or label == "ratio_fund_mask":
            assert 0.0 <= float(stiffness) <= 4.0
        else:
            assert float(stiffness) == 1.0


def test_rows_from_before_are_found_again(tmp_path: Path) -> None:
    assert study(tmp_path).computed == 10
    with Store(tmp_path) as store:
        rows = store.rows()
        store.write(
            replace(row, effects={k: v for k, v in row.effects.items() if k != "stiffness"})
            for row in rows
        )
        assert not any("stiffness" in row.effects for row in store.rows())
    assert study(tmp_path).computed == 0
