"""What is left of a study: models that differ thirtyfold, lengths that nobody knows beforehand."""

from __future__ import annotations

import pytest

from pi_amt.study.cost import UnderWay, Workload, core_seconds


def study(workers: int, truth: dict[str, float], lengths: list[float], *, told: bool) -> None:
    """Let a study of both models run, and compare each estimate of its end with the truth.

    Args:
        workers: how many recordings are computed at a time.
        truth: model → how many times as long as in the table it takes on this machine.
        lengths: of the recordings, which each model computes in this order.
        told: whether the lengths are known beforehand.
    """
    workload, jobs = Workload(), []
    for model, factor in truth.items():
        for seconds in lengths:
            number = workload.add(model, "maps", 8, seconds if told else None)
            jobs.append((number, core_seconds(model, seconds, 8) * factor, seconds))
    whole = sum(took for _, took, _ in jobs) / workers
    for done, (number, took, seconds) in enumerate(jobs, start=1):
        workload.finish(number, took, seconds)
        spent, left = workload.done_and_left({})
        elapsed = spent / workers
        if done >= 3:
            assert elapsed + elapsed * left / spent == pytest.approx(whole, rel=0.25)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_end_is_known_from_the_start_where_one_model_is_thirty_times_dearer(
    factor: float, told: bool
) -> None:
    truth = {"basic_pitch": factor, "timbre_trap": factor}
    study(2, truth, [180.0, 200, 220, 160, 240] * 2, told=told)


def test_a_model_that_takes_longer_than_in_the_table_is_measured() -> None:
    workload = Workload()
    numbers = {model: [workload.add(model, "maps", 8, 100.0) for _ in range(3)]
               for model in ("basic_pitch", "another")}  # fmt: skip
    cheap = core_seconds("basic_pitch", 100, 8)
    workload.finish(numbers["basic_pitch"][0], cheap, 100.0)
    before = workload.done_and_left({})[1]
    # a tenth of a recording took 50 s: all three take 1500 s, of which 50 s are done
    told = {numbers["another"][0]: UnderWay(0.1, 50.0)}
    done, left = workload.done_and_left(told)
    assert done == pytest.approx(cheap + 50)
    assert left == pytest.approx(2 * cheap + 1450)
    assert before != pytest.approx(left, rel=0.5)


def test_a_long_recording_counts_by_its_length() -> None:
    workload = Workload()
    short, long = (workload.add("toy", "maps", 8, seconds) for seconds in (10.0, 990.0))
    workload.finish(short, 10.0, 10.0)
    assert workload.done_and_left({}) == pytest.approx((10, 990))
    workload.finish(long, 990.0, 990.0)
    assert workload.done_and_left({}) == pytest.approx((1000, 0), abs=1e-6)


def test_unknown_lengths_are_those_of_the_other_recordings_of_the_dataset() -> None:
    workload = Workload()
    first = workload.add("toy", "maps", 8, None)
    workload.add("toy", "maps", 8, None)
    workload.add("toy", "maestro", 8, 600.0)
    workload.finish(first, 20.0, 200.0)
    assert workload.done_and_left({}) == pytest.approx((20, 20 + 60))


def test_what_failed_tells_nothing_about_the_others() -> None:
    workload = Workload()
    good, bad, _ = (workload.add("toy", "maps", 8, 100.0) for _ in range(3))
    workload.finish(good, 50.0, 100.0)
    workload.finish(bad, 0.001, None, failed=True)
    assert workload.done_and_left({}) == pytest.approx((50.001, 50))


def test_what_a_finished_job_told_under_way_no_longer_counts() -> None:
    workload = Workload()
    first = workload.add("toy", "maps", 8, 100.0)
    workload.add("toy", "maps", 8, 100.0)
    workload.finish(first, 50.0, 100.0)
    assert workload.done_and_left({first: UnderWay(0.9, 45.0)}) == pytest.approx((50, 50))
