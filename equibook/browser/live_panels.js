// The panels of the live figure: each is made once, and shows one result after the other.
// A result is what `pack_layers` in layers_at.py returns: numbers, and maps of one byte a value.

// --- Layer 1 lifts ---

function makeLifts({ size, scales, orientations }) {
  const image = makeMap(size, size, "The image that the model reads");
  const lifts = scales.map((scale) => {
    const canvas = makeMap(size, size, `Strength and orientation of strokes at a scale of ${scale} pixels`);
    const path = draw("path", { stroke: "white", "stroke-width": 0.4, "stroke-linecap": "round" });
    const lines = draw("svg", { viewBox: `0 0 ${size} ${size}`, class: "eqlive-over", "aria-hidden": true }, path);
    return { canvas, path, node: makeFigure(make("div", { class: "eqlive-stack" }, canvas, lines), `${scale} px`) };
  });
  const key = make("div", { class: "eqlive-figure" }, makeOrientationKey(orientations),
    make("span", {}, "hue and lines: orientation; brightness: strength"));
  const maps = make("div", { class: "eqlive-row" }, makeFigure(image, "the image"),
    ...lifts.map((lift) => lift.node), key);
  const node = makePanel("lifts", "Layer 1 lifts: strokes by place, scale and orientation", makeNote(TURNS), maps);
  const show = (result) => {
    paintGrey(image, result.image);
    lifts.forEach(({ canvas, path }, i) => {
      paintOrientations(canvas, result.strength[i], result.orientation[i]);
      path.setAttribute("d", drawStrokes(size, result.strength[i], result.orientation[i]));
    });
  };
  return { node, show };
}

// --- Layer 1 reads ---

function makeArrow(k) {
  const arrow = draw("path", { class: "eqlive-arrow" });
  const before = draw("line", { class: "eqlive-before", x1: 0, y1: 0 });
  const law = draw("circle", { class: "eqlive-law", r: 0.13 });
  const ring = draw("circle", { class: "eqlive-ring", r: 1 });
  const label = `A coefficient with k = ${k} as an arrow`;
  const about = { viewBox: "-1.25 -1.25 2.5 2.5", role: "img", "aria-label": label };
  const caption = make("span");
  const node = makeFigure(draw("svg", about, ring, before, law, arrow), caption);
  const show = ([real, imaginary, realBefore, imaginaryBefore], angle) => {
    const length = Math.hypot(realBefore, imaginaryBefore);
    node.classList.toggle("eqlive-empty", length === 0);
    const unit = length || 1;
    const direction = Math.atan2(imaginaryBefore, realBefore) - (k * angle * Math.PI) / 180;
    arrow.setAttribute("d", drawArrow(real / unit, -imaginary / unit));
    setAll(before, { x2: realBefore / unit, y2: -imaginaryBefore / unit });
    setAll(law, { cx: Math.cos(direction), cy: -Math.sin(direction) });
    caption.textContent = angle ? `k = ${k}: −${Math.round(k * angle)}°` : `k = ${k}`;
  };
  return { node, show };
}

function drawArrow(x, y) {
  const side = (turn) => {
    const angle = Math.atan2(y, x) + turn;
    return `${x - 0.32 * Math.cos(angle)} ${y - 0.32 * Math.sin(angle)}`;
  };
  return `M0 0L${x} ${y}M${side(0.45)}L${x} ${y}L${side(-0.45)}`;
}

