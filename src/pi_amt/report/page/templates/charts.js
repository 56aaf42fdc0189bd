/* Charts of the detail views, drawn when they are first seen. */
const SVG = "http://www.w3.org/2000/svg";
function make(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const textAt = (x, y, text, options = {}) => make("text", { x, y, ...options }, text);
const titled = (element, text) => { element.append(make("title", {}, text)); return element; };
const known = value => value !== null && value !== undefined;
const fixed = (value, digits = 3) => known(value) ? (+value.toFixed(digits) || 0).toFixed(digits).replace("-", "−") : "–"; // || 0: no −0
const mean = values => values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;

function canvas(width, height, label) {
  return make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
}
function symbol(x, y, size, kind, className) {
  if (kind === "s") return make("rect", { x: x - size, y: y - size, width: 2 * size, height: 2 * size, class: className });
  if (kind === "^") return make("path", { d: `M${x} ${y - size * 1.2}L${x + size} ${y + size}H${x - size}Z`, class: className });
  if (kind === "v") return make("path", { d: `M${x} ${y + size * 1.2}L${x + size} ${y - size}H${x - size}Z`, class: className });
  if (kind === "D") return make("path", { d: `M${x} ${y - size * 1.3}L${x + size * 1.3} ${y}L${x} ${y + size * 1.3}L${x - size * 1.3} ${y}Z`, class: className });
  if (kind === "P") {
    const thin = size * 0.4, arm = size - thin;
    return make("path", { d: `M${x - thin} ${y - size}h${2 * thin}v${arm}h${arm}v${2 * thin}h${-arm}v${arm}h${-2 * thin}v${-arm}h${-arm}v${-2 * thin}h${arm}Z`, class: className });
  }
  return make("circle", { cx: x, cy: y, r: size * 1.1, class: className });
}
function unitSquare(svg, size, left, top, xLabel, yLabel) {
  const at = (x, y) => [left + x * size, top + (1 - y) * size];
  for (const t of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    const [x] = at(t, 0), [, y] = at(0, t);
    svg.append(make("line", { x1: x, x2: x, y1: top, y2: top + size, class: "grid" }), make("line", { x1: left, x2: left + size, y1: y, y2: y, class: "grid" }));
    svg.append(textAt(x, top + size + 14, String(t), { "text-anchor": "middle" }), textAt(left - 6, y + 4, String(t), { "text-anchor": "end" }));
  }
  svg.append(textAt(left + size / 2, top + size + 30, xLabel, { "text-anchor": "middle", class: "ink" }));
  svg.append(textAt(0, 0, yLabel, { "text-anchor": "middle", class: "ink", transform: `translate(${left - 31} ${top + size / 2}) rotate(-90)` }));
  return at;
}
const nothing = text => html("div", { className: "none", textContent: text });
// recordings of a condition with both scores: [clean, perturbed, name]
const scored = (panel, cell) => panel.base.map((base, i) => [base, cell.after[i], panel.pieces[i]]).filter(([a, b]) => known(a) && known(b));
const lacking = (panel, cell, why) => nothing(scored(panel, cell).length ? why : "No recording has both scores.");

function paired(panel, cell) {
  const pairs = scored(panel, cell);
  if (!pairs.length) return nothing("No recording has both scores.");
  const svg = canvas(300, 296, `Clean against perturbed score of ${plural(pairs.length, "recording")}`);
  const at = unitSquare(svg, 250, 42, 8, `${report.scoreName}, clean`, `${report.scoreName}, perturbed`);
  const [x0, y0] = at(0, 0), [x1, y1] = at(1, 1);
  svg.append(make("line", { x1: x0, y1: y0, x2: x1, y2: y1, class: "zero" }));
  const [mx, my] = at(mean(pairs.map(p => p[0])), mean(pairs.map(p => p[1])));
  svg.append(titled(make("path", { d: `M${mx - 8} ${my}H${mx + 8}M${mx} ${my - 8}V${my + 8}`, class: "chance" }), "mean"));
  const size = pairs.length > 60 ? 2.5 : 3.6;
  for (const [base, after, name] of pairs) {
    const [x, y] = at(base, after);
    const dot = titled(symbol(x, y, size, panel.marker, "pt"), `${name}: ${fixed(base)} → ${fixed(after)}, drop ${fixed(base - after)}`);
    dot.dataset.piece = panel.pieces.indexOf(name);
    svg.append(dot);
  }
  return svg;
}

/* ---------- the recordings of a condition: a dot leads to its row, a row to the explorer ---------- */
const FIRST_ROWS = 12;
const LONG_NAME = 28; // more letters than fit beside three numbers: names then have lines of their own
const explored = (() => { // what the explorer can show
  const source = document.querySelector("#explorer-data"), examples = source ? JSON.parse(source.textContent).examples : [];
  return new Set(examples.flatMap(e => e.models.flatMap(m => m.conditions.map(c => `${m.panel} ${c.id} ${e.track}`))));
})();
function recordings(box) {
  if (box.childElementCount) return;
  const place = Number(box.dataset.panel), panel = report.panels[place], entry = box.closest("article").dataset.entry;
  const cell = report.conditions[entry][place], figure = box.parentElement.querySelector('figure[data-chart="paired"]');
  const rows = panel.pieces.map((name, i) => ({ name, i, clean: panel.base[i], after: cell.after[i], drop: known(panel.base[i]) && known(cell.after[i]) ? panel.base[i] - cell.after[i] : null })).filter(row => known(row.drop));
  if (!rows.length) return;
  const heads = [["name", "Recording", "the recording"], ["clean", `${report.scoreName} clean`, "its score without perturbation"], ["after", "perturbed", "its score with the perturbation, repeats averaged"], ["drop", "drop", "clean − perturbed of this recording; the bar shows it from −1 to 1"]];
  let key = "drop", up = false, limit = FIRST_ROWS, chosen = null;
  const body = html("tbody"), more = html("button", { type: "button", className: "quiet" });
  const head = html("tr", {}, ...heads.map(([name, text, title]) => {
    const cellOfHead = html("th", { scope: "col", className: name === "name" ? "" : "num", title, textContent: text });
    headButton(cellOfHead, () => { up = key === name ? !up : name === "name"; key = name; draw(); });
    explain(cellOfHead);
    return cellOfHead;
  }));
  const long = rows.some(row => row.name.length > LONG_NAME);
  const table = html("table", { className: long ? "pieces long" : "pieces" }, html("caption", { className: "sr", textContent: "Recordings, one per line" }), html("thead", {}, head), body);
  function draw() {
    rows.sort((a, b) => (up ? 1 : -1) * (key === "name" ? a.name.localeCompare(b.name) : a[key] - b[key]));
    heads.forEach(([name], i) => { if (name === key) head.cells[i].setAttribute("aria-sort", up ? "ascending" : "descending"); else head.cells[i].removeAttribute("aria-sort"); });
    body.replaceChildren(...rows.slice(0, limit).map(line));
    more.hidden = rows.length <= limit;
    more.textContent = `Show all ${plural(rows.length, "recording")}`;
  }
  function line(row) {
    const name = html("td", {}, html("bdi", {}, ...(row.name.match(/[^\/_-]*[\/_-]|[^\/_-]+/g) || []).flatMap((part, i) => i ? [html("wbr"), part] : [part])));
    if (explored.has(`${place} ${entry} ${row.name}`)) {
      const state = new URLSearchParams({ recording: row.name, dataset: panel.dataset, model: panel.model, condition: entry });
      name.append(" ", html("a", { href: `#explorer/${state}`, className: "listen", textContent: "see and hear" }));
    }
    const bar = html("i", { className: row.drop < 0 ? "bar less" : "bar", style: `width: ${(Math.abs(row.drop) * 3.5).toFixed(2)}rem` });
    const tr = html("tr", { tabIndex: -1 }, name, ...[row.clean, row.after].map(v => html("td", { className: "num", textContent: fixed(v) })), html("td", { className: "num" }, html("span", { className: "bars" }, bar), fixed(row.drop)));
    tr.dataset.piece = row.i;
    if (row.i === chosen) tr.setAttribute("aria-current", "true");
    tr.addEventListener("click", () => choose(row.i));
    return tr;
  }
  // a dot and its row are chosen together
  function choose(piece, look = false) {
    chosen = piece;
    if (look && rows.findIndex(row => row.i === piece) >= limit) { limit = rows.length; draw(); }
    for (const mark of box.parentElement.querySelectorAll("[data-piece]")) {
      const same = Number(mark.dataset.piece) === piece;
      if (mark.tagName === "TR") { if (same) { mark.setAttribute("aria-current", "true"); if (look) mark.scrollIntoView({ block: "nearest" }); } else mark.removeAttribute("aria-current"); }
      else mark.classList.toggle("chosen", same);
    }
  }
  more.addEventListener("click", () => { limit = rows.length; draw(); });
  figure?.addEventListener("click", event => { const piece = event.target.closest?.("[data-piece]"); if (piece) choose(Number(piece.dataset.piece), true); });
  draw();
  box.append(table, more);
}

function movement(panel, cell) {
  if (!cell.precision) return nothing("This score has no precision and recall.");
  const rows = panel.pieces.map((name, i) => [panel.recall[i], panel.precision[i], cell.recall[i], cell.precision[i], name]).filter(row => row.slice(0, 4).every(known));
  if (!rows.length) return nothing("No recording has both scores.");
  const svg = canvas(300, 296, `Mean precision and recall of ${plural(rows.length, "recording")}, clean to perturbed`);
  const at = unitSquare(svg, 250, 42, 8, "recall", "precision");
  for (const f of [0.2, 0.4, 0.6, 0.8]) {
    const points = [];
    for (let r = f / (2 - f); r <= 1.0001; r += 0.02) points.push(at(Math.min(r, 1), Math.min(1, f * r / (2 * r - f))).map(v => v.toFixed(1)).join(" "));
    svg.append(make("path", { d: "M" + points.join("L"), class: "grid", "stroke-dasharray": "2 3" }));
    const [x, y] = at(1, f / (2 - f));
    svg.append(textAt(x - 3, y - 3, `F ${f}`, { "text-anchor": "end" }));
  }
  for (const [r0, p0, r1, p1, name] of rows) {
    const [x0, y0] = at(r0, p0), [x1, y1] = at(r1, p1);
    svg.append(titled(make("line", { x1: x0, y1: y0, x2: x1, y2: y1, class: "thread" }), `${name}: precision ${fixed(p0)} → ${fixed(p1)}, recall ${fixed(r0)} → ${fixed(r1)}`));
  }
  const [r0, p0, r1, p1] = [0, 1, 2, 3].map(k => mean(rows.map(row => row[k])));
  const [x0, y0] = at(r0, p0), [x1, y1] = at(r1, p1);
  svg.append(make("line", { x1: x0, y1: y0, x2: x1, y2: y1, class: "bold" }));
  svg.append(titled(symbol(x0, y0, 4.2, panel.marker, "hollow"), `clean: precision ${fixed(p0)}, recall ${fixed(r0)}`));
  svg.append(titled(symbol(x1, y1, 4.2, panel.marker, "mark"), `perturbed: precision ${fixed(p1)}, recall ${fixed(r1)}`));
  return svg;
}

function niceTicks(low, high) {
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500].find(s => (high - low) / s <= 5) || 1000;
  const ticks = [];
  for (let t = Math.ceil(low / step - 1e-9) * step; t <= high + 1e-9; t += step) ticks.push(Math.abs(t) < 1e-9 ? 0 : +t.toFixed(6));
  return ticks;
}

