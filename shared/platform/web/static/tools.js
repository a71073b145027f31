// The accessibility tools at once: the page is not loaded again, so nothing typed into a form on it is lost.
// Without this they are an ordinary form, and the page says that it is loaded again.
const tools = document.querySelector(".lw-toolbar__form");
const names = ["content", "font", "line", "letter"];
let kept = Promise.resolve();

function show(name, value) {
  const root = document.documentElement;
  for (const given of [...root.classList]) {
    if (given.startsWith(`lw-${name}-`)) root.classList.remove(given);
  }
  const { least, most, step } = tools.dataset;
  if (value !== Number(least)) root.classList.add(`lw-${name}-${value}`);
  const stepper = document.getElementById(`accessibility-${name}`);
  const [less, more] = stepper.querySelectorAll("button");
  less.value = `${name}:${Math.max(value - Number(step), Number(least))}`;
  more.value = `${name}:${Math.min(value + Number(step), Number(most))}`;
  stepper.querySelector(".lw-stepper__value").textContent = `${value}%`;
}

function styled() {
  if (document.querySelector(`link[href="${tools.dataset.styles}"]`)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = tools.dataset.styles;
  document.head.append(link);
}

tools?.addEventListener("submit", (event) => {
  if (!event.submitter) return;
  event.preventDefault();
  const pressed = event.submitter.value;
  const [name, value] = pressed.split(":");
  styled();
  if (pressed === "reset") names.forEach((each) => show(each, Number(tools.dataset.least)));
  else show(name, Number(value));
  const body = new URLSearchParams(new FormData(tools));
  body.set("step", pressed);
  // Kept for the next page, one press after the other, as each builds on the cookie that the last one got.
  // Where that fails, this page stays as it was asked to be.
  kept = kept.then(() => fetch(tools.action, { method: "POST", body, redirect: "manual" })).catch(() => {});
});
