// Text on a page, or in a part of it, that is harder to read than WCAG 2.2 AA (1.4.3) allows: what, how much, where.

/** @typedef {[red: number, green: number, blue: number]} Colour 0 to 255. */
/**
 * @param {string | null} part A selector; by default the whole page.
 * @returns {string[]}
 */
(part) => {
  /**
   * @param {string} text As computed styles give it: rgb(…) or rgba(…).
   * @returns {{ rgb: Colour, a: number }}
   */
  const channels = (text) => {
    const [r, g, b, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
    return { rgb: [r, g, b], a };
  };
  /**
   * @param {{ rgb: Colour, a: number }} front
   * @param {Colour} back
   * @returns {Colour}
   */
  const over = ({ rgb: [r, g, b], a }, back) => [
    r * a + back[0] * (1 - a), g * a + back[1] * (1 - a), b * a + back[2] * (1 - a)];
  /** @param {Colour} colour */
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) => {
      const s = c / 255;
      return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  /**
   * @param {Element} element
   * @returns {Colour | null} Null where there is an image, whose colours are not known here.
   */
  const background = (element) => {
    const layers = [];
    for (let one = /** @type {Element | null} */ (element); one; one = one.parentElement) {
      const style = getComputedStyle(one);
      if (style.backgroundImage !== "none") return null;
      const colour = channels(style.backgroundColor);
      if (colour.a > 0) layers.push(colour);
      if (colour.a === 1) break;
    }
    return layers.reduceRight((back, layer) => over(layer, back),
      /** @type {Colour} */ ([255, 255, 255]));
  };
  /**
   * @param {Element} element
   * @returns {boolean} Whether the criterion asks anything of text in *element*.
   */
  const isJudged = (element) => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const box = element.getBoundingClientRect();
    if (!box.width || !box.height || element.closest("svg, script, style, noscript")) return false;
    return !element.closest(":disabled, [aria-disabled=true]");  // exempt by 1.4.3
  };

  const found = [];
  const walker = document.createTreeWalker(/** @type {Element} */ (document.querySelector(part ?? "body")),
    NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent?.trim();
    const element = node.parentElement;
    if (!text || !element || !isJudged(element)) continue;
    const style = getComputedStyle(element);
    const back = background(element);
    if (!back) continue;
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const pair = [luminance(over(channels(style.color), back)), luminance(back)];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < (large ? 3 : 4.5)) {
      found.push(`${ratio.toFixed(2)}: ${text.slice(0, 60)} (${style.color} on ${back.map(Math.round)})`);
    }
  }
  return found;
}
