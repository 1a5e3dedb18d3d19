"use strict";
// The button that signs out. By script, because the policy of the page lets no form lead to another
// host, and the hub or the proxy has a sign-out of its own to go to.
document.addEventListener("click", async (event) => {
  const button = event.target;
  if (!(button instanceof HTMLButtonElement) || !button.matches(".sl-sign-out")) return;
  button.disabled = true;
  const address = new URL(button.dataset.address ?? "", location.href);
  const answer = await fetch(address, { method: "POST" });
  // Signed out already, or just now: either way the next page asks to sign in.
  location.href = answer.ok ? (await answer.json()).next : new URL(".", address).href;
});
