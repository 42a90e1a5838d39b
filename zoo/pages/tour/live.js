// Places of the tour that answer: nothing is loaded, all that they need is in the page.
"use strict";

// What a filter of 3x3 sees at each pixel of rows of numbers; outside there are zeros.
function filtered(image, kernel) {
  const at = (y, x) => (image[y] === undefined ? 0 : image[y][x] || 0);
  return image.map((row, y) =>
    row.map((_, x) =>
      kernel.reduce((sum, weight, k) =>
        sum + weight * at(y + Math.floor(k / 3) - 1, x + (k % 3) - 1), 0)));
}

// Draws rows of numbers from 0 to 255, a pixel each.
function paint(canvas, rows) {
  const [height, width] = [rows.length, rows[0].length];
  [canvas.height, canvas.width] = [height, width];
  const context = canvas.getContext("2d"), data = context.createImageData(width, height);
  rows.flat().forEach((value, k) => {
    data.data.fill(Math.max(0, Math.min(255, Math.round(value))), 4 * k, 4 * k + 3);
    data.data[4 * k + 3] = 255;
  });
  context.putImageData(data, 0, 0);
}

// Marks the one of a row of buttons that is chosen, if one is.
function press(place, kind, chosen) {
  place.querySelectorAll(`[data-${kind}]`).forEach((button) =>
    button.setAttribute("aria-pressed", button.dataset[kind] === String(chosen)));
}

for (const place of document.querySelectorAll(".live[data-images]")) {
  const images = JSON.parse(place.dataset.images);
  const kernels = JSON.parse(place.dataset.kernels);
  const [before, after] = place.querySelectorAll("canvas");
  const fields = [...place.querySelectorAll("input")];
  let image = 0, chosen = 0;
  const show = () => {
    press(place, "image", image);
    press(place, "kernel", chosen);
    const kernel = fields.map((field) => Number(field.value) || 0);
    paint(before, images[image]);
    // Grey is 0, so that what is below it can be seen, too.
    paint(after, filtered(images[image], kernel).map((row) => row.map((v) => 128 + v / 2)));
  };
  fields.forEach((field) => field.addEventListener("input", () => show((chosen = null))));
  place.querySelectorAll("[data-kernel]").forEach((button) =>
    button.addEventListener("click", () => {
      chosen = button.dataset.kernel;
      kernels[chosen].forEach((weight, k) => (fields[k].value = weight));
      show();
    }));
  place.querySelectorAll("[data-image]").forEach((button) =>
    button.addEventListener("click", () => show((image = button.dataset.image))));
  place.hidden = false;
  show();
}

// --- networks -----------------------------------------------------------------------

// Numbers of half precision, as base64.
function halves(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Float32Array.from(new Uint16Array(bytes.buffer), (half) => {
    const exponent = (half >> 10) & 31, fraction = (half & 1023) / 1024;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction;
    return half & 0x8000 ? -size : size;
  });
}

// Each takes numbers, channels last, and returns those of the next layer.
const LAYERS = {
  dense: (x, { units, kernel, bias }) =>
    Float32Array.from({ length: units }, (_, j) =>
      x.reduce((sum, value, i) => sum + value * kernel[i * units + j], bias[j])),
  scale: (x, { factor, shift }) =>
    x.map((value, i) => value * factor[i % factor.length] + shift[i % shift.length]),
  // A transposed convolution of 4x4 that doubles height and width.
  double: (x, { height, width, units, kernel, bias }) => {
    const inputs = x.length / (height * width), y = new Float32Array(4 * height * width * units);
    y.forEach((_, i) => (y[i] = bias[i % units]));
    for (let row = 0; row < height; row++) for (let column = 0; column < width; column++)
      for (let k = 0; k < 16; k++) {
        const [to, at] = [2 * row + (k >> 2) - 1, 2 * column + (k & 3) - 1];
        if (to < 0 || at < 0 || to >= 2 * height || at >= 2 * width) continue;
        for (let c = 0; c < units; c++) {
          let sum = 0;
          for (let i = 0; i < inputs; i++)
            sum += x[(row * width + column) * inputs + i] * kernel[(k * units + c) * inputs + i];
          y[(to * 2 * width + at) * units + c] += sum;
        }
      }
    return y;
  },
  leaky: (x, { slope }) => x.map((value) => (value < 0 ? slope * value : value)),
  tanh: (x, { rate }) => x.map((value) => Math.tanh(rate * value)),
};

