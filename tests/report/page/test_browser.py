"""The report in a real Chromium: every tab, filter, zoom and player works, nothing else happens."""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.report.page.browser import ARGUMENTS, Visit, chromium, executable, why_not
from tests.report.study import AWKWARD
from tests.rows import make_dose_rows, make_rows
from tests.shapley_rows import shapley_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.names import Look
from pi_amt.report.page.build import build, make_page
from pi_amt.report.page.comparison import write_comparison
from pi_amt.report.page.render import render
from pi_amt.report.tables.contrasts import compare

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a browser"),
]
VIEWS = ("overview", "conditions", "curves", "explorer", "tables", "methods", "alerts")
PHONE = {"width": 390, "height": 844}

Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Any, toy_report: Path) -> Iterator[Open]:
    """Open the report; on the way out, no error and no request may have happened."""
    visits: list[Visit] = []

    def opened(fragment: str = "", **context: Any) -> Visit:
        visits.append(Visit(browser, toy_report, fragment, **context))
        return visits[-1]

    yield opened
    for each in visits:
        each.close()


def visible(page: Any) -> list[str]:
    return [v for v in VIEWS if page.locator(f"#view-{v}").is_visible()]


def wait_for(element: Any, condition: str) -> None:
    """Until a JavaScript function of the element is true; a promise would be awaited for ever."""
    element.page.wait_for_function(condition, arg=element.element_handle())


def playing(page: Any) -> list[str]:
    """The players that are not paused."""
    ids: list[str] = page.locator("audio").evaluate_all(
        "all => all.filter(a => !a.paused).map(a => a.id)"
    )
    return ids


def test_every_tab_shows_its_view_and_nothing_of_a_name_runs(visit: Open) -> None:
    opened = visit()
    page = opened.page
    assert visible(page) == ["overview"]
    for view in VIEWS:
        page.get_by_role("tab", selected=False).first.wait_for()
        page.locator(f"#tab-{view}").click()
        assert visible(page) == [view]
        assert page.locator(f"#tab-{view}").get_attribute("aria-selected") == "true"
        assert page.locator(f"#view-{view} .banner").is_visible()
        page.wait_for_timeout(150)
        opened.screenshot(view)
    assert page.evaluate("window.hacked") is None


def test_tabs_work_from_the_keyboard(visit: Open) -> None:
    page = visit().page
    page.locator("#tab-overview").focus()
    page.keyboard.press("ArrowRight")
    assert visible(page) == ["conditions"]
    page.keyboard.press("End")
    assert visible(page) == ["alerts"]
    page.keyboard.press("ArrowRight")
    assert visible(page) == ["overview"]
    assert page.evaluate("document.activeElement.id") == "tab-overview"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") != "BODY"


def test_alerts_are_counted_in_the_tab_bar(visit: Open) -> None:
    page = visit().page
    tab = page.locator("#tab-alerts")
    count = int(re.sub(r"\D", "", tab.inner_text()))
    tab.click()
    assert page.locator("#view-alerts .banner, #view-alerts li").count() == count
    assert "truncated audio" in page.locator("#view-alerts").inner_text()


def test_a_condition_of_the_forest_leads_to_its_detail(visit: Open) -> None:
    page = visit().page
    page.get_by_role("link", name="harm_mask", exact=True).first.click()
    article = page.locator("#entry-harm_mask")
    article.wait_for()  # the page hears of a new fragment only after the click
    assert page.locator("article.entry:visible").count() == 1
    assert article.locator("figure svg").count() >= 3
    assert page.locator(".side a[aria-current]").inner_text() == "harm_mask"
    # a recording per point, and its name as text
    points = article.locator('figure[data-chart="paired"] .pt')
    assert points.count() >= len(AWKWARD)
    titles = article.locator('figure[data-chart="paired"] title').all_text_contents()
    assert any(AWKWARD[0] in title for title in titles)
    # who came by keyboard goes on from the heading
    assert page.evaluate("document.activeElement.id") == "h-harm_mask"
    page.go_back()
    page.locator("#view-overview").wait_for()
    assert visible(page) == ["overview"]


def test_the_tab_of_the_conditions_leads_back_to_the_one_seen_last(visit: Open) -> None:
    page = visit("#conditions/harm_mask").page
    page.locator("#tab-overview").click()
    page.locator("#tab-overview").press("ArrowRight")
    page.wait_for_function("() => location.hash === '#conditions/harm_mask'")
    page.wait_for_timeout(100)  # the event of the new fragment comes later
    assert page.locator("article.entry:visible").get_attribute("id") == "entry-harm_mask"
    assert page.evaluate("document.activeElement.id") == "tab-conditions"
    # and Back leads through what was seen
    page.locator(".side a[data-entry=microtonal]").click()
    page.locator("#entry-microtonal").wait_for()
    page.go_back()
    page.locator("#entry-harm_mask").wait_for()


def test_the_plot_of_the_forest_can_be_clicked_too(visit: Open) -> None:
    page = visit().page
    page.locator("table.forest td.plot a").nth(2).click()
    page.locator("#view-conditions").wait_for()
    assert visible(page) == ["conditions"]
    assert page.locator("#entry-microtonal").is_visible()


def test_lost_notes_and_wider_tolerances_are_told_in_words(visit: Open) -> None:
    """The toy hears nothing under the mask; the other model's rows are of an earlier version."""
    page = visit("#conditions/fund_mask").page
    article = page.locator("#entry-fund_mask")
    fates = article.locator('figure[data-chart="fates"]').first
    told = fates.locator("title").all_text_contents()
    assert [text.partition(":")[0] for text in told] == [
        "moved in time", "octave or twelfth", "split or late", "gone",
    ]  # fmt: skip
    assert told[-1].startswith("gone: 100.0 % of ")
    wider = article.locator('figure[data-chart="tolerance"]')
    assert (
        "perturbed, 150 ms: 0.000, drop 1.000" in wider.first.locator("title").all_text_contents()
    )
    assert "none is gone at 150 ms" in wider.first.inner_text()
    assert "made by an earlier version" in wider.last.inner_text()


