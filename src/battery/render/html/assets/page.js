"use strict";

/* Shared by all pages: the page's data, and charts that follow the width of their place. */
const battery = {
  data: JSON.parse(document.getElementById("data").textContent),

  /**
   * Draw `make(width)`, an SVG or figure, into the element, and again whenever its width changes.
   * Returns a function that draws it anew. The element's own label says what is to be seen.
   */
  draw(element, make) {
    let drawn = 0;
    const fit = () => {
      const width = Math.floor(element.clientWidth);
      // A hidden element has no width; it is drawn when it is shown.
      if (width < 50 || width === drawn) return;
      drawn = width;
      const made = make(width);
      made.setAttribute("aria-hidden", "true");
      element.replaceChildren(made);
    };
    fit();
    new ResizeObserver(fit).observe(element);
    return () => {
      drawn = 0;
      fit();
    };
  },

  /** Show control characters, overrides of direction and the like as escapes. */
  visible(text) {
    return text.replace(/(?![\t\n])[\p{C}\p{Zl}\p{Zp}]/gu, (char) => {
      const code = char.codePointAt(0).toString(16);
      return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
    });
  },

  /** Make an element with a class and, as text and never as markup, its content. */
  element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = battery.visible(text);
    return made;
  },
};

/* Paper has nobody to click: everything is opened for it, and closed again after. */
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("main details:not([open])")) {
    details.open = true;
    details.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("details[data-printed]")) {
    details.open = false;
    delete details.dataset.printed;
  }
});
