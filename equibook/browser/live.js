// The live figure: what the reader draws goes to Python, and what the layers make of it comes back to the panels.
// Comes after live_parts.js and live_panels.js. In a page without Python (`live` is false) all results are there already.

const PATIENCE = 4000; // ms without an answer, after which the figure says so

// --- results ---

// Cut the bytes of one result into its maps; the order is that of `pack_layers`.
function unpack(numbers, bytes, { size, scales, kinds }) {
  let start = 0;
  const take = (length, Kind = Uint8Array) => {
    start += length;
    return new Kind(bytes.buffer, bytes.byteOffset + start - length, length);
  };
  const pixels = size * size;
  const image = take(pixels);
  const strength = scales.map(() => take(pixels));
  const orientation = scales.map(() => take(pixels));
  const n = kinds.flatMap(([, counts]) => counts).reduce((sum, [, count]) => sum + count, 0);
  return { ...numbers, image, strength, orientation, features: take(n, Int8Array), pixels: take(pixels, Int8Array) };
}

function toBytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// --- talking to Python ---

// Jupyter's server tells that Python is busy, and then holds the answer back until the browser has acknowledged that,
// 40 ms later (Nagle's algorithm and delayed acknowledgements). Any message from here carries the acknowledgement at once.
function makeNudge(model) {
  let isDone = false;
  return () => {
    if (!isDone) model.send({ nudge: true });
    isDone = true;
  };
}

// One question at a time: what is drawn meanwhile waits, and only the newest is sent.
function makeQuestioner(model, read, onAnswer) {
  const view = Math.random().toString(36).slice(2);
  let [sequence, isWaiting, timer] = [0, false, 0];
  const send = (content, buffers) => {
    sequence += 1;
    isWaiting = false;
    timer = setTimeout(giveUp, PATIENCE);
    model.send({ view, sequence, ...content }, { iopub: { status: makeNudge(model) } }, buffers);
  };
  const giveUp = () => {
    timer = 0;
    onAnswer({ error: "Python does not answer. Wait until it is idle, or run the cell again." });
  };
  const ask = () => {
    if (timer) isWaiting = true;
    else send({ angle: read().angle }, [read().drawing.slice().buffer]);
  };
  const hear = (answer, buffers) => {
    const isMine = answer.view === view && answer.sequence === sequence;
    if (!isMine && answer.view !== "") return; // of another view, or given up before
    if (isMine) timer = clearTimeout(timer) ?? 0;
    onAnswer(answer, buffers.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)));
    if (isMine && isWaiting) ask();
  };
  model.on("msg:custom", hear);
  const stop = () => {
    clearTimeout(timer);
    model.off("msg:custom", hear);
  };
  return { ask, begin: () => send({}, []), stop };
}

// --- drawing ---

// Values fall off with the distance from the stroke as a Gaussian; `draw_stroke` in live.py does the same.
function brushAlong(drawing, size, brush, [x0, y0], [x1, y1]) {
  const [right, down] = [x1 - x0, y1 - y0];
  const length = right * right + down * down || 1;
  for (let i = 0; i < drawing.length; i++) {
    const [x, y] = [(i % size) - x0, Math.floor(i / size) - y0];
    const along = Math.min(Math.max((x * right + y * down) / length, 0), 1);
    const distance = Math.hypot(x - along * right, y - along * down) / brush;
    drawing[i] = Math.max(drawing[i], Math.round(255 * Math.exp((-distance * distance) / 2)));
  }
}

function makeBoard({ size, brush }, onChange) {
  const drawing = new Uint8Array(size * size);
  const before = [];
  const canvas = makeMap(size, size, "");
  const pen = draw("circle", { class: "eqlive-pen", r: 1.2 });
  const disc = draw("circle", { class: "eqlive-disc", cx: size / 2, cy: size / 2, r: size / 2 });
  const over = draw("svg", { viewBox: `0 0 ${size} ${size}`, class: "eqlive-over", "aria-hidden": true }, disc, pen);
  const node = make("div", { class: "eqlive-stack eqlive-board" }, canvas, over);
  const change = (values) => {
    drawing.set(values);
    paintGrey(canvas, drawing);
    onChange();
  };
  const board = {
    node, canvas, drawing, pen,
    show: (values) => paintGrey(canvas, (drawing.set(values), drawing)),
    keep: () => before.push(drawing.slice()),
    replace: (values) => { board.keep(); change(values); },
    undo: () => { if (before.length) change(before.pop()); },
    stroke: (from, to) => {
      brushAlong(drawing, size, brush, from, to);
      change(drawing);
    },
  };
  return board;
}

