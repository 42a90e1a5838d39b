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

for (const place of document.querySelectorAll(".live[data-images]")) {
  const images = JSON.parse(place.dataset.images);
  const kernels = JSON.parse(place.dataset.kernels);
  const [before, after] = place.querySelectorAll("canvas");
  const fields = [...place.querySelectorAll("input")];
  let image = images[0];
  const show = () => {
    const kernel = fields.map((field) => Number(field.value) || 0);
    paint(before, image);
    // Grey is 0, so that what is below it can be seen, too.
    paint(after, filtered(image, kernel).map((row) => row.map((v) => 128 + v / 2)));
  };
  fields.forEach((field) => field.addEventListener("input", show));
  place.querySelectorAll("[data-kernel]").forEach((button) =>
    button.addEventListener("click", () => {
      kernels[button.dataset.kernel].forEach((weight, k) => (fields[k].value = weight));
      show();
    }));
  place.querySelectorAll("[data-image]").forEach((button) =>
    button.addEventListener("click", () => {
      image = images[button.dataset.image];
      show();
    }));
  place.hidden = false;
  show();
}
