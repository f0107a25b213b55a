// Turn each pair of pictures into one with a slider. Without this script both are shown.
document.querySelectorAll(".stack").forEach((stack) => {
  const range = document.createElement("input");
  range.type = "range";
  range.min = 0;
  range.max = 100;
  range.value = 50;
  range.setAttribute("aria-label", stack.dataset.label);
  const line = document.createElement("span");
  line.className = "line";
  const show = () => {
    stack.style.setProperty("--at", range.value + "%");
    range.setAttribute("aria-valuetext", range.value + " % original");
  };
  range.addEventListener("input", show);
  stack.append(line, range);
  stack.classList.add("on");
  show();
});

// Show time and values under the pointer, and enlarge a picture. Without this script it is whole.
const size = (bytes) => {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let n = 0;
  while (bytes >= 999.5 && n < units.length - 1) { bytes /= 1000; n += 1; }
  return (bytes < 100 ? +bytes.toPrecision(3) : Math.round(bytes)) + "\u00a0" + units[n];
};
const level = (curve, time) => {
  let low = 0;
  let high = curve.time.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.time[middle] <= time) low = middle + 1; else high = middle;
  }
  return curve.bytes[Math.max(low - 1, 0)];
};
// Stretch a picture along its time axis; letters and lines keep their shape.
const stretch = (svg, zoom) => {
  svg.style.width = svg.style.height = "";
  const height = svg.getBoundingClientRect().height;
  if (zoom > 1 && height) {
    svg.style.width = zoom * 100 + "%";
    svg.style.height = height + "px";
  }
  svg.setAttribute("preserveAspectRatio", zoom > 1 ? "none" : "xMidYMid meet");
  svg.querySelectorAll("path").forEach((path) => {
    path.setAttribute("vector-effect", zoom > 1 ? "non-scaling-stroke" : "none");
  });
  svg.querySelectorAll("text[x]").forEach((text) => {
    const x = text.getAttribute("x");
    text.setAttribute("transform", `translate(${x} 0) scale(${1 / zoom} 1) translate(${-x} 0)`);
  });
};
document.querySelectorAll(".plot[data-hover]").forEach((plot) => {
  const data = JSON.parse(plot.dataset.hover);
  const bar = document.createElement("div");
  bar.className = "zoombar";
  const read = document.createElement("p");
  read.className = "read";
  read.textContent = "Point at the picture for the values at a time.";
  const name = plot.classList[1];
  let zoom = 1;
  const scale = (factor) => {
    zoom = Math.min(16, Math.max(1, zoom * factor));
    plot.querySelectorAll("svg").forEach((svg) => {
      const frame = svg.parentElement;
      const middle = (frame.scrollLeft + frame.clientWidth / 2) / frame.scrollWidth;
      stretch(svg, zoom);
      frame.scrollLeft = middle * frame.scrollWidth - frame.clientWidth / 2;
    });
    less.disabled = zoom === 1;
    more.disabled = zoom === 16;
  };
  const button = (words, label, factor) => {
    const one = document.createElement("button");
    one.type = "button";
    one.textContent = words;
    one.setAttribute("aria-label", label + " the picture of the " + name);
    one.addEventListener("click", () => scale(factor));
    return one;
  };
  const less = button("−", "Reduce", 0.5);
  const more = button("+", "Enlarge", 2);
  less.disabled = true;
  bar.append(read, less, more);
  plot.before(bar);
  plot.classList.add("on");
  ["wide", "narrow"].forEach((kind) => {
    const frame = plot.querySelector(":scope > ." + kind);
    const svg = frame.querySelector("svg");
    const line = document.createElement("span");
    line.className = "cursor";
    frame.append(line);
    frame.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const [left, right] = data[kind];
      const share = ((event.clientX - box.left) / box.width - left) / (right - left);
      if (share < 0 || share > 1) { line.style.display = "none"; return; }
      const time = share * data.duration;
      const edge = frame.getBoundingClientRect().left;
      line.style.display = "block";
      line.style.left = event.clientX - edge + frame.scrollLeft + "px";
      const parts = (data.curves || []).map((c) => c.name + " " + size(level(c, time)));
      (data.rows || []).forEach((row) => {
        if (row.spans.some(([a, b]) => a <= time && time <= b)) parts.push(row.name);
      });
      const when = new Date((data.start + time) * 1000).toISOString();
      read.textContent = when.slice(0, 10) + " " + when.slice(11, 19) + " UTC"
        + (parts.length ? ": " + parts.join("; ") : "");
    });
    frame.addEventListener("pointerleave", () => { line.style.display = "none"; });
  });
});