function drawWithPointer({ canvas, keep, stroke }, size) {
  let last = null;
  const placeOf = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [((event.clientX - left) / width) * size - 0.5, ((event.clientY - top) / height) * size - 0.5];
  };
  const move = (event) => {
    if (!last) return;
    for (const step of event.getCoalescedEvents?.() ?? []) last = (stroke(last, placeOf(step)), placeOf(step));
    last = (stroke(last, placeOf(event)), placeOf(event));
  };
  const start = (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = placeOf(event);
    keep();
    stroke(last, last);
  };
  const end = () => { last = null; };
  fill(canvas, { pointerdown: start, pointermove: move, pointerup: end, pointercancel: end }, []);
}

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// The arrow keys move a pen, and the space bar sets it down and lifts it.
function drawWithKeys({ canvas, pen, keep, stroke }, size) {
  let [place, isDown] = [[size / 2, size / 2], false];
  const show = () => {
    setAll(pen, { cx: place[0] + 0.5, cy: place[1] + 0.5 });
    pen.classList.toggle("eqlive-down", isDown);
  };
  const keydown = (event) => {
    const step = KEYS[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    const from = place;
    if (step) place = place.map((part, i) => Math.min(Math.max(part + step[i], 0), size - 1));
    else isDown = !isDown;
    if (!step && isDown) keep();
    if (isDown) stroke(from, place);
    show();
  };
  fill(canvas, { keydown }, []);
  show();
}

// Read an image file as grey values: all of it, in the middle of the square, white on black as digits are here.
async function readImage(file, size) {
  const picture = await createImageBitmap(file);
  const scale = size / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  const grey = readGrey(picture, width, height);
  const isBorder = (i) => i % width === 0 || i % width === width - 1 || i < width || i >= width * (height - 1);
  const border = grey.filter((_, i) => isBorder(i));
  const isBright = border.reduce((sum, value) => sum + value, 0) > 127 * border.length;
  const [left, top] = [(size - width) >> 1, (size - height) >> 1];
  const values = new Uint8Array(size * size);
  grey.forEach((value, i) => {
    values[(top + Math.floor(i / width)) * size + left + (i % width)] = isBright ? 255 - value : value;
  });
  return values;
}

function readGrey(picture, width, height) {
  const context = make("canvas", { width, height }).getContext("2d");
  context.fillStyle = "white"; // behind what is transparent
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);
}

// --- controls ---

// JupyterLab's shortcuts would take the keys; it looks for this at the very element that has the focus.
const OWN_KEYS = { "data-lm-suppress-shortcuts": true };

function makeButton(text, label, click) {
  return make("button", { type: "button", "aria-label": label, title: label, click, ...OWN_KEYS }, text);
}

function makeTools(board, { size, examples }, onError) {
  const load = async () => {
    try {
      board.replace(await readImage(file.files[0], size));
    } catch {
      onError("This file could not be read as an image. Choose a PNG or a JPEG.");
    }
    file.value = "";
  };
  const file = make("input", {
    type: "file", accept: "image/*", "aria-label": "load an image file", change: load, ...OWN_KEYS,
  });
  const clear = makeButton("clear", "clear the drawing", () => board.replace(new Uint8Array(size * size)));
  const undo = makeButton("undo", "undo the last stroke", board.undo);
  const known = examples.map(([name, text]) =>
    makeButton(name, `load an example of class ${name}`, () => board.replace(toBytes(text))));
  return [
    make("div", { class: "eqlive-tools" }, clear, undo, make("label", { class: "eqlive-file" }, "image file…", file)),
    make("div", { class: "eqlive-tools" }, make("span", {}, "examples"), ...known),
  ];
}

function makeTurner(step, isLive, onTurn) {
  const words = make("output");
  const range = make("input", {
    type: "range", min: 0, max: isLive ? 359 : 360 - step, step: isLive ? 1 : step,
    "aria-label": "turned by, in degrees", autocomplete: "off", ...OWN_KEYS,
  });
  const show = (angle) => {
    range.value = angle;
    words.textContent = `${Math.round(angle)}°`;
    range.setAttribute("aria-valuetext", words.textContent);
  };
  const turn = (angle) => {
    show((angle + 360) % 360);
    onTurn();
  };
  const turnBy = (more) => () => turn(Number(range.value) + more);
  range.addEventListener("input", turnBy(0));
  const back = makeButton("−", `turn back by ${step} degrees`, turnBy(-step));
  const on = makeButton("+", `turn on by ${step} degrees`, turnBy(step));
  const node = make("div", {}, make("div", {}, "turned by ", words),
    make("div", { class: "eqlive-turner" }, back, range, on));
  return { node, show, read: () => Number(range.value) };
}