function setAll(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

function makeReads({ frequencies, palette, limits }) {
  const arrows = frequencies.filter((k) => k > 0).map(makeArrow);
  const bars = makeBars(frequencies.map((k) => `k = ${k}`), () => palette[2]);
  const left = make("div", {}, makeNote(TURNS, "k times as far, the other way around; ○ marks where the law puts it"),
    make("div", { class: "eqlive-row eqlive-arrows" }, ...arrows.map((arrow) => arrow.node)));
  const right = make("div", {}, makeNote(STAYS, "the sum of all lengths |C|"), bars.node);
  const body = make("div", { class: "eqlive-halves" }, left, right);
  const show = (result, angle) => {
    arrows.forEach((arrow, i) => arrow.show(result.arrows[i], angle));
    bars.show(result.sums, 0, limits.sum, say);
  };
  return { node: makePanel("reads", "Layer 1 reads: coefficients C by angular frequency k", body), show };
}

// --- Layer 1 keeps ---

const ROWS = 4; // of a band: the features of one kind and one scale, from top to bottom and left to right

function makeKeeps({ kinds }) {
  const scales = [...new Set(kinds.flatMap(([, counts]) => counts.map(([scale]) => scale)))];
  const blocks = kinds.map(([name, counts]) => makeBlock(name, counts, scales));
  const n = blocks.reduce((sum, block) => sum + block.length, 0);
  const labels = make("div", { class: "eqlive-bands" },
    ...scales.map((scale) => make("span", {}, scale === "image" ? scale : `${scale} px`)));
  const row = make("div", { class: "eqlive-prints" }, labels, ...blocks.map((block) => block.node));
  row.style.gridTemplateColumns = `auto ${blocks.map((block) => `minmax(4rem, ${block.columns}fr)`).join(" ")}`;
  const [change, note] = [make("span"), makeNote(STAYS)];
  note.append(" ", change);
  const key = make("div", { class: "eqlive-axes" },
    "vermilion above 0, blue below; each scale relative to its largest");
  const show = (result, angle) => {
    blocks.reduce((start, block) => block.show(result.features, start), 0);
    const found = `by ${(100 * result.change).toFixed(2)} % of their norm`;
    change.textContent = angle
      ? `the turn by ${Math.round(angle)}° has changed them ${found}`
      : "turn the image, and compare";
  };
  return { node: makePanel("keeps", `Layer 1 keeps: ${n} invariant features, one a cell`, note, row, key), show };
}

function makeBlock(name, counts, scales) {
  const length = counts.reduce((sum, [, count]) => sum + count, 0);
  const columns = Math.ceil(Math.max(...counts.map(([, count]) => count)) / ROWS);
  const canvas = makeMap(columns, ROWS * scales.length, `${length} features: ${name}`);
  const places = counts.flatMap(([scale, count]) => {
    const top = ROWS * scales.indexOf(scale);
    return Array.from({ length: count }, (_, i) => (top + (i % ROWS)) * columns + Math.floor(i / ROWS));
  });
  const show = (features, start) => {
    paintSigned(canvas, features.subarray(start, start + length), (i) => places[i]);
    return start + length;
  };
  return { columns, length, show, node: make("div", {}, canvas, make("span", {}, `${name}: ${length}`)) };
}

// --- Layer 2 ---

const MARKERS = [
  "M1 0A1 1 0 1 1-1 0A1 1 0 1 1 1 0", "M-.9-.9H.9V.9H-.9Z", "M0-1.1L1 .8H-1Z", "M0-1.2L1 0L0 1.2L-1 0Z",
  "M0 1.1L1-.8H-1Z", "M-.4-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z",
  "M-1-.5L-.5-1L0-.5L.5-1L1-.5L.5 0L1 .5L.5 1L0 .5L-.5 1L-1 .5L-.5 0Z",
  "M-1.1 0L.8-1V1Z", "M1.1 0L-.8-1V1Z", "M0-1.3L.3-.4H1.2L.5.2L.8 1.1L0 .5L-.8 1.1L-.5.2L-1.2-.4H-.3Z",
];
const STAR = "M0-9L2.3-3.1L8.6-2.8L3.7 1.2L5.3 7.3L0 3.8L-5.3 7.3L-3.7 1.2L-8.6-2.8L-2.3-3.1Z";
const [WIDE, HIGH] = [300, 230];

function colourOfClass(palette, i) {
  const colour = palette[i % palette.length];
  return colour === "#000000" ? "currentColor" : colour; // black would vanish on a dark page
}

function makeAxis(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = 0.2 * (high - low) || 1;
  return (value) => (value - low + margin) / (high - low + 2 * margin);
}

function makeMark(palette, i, x, y, size) {
  const transform = `translate(${x} ${y}) scale(${size})`;
  return draw("path", { d: MARKERS[i % MARKERS.length], fill: colourOfClass(palette, i), transform });
}

// The image itself; hollow and at the rim where it lies farther out. Places are parts of the width and height.
function makeStar(width, height) {
  const node = draw("path", { d: STAR, class: "eqlive-star" });
  const show = (...place) => {
    const [x, y] = place.map((part) => Math.min(Math.max(part, 0.04), 0.96));
    const isOutside = x !== place[0] || y !== place[1];
    node.setAttribute("transform", `translate(${width * x} ${height * y})`);
    node.classList.toggle("eqlive-outside", isOutside);
    return isOutside;
  };
  return { node, show };
}

function makePlane({ points, labels, classes, palette, unit }) {
  const [right, up] = [0, 1].map((i) => makeAxis(points.map((point) => point[i])));
  const known = points.map(([x, y], i) => makeMark(palette, labels[i], WIDE * right(x), HIGH * (1 - up(y)), 3.2));
  const star = makeStar(WIDE, HIGH);
  const label = "The image among known images";
  const about = { viewBox: `0 0 ${WIDE} ${HIGH}`, class: "eqlive-points", role: "img", "aria-label": label };
  const svg = draw("svg", about, draw("g", { opacity: 0.85 }, ...known), star.node);
  const key = make("div", { class: "eqlive-classes" }, ...classes.map((name, i) =>
    make("span", {}, draw("svg", { viewBox: "-1.4 -1.4 2.8 2.8" }, makeMark(palette, i, 0, 0, 1)), name)));
  const [words, note] = [make("span"), makeNote(STAYS)];
  note.append(" ", words);
  const axes = make("div", { class: "eqlive-axes" }, `→ component 1${unit}, ↑ component 2${unit}`);
  const show = ({ point }) => {
    const isOutside = star.show(right(point[0]), 1 - up(point[1]));
    words.textContent = isOutside ? "☆ lies farther out" : "★ is the image";
  };
  return { node: makePanel("plane", "Layer 2 reduces: place among known images", note, svg, axes, key), show };
}

// --- Layer 3 ---

// Two classes share one score: a line, with the known images of either class above it.
function makeScoreLine({ scores, labels, classes, palette, limits }) {
  const high = 96;
  const place = (score) => 0.5 + (0.45 * score) / limits.score;
  // Side by side, a little up and down, so that more of them are seen.
  const heightOf = (i) => (labels[i] ? 46 : 18) + ((7 * i) % 11) - 5;
  const known = scores.map((score, i) => makeMark(palette, labels[i], WIDE * place(score), heightOf(i), 3));
  const star = makeStar(WIDE, high);
  const line = draw("path", { class: "eqlive-line", d: `M0 72H${WIDE}M${WIDE / 2} 4V${high}` });
  const about = { viewBox: `0 0 ${WIDE} ${high}`, role: "img", "aria-label": "The score among those of known images" };
  const words = make("div", { class: "eqlive-ends" });
  const show = ([score]) => {
    star.show(place(score), 0.75);
    const texts = [`← ${classes[0]}`, `score ${saySigned(score)}`, `${classes[1]} →`];
    words.replaceChildren(...texts.map((text) => make("span", {}, text)));
  };
  const svg = draw("svg", about, line, draw("g", { opacity: 0.85 }, ...known), star.node);
  return { node: make("div", {}, svg, words), show };
}

function makeScoreBars({ classes, palette, limits }) {
  const bars = makeBars(classes, (i) => colourOfClass(palette, i));
  const show = (scores) => {
    const [low, high] = [Math.min(0, limits.lowest, ...scores), Math.max(0, limits.highest, ...scores)];
    bars.show(scores, low, high, saySigned);
  };
  return { node: make("div", {}, bars.node, make("div", { class: "eqlive-axes" }, "score")), show };
}

function makeDecision(setup) {
  const answer = make("div", { class: "eqlive-answer" });
  const scores = (setup.classes.length === 2 ? makeScoreLine : makeScoreBars)(setup);
  const novelty = make("p");
  const show = (result) => {
    scores.show(result.scores);
    answer.textContent = result.blank ? "nothing to decide" : `class ${result.predicted}`;
    const isUnlike = result.novelty > 1;
    novelty.classList.toggle("eqlive-warning", isUnlike);
    novelty.textContent = `Novelty ${result.novelty.toFixed(2)}: `
      + (isUnlike
        ? "unlike all training images; do not trust the answer."
        : "as near to a training image as these are to each other.");
  };
  const title = `Layer 3 decides: ${setup.classifier.replaceAll("_", " ")}`;
  return { node: makePanel("decision", title, makeNote(STAYS), answer, scores.node, novelty), show };
}

// --- why ---

const GROUPS = { scale: "by scale (px)", ring: "by ring, from the centre", k: "by frequency k" };

function makeWhy(setup) {
  return setup.parts ? makeReasons(setup) : makeExcuse(setup);
}

function makeExcuse({ classifier }) {
  const text = `The score of ${classifier.replaceAll("_", " ")} is not affine in the features, so it does not split `
    + "exactly into parts. It does with nearest mean, linear discriminant, ridge, or linear support vectors.";
  return { node: makePanel("why", "Why: the parts of the score", make("p", {}, text)), show() {} };
}

function makeReasons({ size, classes, palette, parts }) {
  const map = makeMap(size, size, "The part that each pixel has in the score");
  const [pixelWords, scoreWords, sumWords] = [make("span"), make("p"), make("span")];
  const colourOf = (_, value) => palette[Number(value > 0)];
  const bars = Object.fromEntries(Object.entries(parts).map(([by, names]) => [by, makeBars(names, colourOf)]));
  const columns = Object.entries(bars).map(([by, { node }]) =>
    make("div", {}, make("div", { class: "eqlive-by" }, GROUPS[by]), node));
  const note = makeNote(STAYS);
  note.append(" ", sumWords);
  const left = make("div", {}, makeNote(TURNS), makeFigure(map, pixelWords));
  const right = make("div", {}, note, make("div", { class: "eqlive-groups" }, ...columns));
  const body = make("div", { class: "eqlive-reasons" }, left, right);
  const show = ({ why, pixels }) => {
    paintSigned(map, pixels);
    const other = classes.length === 2 ? `for ${classes.find((name) => name !== why.target)}` : "against it";
    scoreWords.textContent = `Score ${saySigned(why.score)}: + (vermilion) speaks for ${why.target}, − (blue) ${other}.`;
    pixelWords.textContent = `pixels, up to ±${say(why.largest_pixel)}; `
      + `sum ${saySigned(why.pixel_sum)} = score − bias (${saySigned(why.bias)})`;
    sumWords.textContent = `each column sums to ${saySigned(why.score - why.average)} = score − average `
      + `(${saySigned(why.average)}), the score of the average training image`;
    const largest = Math.max(...Object.values(why.parts).flat().map(Math.abs));
    for (const [by, values] of Object.entries(why.parts)) bars[by].show(values, -largest, largest, saySigned);
  };
  return { node: makePanel("why", "Why: the score splits exactly into parts", scoreWords, body), show };
}
