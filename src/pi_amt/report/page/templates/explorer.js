/* Piece explorer: pictures, roll and sound of an excerpt on one time axis with one playhead.
   The address holds what is shown: #explorer/recording=…&model=…&condition=…&from=…&to=…&sound=… */
const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const noteName = midi => NAMES[((Math.round(midi) % 12) + 12) % 12] + (Math.floor(Math.round(midi) / 12) - 1);
const shortened = name => name.length > 40 ? `${name.slice(0, 20)}…${name.slice(-19)}` : name; // both ends tell recordings apart
const OUTCOME_TEXTS = {
  "kept": "kept: found clean and perturbed", "lost": "lost: found clean only", "gained": "gained: found perturbed only",
  "missed": "missed by both", "false-new": "false, new", "false-old": "false, also clean",
};

/* A piano-like tone: partials that decay the faster the higher they are. */
const RATE = 16000;
function synthesize(notes, seconds) {
  const out = new Float32Array(Math.ceil(seconds * RATE));
  for (const [onset, duration, pitch, velocity] of notes) {
    const f0 = 440 * 2 ** ((pitch - 69) / 12), start = Math.round(onset * RATE);
    const length = Math.min(Math.round((duration + 0.12) * RATE), out.length - start), release = duration * RATE;
    for (let k = 1; k <= 6 && k * f0 < RATE * 0.45; k += 1) {
      const step = 2 * Math.PI * k * f0 / RATE, decay = Math.exp(-(0.7 + f0 / 500 + 0.5 * k) / RATE);
      let level = (velocity / 127) ** 1.2 / k ** 1.4;
      for (let i = 0; i < length; i += 1) {
        const fade = Math.min(1, i / (0.004 * RATE)) * (i > release ? Math.exp(-(i - release) / (0.03 * RATE)) : 1);
        out[start + i] += level * fade * Math.sin(step * i);
        level *= decay;
      }
    }
  }
  const peak = out.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-9);
  return out.map(v => v * Math.min(0.8 / peak, 1));
}
function wav(samples) {
  const data = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, s) => [...s].forEach((c, i) => data.setUint8(at + i, c.charCodeAt(0)));
  text(0, "RIFF"); data.setUint32(4, 36 + 2 * samples.length, true); text(8, "WAVEfmt ");
  data.setUint32(16, 16, true); data.setUint16(20, 1, true); data.setUint16(22, 1, true);
  data.setUint32(24, RATE, true); data.setUint32(28, 2 * RATE, true); data.setUint16(32, 2, true); data.setUint16(34, 16, true);
  text(36, "data"); data.setUint32(40, 2 * samples.length, true);
  samples.forEach((v, i) => data.setInt16(44 + 2 * i, Math.max(-1, Math.min(1, v)) * 32767, true));
  return URL.createObjectURL(new Blob([data], { type: "audio/wav" }));
}

