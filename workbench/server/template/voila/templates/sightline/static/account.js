"use strict";
// The buttons that sign out, or play another part of the demo. By script, because the policy of the page lets no form lead to another
// host, and the hub or the proxy has a sign-out of its own to go to.
document.addEventListener("click", async (event) => {
  const button = event.target;
  if (!(button instanceof HTMLButtonElement)) return;
  const parts = /** @type {HTMLElement | null} */ (button.closest(".sl-parts"));
  if (parts) {
    await play(parts, button.dataset.part ?? "");
    return;
  }
  if (!button.matches(".sl-sign-out")) return;
  button.disabled = true;
  const address = new URL(button.dataset.address ?? "", location.href);
  const answer = await fetch(address, { method: "POST" });
  // Signed out already, or just now: either way the next page asks to sign in.
  location.href = answer.ok ? (await answer.json()).next : new URL(".", address).href;
});

/** @param {HTMLElement} parts @param {string} name */
async function play(parts, name) {
  const address = new URL(parts.dataset.address ?? "", location.href);
  address.search = new URLSearchParams({ name, here: parts.dataset.here ?? "" }).toString();
  const answer = await fetch(address, { method: "POST" });
  const next = new URL(answer.ok ? (await answer.json()).next : ".", address);
  next.search = location.search;
  location.href = next.href;
}
