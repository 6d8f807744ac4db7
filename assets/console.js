// Comforts only: every page works without. Copies what a button names, and keeps a form from being sent twice.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button || !navigator.clipboard) return;
  const source = document.getElementById(button.dataset.copy);
  navigator.clipboard.writeText(source.value ?? source.textContent).then(() => {
    button.textContent = "Copied";
    document.getElementById("live").textContent = "Copied";
  });
});
document.addEventListener("submit", (event) => {
  const now = Date.now();
  if (now - Number(event.target.dataset.sent ?? 0) < 2000) event.preventDefault();
  else event.target.dataset.sent = String(now);
});
document.addEventListener("change", (event) => {
  const all = event.target.dataset.all;
  if (!all) return;
  for (const box of event.target.form.querySelectorAll(`input[type=checkbox][name="${all}"]`)) box.checked = event.target.checked;
});
addEventListener("pageshow", () => {
  for (const box of document.querySelectorAll("input[data-all]")) box.hidden = false;
  for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = !navigator.clipboard;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const search = document.querySelector("input[type=search]");
  if (search) { event.preventDefault(); search.focus(); search.select(); }
});
