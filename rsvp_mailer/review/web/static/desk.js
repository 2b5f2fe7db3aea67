// The keyboard of the queue. Comfort only: every page works without this file, and /keys turns it off.
"use strict";

const isOff = () => localStorage.getItem("keys") === "off";
const byId = (id) => document.getElementById(id);
const takesText = (target) => target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
const actsItself = (target) => target.closest("a, button, summary, input, textarea, select");

// --- a number typed anywhere on an item is the number of persons ---

let isArmed = false;

function typeDigit(digit) {
  const persons = byId("correct-persons");
  if (!persons) return;
  const digits = (isArmed ? persons.value : "") + digit;
  const isNo = Number(digits) === 0;
  persons.value = isNo ? "" : String(Number(digits)).slice(0, 4);
  byId("correct").querySelector(`[name=attendance][value=${isNo ? "no" : "yes"}]`).checked = true;
  setArmed(true);
}

function setArmed(armed) {
  isArmed = armed;
  byId("correct")?.closest(".card").classList.toggle("armed", armed);
  byId("accept")?.closest(".card").classList.toggle("resting", armed);
  if (armed) byId("correct").closest(".card").scrollIntoView({ block: "nearest" });
}

function submit(form) {
  if (form) form.requestSubmit();
}

// --- to and fro ---

function step(direction) {
  const items = [...document.querySelectorAll("a.item")];
  if (items.length) {
    const at = items.indexOf(document.activeElement);
    const to = items[Math.min(Math.max(at + direction, 0), items.length - 1)];
    to.focus();
    return;
  }
  const link = document.querySelector(`.steps a[rel=${direction > 0 ? "next" : "prev"}]`);
  if (link) location.assign(link.href);
}

async function showHelp() {
  const page = await fetch("/keys");
  if (!page.ok || page.redirected) {
    location.assign("/keys");
    return;
  }
  const keys = new DOMParser().parseFromString(await page.text(), "text/html");
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = document.createElement("h2");
  title.id = "keys-title";
  title.textContent = keys.querySelector("h1").textContent;
  const close = document.createElement("button");
  close.className = "quiet";
  close.textContent = keys.querySelector("[data-close]").dataset.close;
  close.addEventListener("click", () => dialog.close());
  dialog.append(title, keys.getElementById("keys"), close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (isOff() || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && isArmed) setArmed(false);
  if (takesText(event.target)) return;
  const act = {
    j: () => step(1),
    k: () => step(-1),
    u: () => submit(byId("undo") || byId("undo-this")),
    "?": showHelp,
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
  } else if (/^[0-9]$/.test(event.key)) {
    typeDigit(event.key);
  } else if (event.key === "Enter" && !actsItself(event.target)) {
    event.preventDefault();
    submit(isArmed ? byId("correct") : byId("accept"));
  }
});

// --- turning the keys off (WCAG 2.1.4) ---

const toggle = byId("keys-switch");
if (toggle) {
  const show = () => {
    toggle.textContent = isOff() ? toggle.dataset.on : toggle.dataset.off;
  };
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    localStorage.setItem("keys", isOff() ? "on" : "off");
    show();
  });
  show();
}

// Where something is wrong, or a preview was asked for, one begins there.
(document.querySelector("[aria-invalid=true]") || byId("preview"))?.focus();