def test_charts_draw_each_marker_in_a_shape_of_its_own(visit: Open) -> None:
    markers = [Look("m", "d", number, False).marker for number in range(6)]
    script = "markers => markers.map(kind => symbol(0, 0, 5, kind, 'mark').outerHTML)"
    assert len(set(visit().page.evaluate(script, markers))) == 6


def test_filters_of_the_forest(visit: Open) -> None:
    page = visit().page
    rows = page.locator("table.forest:visible tr[data-role]:visible")
    everything = rows.count()
    page.locator("#find").fill("harm_mask")
    assert rows.count() == 1
    page.locator("#find").fill("no such condition")
    assert rows.count() == 0
    assert page.locator("#nothing-found").is_visible()
    page.locator("#find").fill("")
    page.locator("#controls").check()
    assert rows.count() > everything
    page.locator("#controls").uncheck()
    page.locator("#order").select_option("drop")
    drops = [float(row.get_attribute("data-drop")) for row in rows.all()]
    assert drops == sorted(drops, reverse=True)


def test_steps_of_profiles_and_doses_wait_until_asked_for(visit: Open) -> None:
    page = visit().page
    steps = page.locator('table.forest tbody tr[data-role="step"]:visible')
    assert page.locator("table.forest tr[data-role]:visible").count() == 4
    assert steps.count() == 0
    page.get_by_label("Show 6 steps of profiles and doses").check()
    assert steps.count() == 6
    page.locator("#steps").uncheck()
    page.locator("#find").fill("harmonic=2")
    assert steps.count() == 1


def drop_shown(page: Any, name: str) -> float:
    """Where the first mark of a condition stands between the ticks that are seen."""
    ticks = [(t.bounding_box(), t.text_content()) for t in page.locator(".axis text:visible").all()]
    (x0, low), (x1, high) = (
        (box["x"] + box["width"] / 2, float(text.replace("−", "-")))
        for box, text in (ticks[0], ticks[-1])
    )
    row = page.locator("table.forest tbody tr", has=page.get_by_role("link", name=name, exact=True))
    box = row.locator(".plot .mark").first.bounding_box()
    return float(low + (box["x"] + box["width"] / 2 - x0) / (x1 - x0) * (high - low))


def test_hidden_rows_do_not_squeeze_the_forest(browser: Any, tmp_path: Path) -> None:
    options = {f"remove_harmonic(harmonic={k})": {"harmonic": k} for k in (1, 2, 3)}
    drops = {"fund_mask": 0.05, "random": 0.1} | dict.fromkeys(options, 0.6)
    rows = make_rows(drops, n_pieces=4, parameters=options, noise=0.0)
    opened = Visit(browser, build(rows, tmp_path / "report.html"))
    page = opened.page
    ticks = page.locator(".axis text:visible")
    assert ticks.last.text_content() == "0.1"
    assert drop_shown(page, "fund_mask") == pytest.approx(0.05, abs=0.003)
    for filter_on, filter_off in (
        (page.locator("#steps").check, page.locator("#steps").uncheck),
        (lambda: page.locator("#find").fill("m"), lambda: page.locator("#find").fill("")),
    ):
        filter_on()
        assert float(ticks.last.text_content()) > 0.5
        assert drop_shown(page, "fund_mask") == pytest.approx(0.05, abs=0.006)
        assert drop_shown(page, "remove_harmonic(harmonic=2)") == pytest.approx(0.6, abs=0.006)
        filter_off()
        assert ticks.last.text_content() == "0.1"
    page.locator("#find").fill("fund")
    assert ticks.last.text_content() == "0.1"
    opened.close()


def test_where_all_recordings_failed_no_chart_gives_another_reason(
    browser: Any, tmp_path: Path
) -> None:
    rows = [
        replace(row, status="error", error="truncated audio", scores={}, counts={})
        if row.permutation == "harm_mask"
        else row
        for row in make_rows({"fund_mask": 0.3, "harm_mask": 0.1})
    ]
    opened = Visit(browser, build(rows, tmp_path / "report.html"), "#conditions/harm_mask")
    told = opened.page.locator("#entry-harm_mask figure .none").all_inner_texts()
    assert len(told) >= 4
    assert set(told) == {"No recording has both scores."}
    opened.close()


def test_one_of_something_is_not_called_several(browser: Any, tmp_path: Path) -> None:
    rows = make_rows({"fund_mask": 0.3, "harm_mask": 0.1}, n_pieces=1)
    rows += make_dose_rows({0.1: 0.1, 0.3: 0.2, 0.5: 0.3}, n_pieces=1)
    path = build(list({row.key: row for row in rows}.values()), tmp_path / "report.html")
    opened = Visit(browser, path)
    page = opened.page
    page.locator("#find").fill("fund_mask")
    assert page.locator("#live").inner_text() == "1 condition"
    page.locator("#find").fill("mask")
    assert page.locator("#live").inner_text() == "2 conditions"
    for view in VIEWS:
        page.locator(f"#tab-{view}").click()
    words = page.evaluate(
        "[document.body.textContent,"
        " ...[...document.querySelectorAll('[aria-label]')].map(e => e.ariaLabel)].join('; ')"
    )
    assert re.findall(r"\b1 (?:recording|condition|note|test|step|warning)\b", words)
    assert "score of 1 recording;" in words
    assert "on Demo, 1 recording. Basic Pitch: D50" in words
    several = re.findall(
        r"(?<![\d.,])1 (?:recordings|conditions|notes|tests|steps|warnings)", words
    )
    assert several == []
    opened.close()


def test_an_address_of_nonsense_shows_the_overview(visit: Open) -> None:
    assert visible(visit("#%E0%A4%A").page) == ["overview"]


def test_tables_sort_and_save(visit: Open) -> None:
    page = visit("#tables").page
    table = page.locator('[data-table="importance"] table')
    table.locator("thead button", has_text="perturbed").first.click()
    column = [h.strip() for h in table.locator("thead th").all_inner_texts()]
    place = next(i for i, h in enumerate(column) if "perturbed" in h)
    cells = table.locator(f"tbody tr td:nth-child({place + 1})").all_inner_texts()
    numbers = [float(cell.split("→")[1]) for cell in cells if cell != "–"]
    assert numbers == sorted(numbers)
    with page.expect_download() as download:
        page.locator('[data-save="importance"]').click()
    with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
        saved = list(csv.DictReader(file))
    assert len(saved) == table.locator("tbody tr").count()
    drops = [line["drop_low"] for line in saved]
    assert "" in drops  # the baseline has no interval
    assert min(float(drop) for drop in drops if drop) < 0  # program-readable, with a hyphen


