"use strict";

/* Transcripts: unpacked when one is opened, and built from texts alone. */
(() => {
  const { arms, iterations, tasks, calls, reruns } = battery.data;
  const { element } = battery;
  const byId = (id) => document.getElementById(id);
  const dialog = byId("transcript");
  const sheets = byId("sheets");
  const both = byId("both-arms");
  const unpacked = new Map();
  let turn = 0;

  /** Read a call's name from the address; null where it is none of ours. */
  function parse(hash) {
    const found = /^#call-(\d+)-(learn|frozen|rerun)-(\d+)-(\d+)$/.exec(hash);
    if (!found) return null;
    const call = { iteration: Number(found[1]), arm: found[2], row: Number(found[3]), repeat: Number(found[4]) };
    return count(call) >= call.repeat && call.repeat > 0 ? call : null;
  }

  const name = (call) => `call-${call.iteration}-${call.arm}-${call.row}-${call.repeat}`;

  /** How many calls there are in the place of this one. */
  function count(call) {
    if (call.arm === "rerun") return reruns[`${call.iteration}-${call.row}`] ?? 0;
    const at = iterations.indexOf(call.iteration);
    return calls[arms.indexOf(call.arm)]?.[call.row]?.[at] ?? 0;
  }

  /** Unpack a group; the last one is kept. */
  function unpack(block) {
    if (!unpacked.has(block)) {
      const bytes = Uint8Array.from(atob(block.textContent), (char) => char.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      unpacked.clear();
      unpacked.set(block, new Response(stream).json());
    }
    return unpacked.get(block);
  }

  /** Read a transcript; null where the page left it out. */
  async function read(call) {
    const block = document.querySelector(`script[data-calls~="${name(call)}"]`);
    return block && (await unpack(block))[name(call)];
  }

  /** All texts of a transcript, which are what a reader sees of it. */
  const texts = (value) => (typeof value === "string" ? [value] : Object.values(value ?? {}).flatMap(texts));

  /** Yield, group by group, the names of the calls whose transcript has all of the words. */
  battery.search = async function* (words) {
    for (const block of document.querySelectorAll("script[data-calls]")) {
      const has = ([, call]) => {
        const text = texts(call).join("\n").toLowerCase();
        return words.every((word) => text.includes(word));
      };
      yield Object.entries(await unpack(block)).filter(has).map(([called]) => called);
    }
  };

  function foreign(tag, className, text) {
    const made = element(tag, `foreign ${className}`.trim(), text);
    made.dir = "auto";
    return made;
  }

  function folded(title, text, open = false) {
    const details = element("details");
    details.open = open;
    details.append(element("summary", "", title), foreign("pre", "", text));
    return details;
  }

  function facts(pairs) {
    const list = element("dl", "numbers");
    for (const [key, value] of pairs) {
      const pair = element("div");
      pair.append(element("dt", "", key), element("dd", "", value));
      list.append(pair);
    }
    return list;
  }

  function entry(each) {
    const item = element("li", each.overseer ? "overseer" : "");
    const turn = each.turn === "" ? "" : `turn ${each.turn}: `;
    item.append(foreign("p", "what", `${turn}${each.kind}`));
    if (each.text) item.append(foreign("p", "text", each.text));
    if (each.more) item.append(folded("More of this entry", each.more, !each.text));
    return item;
  }

  const marks = { passed: "✓ passed", failed: "✗ failed", "not asked": "not asked: nothing is claimed" };

  /** What the answer is held to, check by check. */
  function check([place, outcome, states, reason]) {
    const item = element("li", outcome.replace(" ", "-"));
    item.append(element("p", "what", `${place}: ${marks[outcome]}`));
    if (reason) item.append(foreign("p", "", reason));
    if (states) item.append(foreign("pre", "", states));
    return item;
  }

  /** What was handed in, and what kept the system from it. */
  function answer(found) {
    const made = element("div", "answer");
    made.append(element("h4", "", "Answer"));
    if (found.error) made.append(foreign("p", "error", found.error));
    if (found.answer) made.append(foreign("pre", "", found.answer));
    else if (!found.error) made.append(element("p", "note", "It hands in nothing."));
    return made;
  }

  /** The answer next to its checks, so that a check that judges wrongly shows. */
  function graded(found) {
    const made = element("div", "graded");
    const checks = element("div");
    const list = element("ul", "checks");
    list.append(...found.checks.map(check));
    checks.append(element("h4", "", "Checks"), list);
    made.append(answer(found), checks);
    return made;
  }

  const where = (call) =>
    `iteration ${call.iteration}, ` +
    (call.arm === "rerun" ? `rerun ${call.repeat} to confirm a failure` : battery.data.names[call.arm]) +
    (call.arm !== "rerun" && count(call) > 1 ? `, repeat ${call.repeat}` : "");

  function sheet(call, found) {
    const made = element("section", "sheet");
    const heading = where(call);
    made.append(element("h3", "", heading[0].toUpperCase() + heading.slice(1)));
    if (!found) {
      const text = "This transcript did not fit on the page; the folder's runs.json files have it.";
      made.append(element("p", "notice", text));
      return made;
    }
    const [kind, operation, spec] = found.task;
    made.append(facts(found.facts));
    if (found.cut) made.append(element("p", "notice", `Shortened: ${found.source} has all of it.`));
    made.append(foreign("p", "", `${kind}: ${operation}`));
    made.append(found.checks.length ? graded(found) : answer(found), element("h4", "", "Log"));
    const list = element("ol", "entries");
    list.append(...found.entries.map(entry));
    made.append(found.entries.length ? list : element("p", "note", "The answer has no log."));
    made.append(folded("Spec of the task as JSON", spec));
    if (found.artifact) made.append(folded("Artifact as JSON", found.artifact));
    if (found.rest) made.append(folded("The rest of the answer as JSON", found.rest));
    made.append(element("p", "note", `From ${found.source}.`));
    return made;
  }

  const step = (call, by) => ({ ...call, iteration: iterations[iterations.indexOf(call.iteration) + by], repeat: 1 });
  const twin = (call) => ({ ...call, arm: call.arm === "frozen" ? "learn" : "frozen", repeat: 1 });
  const there = (call) => count(call) > 0;

  function link(button, call) {
    allow(button, there(call));
    // Not another entry of the history: one step back leaves the transcripts.
    button.onclick = () => there(call) && go(call);
  }

  /** A button that can do nothing for now keeps the focus, which `disabled` would lose. */
  function allow(button, able) {
    button.setAttribute("aria-disabled", String(!able));
  }

  function go(call) {
    history.replaceState(null, "", `#${name(call)}`);
    open();
  }

  /** List the repeats of the cell and the reruns that followed. */
  function choices(call) {
    const arm = call.arm === "rerun" ? "learn" : call.arm;
    const place = (each) => Array.from({ length: count(each) }, (_, at) => ({ ...each, repeat: at + 1 }));
    const rerun = arm === "learn" ? place({ ...call, arm: "rerun" }) : [];
    const all = [...place({ ...call, arm }), ...rerun];
    const select = byId("call");
    select.replaceChildren(
      ...all.map((each) => {
        const option = element("option", "", each.arm === "rerun" ? `rerun ${each.repeat}` : `repeat ${each.repeat}`);
        option.selected = name(each) === name(call);
        return option;
      }),
    );
    select.onchange = () => go(all[select.selectedIndex]);
    byId("calls").hidden = all.length < 2;
  }

  async function open() {
    const { hash } = location;
    const mine = ++turn;
    const call = parse(hash);
    if (!call) {
      if (dialog.open) dialog.close();
      return;
    }
    byId("transcript-title").textContent = tasks[call.row];
    link(byId("before"), step(call, -1));
    link(byId("after"), step(call, 1));
    both.hidden = arms.length < 2;
    allow(both, there(twin(call)));
    choices(call);
    const shown = [call];
    if (both.getAttribute("aria-pressed") === "true" && there(twin(call))) shown.push(twin(call));
    const found = await Promise.all(shown.map(read)).catch((error) => error);
    // The reader may have gone back or on while it was unpacked.
    if (mine !== turn || location.hash !== hash) return;
    if (found instanceof Error) {
      sheets.replaceChildren(element("p", "notice", `The transcript cannot be unpacked: ${found.message}`));
    } else {
      sheets.replaceChildren(...shown.map((each, at) => sheet(each, found[at])));
    }
    sheets.scrollTop = 0;
    byId("shown").textContent = shown.map(where).join(", next to ");
    if (!dialog.open) {
      dialog.showModal();
      byId("transcript-title").focus();
    }
  }

  both.addEventListener("click", () => {
    if (both.getAttribute("aria-disabled") === "true") return;
    both.setAttribute("aria-pressed", String(both.getAttribute("aria-pressed") !== "true"));
    open();
  });
  byId("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (!parse(location.hash)) return;
    // In the frame of a notebook no address can be replaced, only its end.
    if (location.protocol === "about:") location.hash = "";
    else history.replaceState(null, "", location.pathname + location.search);
  });
  addEventListener("hashchange", open);
  // The groups come after this script.
  addEventListener("DOMContentLoaded", open);
})();
