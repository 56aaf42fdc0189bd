"use strict";
/* Tabs, filters, sorting and theme. No library, no network; every name is put in as text. */
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const report = JSON.parse($("#report-data").textContent);
const plural = (count, one) => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;
const html = (tag, properties = {}, ...children) => { const e = Object.assign(document.createElement(tag), properties); e.append(...children); return e; };
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
  else for (const audio of $$("#explorer-root audio")) audio.pause(); // nothing sounds that cannot be seen
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
  const [view, ...rest] = location.hash.slice(1).split("/");
  const id = rest.join("/"); // of a recording, whose name may have slashes
  if (view === "main") return;
  if (view === "conditions") showEntry(id);
  showTab(view || "overview", false, id);
  if (!focus) return;
  if (view === "conditions" && id && !tabs.includes(document.activeElement)) $("article.entry:not([hidden]) h2")?.focus({ preventScroll: true }); // only once it is seen
  window.scrollTo(0, 0);
}
// the tab of the conditions leads back to the one that was seen last
function openTab(tab, focus) {
  const { view } = tab.dataset, entry = view === "conditions" && $("article.entry:not([hidden])");
  location.hash = entry ? `conditions/${entry.dataset.entry}` : view;
  showTab(view, focus);
}
for (const tab of tabs) {
  tab.addEventListener("click", () => openTab(tab));
  tab.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    let next = null;
    if (step) next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    if (event.key === "Home") next = tabs[0];
    if (event.key === "End") next = tabs[tabs.length - 1];
    if (next) { event.preventDefault(); openTab(next, true); }
  });
}
for (const button of $$(".unfold")) button.addEventListener("click", () => {
  const article = button.closest(".headline");
  article.classList.add("open");
  const text = $(".statement", article);
  text.tabIndex = -1; // where a reader without a mouse goes on
  text.focus();
});
window.addEventListener("hashchange", () => follow(true));

/* ---------- filters ---------- */
function chooseDataset(name) {
  const every = name === "*";
  for (const element of $$(".forestbox, .entry section[data-dataset]")) element.hidden = !every && element.dataset.dataset !== name;
  $(".forests")?.classList.toggle("beside", every);
  for (const input of $$('[data-filter="dataset"] input')) input.checked = input.value === name;
  filterForest();
  drawVisible();
}
for (const input of $$('[data-filter="dataset"] input')) input.addEventListener("change", () => chooseDataset(input.value));

function filterForest() {
  const words = ($("#find")?.value || "").toLowerCase().trim();
  const controls = $("#controls")?.checked ?? true, steps = words || $("#steps")?.checked; // a comparison has no such switch
  let shown = 0;
  for (const row of $$("table.forest tr[data-role]")) {
    row.hidden = (row.dataset.role === "control" && !controls) || (row.dataset.role === "step" && !steps) || !row.dataset.find.includes(words);
    if (!row.hidden && !row.closest(".forestbox").hidden) shown += 1;
  }
  for (const head of $$("table.forest tr.feature")) head.hidden = $$("tr[data-role]", head.parentElement).every(row => row.hidden);
  for (const table of $$("table.forest")) nearer(table, $$("tr[data-role]", table).every(row => row.hidden || row.dataset.role === "condition"));
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
// groups go by their first row: the conditions of one feature stay together
function orderForest(key) {
  const by = row => -row.dataset[key];
  for (const table of $$("table.forest")) {
    for (const body of table.tBodies) body.append(...$$("tr[data-role]", body).sort((a, b) => by(a) - by(b)));
    const first = body => Math.min(...$$("tr[data-role]", body).map(by));
    table.append(...[...table.tBodies].sort((a, b) => first(a) - first(b)));
    for (const head of $$("th[data-sort]", table)) {
      if (head.dataset.sort === key && key !== "order") head.setAttribute("aria-sort", ["drop", "excess"].includes(key) ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
  }
  $("#order").value = key;
}
$("#order")?.addEventListener("change", event => orderForest(event.target.value));
for (const head of $$("table.forest th[data-sort]")) headButton(head, () => orderForest(head.hasAttribute("aria-sort") ? "order" : head.dataset.sort));

/* ---------- tables: sort by a click on a head, save, copy ---------- */
function headButton(head, action) {
  const button = html("button", { type: "button" }, ...head.childNodes);
  button.addEventListener("click", action);
  head.replaceChildren(button);
}
function numberIn(text) {
  const value = parseFloat(text.replace(/[<,]/g, "").replace("−", "-").replace("∞", "Infinity"));
  return Number.isNaN(value) ? null : value;
}
function sortable(table) {
  $$("thead th", table).forEach((head, column) => headButton(head, () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of $$("thead th", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows];
    const numeric = head.classList.contains("num"); // names may begin with digits, too
    const text = row => row.cells[column].textContent.trim();
    const number = row => numberIn(text(row).split("→").at(-1)); // what was perturbed is what differs
    rows.sort((a, b) => {
      if (!numeric) return (up ? 1 : -1) * text(a).localeCompare(text(b), "en", { numeric: true });
      const x = number(a), y = number(b);
      if (x === null || y === null) return (x === null) - (y === null);
      return up ? x - y : y - x;
    });
    table.tBodies[0].append(...rows);
  }));
}
for (const table of $$("table.data")) sortable(table);
const showMore = box => $(`[data-table="${box.dataset.more}"]`).classList.toggle("all", box.checked);
for (const box of $$("[data-more]")) box.addEventListener("change", () => showMore(box));
for (const button of $$("[data-save]")) button.addEventListener("click", () => {
  const table = $(`[data-table="${button.dataset.save}"] table`);
  const quote = text => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  // a program reads numbers with a hyphen, and nothing where a value is undefined
  const plain = cell => cell.classList.contains("num") ? cell.textContent.trim().replace("−", "-").replace(/^–$/, "") : cell.textContent.trim();
  const lines = [...table.rows].map(row => [...row.cells].map(cell => cell.dataset.csv ?? quote(plain(cell))).join(","));
  const link = html("a", { href: URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" })), download: `${button.dataset.save}.csv` });
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

/* ---------- what a head or a badge means, for mouse, keyboard and touch ---------- */
const tip = $("#tip");
function explain(element) {
  element.dataset.tip = element.title;
  element.removeAttribute("title");
  const target = element.querySelector("button") || element;
  if (target === element) element.tabIndex = 0;
  const show = () => {
    tip.textContent = element.dataset.tip;
    tip.hidden = false;
    const box = element.getBoundingClientRect(), width = tip.offsetWidth;
    tip.style.left = `${Math.max(8, Math.min(box.left + box.width / 2 - width / 2, document.documentElement.clientWidth - width - 8))}px`;
    const above = box.top - tip.offsetHeight - 8;
    tip.style.top = `${above > 4 ? above : box.bottom + 8}px`;
    target.setAttribute("aria-describedby", "tip");
  };
  const hide = () => { tip.hidden = true; target.removeAttribute("aria-describedby"); };
  element.addEventListener("mouseenter", show);
  element.addEventListener("mouseleave", hide);
  target.addEventListener("focus", show);
  target.addEventListener("blur", hide);
}
for (const element of $$("th[title], .badge[title], .tile[title]")) explain(element);
window.addEventListener("keydown", event => { if (event.key === "Escape") tip.hidden = true; });
window.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true, capture: true });

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
window.addEventListener("beforeprint", () => { for (const figure of $$('article.entry:not(.aside) figure[data-chart="paired"]')) drawFigure(figure); drawCurves(); });