def test_names_that_begin_with_digits_are_sorted_as_names(browser: Any, tmp_path: Path) -> None:
    rows = make_rows({"fund_mask": 0.3}, n_pieces=4)
    tracks = sorted({row.track for row in rows})
    names = {track: f"2018/{name}" for track, name in zip(tracks, "cabd", strict=True)}
    rows = [replace(row, track=names[row.track], status="error", error="x", scores={})
            if row.label == "fund_mask" else replace(row, track=names[row.track])
            for row in rows]  # fmt: skip
    path = tmp_path / "report.html"
    path.write_text(render(make_page(Importance.from_rows(rows)), "x_files", []), encoding="utf-8")
    opened = Visit(browser, path, "#tables")
    table = opened.page.locator('[data-table="failed_recordings"] table')
    place = table.locator("thead th").all_inner_texts().index("track")
    table.locator("thead button").nth(place).click()
    shown = table.locator(f"tbody td:nth-child({place + 1})").all_inner_texts()
    assert shown == [f"2018/{name}" for name in "abcd"]
    opened.close()


def test_curves_are_drawn(visit: Open) -> None:
    page = visit("#curves").page
    assert page.locator("#curve-charts figure").count() == 2
    text = page.locator("#curve-charts").inner_text()
    assert "partial k removed" in text
    assert "D50" in text
    assert "attenuation (dB)" in text
    assert "harmonic k" in text


def test_explorer_zooms_scrubs_and_changes(visit: Open) -> None:
    page = visit("#explorer").page
    root = page.locator("#explorer-root")

    def view() -> list[float]:
        return [float(v) for v in root.get_attribute("data-view").split()]

    assert view() == [0.0, 10.0]
    page.get_by_role("button", name="Zoom in").click()
    start, stop = view()
    assert stop - start == pytest.approx(5.0)
    box = page.locator(".view.roll").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 60, steps=4)
    page.mouse.up()
    assert view()[0] == pytest.approx(start + 2.5, abs=0.2)
    page.get_by_role("button", name="Show the whole excerpt").click()
    assert view() == [0.0, 10.0]
    page.locator("#ex-scrub").fill("4")
    assert page.locator("#ex-clock").inner_text().startswith("4.00")
    left = page.locator(".view.roll .head").evaluate("e => parseFloat(e.style.left)")
    assert left == pytest.approx(40.0)
    page.locator(".stack").focus()
    page.keyboard.press("+")
    assert view()[1] - view()[0] == pytest.approx(5.0)
    page.keyboard.press("ArrowRight")
    assert page.locator("#ex-clock").inner_text().startswith("4.10")


def test_keys_of_the_browser_stay_its_own(visit: Open) -> None:
    page = visit("#explorer").page
    taken = page.evaluate(
        """() => [["+", "ctrlKey"], ["0", "metaKey"], ["ArrowLeft", "altKey"], ["2", "ctrlKey"],
                  ["+", "shiftKey"]].map(([key, held]) => {
            const event = new KeyboardEvent("keydown", { key, [held]: true, cancelable: true });
            return !document.querySelector(".stack").dispatchEvent(event);
        })"""
    )
    assert taken == [False, False, False, False, True]
    assert page.locator("#ex-sound input:checked").get_attribute("value") == "original"


def test_nothing_is_dragged_without_the_first_button(visit: Open) -> None:
    page = visit("#explorer").page
    page.get_by_role("button", name="Zoom in").click()
    page.evaluate(
        """() => {
            const stack = document.querySelector(".stack");
            const point = (type, clientX, more) => stack.dispatchEvent(
                new PointerEvent(type, { clientX, pointerId: 1, ...more }));
            point("pointerdown", 500, { button: 2, buttons: 2 }); // a menu takes what follows
            point("pointerup", 500, { button: 2 });
            point("pointerdown", 500, { button: 0, buttons: 1 }); // let go outside
            point("pointermove", 300, { buttons: 0 });
        }"""
    )
    assert page.locator("#explorer-root").get_attribute("data-view") == "0.000 5.000"
    assert page.locator("#ex-clock").inner_text().startswith("0.00")


def test_a_long_drag_leaves_the_address_of_where_it_ended(visit: Open) -> None:
    """Chromium drops all but 200 changes of an address in ten seconds; not as it is run here."""
    page = visit("#explorer").page
    page.evaluate(
        """() => {
            window.changes = 0;
            const replace = history.replaceState.bind(history);
            history.replaceState = (...given) => { window.changes += 1; replace(...given); };
            document.querySelector('[aria-label="Zoom in"]').click();
            const stack = document.querySelector(".stack");
            const drag = (type, clientX) => stack.dispatchEvent(
                new PointerEvent(type, { clientX, pointerId: 1, buttons: 1 }));
            stack.setPointerCapture = () => {}; // there is no such pointer
            drag("pointerdown", 900);
            for (let x = 899; x > 0; x -= 1) drag("pointermove", x);
            drag("pointerup", 0);
        }"""
    )
    start, stop = (
        float(t) for t in page.locator("#explorer-root").get_attribute("data-view").split()
    )
    assert start > 3
    page.wait_for_function(
        """length => {
            const state = new URLSearchParams(location.hash.slice("#explorer/".length));
            return Math.abs(state.get("to") - state.get("from") - length) < 0.15;
        }""",
        arg=stop - start,
    )
    assert page.evaluate("window.changes") < 20
    address = page.evaluate("location.hash")
    again = visit(address).page.locator("#explorer-root").get_attribute("data-view")
    assert [float(t) for t in again.split()] == pytest.approx([start, stop], abs=0.06)