const SOUNDS = { original: "Original", perturbed: "Perturbed input", clean: "Transcription, clean", after: "Transcription, perturbed" };
window.startExplorer = state => {
  const root = $("#explorer-root"), source = $("#explorer-data");
  if (!root || !source) return;
  if (root.childElementCount) { root.show(state); return; }
  const data = JSON.parse(source.textContent);
  let example, model, condition, view = [0, 1], position = 0, playing = null, urls = [], sound = "original", settled = false;
  // chosen last, or shown at first: what a recording or a model lacks comes back with the next that has it
  let chosenModel = null, chosenCondition = null;
  const nameOf = m => report.panels[m.panel].model;
  const placeOf = (list, same) => Math.max(0, list.findIndex(same));

  /* ----- choices ----- */
  const choose = html("div", { className: "choose" });
  const picker = (label, id, onChange) => {
    const select = html("select", { id });
    select.addEventListener("change", onChange);
    choose.append(html("label", {}, label, select));
    return select;
  };
  const fill = (select, labels, wanted = 0) => { select.replaceChildren(...labels.map((text, i) => html("option", { value: i, textContent: text, selected: i === wanted }))); };
  const pickExample = picker("Recording", "ex-recording", () => load());
  const pickModel = picker("Model", "ex-model", () => { chosenModel = nameOf(example.models[pickModel.value]); loadModel(); });
  const pickCondition = picker("Perturbation", "ex-condition", () => { chosenCondition = model.conditions[pickCondition.value].id; loadCondition(); });
  fill(pickExample, data.examples.map(e => `${shortened(e.track)} (${e.dataset}; ${e.why})`));
  const outlineBox = html("input", { type: "checkbox", id: "ex-outline", checked: true });
  const outlineLabel = html("label", { className: "check", style: "flex-direction: row; align-items: center" }, outlineBox, "Outline the mask");
  choose.append(outlineLabel);
  outlineBox.addEventListener("change", layout);

  /* ----- one player, four sounds ----- */
  const icon = { play: "M3 1.5v13l11-6.5z", pause: "M3 1.5h3.5v13H3zM9.5 1.5H13v13H9.5z" };
  const face = make("path", { d: icon.play }), iconBox = make("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" }, face);
  const playButton = html("button", { type: "button", id: "ex-play", className: "play" }, iconBox);
  playButton.setAttribute("aria-label", "Play");
  playButton.addEventListener("click", () => toggle());
  const switcher = html("fieldset", { className: "segment", id: "ex-sound" }, html("legend", { className: "sr", textContent: "Sound" }));
  const sounds = Object.fromEntries(Object.entries(SOUNDS).map(([name, title], i) => {
    const radio = html("input", { type: "radio", name: "ex-sound", value: name, checked: !i }), audio = html("audio", { id: `play-${name}`, preload: "auto" });
    radio.addEventListener("change", () => chooseSound(name));
    switcher.append(html("label", { title: `Key ${i + 1}` }, radio, html("span", { textContent: title })));
    // media keys and the end of the sound, too; an event may come late, when another sound has begun
    audio.addEventListener("play", () => { if (!audio.paused) nowPlaying(audio); });
    audio.addEventListener("pause", () => { if (playing === audio && audio.paused) nowPlaying(null); });
    return [name, { audio, radio }];
  }));
  let frame = 0;
  function nowPlaying(audio) {
    playing = audio;
    face.setAttribute("d", audio ? icon.pause : icon.play);
    playButton.setAttribute("aria-label", audio ? "Pause" : "Play");
    if (audio) frame ||= requestAnimationFrame(tick);
  }
  function start() {
    const { audio } = sounds[sound];
    audio.currentTime = position;
    nowPlaying(audio);
    audio.play().catch(() => { if (playing === audio && audio.paused) nowPlaying(null); });
  }
  function stop() {
    playing.pause();
    nowPlaying(null);
  }
  function toggle() {
    if (playing) { stop(); return; }
    if (position > example.seconds - 0.1) position = 0;
    start();
  }
  // the sound changes in the middle of a note and goes on from there
  function chooseSound(name) {
    sound = name;
    sounds[name].radio.checked = true;
    if (playing) { stop(); start(); }
    if (condition) about.textContent = soundTexts()[sound];
    remember();
  }
  const scrub = html("input", { type: "range", id: "ex-scrub", min: 0, step: 0.01, value: 0 });
  scrub.setAttribute("aria-label", "Playhead, seconds into the excerpt");
  const clock = html("output", { id: "ex-clock" });
  clock.setAttribute("aria-live", "off"); // an output is read out whenever it changes
  scrub.addEventListener("input", () => seek(Number(scrub.value)));
  const about = html("p", { className: "small", id: "ex-about" });
  const player = html("div", { className: "player" }, playButton, switcher, scrub, clock, ...Object.values(sounds).map(s => s.audio));
  const soundTexts = () => {
    const residual = condition.residual_db === null ? "" : `; consistency residual ${String(condition.residual_db).replace("-", "−")} dB`;
    return {
      original: `The recording, ${example.start.toFixed(0)} to ${(example.start + example.seconds).toFixed(0)} s.`,
      perturbed: `What the model gets, made audible: ${model.borrowed_phase ? "its magnitudes with the phase of the original" : "the inverse sliCQ of its coefficients"}${residual}.`,
      clean: `What the model writes down of the recording: ${plural(model.transcription.length, "note")}, played by a simple synthesiser.`,
      after: `What the model writes down of the perturbed input: ${plural(condition.transcription.length, "note")}, played by a simple synthesiser.`,
    };
  };

  /* ----- the answer for this excerpt ----- */
  const scores = html("div", { className: "scores" }), hint = html("p", { className: "hint", id: "ex-hint" });
  function drawScores() {
    const whole = report.conditions[condition.id]?.[model.panel], panel = report.panels[model.panel], place = panel.pieces.indexOf(example.track);
    const bar = (label, value, hollow) => html("div", { className: "score" }, html("span", { textContent: label }), html("i", {}, html("b", { className: hollow ? "clean" : "", style: `width: ${100 * (value || 0)}%` })), html("strong", { textContent: fixed(value, 2) }));
    const [clean, perturbed] = condition.f;
    scores.className = `scores c${panel.colour}`;
    scores.replaceChildren(html("p", { textContent: "F of this excerpt" }), bar("clean", clean, true), bar("perturbed", perturbed, false));
    if (whole) scores.append(html("p", { className: "small", textContent: `${report.scoreName} of the whole recording: ${fixed(panel.base[place], 2)} → ${fixed(whole.after[place], 2)}` }));
    hint.textContent = condition.look_for;
  }

  /* ----- lanes ----- */
  const stack = html("div", { className: "stack", tabIndex: 0 });
  stack.setAttribute("role", "group");
  stack.setAttribute("aria-label", "Time view: arrow keys move the playhead, plus and minus zoom, 0 shows all");
  const lane = (title, height, className = "") => {
    const ticks = html("div", { className: "ticks" }), area = html("div", { className: `view ${className}` }), head = html("div", { className: "head" });
    area.style.height = `${height}px`;
    const label = html("span", { className: "title", textContent: title });
    if (title) area.append(label);
    area.append(head);
    stack.append(html("div", { className: "lane" }, ticks, area));
    return { ticks, area, head, label, images: [] };
  };
  const before = lane("Input, clean", 190), after = lane("Input, perturbed", 190), roll = lane("Reference and false notes", 230, "roll"), axis = lane("", 22, "axis");
  const lanes = [before, after, roll, axis];

  /* ----- zoom ----- */
  const button = (text, label, action) => { const b = html("button", { type: "button", className: "quiet", textContent: text }); b.setAttribute("aria-label", label); b.addEventListener("click", action); return b; };
  const zoombar = html("div", { className: "zoombar" }, button("−", "Zoom out", () => zoom(2)), button("+", "Zoom in", () => zoom(0.5)), button("All", "Show the whole excerpt", () => setView(0, example.seconds)), html("span", { className: "small", textContent: "Drag sideways to move, wheel with Ctrl to zoom, click to set the playhead; space plays, 1 to 4 switch the sound." }));

  const legend = html("div", { className: "rolllegend" });
  const colourbar = html("span", { className: "colourbar" }, html("span", { textContent: `−${data.range_db} dB` }), html("i", { style: `background: linear-gradient(90deg, ${data.colours.join(",")})` }), html("span", { textContent: "loudest clean bin" }));
  const said = html("p", { className: "small", id: "ex-said" });
  root.append(choose, html("div", { className: "verdict" }, scores, hint), player, about, stack, zoombar, legend, colourbar, said);

  /* ----- the address ----- */
  function address() {
    const [from, to] = view.map(t => (example.start + t).toFixed(1));
    return String(new URLSearchParams({ recording: example.track, dataset: example.dataset, model: nameOf(model), condition: condition.id, from, to, sound }));
  }
  // browsers refuse an address that changes as often as in a drag (Safari: 100 times in 30 seconds), and then lack the last
  let remembering = 0;
  function remember() {
    const old = location.hash; // one that is followed meanwhile stays
    if (settled) remembering ||= setTimeout(() => {
      remembering = 0;
      if (location.hash === old && !$("#view-explorer").hidden) history.replaceState(null, "", `#explorer/${address()}`);
    }, 400);
  }
  root.show = text => {
    clearTimeout(remembering);
    remembering = 0;
    if (example && (!text || text === address())) { layout(); remember(); return; } // a reader who comes back goes on
    const state = new URLSearchParams(text || "");
    const wanted = data.examples.findIndex(e => e.track === state.get("recording") && [null, e.dataset].includes(state.get("dataset")));
    // names that the report does not have leave what was chosen
    if (report.panels.some(p => p.model === state.get("model"))) chosenModel = state.get("model");
    if (Object.hasOwn(report.conditions, state.get("condition"))) chosenCondition = state.get("condition");
    if (Object.hasOwn(SOUNDS, state.get("sound"))) chooseSound(state.get("sound"));
    if (wanted >= 0 || !example) { pickExample.value = Math.max(wanted, 0); load(); } else loadModel();
    const [from, to] = ["from", "to"].map(key => parseFloat(state.get(key)) - example.start);
    if (wanted >= 0 && to > from && from >= -0.1 && to <= example.seconds + 0.1) setView(from, to);
    settled = true;
    remember();
  };

  /* ----- what is shown ----- */
  function load() {
    example = data.examples[pickExample.value || 0];
    sounds.original.audio.src = example.audio;
    scrub.max = example.seconds;
    position = 0;
    view = [0, example.seconds];
    loadModel();
  }
  function loadModel() {
    fill(pickModel, example.models.map(m => nameOf(m) + report.panels[m.panel].badge), placeOf(example.models, m => nameOf(m) === chosenModel));
    model = example.models[pickModel.value || 0];
    chosenModel ??= nameOf(model);
    fill(pickCondition, model.conditions.map(c => c.title + (c.hard ? " (hard)" : "") + (c.leaks ? " (leaks)" : "")), placeOf(model.conditions, c => c.id === chosenCondition));
    loadCondition();
  }
  function loadCondition() {
    condition = model.conditions[pickCondition.value || 0];
    chosenCondition ??= condition.id;
    for (const url of urls) URL.revokeObjectURL(url);
    urls = [model.transcription, condition.transcription].map(notes => wav(synthesize(notes, example.seconds)));
    if (playing) stop();
    sounds.perturbed.audio.src = condition.audio;
    [sounds.clean.audio.src, sounds.after.audio.src] = urls;
    about.textContent = soundTexts()[sound];
    drawScores();
    picture(before, model.picture, "");
    picture(after, condition.picture, condition.outline);
    if (condition.outline) picture(before, model.picture, condition.outline);
    outlineLabel.hidden = !condition.outline;
    drawLegend();
    const { same, all } = condition.agreement;
    said.textContent = `${nameOf(model)} on ${example.track}. The roll shows the stored result of the study. ` + (same === all ? "Computed again for this page, it came out the same." : `Computed again for this page, ${same} of ${plural(all, "false note")} came out the same (the others hang on notes that began long before the excerpt, or on the machine).`);
    layout();
    seek(Math.min(position, example.seconds));
    remember();
  }
  function picture(where, address, edges) {
    for (const image of where.images) image.remove();
    where.images = [address, edges].filter(Boolean).map((src, i) => { const image = html("img", { src, alt: i ? "" : `${where.label.textContent}: spectrogram`, draggable: false }); if (i) image.className = "outline"; return image; });
    where.area.prepend(...where.images);
    const [low, high] = model.range;
    const marks = [];
    for (let midi = 24; midi < high; midi += 12) if (midi > low) marks.push(tickMark((midi - low) / (high - low), noteName(midi)));
    where.ticks.replaceChildren(...marks);
  }
  const tickMark = (share, text) => html("span", { textContent: text, style: `bottom: ${(100 * share).toFixed(2)}%` });

  function layout() {
    const [t0, t1] = view, scale = example.seconds / (t1 - t0);
    root.dataset.view = view.map(v => v.toFixed(3)).join(" ");
    for (const where of [before, after]) for (const image of where.images) {
      image.style.width = `${100 * scale}%`;
      image.style.left = `${-100 * t0 / (t1 - t0)}%`;
      if (image.className === "outline") image.hidden = !outlineBox.checked;
    }
    drawRoll();
    drawAxis();
    moveHead();
  }
  function rollRange() {
    const pitches = model.conditions.flatMap(c => c.notes.map(n => n[2]));
    return pitches.length ? [Math.floor(Math.min(...pitches)) - 2, Math.ceil(Math.max(...pitches)) + 6] : [57, 72];
  }
  function shape(outcome, x, y, width, height, title) {
    const name = data.outcomes[outcome], group = make("g", { class: `outcome-${name}` });
    group.append(make("rect", { class: `note-${name}`, x, y, width, height, rx: 1.5 }));
    if (name === "gained") group.append(make("path", { d: `M${x + 3} ${y + height / 2}h${Math.max(1, Math.min(7, width - 5))}`, stroke: "var(--ink)", "stroke-width": 1.4 }));
    if (name === "false-new" || name === "false-old") group.append(make("path", { d: `M${x - 3} ${y - 1}l5 ${height + 2}m0 ${-height - 2}l-5 ${height + 2}`, stroke: "var(--false)", "stroke-width": 1.2 }));
    return title ? titled(group, title) : group;
  }
  function patterns() {
    return make("defs", {},
      make("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, make("rect", { width: 5, height: 5, fill: "var(--card)" }), make("rect", { width: 2.2, height: 5, fill: "var(--lost)" })),
      make("pattern", { id: "dots", width: 4, height: 4, patternUnits: "userSpaceOnUse" }, make("rect", { width: 4, height: 4, fill: "var(--card)" }), make("circle", { cx: 2, cy: 2, r: 1.1, fill: "var(--false)" })));
  }
  function drawRoll() {
    const width = roll.area.clientWidth || 800, height = 230, [low, high] = rollRange(), [t0, t1] = view;
    const x = t => (t - t0) / (t1 - t0) * width, y = p => (high - p) / (high - low) * height, step = height / (high - low);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": `Piano roll: ${data.outcomes.map(name => `${condition.counts[name]} ${name}`).join(", ")}` }, patterns());
    for (let p = low; p <= high; p += 1) {
      if ([1, 3, 6, 8, 10].includes(((p % 12) + 12) % 12)) svg.append(make("rect", { class: "rollkey", x: 0, width, y: y(p + 0.5), height: step }));
      if (p % 12 === 0) svg.append(make("line", { class: "rollgrid", x1: 0, x2: width, y1: y(p - 0.5), y2: y(p - 0.5) }));
    }
    const order = ["missed", "false-old", "kept", "false-new", "gained", "lost"];
    for (const outcome of order.map(name => data.outcomes.indexOf(name))) for (const [onset, duration, pitch, which] of condition.notes) {
      if (which !== outcome || onset > t1 || onset + duration < t0) continue;
      const thick = Math.max(3, step * 0.8);
      svg.append(shape(outcome, x(onset), y(pitch) - thick / 2, Math.max(2.5, x(onset + duration) - x(onset) - 1), thick, `${noteName(pitch)} at ${(example.start + onset).toFixed(2)} s, ${OUTCOME_TEXTS[data.outcomes[outcome]]}`));
    }
    $("svg", roll.area)?.remove();
    roll.area.prepend(svg);
    const marks = [];
    for (let p = Math.ceil(low / 12) * 12; p < high; p += 12) marks.push(tickMark((p - low) / (high - low), noteName(p)));
    roll.ticks.replaceChildren(...marks);
  }
  function drawAxis() {
    const width = axis.area.clientWidth || 800, [t0, t1] = view;
    const step = [0.1, 0.2, 0.5, 1, 2, 5].find(s => (t1 - t0) / s <= Math.max(4, width / 70)) || 10;
    const svg = make("svg", { viewBox: `0 0 ${width} 22`, preserveAspectRatio: "none", "aria-hidden": "true" });
    for (let t = Math.ceil((example.start + t0) / step) * step; t <= example.start + t1 + 1e-6; t += step) svg.append(textAt(Math.min(Math.max((t - example.start - t0) / (t1 - t0) * width, 12), width - 18), 15, `${+t.toFixed(2)} s`, { "text-anchor": "middle" }));
    $("svg", axis.area)?.remove();
    axis.area.prepend(svg);
  }
  function drawLegend() {
    legend.replaceChildren(...data.outcomes.map((name, outcome) => {
      const svg = make("svg", { viewBox: "-4 -2 34 14", "aria-hidden": "true" });
      svg.append(shape(outcome, 0, 0, 26, 9));
      return html("span", {}, svg, html("b", { textContent: condition.counts[name] }), OUTCOME_TEXTS[name]);
    }));
  }
  function setView(t0, t1) {
    const length = Math.min(Math.max(t1 - t0, 0.4), example.seconds);
    const start = Math.min(Math.max(t0, 0), example.seconds - length);
    view = [start, start + length];
    layout();
    remember();
  }
  function zoom(factor, centre = position) {
    const [t0, t1] = view, inside = centre >= t0 && centre <= t1 ? centre : (t0 + t1) / 2;
    setView(inside - (inside - t0) * factor, inside + (t1 - inside) * factor);
  }
  function moveHead() {
    const share = (position - view[0]) / (view[1] - view[0]);
    for (const { head } of lanes) { head.style.left = `${100 * share}%`; head.hidden = share < 0 || share > 1; }
    scrub.value = position;
    clock.textContent = `${position.toFixed(2)} / ${example.seconds.toFixed(1)} s`;
  }
  function seek(t) {
    position = Math.min(Math.max(t, 0), example.seconds);
    if (playing) playing.currentTime = position;
    moveHead();
  }
  function tick() {
    frame = playing ? requestAnimationFrame(tick) : 0;
    if (!playing) return;
    position = playing.currentTime;
    if (position > view[1] && view[1] < example.seconds - 0.01) setView(position, position + view[1] - view[0]);
    moveHead();
  }

  /* ----- mouse, touch, keys ----- */
  let drag = null;
  const timeAt = event => { const box = axis.area.getBoundingClientRect(); return view[0] + (event.clientX - box.left) / box.width * (view[1] - view[0]); };
  stack.addEventListener("pointerdown", event => { if (!event.button) drag = { x: event.clientX, view: [...view], moved: false }; });
  stack.addEventListener("pointermove", event => {
    if (!event.buttons) drag = null; // let go where nothing told of it: outside, or over a menu
    if (!drag || Math.abs(event.clientX - drag.x) < 4) return;
    if (!drag.moved) stack.setPointerCapture(event.pointerId);
    drag.moved = true;
    const shift = (drag.x - event.clientX) / axis.area.clientWidth * (drag.view[1] - drag.view[0]);
    setView(drag.view[0] + shift, drag.view[1] + shift);
  });
  stack.addEventListener("pointerup", event => { if (drag && !drag.moved) seek(timeAt(event)); drag = null; });
  stack.addEventListener("pointercancel", () => { drag = null; });
  stack.addEventListener("wheel", event => { if (event.ctrlKey) { event.preventDefault(); zoom(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event)); } }, { passive: false });
  stack.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own: zoom, back, tabs
    const actions = {
      ArrowLeft: () => seek(position - 0.1), ArrowRight: () => seek(position + 0.1), Home: () => seek(0), End: () => seek(example.seconds),
      "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => setView(0, example.seconds),
      " ": toggle, ...Object.fromEntries(Object.keys(SOUNDS).map((name, i) => [i + 1, () => chooseSound(name)])),
    };
    if (actions[event.key]) { event.preventDefault(); actions[event.key](); }
  });
  window.addEventListener("resize", () => { if (!$("#view-explorer").hidden) layout(); });
  root.show(state);
};