function intervals(panel, cell, alike) {
  if (!cell.change) return lacking(panel, cell, "No note tables are stored for this condition.");
  // one scale for all models under this condition
  const values = alike.flatMap(other => [...(other.change || []), ...(other.chance || [])]).filter(known);
  let low = Math.min(0, ...values), high = Math.max(0, ...values);
  if (high - low < 0.1) high = low + 0.1;
  [low, high] = [low && low - 0.04 * (high - low), high && high + 0.04 * (high - low)];
  const [width, height, left, top, bottom] = [300, 230, 34, 8, 34];
  const svg = canvas(width, height, `Change of false notes per interval class, ${plural(cell.notes, "recording")}`);
  const y = v => top + (high - v) / (high - low) * (height - top - bottom);
  for (const t of niceTicks(low, high)) {
    svg.append(make("line", { x1: left, x2: width, y1: y(t), y2: y(t), class: t === 0 ? "zero" : "grid" }), textAt(left - 5, y(t) + 4, String(t).replace("-", "−"), { "text-anchor": "end" }));
  }
  const step = (width - left) / cell.classes.length;
  cell.classes.forEach((name, i) => {
    const x = left + i * step, value = cell.change[i], chance = cell.chance[i];
    const label = name.replace("-", "−");
    svg.append(titled(make("rect", { x: x + step * 0.2, width: step * 0.6, y: Math.min(y(0), y(value)), height: Math.max(0.5, Math.abs(y(value) - y(0))), class: "bar" }), `${label}: ${fixed(value, 2)} per 100 notes${known(chance) ? `, by chance ${fixed(chance, 2)}` : ""}`));
    if (known(chance)) svg.append(make("line", { x1: x + step * 0.08, x2: x + step * 0.92, y1: y(chance), y2: y(chance), class: "chance" }));
    svg.append(textAt(x + step / 2, height - bottom + 16, label, { "text-anchor": "middle", style: `font-size:${/\d/.test(label) ? 9.5 : 8}px` }));
  });
  svg.append(textAt(left + (width - left) / 2, height - 3, "semitones above the reference note", { "text-anchor": "middle", class: "ink" }));
  return svg;
}

