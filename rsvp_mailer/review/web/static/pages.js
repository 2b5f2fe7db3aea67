// Comfort only: every page works without this file.
"use strict";

// A menu closes when somebody clicks elsewhere or presses Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.me[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.me[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A form is sent once, however often the button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 3000); // a download leaves the page where it is
});

// What a notice told once is not told again by a reload.
if (location.search.includes("notice=")) {
  const here = new URL(location.href);
  here.searchParams.delete("notice");
  history.replaceState(null, "", here);
}
