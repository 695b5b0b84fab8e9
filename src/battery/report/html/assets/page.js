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

  // Made once: a format takes longer to make than thousands of numbers to write.
  formats: Object.fromEntries(
    [0, 2, 4].map((places) => [
      places,
      new Intl.NumberFormat("en", { minimumFractionDigits: places, maximumFractionDigits: places }),
    ]),
  ),

  /** Write an amount as the tables do: all digits of a whole one, else 12.50, or 0.0125 below 1. */
  figure(value) {
    const places = Number.isInteger(value) ? 0 : Math.abs(value) >= 1 ? 2 : 4;
    return battery.formats[places].format(battery.rounded(value, places));
  },

  /** Write US dollars: $12.35, and below one dollar with three digits that tell: $0.0123. */
  money(value) {
    const first = value > 0 && value < 1 ? Number(value.toExponential().split("e")[1]) : 0;
    const places = Math.min(2 - first, 9);
    return `$${battery.rounded(value, places).toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places })}`;
  },

  /** Write a value of a metric. */
  value(metric, value) {
    if (battery.data.money.includes(metric)) return battery.money(value);
    return battery.data.rates.includes(metric) ? battery.rate(value) : battery.figure(value);
  },

  /** Write a share of 1: 50%, or 33.3% when not exact; 0% and 100% only for none and all. */
  rate(share) {
    if (share > 0 && share < 0.0005) return "<0.1%";
    if (share < 1 && share >= 0.9995) return ">99.9%";
    // Down to the digits that the page's data has.
    const percent = Number((100 * share).toFixed(4));
    return Number.isInteger(percent) ? `${percent}%` : `${battery.rounded(percent, 1).toFixed(1)}%`;
  },

  /** Round a number as it is written in decimal, halves up: 12.35 is 12.4 with one place. */
  rounded(value, places) {
    return Math.round(Number((value * 10 ** places).toFixed(3))) / 10 ** places;
  },

  /** Tell a screen reader what has changed. */
  say(text) {
    document.getElementById("said").textContent = text;
  },

  /** Make an element with a class and, as text and never as markup, its content. */
  element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = battery.visible(text);
    return made;
  },
};

/* Of very many iterations some parts are text until they are opened: as elements they would take a
   browser seconds. They are the page's own markup, in which all foreign text is escaped. */
function unpack(details) {
  const packed = details.querySelector(":scope > noscript");
  if (!packed) return;
  const parsed = new DOMParser().parseFromString(packed.textContent, "text/html");
  packed.replaceWith(...parsed.body.childNodes);
}
addEventListener("toggle", (event) => unpack(event.target), true);

/** Put the text of an element on the clipboard, or select it where the browser forbids that. */
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent.trim());
    return "Copied";
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy") ? "Copied" : "Selected";
  }
}
for (const element of document.querySelectorAll("[data-copy]")) {
  const button = battery.element("button", "copy screen-only");
  const word = battery.element("span", "", "Copy");
  button.type = "button";
  button.append(word, battery.element("span", "unseen", ` ${element.dataset.copy}`));
  button.addEventListener("click", async () => {
    word.textContent = await copy(element);
    battery.say(`${word.textContent}: ${element.dataset.copy}`);
    setTimeout(() => (word.textContent = "Copy"), 2000);
  });
  element.after(" ", button);
}

// What needs a script to work is shown by one.
for (const element of document.querySelectorAll("[data-script]")) element.hidden = false;

/* Paper has nobody to click: what belongs on it is opened, and closed again after. What a reader opened
   is printed too; the rest is left out, for it would be most of the pages. */
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details[data-paper]:not([open])")) {
    unpack(details);
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