const span = text => text.replace(/(\d)-(?=\d)/, "$1–");
const lossColour = share => `rgba(var(${share >= 0 ? "--loss" : "--gain"}), ${Math.min(0.9, Math.abs(share) * 1.1).toFixed(3)})`;
function strata(panel, cell, alike) {
  if (!cell.strata) return lacking(panel, cell, "No note tables are stored for this condition.");
  const [registers, velocities, polyphonies] = report.levels;
  const [cw, ch, left, top] = [28, 24, 58, 28];
  const svg = canvas(300, 178, "Recall lost per register, velocity and polyphony");
  polyphonies.forEach((poly, k) => {
    const x0 = left + k * (3 * cw - 6);
    svg.append(textAt(x0 + 1.5 * (cw - 3), 12, span(poly).replace(" and more", "+"), { "text-anchor": "middle", class: "ink" }));
    registers.forEach((register, i) => {
      const row = registers.length - 1 - i, y = top + row * ch * 1.6;
      if (k === 0) svg.append(textAt(left - 6, y + ch * 0.8 + 4, register.replace("below", "<").replace(" and above", "+").replace(" to ", "–"), { "text-anchor": "end" }));
      velocities.forEach((velocity, j) => {
        const [before, after, all] = cell.strata[(i * velocities.length + j) * polyphonies.length + k];
        const loss = all > 0 ? (before - after) / all : null, w = cw - 3;
        const group = make("g", { class: "cell" });
        group.append(make("rect", { x: x0 + j * w, y, width: w - 2, height: ch * 1.6 - 2, rx: 3, style: loss === null ? "fill: var(--faint)" : `fill: ${lossColour(loss)}; stroke: var(--line); stroke-width: .6` }));
        if (loss !== null) group.append(textAt(x0 + j * w + w / 2 - 1, y + ch * 0.8 + 3, fixed(100 * loss, 0), { "text-anchor": "middle" }));
        svg.append(titled(group, `${register}, ${velocity}, ${poly}: ${loss === null ? "no note" : `${fixed(100 * loss, 1)} points lost, ${Math.round(before)} → ${Math.round(after)} of ${plural(Math.round(all), "note")}`}`));
      });
    });
    velocities.forEach((velocity, j) => svg.append(textAt(x0 + (j + 0.5) * (cw - 3), top + 3 * ch * 1.6 + 12, velocity.replace("medium", "mid").split(" ")[0], { "text-anchor": "middle", style: "font-size:8.5px" })));
  });
  const bars = html("div", { className: "minibars" });
  const shares = alike.flatMap(other => Object.values(other.alone || {})).flatMap(levels => Object.values(levels)).map(([b, a, n]) => n ? (b - a) / n : 0);
  const most = Math.max(0.01, ...shares.map(Math.abs));
  for (const levels of Object.values(cell.alone)) for (const [name, [before, after, all]] of Object.entries(levels)) {
    const share = all ? (before - after) / all : 0;
    const bar = html("i", { style: `width: ${Math.abs(share) / most * 100}%` });
    if (share < 0) bar.style.opacity = ".35";
    const value = all ? `${fixed(100 * share, 1)} of ${Math.round(all).toLocaleString("en")}` : "no note";
    bars.append(html("span", { textContent: span(name) }), bar, html("span", { textContent: value }));
  }
  return html("div", {}, svg, bars);
}

