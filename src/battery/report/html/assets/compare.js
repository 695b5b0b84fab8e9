"use strict";

/* One line per task: from its cost before (ring) to that after (dot). */
const place = document.getElementById("by-task");
if (place) {
  let rows = battery.data.map((row, index) => ({ ...row, index }));
  const all = rows;
  const colour = (row) => (row.after > row.before ? "var(--bad)" : "var(--good)");
  // Beyond the prefixes of units an axis would write them as yotta with an exponent.
  const huge = all.some((row) => Math.max(row.before, row.after) > 1e12);
  const redraw = battery.draw(place, (width) => Plot.plot({
    width,
    height: 59 + 36 * rows.length,
    marginLeft: 12,
    marginRight: 24,
    marginTop: 10,
    marginBottom: 40,
    style: { fontSize: "12px", background: "transparent" },
    ariaLabel: "Cost of each task in both batteries; the table below has the same numbers",
    x: { zero: true, label: `${place.dataset.plain} per call`, grid: true, ticks: Math.max(2, Math.round(width / 200)), tickFormat: huge ? ".0e" : "~s" },
    y: { type: "band", axis: null, domain: rows.map((row) => row.index) },
    marks: [
      Plot.text(rows, { y: "index", frameAnchor: "left", dy: -10, textAnchor: "start", text: (row) => `${row.change}  ${row.kind}  ${row.label}`, fill: "var(--muted)", lineWidth: width / 14, textOverflow: "ellipsis" }),
      Plot.link(rows, { y: "index", x1: "before", x2: "after", dy: 8, stroke: colour, strokeWidth: 2.5 }),
      Plot.dot(rows, { y: "index", x: "before", dy: 8, r: 5, stroke: "var(--frozen)", strokeWidth: 2, fill: "var(--ground)" }),
      Plot.dot(rows, { y: "index", x: "after", dy: 8, r: 5, fill: colour, stroke: "var(--ground)" }),
    ],
  }));
  document.addEventListener("found", ({ detail }) => {
    rows = all.filter((row) => detail.has(String(row.task)));
    redraw();
  });
}
