"use strict";
/* Tabs, filters, sorting and theme. No library, no network; every name is put in as text. */
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const report = JSON.parse($("#report-data").textContent);
const plural = (count, one) => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
const say = text => { $("#live").textContent = text; };

/* ---------- tabs and addresses (#overview, #conditions/fund_mask) ---------- */
const tabs = $$('[role="tab"]');
function showTab(name, focus = false, state = undefined) {
  const tab = tabs.find(t => t.dataset.view === name) || tabs[0];
  for (const t of tabs) {
    const chosen = t === tab;
    t.setAttribute("aria-selected", String(chosen));
    t.tabIndex = chosen ? 0 : -1;
    $("#" + t.getAttribute("aria-controls")).hidden = !chosen;
  }
  if (focus) tab.focus();
  tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2; // seen on a phone, too
  const view = tab.dataset.view;
  if (view === "conditions") drawVisible();
  if (view === "curves") drawCurves();
  if (view === "explorer" && window.startExplorer) window.startExplorer(state);
}
function showEntry(id) {
  const articles = $$("article.entry");
  if (!articles.length) return;
  const chosen = articles.find(a => a.dataset.entry === id) || articles[0];
  for (const article of articles) article.hidden = article !== chosen;
  for (const link of $$(".side a")) {
    if (link.dataset.entry === chosen.dataset.entry) {
      link.setAttribute("aria-current", "true");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
  drawVisible();
}
function follow(focus) {
  const [view, id] = location.hash.slice(1).split("/"); // both are plain words
  if (view === "main") return;
  if (view === "conditions") showEntry(id);
  showTab(view || "overview", false, id);
  if (!focus) return;
  if (view === "conditions" && id) $("article.entry:not([hidden]) h2")?.focus({ preventScroll: true }); // only once it is seen
  window.scrollTo(0, 0);
}
for (const tab of tabs) {
  tab.addEventListener("click", () => { location.hash = tab.dataset.view; showTab(tab.dataset.view); });
  tab.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    let next = null;
    if (step) next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    if (event.key === "Home") next = tabs[0];
    if (event.key === "End") next = tabs[tabs.length - 1];
    if (next) { event.preventDefault(); location.hash = next.dataset.view; showTab(next.dataset.view, true); }
  });
}
window.addEventListener("hashchange", () => follow(true));

/* ---------- filters ---------- */
function chooseDataset(name) {
  for (const element of $$("table.forest[data-dataset], .entry section[data-dataset]")) element.hidden = element.dataset.dataset !== name;
  for (const input of $$('[data-filter="dataset"] input')) input.checked = input.value === name;
  filterForest();
  drawVisible();
}
for (const input of $$('[data-filter="dataset"] input')) input.addEventListener("change", () => chooseDataset(input.value));

function filterForest() {
  const words = ($("#find")?.value || "").toLowerCase().trim();
  const controls = $("#controls")?.checked, steps = words || $("#steps")?.checked;
  let shown = 0;
  for (const row of $$("table.forest tbody tr")) {
    row.hidden = (row.dataset.role === "control" && !controls) || (row.dataset.role === "step" && !steps) || !row.dataset.find.includes(words);
    if (!row.hidden && !row.closest("table").hidden) shown += 1;
  }
  for (const table of $$("table.forest")) nearer(table, [...table.tBodies[0].rows].every(row => row.hidden || row.dataset.role === "condition"));
  const nothing = $("#nothing-found");
  if (nothing) nothing.hidden = shown > 0;
  return shown;
}
// places are on the axis of all rows: a wider frame shows the part that the leading rows need
function nearer(table, near) {
  const [x, width] = near ? table.dataset.near.split(" ") : [0, 100];
  table.classList.toggle("whole", !near);
  for (const frame of $$(".frame", table)) {
    frame.setAttribute("x", `${x}%`);
    frame.setAttribute("width", `${width}%`);
  }
}
$("#find")?.addEventListener("input", () => say(plural(filterForest(), "condition")));
for (const box of $$("#controls, #steps")) box.addEventListener("change", () => say(plural(filterForest(), "condition")));
$("#order")?.addEventListener("change", event => {
  const byDrop = event.target.value === "drop";
  for (const body of $$("table.forest tbody")) {
    const rows = [...body.rows].sort((a, b) => byDrop ? b.dataset.drop - a.dataset.drop : a.dataset.order - b.dataset.order);
    body.append(...rows);
  }
});

/* ---------- tables: sort by a click on a head, save, copy ---------- */
function numberIn(text) {
  const value = parseFloat(text.replace(/[<,]/g, "").replace("−", "-").replace("∞", "Infinity"));
  return Number.isNaN(value) ? null : value;
}
for (const table of $$(".scroll table")) {
  $$("thead th", table).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of $$("thead th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows];
      const cell = row => row.cells[column].textContent;
      const numeric = rows.some(row => numberIn(cell(row)) !== null) && rows.every(row => numberIn(cell(row)) !== null || /^[–]?$/.test(cell(row).trim()));
      rows.sort((a, b) => {
        if (!numeric) return (up ? 1 : -1) * cell(a).localeCompare(cell(b));
        const x = numberIn(cell(a)), y = numberIn(cell(b));
        if (x === null || y === null) return (x === null) - (y === null);
        return up ? x - y : y - x;
      });
      table.tBodies[0].append(...rows);
    });
  });
}
for (const button of $$("[data-csv]")) button.addEventListener("click", () => {
  const table = $(`[data-table="${button.dataset.csv}"] table`);
  const quote = text => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  // a program reads numbers with a hyphen, and nothing where a value is undefined
  const plain = cell => cell.classList.contains("num") ? cell.textContent.trim().replace("−", "-").replace(/^–$/, "") : cell.textContent.trim();
  const lines = [...table.rows].map(row => [...row.cells].map(cell => quote(plain(cell))).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  link.download = `${button.dataset.csv}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
});
for (const button of $$("[data-copy]")) button.addEventListener("click", async () => {
  const source = $("#" + button.dataset.copy);
  try { await navigator.clipboard.writeText(source.textContent); } catch (error) {
    getSelection().selectAllChildren(source);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

/* ---------- theme and print ---------- */
const themes = ["auto", "light", "dark"];
const themeButton = $("#theme");
function setTheme(theme, keep) {
  if (theme === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
  themeButton.textContent = `Theme: ${theme}`;
  themeButton.setAttribute("aria-label", `Colour theme: ${theme === "auto" ? "automatic" : theme}`);
  if (!keep) return;
  try { if (theme === "auto") localStorage.removeItem("pi_amt-theme"); else localStorage.setItem("pi_amt-theme", theme); } catch (error) { /* storage may be closed to files */ }
}
setTheme(document.documentElement.dataset.theme || "auto", false);
themeButton.addEventListener("click", () => setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme || "auto") + 1) % 3], true));
$("#print").addEventListener("click", () => window.print());
window.addEventListener("beforeprint", () => { for (const figure of $$("figure[data-chart]")) drawFigure(figure); drawCurves(); });