const fateNames = { moved: "moved in time", octave: "octave or twelfth", split: "split or late", gone: "gone" };
function fates(panel, cell) {
  if (!cell.fates) return lacking(panel, cell, "No note tables are stored for this condition.");
  if (!cell.fates.length) return nothing("No note was lost.");
  const [width, left, bar, line] = [300, 4, 30, 23];
  const total = Math.round(cell.lost).toLocaleString("en");
  const percent = share => `${fixed(100 * share, 1)} %`;
  const svg = canvas(width, bar + 30 + line * cell.fates.length, `What became of ${total} lost notes: ${cell.fates.map(([name, share]) => `${fateNames[name]} ${percent(share)}`).join(", ")}`);
  const shown = cell.fates.map(([, share]) => Math.max(0, share)), sum = shown.reduce((a, b) => a + b, 0);
  let x = left;
  cell.fates.forEach(([name, share], i) => {
    const chance = cell.chance_fates[i], size = shown[i] / sum * (width - 2 * left), y = bar + 42 + i * line;
    const told = `${fateNames[name]}: ${percent(share)} of ${total} lost notes${known(chance) ? ` beyond the ${percent(chance)} that chance explains` : ", those of chance included"}`;
    svg.append(titled(make("rect", { x, width: size, y: 4, height: bar, class: `fate ${name}` }), told));
    svg.append(make("rect", { x: left, width: 12, y: y - 10, height: 12, class: `fate ${name}` }), textAt(left + 20, y, fateNames[name], { class: "ink" }));
    svg.append(textAt(width - 92, y, percent(share), { "text-anchor": "end", class: "ink" }), textAt(width - left, y, known(chance) ? `chance ${percent(chance)}` : "", { "text-anchor": "end" }));
    x += size;
  });
  return svg;
}