@pytest.fixture(scope="module")
def report_of_two_models(toy_results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy's explorer with a second model: it has the conditions of the toy but for the first,
    in the opposite order, and the second recording alone has it in the first place.
    """
    importance = Importance.read(toy_results)
    page = make_page(importance, importance.origin, examples=3)
    assert page.explorer.data is not None
    for number, example in enumerate(page.explorer.data["examples"]):
        (toy,) = example["models"]
        second = toy | {"panel": 1, "conditions": toy["conditions"][:0:-1]}
        example["models"] = [second, toy] if number == 1 else [toy, second]
    path = tmp_path_factory.mktemp("two_models") / "report.html"
    path.write_text(render(page, "files", []), encoding="utf-8")
    return path


def test_explorer_keeps_what_was_chosen(browser: Any, report_of_two_models: Path) -> None:
    opened = Visit(browser, report_of_two_models, "#explorer")
    page = opened.page

    def shown() -> list[str]:
        """Recording, model, condition, part of the excerpt, playhead."""
        chosen = [
            page.locator(f"#ex-{name} option:checked").inner_text()
            for name in ("recording", "model", "condition")
        ]
        clock = page.locator("#ex-clock").inner_text()
        return [*chosen, page.locator("#explorer-root").get_attribute("data-view"), clock]

    def choose(name: str, label: str) -> None:
        page.locator(f"#ex-{name}").select_option(label=label)

    recordings = page.locator("#ex-recording option").all_inner_texts()
    toy, other = page.locator("#ex-model option").all_inner_texts()
    first, second = page.locator("#ex-condition option").all_inner_texts()[:2]
    choose("recording", recordings[1])
    assert shown()[:3] == [recordings[1], toy, first]
    choose("recording", recordings[2])
    choose("condition", second)
    page.get_by_role("button", name="Zoom in").click()
    page.locator("#ex-scrub").fill("3")
    _, _, _, view, clock = shown()
    assert view != "0.000 10.000"
    assert clock.startswith("3.00")
    choose("model", other)
    assert shown() == [recordings[2], other, second, view, clock]
    # another recording is another excerpt, of the same model and condition
    for recording in recordings[:2]:
        choose("recording", recording)
        assert shown()[:4] == [recording, other, second, "0.000 10.000"]
    choose("model", toy)
    assert shown()[:3] == [recordings[1], toy, second]
    # what a model lacks comes back with the next one that has it
    choose("condition", first)
    choose("model", other)
    assert shown()[2] not in (first, second)
    choose("model", toy)
    assert shown()[:3] == [recordings[1], toy, first]
    opened.close()


def test_an_address_of_a_model_or_condition_that_is_none_changes_nothing(
    browser: Any, report_of_two_models: Path
) -> None:
    opened = Visit(browser, report_of_two_models, "#explorer/model=nonsense&condition=toString")
    page = opened.page

    def shown() -> list[str]:
        names = ("model", "condition")
        return [page.locator(f"#ex-{name} option:checked").inner_text() for name in names]

    def follow(address: str, sound: str) -> list[str]:
        page.evaluate(f"location.hash = 'explorer/{address}&sound={sound}'")
        page.wait_for_selector(f'#ex-sound input[value="{sound}"]:checked', state="attached")
        return shown()

    (toy, other), (first, second) = (
        page.locator(f"#ex-{name} option").all_inner_texts()[:2] for name in ("model", "condition")
    )
    assert shown() == [toy, first]
    second_id = page.evaluate("Object.keys(report.conditions)")[1]
    model = page.evaluate("report.panels[1].model")
    assert second.startswith(second_id)
    assert follow(f"model={model}&condition={second_id}", "after") == [other, second]
    assert follow("model=nonsense&condition=nonsense", "clean") == [other, second]
    page.locator("#ex-recording").select_option("1")
    assert shown() == [other, second]
    opened.close()


def test_explorer_shows_outcomes_and_outline(visit: Open) -> None:
    page = visit("#explorer").page
    titles = page.locator("#ex-condition option").all_inner_texts()
    page.locator("#ex-condition").select_option(str(titles.index("fund_mask (hard)")))
    lost = page.locator(".roll .note-lost").count()
    assert lost > 10
    assert page.locator(".roll .note-kept").count() == 0
    assert f"{lost} lost" in page.locator(".view.roll svg").get_attribute("aria-label")
    outlines = page.locator("img.outline:visible")
    assert outlines.count() == 2
    page.locator("#ex-outline").uncheck()
    assert outlines.count() == 0
    page.locator("#ex-recording").select_option("1")
    assert page.locator("#ex-model").inner_text() == "toy"
    assert page.locator("#ex-said").inner_text().startswith("toy on ")
    assert AWKWARD[0] in page.locator("#ex-said").inner_text() or any(
        name in page.locator("#ex-said").inner_text() for name in AWKWARD
    )


def test_one_player_plays_four_sounds_and_goes_on_where_another_left_off(visit: Open) -> None:
    page = visit("#explorer").page
    assert page.locator("audio:visible").count() == 0
    switch = page.locator("#ex-sound")
    assert switch.locator("label").all_inner_texts() == [
        "Original", "Perturbed input", "Transcription, clean", "Transcription, perturbed",
    ]  # fmt: skip
    for audio in page.locator("audio").all():
        wait_for(audio, "a => a.readyState > 0")
        assert audio.evaluate("a => a.duration") == pytest.approx(10.0, abs=0.3)
        # so slow that the sound does not end if the machine stops for some seconds
        audio.evaluate("a => { a.playbackRate = 0.1; }")
    page.locator("#ex-scrub").fill("3")
    page.get_by_role("button", name="Play").click()
    reached = 3.0
    for name in ("perturbed", "clean", "after", "original"):
        page.locator(f'#ex-sound input[value="{name}"]').check(force=True)
        audio = page.locator(f"#play-{name}")
        wait_for(audio, f"a => a.currentTime > {reached + 0.01}")
        assert playing(page) == [f"play-{name}"]
        reached = audio.evaluate("a => a.currentTime")
    page.get_by_role("button", name="Pause").click()
    at = float(page.locator("#ex-clock").inner_text().split()[0])
    assert at == pytest.approx(
        page.locator("#play-original").evaluate("a => a.currentTime"), abs=0.5
    )
    page.locator(".stack").focus()
    page.keyboard.press("2")
    assert page.locator("#ex-sound input:checked").get_attribute("value") == "perturbed"
    assert "What the model gets" in page.locator("#ex-about").inner_text()


def test_a_sound_that_is_chosen_while_another_starts_is_played(visit: Open) -> None:
    page = visit("#explorer").page
    page.evaluate(
        """() => {
            document.querySelector("#ex-play").click();
            document.querySelector('#ex-sound input[value="perturbed"]').click();
            document.querySelector('#ex-sound input[value="after"]').click();
        }"""
    )
    wait_for(page.locator("#play-after"), "a => a.currentTime > 0.1")
    assert playing(page) == ["play-after"]
    # and one click stops it, whatever the browser has told the page until then
    page.evaluate("document.querySelector('#ex-play').click()")
    page.get_by_role("button", name="Play").wait_for()
    assert playing(page) == []
    page.evaluate("for (const _ of [1, 2, 3]) document.querySelector('#ex-play').click()")
    page.get_by_role("button", name="Pause").wait_for()
    assert playing(page) == ["play-after"]


def test_what_plays_stops_where_another_recording_is_chosen(visit: Open) -> None:
    page = visit("#explorer").page
    page.get_by_role("button", name="Play").click()
    wait_for(page.locator("#play-original"), "a => a.currentTime > 0.1")
    page.locator("#ex-recording").select_option("1")
    page.get_by_role("button", name="Play").wait_for()
    assert playing(page) == []


def test_the_address_holds_what_the_explorer_shows(visit: Open) -> None:
    page = visit("#explorer").page
    page.locator("#ex-recording").select_option("1")
    page.locator("#ex-condition").select_option("2")
    page.locator('#ex-sound input[value="after"]').check(force=True)
    page.get_by_role("button", name="Zoom in").click()

    def shown(of: Any) -> list[Any]:
        names = ("recording", "model", "condition")
        chosen = [of.locator(f"#ex-{name} option:checked").inner_text() for name in names]
        part = of.locator("#explorer-root").get_attribute("data-view").split()
        sound = of.locator("#ex-sound input:checked").get_attribute("value")
        return [*chosen, sound, *(round(float(t), 1) for t in part)]

    page.wait_for_function(  # it comes a little later than what is shown
        """() => {
            const state = new URLSearchParams(location.hash.slice("#explorer/".length));
            return state.get("sound") === "after" && state.get("to") - state.get("from") < 6;
        }"""
    )
    address = page.evaluate("location.hash")
    again = visit(address).page
    assert shown(again) == shown(page)
    assert shown(again)[3:] == ["after", 0.0, 5.0]
    # the tab keeps it, and an address of something else is followed
    again.locator("#tab-overview").click()
    again.locator("#tab-explorer").click()
    again.wait_for_function("text => location.hash === text", arg=address)
    assert shown(again) == shown(page)
    again.evaluate("location.hash = 'explorer/condition=harm_mask&sound=nonsense&from=x'")
    again.wait_for_function(
        "document.querySelector('#ex-condition').selectedOptions[0].text.startsWith('harm_mask')"
    )
    assert shown(again)[0] == shown(page)[0]
    assert shown(again)[3] == "after"


@pytest.mark.parametrize("sound", ["toString", "__proto__", "%00", ""])
def test_an_address_with_a_sound_that_is_none_shows_the_explorer(visit: Open, sound: str) -> None:
    page = visit(f"#explorer/condition=harm_mask&sound={sound}").page
    assert page.locator("#ex-condition option:checked").inner_text().startswith("harm_mask")
    assert page.locator("#ex-sound input:checked").get_attribute("value") == "original"


def test_an_address_may_hold_slashes(visit: Open) -> None:
    """Programs that pass an address on may write %2F, as in the names of MAESTRO, as a slash."""
    page = visit("#explorer/recording=2018/x.wav&condition=harm_mask&sound=after").page
    assert page.locator("#ex-condition option:checked").inner_text().startswith("harm_mask")
    assert page.locator("#ex-sound input:checked").get_attribute("value") == "after"


def test_the_running_clock_is_not_read_out(visit: Open) -> None:
    page = visit("#explorer").page
    assert page.locator("output:not([aria-live=off])").count() == 0


def test_who_leaves_the_explorer_hears_nothing_and_finds_the_playhead_again(visit: Open) -> None:
    page = visit("#explorer").page
    page.locator("#ex-scrub").fill("3")
    audio = page.locator("#play-original")
    audio.evaluate("a => { a.playbackRate = 0.1; }")
    page.get_by_role("button", name="Play").click()
    wait_for(audio, "a => a.currentTime > 3.01")
    page.locator("#tab-tables").click()
    assert playing(page) == []
    page.locator("#tab-explorer").click()
    page.get_by_role("button", name="Play").wait_for()
    assert page.locator("#ex-clock").inner_text().startswith("3.")
    # the event of the new fragment comes later than the click
    page.wait_for_function("() => location.hash.startsWith('#explorer/')")
    page.wait_for_timeout(100)
    assert page.locator("#ex-clock").inner_text().startswith("3.")


def test_the_explorer_says_f_of_the_excerpt_and_what_to_look_for(visit: Open) -> None:
    page = visit("#explorer/condition=fund_mask").page
    scores = page.locator(".scores .score strong").all_inner_texts()
    assert scores == ["1.00", "0.00"]
    assert "F of the whole recording: 1.00 → 0.00" in page.locator(".scores").inner_text()
    lost = page.locator(".roll .note-lost").count()
    assert re.fullmatch(
        r"Look for the hatched notes: none of the (\d+) notes found before is left.",
        page.locator("#ex-hint").inner_text(),
    )
    assert lost > 10


def test_theme_is_chosen_and_kept(visit: Open) -> None:
    page = visit(color_scheme="light").page
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.locator("#theme").click()
    assert page.evaluate(paper) == light
    page.locator("#theme").click()
    assert page.evaluate(paper) != light
    page.reload()
    assert page.locator("#theme").inner_text() == "Theme: dark"
    assert page.evaluate(paper) != light


@pytest.mark.parametrize("width", [700, 1000, 1600])
def test_forest_stays_inside_its_card(visit: Open, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900}).page
    card = page.locator(".card", has=page.locator("table.forest")).bounding_box()
    table = page.locator("table.forest").bounding_box()
    assert table["x"] + table["width"] <= card["x"] + card["width"]
    assert page.locator("td.plot").first.bounding_box()["width"] > 170


@pytest.mark.filterwarnings("error::UserWarning")  # a figure without room for its axes warns
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_phone_shows_all_without_scrolling_sideways(visit: Open, view: str, scheme: str) -> None:
    opened = visit(f"#{view}", viewport=PHONE, color_scheme=scheme)
    assert visible(opened.page) == [view]
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    opened.screenshot(f"phone-{scheme}-{view}")


@pytest.mark.parametrize("size", [PHONE, {"width": 1400, "height": 900}])
def test_drop_and_excess_stand_side_by_side_and_whole(visit: Open, size: dict[str, int]) -> None:
    page = visit(viewport=size).page
    row = page.locator(
        "table.forest tr[data-role]", has=page.locator('a[href="#conditions/fund_mask"]')
    )
    row = row.first
    for kind, shape in (("drop", r"−?\d\.\d{3} \[.*\]"), ("excess", r"−?\d\.\d{3} \[.*\]")):
        cell = row.locator(f'td[data-label="{kind}"] div').first
        assert re.fullmatch(shape, " ".join(cell.inner_text().split()))
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
    assert "→" in row.locator('td[data-label="F"]').inner_text()
    # the answer is on the first screen
    answer = page.locator(".headline").last.bounding_box()
    assert answer["y"] + answer["height"] <= size["height"]


@pytest.mark.parametrize("size", [PHONE, {"width": 1400, "height": 900}])
def test_tables_show_more_columns_when_asked_and_cut_nothing_off(
    visit: Open, size: dict[str, int]
) -> None:
    page = visit("#tables", viewport=size).page
    box = page.locator('[data-table="importance"]')
    cells = box.locator("tbody tr").first.locator("td:visible")
    few = cells.count()
    assert few == 6
    for scroll in page.locator(".scroll:visible").all():
        assert scroll.evaluate("e => e.scrollWidth <= e.clientWidth + 1")
    page.locator('[data-more="importance"]').check()
    assert cells.count() > 20
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_heads_say_what_they_mean_to_mouse_and_keyboard(visit: Open) -> None:
    page = visit("#tables").page
    tip = page.locator("#tip")
    assert tip.is_hidden()
    head = page.locator('[data-table="importance"] th', has_text="excess").first
    head.hover()
    assert tip.inner_text().startswith("drop − drop of the control matched_tracks")
    page.mouse.move(0, 0)
    assert tip.is_hidden()
    head.locator("button").focus()
    assert tip.is_visible()
    assert head.locator("button").get_attribute("aria-describedby") == "tip"
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    heads = page.locator("th[scope=col]:not(.axis):not([data-tip])")
    assert heads.all_text_contents() == []


def test_badges_say_what_they_mean_to_the_keyboard(visit: Open) -> None:
    page = visit("#conditions/fund_mask").page
    badge = page.locator("#entry-fund_mask .badge.hard").first
    badge.focus()
    assert page.locator("#tip").inner_text().startswith("This mask leaves exact zeros")
    assert badge.get_attribute("aria-describedby") == "tip"


def test_the_forest_sorts_by_its_heads(visit: Open) -> None:
    page = visit().page
    page.locator("table.forest th[data-sort=excess] button").click()
    rows = page.locator("table.forest tr[data-role=condition]")
    excess = [float(row.get_attribute("data-excess")) for row in rows.all()]
    assert excess == sorted(excess, reverse=True)
    assert page.locator("#order").input_value() == "excess"
    page.locator("table.forest th[data-sort=excess] button").click()
    assert page.locator("#order").input_value() == "order"
    order = [float(row.get_attribute("data-order")) for row in rows.all()]
    assert order == sorted(order, reverse=True)


def test_a_dot_leads_to_its_row_and_a_row_to_the_explorer(visit: Open) -> None:
    page = visit("#conditions/fund_mask").page
    article = page.locator("#entry-fund_mask")
    rows = article.locator(".recordings").first.locator("tbody tr")
    assert rows.count() == len(AWKWARD)
    dot = article.locator('figure[data-chart="paired"]').first.locator(".pt").first
    dot.dispatch_event("click")
    chosen = article.locator(".recordings").first.locator("tr[aria-current]")
    assert chosen.count() == 1
    name = chosen.locator("bdi").inner_text()
    assert name in (dot.locator("title").text_content() or "")
    assert "chosen" in (dot.get_attribute("class") or "")
    article.locator(".recordings").first.locator("th button", has_text="Recording").click()
    names = rows.locator("bdi").all_inner_texts()
    assert names == sorted(names, key=str.lower) or names == page.evaluate(
        "names => [...names].sort((a, b) => a.localeCompare(b))", names
    )
    link = article.locator(".recordings a.listen").first
    wanted = link.locator("xpath=..").locator("bdi").inner_text()
    link.click()
    page.locator("#view-explorer").wait_for()
    assert page.locator("#ex-recording option:checked").inner_text().startswith(wanted)
    assert page.locator("#ex-condition option:checked").inner_text() == "fund_mask (hard)"


def test_only_what_the_explorer_has_leads_there(visit: Open) -> None:
    """It has no controls: their rows led to another condition."""
    page = visit("#conditions/fund_mask").page
    assert page.locator("#entry-fund_mask a.listen").count() == 2
    page.evaluate("location.hash = 'conditions/matched_tracks-fund_mask'")
    article = page.locator("#entry-matched_tracks-fund_mask")
    article.locator(".recordings tbody tr").first.wait_for()
    assert article.locator("a.listen").count() == 0


def test_models_under_one_condition_have_one_scale(visit: Open) -> None:
    """The planted model has no note tables: its numbers are put in."""
    page = visit().page
    page.evaluate(
        """() => {
            const cells = report.conditions["fund_mask"];
            cells[1] = { ...cells[1], notes: 3, classes: cells[0].classes, alone: cells[0].alone,
                         change: cells[0].change.map(() => 50), chance: cells[0].chance };
        }"""
    )
    page.locator("#tab-conditions").click()
    page.locator('.side a[href="#conditions/fund_mask"]').click()
    figures = page.locator('#entry-fund_mask figure[data-chart="intervals"]')
    figures.nth(1).locator("svg").wait_for()
    scales = [
        figures.nth(i).locator("svg text[text-anchor=end]").all_text_contents() for i in (0, 1)
    ]
    assert scales[0] == scales[1]
    assert "40" in scales[0]


def test_print_shows_what_belongs_on_paper(visit: Open) -> None:
    page = visit(color_scheme="dark", viewport={"width": 700, "height": 1000}).page
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert set(visible(page)) == set(VIEWS) - {"explorer"}
    shown = page.locator("article.entry:visible figure[data-chart]:visible")
    kinds = shown.evaluate_all("all => [...new Set(all.map(f => f.dataset.chart))]")
    assert kinds == ["paired"]
    assert page.locator("article.entry:visible").count() == 4  # without steps and controls
    assert shown.locator("svg").count() == shown.count() == 6  # two of them of both models
    heads = page.locator('[data-table="importance"] th:visible').all_inner_texts()
    assert [head.strip() for head in heads][-3:] == ["drop", "excess", "p"]
    lines = page.locator('[data-table="importance"] tbody tr:visible').all_inner_texts()
    assert lines
    assert not [line for line in lines if "matched_tracks" in line]  # no controls
    assert not page.locator("#bibtex").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("table.forest td.plot").first.bounding_box()["width"] > 150
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert not page.locator("#theme").is_visible()


def test_no_colour_of_a_dark_screen_is_on_paper(visit: Open) -> None:
    names = [*(f"--c{number}" for number in range(6)), "--link", "--soft", "--warn"]
    script = """names => {
        const style = getComputedStyle(document.documentElement);
        return names.map(name => style.getPropertyValue(name));
    }"""
    papers = []
    for scheme in ("light", "dark"):
        page = visit(color_scheme=scheme).page
        page.emulate_media(media="print", color_scheme=scheme)
        papers.append(dict(zip(names, page.evaluate(script, names), strict=True)))
    assert papers[0] == papers[1]


def test_on_paper_it_takes_ten_pages_at_most(toy_report: Path, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    command = [executable() or "", "--headless", *ARGUMENTS, f"--user-data-dir={tmp_path}"]
    subprocess.run(
        [*command, f"--print-to-pdf={paper}", "--virtual-time-budget=4000", toy_report.as_uri()],
        check=True,
        capture_output=True,
        timeout=240,
    )
    pages = re.findall(rb"/Type\s*/Page\b", paper.read_bytes())
    assert 2 <= len(pages) <= 10


def test_page_reads_without_scripts(visit: Open) -> None:
    page = visit(java_script_enabled=False).page
    assert page.locator("table.forest tr[data-role]:visible").count() > 3
    assert "Scripts are off" in page.locator("noscript").inner_text()
    # "all text, tables and the forest plot are here"
    assert set(visible(page)) == set(VIEWS) - {"explorer"}
    assert page.locator("article.entry:visible").count() == page.locator("article.entry").count()
    assert page.locator("figure:visible").count() == 0


@pytest.mark.parametrize("size", [PHONE, {"width": 1400, "height": 900}])
def test_answers_and_where_the_score_comes_from_are_on_the_first_screen(
    browser: Any, tmp_path: Path, size: dict[str, int]
) -> None:
    rows = [
        row
        for model in ("basic_pitch", "timbre_trap")
        for row in (
            *make_rows({"fund_mask": 0.4, "matched_tracks(fund_mask)": 0.02}, model=model),
            *shapley_rows(lambda present, piece: 0.2 * len(present), n_pieces=12, model=model),
        )
    ]
    importance = Importance.from_rows(list({row.key: row for row in rows}.values()))
    path = tmp_path / "report.html"
    path.write_text(render(make_page(importance), "x_files", []), encoding="utf-8")
    opened = Visit(browser, path, viewport=size)
    page = opened.page
    for seen in (".headline >> nth=0", ".headline >> nth=1", "table.shapley"):
        box = page.locator(seen).bounding_box()
        assert box["y"] + box["height"] <= size["height"], seen
    if size == PHONE:  # the rest of an answer is there when it is asked for
        first = page.locator(".headline").first
        short = first.bounding_box()["height"]
        first.get_by_role("button", name="Read on").click()
        assert first.bounding_box()["height"] > short
        assert not first.get_by_role("button", name="Read on").is_visible()
    opened.close()


def test_a_thousand_recordings_can_be_looked_through(
    browser: Any, thousand: Importance, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(make_page(thousand), "x_files", []), encoding="utf-8")
    opened = Visit(browser, path)
    page = opened.page
    everything = "document.querySelectorAll('*').length"
    assert page.evaluate(everything) < 8_000  # nothing of a recording is built before it is seen
    page.locator("table.forest a.condition", has_text="fund_mask").first.click()
    article = page.locator("#entry-fund_mask")
    assert article.locator('figure[data-chart="paired"]').first.locator(".pt").count() == 1000
    rows = article.locator(".recordings").first.locator("tbody tr")
    assert rows.count() == 12
    assert page.evaluate(everything) < 20_000
    # a dot whose row is not there yet brings it into sight
    last = article.locator('figure[data-chart="paired"] .pt[data-piece="999"]').first
    last.dispatch_event("click")
    assert rows.count() == 1000
    chosen = article.locator(".recordings").first.locator("tr[aria-current]")
    assert chosen.locator("bdi").inner_text() == "piece_999"
    box = chosen.bounding_box()
    assert 0 <= box["y"] < page.viewport_size["height"]
    opened.close()


@pytest.mark.parametrize("size", [PHONE, {"width": 1400, "height": 900}])
def test_long_names_of_recordings_are_whole_in_two_lines(
    browser: Any, tmp_path: Path, size: dict[str, int]
) -> None:
    """Two models side by side leave 400 pixels, of which three columns of numbers take half."""
    name = "2018/MIDI-Unprocessed_Chamber3_MID--AUDIO_10_R3_2018_wav--"
    rows = [
        replace(row, track=name + row.track[-1], composition=row.track)
        for model in ("basic_pitch", "timbre_trap")
        for row in make_rows(n_pieces=4, model=model, dataset="maestro")
    ]
    path = tmp_path / "report.html"
    path.write_text(render(make_page(Importance.from_rows(rows)), "x_files", []), encoding="utf-8")
    opened = Visit(browser, path, "#conditions/fund_mask", viewport=size)
    opened.screenshot(f"long-names-{size['width']}")
    article = opened.page.locator("#entry-fund_mask")
    for card in article.locator(".model").all():
        box = card.bounding_box()
        names, numbers = card.locator("tbody bdi"), card.locator("tbody .num")
        assert sorted(names.all_inner_texts()) == [f"{name}{n}" for n in range(4)]
        lines = "e => new Set([...e.getClientRects()].map(r => Math.round(r.top))).size"
        assert {of.evaluate(lines) for of in names.all()} <= {1, 2}
        for element in (*names.all(), *numbers.all()):
            place = element.bounding_box()
            assert box["x"] <= place["x"]
            assert place["x"] + place["width"] <= box["x"] + box["width"]
        heads = card.locator(".pieces th.num").all()
        for head, cell in zip(heads, numbers.all(), strict=False):  # the first row's
            ends = [of["x"] + of["width"] for of in (head.bounding_box(), cell.bounding_box())]
            assert ends[0] == pytest.approx(ends[1], abs=1)
    opened.close()


def test_several_datasets_stand_side_by_side(browser: Any, tmp_path: Path) -> None:
    drops = {"fund_mask": 0.3, "microtonal": 0.05, "matched_tracks(fund_mask)": 0.1}
    rows = [
        row for name in ("maps", "maestro") for row in make_rows(drops, n_pieces=4, dataset=name)
    ]
    path = tmp_path / "report.html"
    path.write_text(render(make_page(Importance.from_rows(rows)), "x_files", []), encoding="utf-8")
    opened = Visit(browser, path, viewport={"width": 1400, "height": 900})
    page = opened.page
    assert page.locator(".forestbox:visible").count() == 1
    page.locator('input[name="dataset-forest"][value="*"]').check(force=True)
    boxes = [box.bounding_box() for box in page.locator(".forestbox:visible").all()]
    assert len(boxes) == 2
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert boxes[1]["x"] + boxes[1]["width"] <= 1400
    for condition in ("fund_mask", "microtonal"):
        places = [
            box.locator(
                "tr[data-role]", has=page.locator(f'a[href="#conditions/{condition}"]')
            ).first.bounding_box()["y"]
            for box in page.locator(".forestbox:visible").all()
        ]
        assert places[0] == places[1]
    for kind in ("drop", "excess"):
        cells = page.locator(f'td[data-label="{kind}"]:visible b:visible')
        assert cells.count() >= 2
    opened.close()


def test_a_reload_shows_what_the_filters_that_it_keeps_say(browser: Any, tmp_path: Path) -> None:
    """Browsers give a form its last state while they read the page, as attributes would."""
    drops = {"fund_mask": 0.1, "microtonal": 0.3}
    rows = [
        row for name in ("maps", "maestro") for row in make_rows(drops, n_pieces=4, dataset=name)
    ]
    text = render(make_page(Importance.from_rows(rows)), "x_files", [])
    text = re.sub(r'(<input type="radio"[^>]*value="maestro")', r"\1 checked", text)
    for state, kept in (("checked", 'data-more="importance"'), ("selected", 'value="drop"')):
        text = text.replace(kept, f"{kept} {state}")
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    opened = Visit(browser, path)
    (shown,) = opened.page.locator(".forestbox:visible").all()
    assert shown.get_attribute("data-dataset") == "maestro"
    assert opened.page.locator("#order").input_value() == "drop"
    assert shown.locator("tr[data-role]").first.get_attribute("data-order") == "-2"
    table = opened.page.locator('[data-table="importance"]')
    assert "all" in table.get_attribute("class").split()
    opened.close()


@pytest.fixture(scope="module")
def wide_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two datasets; the names of one, and of a condition, are longer than any screen."""
    drops = {"fund_mask": 0.3, "very_long_condition_name_" * 6: 0.1}
    rows = [row for name in ("maps", "very_long_dataset_name_" * 8)
            for row in make_rows(drops, n_pieces=4, dataset=name)]  # fmt: skip
    return build(rows, tmp_path_factory.mktemp("wide") / "report.html")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("view", ["overview", "conditions"])
def test_long_names_are_broken(browser: Any, wide_report: Path, view: str, width: int) -> None:
    opened = Visit(browser, wide_report, f"#{view}", viewport={"width": width, "height": 900})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    if view == "overview":
        assert opened.page.locator("td.plot").first.bounding_box()["width"] > 170
    switch = opened.page.locator("fieldset:visible").bounding_box()
    assert switch["x"] + switch["width"] <= width
    opened.close()


@pytest.mark.parametrize("media", ["print", "no scripts"])
def test_where_both_datasets_are_seen_both_are_named(
    browser: Any, wide_report: Path, media: str
) -> None:
    opened = Visit(browser, wide_report, java_script_enabled=media == "print")
    opened.page.emulate_media(media="print" if media == "print" else "screen")
    captions = opened.page.locator("table.forest caption")
    assert captions.count() == 2
    for caption in captions.all():
        assert caption.bounding_box()["height"] > 10
    assert "MAPS" in captions.first.inner_text()
    opened.close()


def test_a_comparison_shows_its_controls(browser: Any, tmp_path: Path) -> None:
    rows = make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1}, n_pieces=6)
    opened = Visit(browser, write_comparison(compare(rows, rows), tmp_path / "compare.html"))
    names = opened.page.locator("table.forest .condition:visible").all_inner_texts()
    assert names == ["fund_mask", "matched_tracks(fund_mask)"]
    opened.close()


def test_controls_are_shown_where_nothing_else_was_run(browser: Any, tmp_path: Path) -> None:
    rows = make_rows({"floor": 0.5, "identity": 0.0}, n_pieces=3)
    opened = Visit(browser, build(rows, tmp_path / "report.html"))
    rows_shown = opened.page.locator("table.forest tr[data-role]:visible")
    assert rows_shown.count() == 2
    opened.page.locator("#controls").uncheck()
    assert rows_shown.count() == 0
    opened.close()
