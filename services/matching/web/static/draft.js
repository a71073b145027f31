// Saves the input of the meeting page as a draft, and warns before it is lost. Without scripts, buttons save it.
const form = document.querySelector("form[data-keep-draft]");
const state = document.getElementById("draft-state");
const QUIET_MS = 10_000;

let typed = 0;
let kept = 0;
let sending = false;
let timer;

async function keep() {
  const now = typed;
  const body = new URLSearchParams(new FormData(form));
  body.set("do", "keep");
  try {
    const answer = await fetch(form.action, { method: "POST", body, keepalive: true, redirect: "error" });
    if (answer.status !== 204) throw new Error(String(answer.status));
    kept = now;
    const at = new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    state.textContent = `Draft saved at ${at}.`;
  } catch {
    state.textContent = "The draft could not be saved. Press “Save draft” before you leave this page.";
  }
}

function changed() {
  typed += 1;
  state.textContent = "";
  clearTimeout(timer);
  timer = setTimeout(keep, QUIET_MS);
}

if (form) {
  form.addEventListener("input", changed);
  form.addEventListener("submit", () => {
    sending = true;
    clearTimeout(timer);
  });
  // The Back button may show the page again, and it can then be left once more.
  window.addEventListener("pageshow", () => {
    sending = false;
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && typed !== kept && !sending) keep();
  });
  window.addEventListener("beforeunload", (event) => {
    if (typed !== kept && !sending) event.preventDefault();
  });
}