function network(text) {
  return JSON.parse(text).map((layer) => {
    for (const name of ["kernel", "bias", "factor", "shift"])
      if (layer[name]) layer[name] = halves(layer[name]);
    return layer;
  });
}

// The image of a latent, rows of numbers from 0 to 255.
function drawn(layers, z) {
  const x = layers.reduce((x, layer) => LAYERS[layer.kind](x, layer), Float32Array.from(z));
  const width = Math.round(Math.sqrt(x.length));
  return Array.from({ length: x.length / width }, (_, row) =>
    [...x.slice(row * width, (row + 1) * width)].map((value) => (value + 1) * 127.5));
}

// On the arc from a to b, where noise stays as long as noise is.
function between(a, b, share) {
  const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  const angle = Math.acos(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)));
  const [first, last] = [(1 - share) * angle, share * angle].map(Math.sin);
  return a.map((value, i) => (first * value + last * b[i]) / Math.sin(angle));
}

function noise(count) {
  return Array.from({ length: count }, () =>
    Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));
}

for (const place of document.querySelectorAll(".live[data-layers]")) {
  const layers = network(place.dataset.layers), canvas = place.querySelector("canvas");
  const classes = Number(place.dataset.classes), slider = place.querySelector("input");
  let ends = JSON.parse(place.dataset.noise), label = 0;
  const show = () => {
    const z = between(...ends, Number(slider.value) / 100);
    const chosen = Array.from({ length: classes }, (_, k) => (k === label ? 1 : 0));
    paint(canvas, drawn(layers, [...z, ...chosen]));
    press(place, "class", label);
  };
  slider.addEventListener("input", show);
  place.querySelectorAll("[data-class]").forEach((button) =>
    button.addEventListener("click", () => show((label = Number(button.dataset.class)))));
  place.querySelector("[data-new]").addEventListener("click", () =>
    show((ends = ends.map((end) => noise(end.length)))));
  place.hidden = false;
  show();
}

// --- maps of codes of two numbers ---------------------------------------------------

// Draws the codes of test images, a colour a class, and the place whose image is shown.
function mapped(canvas, { codes, colours, low, high }, place) {
  const size = (canvas.width = canvas.height = 320), context = canvas.getContext("2d");
  const at = (code) => code.map((value, k) => ((value - low[k]) / (high[k] - low[k])) * size);
  codes.forEach((code, k) => {
    const [x, y] = at(code);
    context.fillStyle = colours[k];
    context.fillRect(x - 1.5, size - y - 1.5, 3, 3);
  });
  context.lineWidth = 3;
  context.strokeStyle = getComputedStyle(canvas).color;
  context.strokeRect(place[0] * size - 7, (1 - place[1]) * size - 7, 14, 14);
}

for (const place of document.querySelectorAll(".live[data-maps]")) {
  const maps = JSON.parse(place.dataset.maps);
  maps.forEach((map) => (map.layers = network(JSON.stringify(map.layers))));
  const canvases = [...place.querySelectorAll("canvas")]; // a map, its image, and so on
  let point = [0.5, 0.5];
  const show = () => maps.forEach((map, k) => {
    mapped(canvases[2 * k], map, point);
    const z = point.map((share, i) => map.low[i] + share * (map.high[i] - map.low[i]));
    paint(canvases[2 * k + 1], drawn(map.layers, z));
  });
  const move = (x, y) => {
    point = [x, y].map((share) => Math.max(0, Math.min(1, share)));
    show();
  };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  maps.forEach((_, k) => {
    const canvas = canvases[2 * k];
    const follow = (event) => {
      const box = canvas.getBoundingClientRect();
      move((event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      follow(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && follow(event));
    canvas.addEventListener("keydown", (event) => {
      if (!steps[event.key]) return;
      event.preventDefault();
      move(...point.map((share, i) => share + 0.02 * steps[event.key][i]));
    });
  });
  place.hidden = false;
  show();
}