function makeStatus() {
  const node = make("p", { role: "status", "aria-live": "polite", class: "eqlive-status" });
  const tell = (text, isWarning = false) => {
    if (node.textContent !== text) node.textContent = text;
    node.classList.toggle("eqlive-warning", isWarning);
  };
  return { node, tell };
}

const HINTS = {
  live: "Draw inside the circle: mouse, pen or finger; or the arrow keys, and space to set the pen down or lift it.",
  page: "This digit was drawn as an example. In a running notebook you draw your own.",
  both: `Turn it: what is marked ${TURNS[0]} turns with the image, what is marked ${STAYS[0]} stays.`,
};

function makeInput(setup, isLive, onChange) {
  const board = makeBoard(setup, onChange);
  const turner = makeTurner(setup.step, isLive, onChange);
  const status = makeStatus();
  const tools = isLive ? makeTools(board, setup, (text) => status.tell(text, true)) : [];
  const hint = isLive ? HINTS.live : HINTS.page;
  board.canvas.setAttribute("aria-label", `The drawing. ${hint}`);
  if (isLive) {
    setAll(board.canvas, { tabindex: 0, ...OWN_KEYS });
    drawWithPointer(board, setup.size);
    drawWithKeys(board, setup.size);
  }
  const hints = make("div", { class: "eqlive-hint" }, make("p", {}, hint), make("p", {}, HINTS.both));
  const title = isLive ? "Draw a digit, and turn it" : "A drawn digit: turn it";
  const node = makePanel("input", title, board.node, turner.node, ...tools, status.node, hints);
  return { node, board, turner, tell: status.tell };
}

// --- the figure ---

function describe({ blank, predicted, novelty }, angle) {
  if (blank) return "Nothing is drawn yet: draw a digit in the circle.";
  const warning = novelty > 1 ? ", but it is unlike all training images" : "";
  return `Turned by ${Math.round(angle)}°, it is read as class ${predicted}${warning}.`;
}

function makeScreen(setup, input) {
  const makers = [makeLifts, makeReads, makeKeeps, makePlane, makeDecision, makeWhy];
  const panels = makers.map((makeOne) => makeOne(setup));
  const node = make("div", { class: "eqlive-screen" }, input.node, ...panels.map((panel) => panel.node));
  const show = (numbers, maps, angle) => {
    const result = unpack(numbers, maps, setup);
    panels.forEach((panel) => panel.show(result, angle));
    node.classList.toggle("eqlive-blank", result.blank);
    input.tell(describe(result, angle));
  };
  return { node, show };
}

function renderLive(model, root) {
  const input = makeInput(model.get("setup"), true, () => questioner.ask());
  const screen = makeScreen(model.get("setup"), input);
  const hear = ({ error, result, angle, sequence }, [maps, drawing] = []) => {
    if (error) return input.tell(error, true);
    if (drawing) {
      input.board.show(drawing);
      input.turner.show(angle);
    }
    screen.show(result, maps, angle);
    root.dataset.shown = sequence;
  };
  const read = () => ({ drawing: input.board.drawing, angle: input.turner.read() });
  const questioner = makeQuestioner(model, read, hear);
  root.append(screen.node);
  questioner.begin();
  return questioner.stop;
}

// Resolves when the results are unpacked: until then, and where that fails, the picture of the page stays.
async function renderPage(model, root) {
  const [setup, results] = [model.get("setup"), model.get("results")];
  const maps = await inflate(toBytes(model.get("maps")));
  const length = maps.length / results.length;
  const input = makeInput(setup, false, () => show(Math.round(input.turner.read() / setup.step)));
  const screen = makeScreen(setup, input);
  const show = (place) =>
    screen.show(results[place], maps.subarray(place * length, (place + 1) * length), place * setup.step);
  input.board.show(toBytes(model.get("drawing")));
  input.turner.show(model.get("place") * setup.step);
  root.append(screen.node);
  show(model.get("place"));
}

function render({ model, el }) {
  const isLive = model.get("live");
  const label = "what every layer makes of an image";
  const root = make("div", { class: isLive ? "eqlive eqlive-live" : "eqlive", role: "group", "aria-label": label });
  if (!isLive) return renderPage(model, root).then(() => el.replaceChildren(root));
  el.replaceChildren(root);
  return renderLive(model, root);
}

const widget = { render };
export default widget;
