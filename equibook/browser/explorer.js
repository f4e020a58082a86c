// An explorer: controls choose one of the pictures, which were all sent at once. State: `controls`, `frames`, `chosen`.

const STEPS = [[-1, "−", "one step back"], [1, "+", "one step on"]];

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function makeRow(label, ...parts) {
  return make("div", { class: "equibook-control" }, make("span", { class: "equibook-label" }, label), ...parts);
}

function makeSlider({ label, texts }, choose) {
  const last = texts.length - 1;
  const value = make("output", { class: "equibook-value" });
  const input = () => choose(Number(range.value));
  const range = make("input", { type: "range", min: 0, max: last, "aria-label": label, autocomplete: "off", input });
  const [back, on] = STEPS.map(([step, sign, words]) => {
    const click = () => choose(Math.min(Math.max(Number(range.value) + step, 0), last));
    return make("button", { type: "button", "aria-label": `${label}: ${words}`, title: words, click }, sign);
  });
  const show = (place) => {
    range.value = place;
    range.setAttribute("aria-valuetext", texts[place]);
    value.textContent = texts[place];
  };
  value.style.minWidth = `${Math.max(...texts.map((text) => text.length))}ch`;
  return { node: makeRow(label, back, range, on, value), show };
}

function makeChoice({ label, texts }, choose) {
  const name = `equibook-${Math.random().toString(36).slice(2)}`;
  const radios = texts.map((_, place) =>
    make("input", { type: "radio", name, autocomplete: "off", change: () => choose(place) }));
  const options = texts.map((text, place) => make("label", { class: "equibook-option" }, radios[place], text));
  const node = makeRow(label, make("span", { role: "radiogroup", "aria-label": label }, ...options));
  return { node, show: (place) => { radios[place].checked = true; } };
}

function makeToggle({ label, texts }, choose) {
  const text = make("span");
  const change = () => choose(Number(box.checked));
  const box = make("input", { type: "checkbox", role: "switch", "aria-label": label, autocomplete: "off", change });
  const show = (place) => {
    box.checked = place === 1;
    text.textContent = texts[place];
  };
  return { node: makeRow(label, make("label", { class: "equibook-option" }, box, text)), show };
}

const MAKERS = { slider: makeSlider, choice: makeChoice, toggle: makeToggle };

// The picture that a page shows where no script runs is not sent twice: it is taken from there.
function makePicture({ alt, source, width, height, error }, shown) {
  const style = `aspect-ratio: ${width} / ${height}; max-width: ${width}px`;
  if (error) return make("p", { class: "equibook-error", style }, make("b", {}, "Not drawn. "), error);
  return source ? make("img", { alt, src: source, width, height, decoding: "sync" }) : shown;
}

function render({ model, el }) {
  const controls = model.get("controls");
  const frames = model.get("frames");
  const pictures = frames.map((frame) => makePicture(frame, el.querySelector("img")));
  const stage = make("div", { class: "equibook-stage" });
  const choose = (i, place) => {
    model.set("chosen", model.get("chosen").with(i, place));
    model.save_changes();
  };
  const rows = controls.map((control, i) => MAKERS[control.kind](control, (place) => choose(i, place)));
  const show = () => {
    const chosen = model.get("chosen");
    rows.forEach((row, i) => row.show(chosen[i]));
    stage.replaceChildren(pictures[chosen.reduce((sum, place, i) => sum * controls[i].texts.length + place, 0)]);
  };
  const about = { class: "equibook", role: "group", "aria-label": "interactive figure" };
  el.replaceChildren(make("div", about, ...rows.map((row) => row.node), stage));
  // Without this attribute on the element that has the focus, not around it, the shortcuts of JupyterLab take its keys.
  el.querySelectorAll("input, button").forEach((field) => field.setAttribute("data-lm-suppress-shortcuts", "true"));
  model.on("change:chosen", show);
  show();
  return () => model.off("change:chosen", show);
}

const widget = { render };
export default widget;
