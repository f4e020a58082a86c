// What the panels of the live figure are made of: nodes, numbers in words, maps, bars. live_panels.js comes next.

const SVG = "http://www.w3.org/2000/svg";
const TURNS = "↻ turns along";
const STAYS = "■ stays";

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function makePanel(area, title, ...children) {
  const heading = make("div", { class: "eqlive-title" }, title);
  const attributes = { class: `eqlive-panel eqlive-${area}`, role: "group", "aria-label": title };
  return make("div", attributes, heading, ...children);
}

// What a part of the figure does when the image turns: said in words, with a sign of its own.
function makeNote(note, text = "") {
  const kind = note === STAYS ? "stays" : "turns";
  return make("div", { class: "eqlive-note" }, make("b", { class: `eqlive-${kind}` }, note), text ? ` ${text}` : "");
}

// As many decimals as show three digits of the largest number beside it.
function say(number, largest = number) {
  const decimals = Math.max(0, Math.min(20, 2 - Math.floor(Math.log10(Math.abs(largest) || 1))));
  return number.toFixed(decimals).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
}

function saySigned(number, largest = number) {
  const text = say(number, largest);
  return text.startsWith("−") ? text : `+${text}`;
}

// --- maps ---

function makeMap(width, height, label) {
  return make("canvas", { width, height, class: "eqlive-map", role: "img", "aria-label": label });
}

// Paint a map; `colourOf` returns red, green, blue and opacity, 0 to 255, of a place.
function paint(canvas, n, colourOf) {
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < n; i++) pixels.data.set(colourOf(i), 4 * i);
  context.putImageData(pixels, 0, 0);
}

function paintGrey(canvas, values) {
  paint(canvas, values.length, (i) => [values[i], values[i], values[i], 255]);
}

// Signed values: blue below 0, vermilion above, and what is 0 shows the page behind; light pages and dark ones alike.
const BELOW = [0, 114, 178];
const ABOVE = [213, 94, 0];

function paintSigned(canvas, values, placeOf = (i) => i) {
  const places = new Map(Array.from(values, (value, i) => [placeOf(i), value]));
  paint(canvas, canvas.width * canvas.height, (i) => {
    const value = places.get(i) ?? 0;
    return [...(value < 0 ? BELOW : ABOVE), Math.min(255, 2 * Math.abs(value))];
  });
}

// Orientation, in degrees, as hue; as in matplotlib's hsv_to_rgb with saturation 0.85.
function hue(angle) {
  const channel = (shift) => {
    const t = (shift + angle / 30) % 6;
    return 1 - 0.85 * Math.max(0, Math.min(t, 4 - t, 1));
  };
  return [channel(5), channel(3), channel(1)];
}

function paintOrientations(canvas, strength, angle) {
  paint(canvas, strength.length, (i) => [...hue(angle[i]).map((part) => 0.75 * part * strength[i]), 255]);
}

// Short lines along the strokes, where they are strong.
function drawStrokes(size, strength, angle) {
  const step = Math.max(1, Math.floor(size / 10));
  let path = "";
  for (let row = step >> 1; row < size; row += step) {
    for (let column = step >> 1; column < size; column += step) {
      const place = row * size + column;
      if (strength[place] <= 64) continue;
      const radians = (angle[place] * Math.PI) / 180;
      const [right, down] = [0.45 * step * Math.cos(radians), -0.45 * step * Math.sin(radians)];
      path += `M${column + 0.5 - right} ${row + 0.5 - down}l${2 * right} ${2 * down}`;
    }
  }
  return path;
}

function makeOrientationKey(n) {
  const lines = Array.from({ length: n }, (_, i) => {
    const angle = (180 * i) / n;
    const [right, up] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    const stroke = `rgb(${hue(angle).map((part) => Math.round(191 * part))})`;
    return draw("line", { x1: -right, y1: up, x2: right, y2: -up, stroke, "stroke-width": 0.22 });
  });
  return draw("svg", { viewBox: "-1.15 -1.15 2.3 2.3", class: "eqlive-key", "aria-hidden": true }, ...lines);
}

function makeFigure(picture, caption) {
  return make("div", { class: "eqlive-figure" }, picture, make("span", {}, caption));
}

// --- bars ---

// One row a name. From `low` to `high`; a bar begins at 0, or at `low` where 0 lies outside.
function makeBars(names, colourOf) {
  const rows = names.map((name) => {
    const bar = make("span", { class: "eqlive-bar" });
    const value = make("span", { class: "eqlive-value" });
    const track = make("span", { class: "eqlive-track" }, bar);
    return { bar, track, value, name: make("span", { class: "eqlive-name" }, name) };
  });
  const cells = rows.flatMap(({ name, track, value }) => [name, track, value]);
  const node = make("div", { class: "eqlive-bars" }, ...cells);
  const show = (values, low, high, words) => values.forEach((given, i) => {
    const place = (value) => (100 * (Math.min(Math.max(value, low), high) - low)) / (high - low || 1);
    const [from, to] = [place(0), place(given)];
    const { bar, track, value } = rows[i];
    bar.style.left = `${Math.min(from, to)}%`;
    bar.style.width = `${Math.abs(to - from)}%`;
    bar.style.background = colourOf(i, given);
    track.style.setProperty("--zero", `${from}%`);
    value.textContent = words(given, Math.max(Math.abs(low), Math.abs(high)));
  });
  return { node, show };
}
