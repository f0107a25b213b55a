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