function tolerance(panel, cell) {
  if (!cell.tolerances) return lacking(panel, cell, "These rows were made by an earlier version, which kept F at 50 ms alone.");
  const { n, clean, perturbed, timing, octaves } = cell.tolerances;
  const [width, height, left, top, bottom] = [300, 230, 34, 8, 50];
  const svg = canvas(width, height, `Mean F at wider tolerances, ${plural(n, "recording")}`);
  const y = v => top + (1 - v) * (height - top - bottom), xs = [56, 115, 174, 248], names = ["50 ms", "100 ms", "150 ms", "octaves folded"];
  for (const t of [0, 0.2, 0.4, 0.6, 0.8, 1]) svg.append(make("line", { x1: left, x2: width, y1: y(t), y2: y(t), class: t === 0 ? "zero" : "grid" }), textAt(left - 5, y(t) + 4, String(t), { "text-anchor": "end" }));
  names.forEach((name, i) => svg.append(textAt(xs[i], height - bottom + 16, name, { "text-anchor": "middle" })));
  for (const [values, kind, className] of [[clean, "clean", "hollow"], [perturbed, "perturbed", "mark"]]) {
    svg.append(make("path", { class: "bold", d: "M" + [0, 1, 2].map(i => `${xs[i]} ${y(values[i])}`).join("L") }));
    values.forEach((value, i) => svg.append(titled(symbol(xs[i], y(value), 4.2, panel.marker, className), `${kind}, ${names[i]}: ${fixed(value)}, drop ${fixed(clean[i] - perturbed[i])}`)));
  }
  const share = value => value < 0.005 ? "none" : `${fixed(100 * value, 0)} %`;
  const said = known(timing) ? `of the drop at 50 ms, ${share(timing)} is gone at 150 ms and ${share(octaves)} with octaves folded` : "the drop at 50 ms is too small to be split";
  const [first, second] = said.includes(" and ") ? [said.slice(0, said.indexOf(" and ")), said.slice(said.indexOf(" and ") + 1)] : [said, ""];
  svg.append(textAt(width / 2, height - 16, first, { "text-anchor": "middle", class: "ink" }), textAt(width / 2, height - 3, second, { "text-anchor": "middle", class: "ink" }));
  return svg;
}

