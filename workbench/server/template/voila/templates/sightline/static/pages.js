"use strict";
// Keeps the case from page to page: it stands in the address of each page, and the links to the
// others take it along. The page's kernel says which case is chosen, and under a plain Voila, which
// knows nobody, also which pages there are and who is at work.
(() => {
  const LINKS = ".sl-nav a, .sl-cards a, a.sl-home";
  let kept = new URLSearchParams(location.search).get("case") ?? "";

  /** @param {string} address */
  const withCase = (address) => {
    const whole = new URL(address, location.href);
    if (kept) whole.searchParams.set("case", kept);
    return whole.href;
  };

  const carry = () => {
    for (const link of document.querySelectorAll(LINKS)) {
      if (link instanceof HTMLAnchorElement) link.href = withCase(link.href);
    }
  };

  /** @param {HTMLElement} bar @param {{ name: string, title: string }[]} pages */
  const addLinks = (bar, pages) => {
    const links = document.createElement("nav");
    links.className = "sl-nav";
    links.setAttribute("aria-label", "Pages");
    const here = location.pathname.split("/").pop();
    for (const { name, title } of pages) {
      const link = document.createElement("a");
      link.href = `${name}.ipynb`;
      link.textContent = title;
      if (here === `${name}.ipynb`) link.setAttribute("aria-current", "page");
      links.append(link);
    }
    bar.querySelector(".sl-where")?.remove();
    bar.append(links);
  };

  addEventListener("sightline-page", (event) => {
    const { chosen, pages, account } = /** @type {CustomEvent} */ (event).detail;
    const bar = /** @type {HTMLElement | null} */ (document.querySelector(".sl-bar"));
    if (bar && pages.length && !bar.querySelector(".sl-nav")) {
      addLinks(bar, pages);
      const name = document.createElement("span");
      name.className = "sl-account";
      name.textContent = account;
      bar.append(name);
    }
    if (chosen && chosen !== kept) {
      kept = chosen;
      history.replaceState(history.state, "", withCase(location.href));
    }
    carry();
  });
  carry();
})();