const charts = { paired, movement, intervals, strata, fates, tolerance };
function drawFigure(figure) {
  if (figure.dataset.drawn) return;
  figure.dataset.drawn = "yes";
  const panel = report.panels[figure.dataset.panel];
  const cells = report.conditions[figure.closest("article").dataset.entry];
  figure.querySelector(".plot").replaceChildren(charts[figure.dataset.chart](panel, cells[figure.dataset.panel], Object.values(cells)));
}
function drawVisible() {
  if ($("#view-conditions")?.hidden !== false) return;
  for (const figure of $$("article.entry:not([hidden]) section[data-dataset]:not([hidden]) figure[data-chart]")) drawFigure(figure);
  for (const box of $$("article.entry:not([hidden]) section[data-dataset]:not([hidden]) .recordings")) recordings(box);
}

function drawCurves() {
  const root = $("#curve-charts");
  if (!root || root.childElementCount) return;
  const groups = new Map();
  for (const curve of report.curves) {
    groups.set(curve.chart, [...(groups.get(curve.chart) || []), curve]);
  }
  for (const curves of groups.values()) {
    const { title, axis, unit, panel, constant } = curves[0];
    const half = curves.filter(c => "d50" in c).map(c => `${report.panels[c.panel].model}: D50 ${c.bound || fixed(c.d50, 2)} ${unit}`.trimEnd()).join(", ");
    const counts = [...new Set(curves.map(c => c.n))];
    const caption = html("figcaption", { title: constant }, html("b", { textContent: title }), ` on ${report.panels[panel].dataset}, ${counts.slice(0, -1).map(n => `${n} and `).join("")}${plural(counts.at(-1), "recording")}. ${half}`);
    const plot = html("div", { className: "plot" }, curvePlot(curves, axis, report.curves));
    root.append(html("figure", { className: "card" }, caption, plot, curveLegend(curves)));
  }
}
function curveLegend(curves) {
  return html("p", { className: "legend" }, ...curves.map(({ line, colour, marker }) => {
    const key = make("svg", { viewBox: "-7 -7 14 14", width: 14, height: 14, class: `key c${colour}`, "aria-hidden": "true" }, symbol(0, 0, 4.6, marker, "mark"));
    return html("span", {}, key, ` ${line}`);
  }));
}
function curvePlot(curves, xLabel, alike) {
  const [width, height, left, top, bottom, right] = [460, 250, 42, 10, 38, 12];
  const xs = curves.flatMap(c => c.x), ys = alike.flatMap(c => [...c.y, ...c.low, ...c.high]).filter(known); // one scale of drops
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const low = Math.min(0, ...ys), high = Math.max(0.05, ...ys) * 1.05;
  const px = v => left + (v - x0) / (x1 - x0 || 1) * (width - left - right), py = v => top + (high - v) / (high - low) * (height - top - bottom);
  const svg = canvas(width, height, `Drop against ${xLabel}`);
  for (const t of niceTicks(low, high)) svg.append(make("line", { x1: left, x2: width - right, y1: py(t), y2: py(t), class: t === 0 ? "zero" : "grid" }), textAt(left - 6, py(t) + 4, String(t).replace("-", "−"), { "text-anchor": "end" }));
  const integers = xs.every(Number.isInteger) && x1 - x0 <= 12;
  for (const t of integers ? [...new Set(xs)] : niceTicks(x0, x1)) svg.append(textAt(px(t), height - bottom + 16, String(t), { "text-anchor": "middle" }));
  svg.append(textAt(left + (width - left) / 2, height - 4, xLabel, { "text-anchor": "middle", class: "ink" }));
  for (const curve of curves) {
    const group = make("g", { class: `c${curve.colour}` });
    const good = curve.x.map((x, i) => [x, curve.y[i], curve.low[i], curve.high[i]]).filter(p => known(p[1]));
    const band = good.filter(p => known(p[2]));
    const join = points => points.map(([x, y]) => `${px(x).toFixed(1)} ${py(y).toFixed(1)}`).join("L");
    if (band.length) group.append(make("path", { class: "band", d: `M${join(band.map(p => [p[0], p[3]]))}L${join(band.map(p => [p[0], p[2]]).reverse())}Z` }));
    if (good.length) group.append(make("path", { class: "bold", d: `M${join(good)}` }));
    for (const [x, y, l, h] of good) group.append(titled(symbol(px(x), py(y), 3.6, curve.marker, "mark"), `${curve.line}, ${x}: ${fixed(y)} [${fixed(l)}, ${fixed(h)}]`));
    svg.append(group);
  }
  return svg;
}
