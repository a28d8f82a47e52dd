"use strict";
// The bedside page. It shows what the safety process says and passes on what a person wants; it decides nothing.
(() => {
  const STALE_MS = 1000;
  const LOST_MS = 5000;
  const SURE_MS = 5000;
  const MARKS = { high: "!!!", medium: "!!", low: "!" };
  const ADVICE = {
    high: "Look at the patient now; disconnect if the current does not end.",
    medium: "See to it; the session waits or ends by itself.",
    low: "Keep an eye on it.",
  };
  const tab = crypto.randomUUID();
  const by = (id) => document.getElementById(id);
  const show = (id, text) => { by(id).textContent = text; };
  let facts = null;
  let view = null;
  let heardAt = null;
  let connected = false;
  let commands = false;
  let served = true; // whether the desk lets this page's server command
  let reached = false;
  let head = null;
  let headAt = 0;
  let over = null;

  // --- saying -------------------------------------------------------------------------------------------
  async function post(path, body) {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ tab, ...body }),
    });
    return { ok: response.ok, said: await response.json().catch(() => ({})) };
  }

  async function command(what, more = {}) {
    const done = await post("/command", { key: crypto.randomUUID(), do: what, ...more }).catch(() => null);
    if (!done || !done.ok) show("refusal", done ? done.said.reason || "not passed on" : "the page is not reached");
  }

  async function take() {
    const done = await post("/take", { confirmed: true }).catch(() => null);
    show("refusal", done && done.ok ? "" : done ? done.said.reason || "not taken" : "the page is not reached");
    if (done && done.ok) beat();
  }

  async function beat() {
    const done = await post("/beat", { wants: true }).catch(() => null);
    reached = done !== null;
    commands = Boolean(done && done.ok && done.said.commands);
    drawWatching();
  }

  function drawWatching() {
    by("watching").hidden = !reached || (commands && served) || over !== null;
  }

  // A second press within five seconds means yes; stopping never asks.
  function sure(id, action) {
    const button = by(id);
    const plain = button.textContent;
    let until = 0;
    button.addEventListener("click", () => {
      if (Date.now() < until) {
        until = 0;
        button.textContent = plain;
        action();
        return;
      }
      until = Date.now() + SURE_MS;
      button.textContent = `${plain}: press again to confirm`;
      setTimeout(() => { if (Date.now() >= until) button.textContent = plain; }, SURE_MS);
    });
  }

  // --- hearing ------------------------------------------------------------------------------------------
  const hear = {
    desk(message) { connected = message.connected; },
    joined(message) { served = message.commands; drawWatching(); },
    ping(message) { connected = message.connected; },
    facts(message) { facts = message; drawFacts(); },
    check(message) {
      const item = document.createElement("li");
      item.className = message.passed ? "passed" : "failed";
      item.textContent = `${message.passed ? "✓" : "✗"} ${message.name}${message.detail ? `: ${message.detail}` : ""}`;
      by("checks").append(item);
    },
    trial_alarm() { command("seen"); },
    armed() { show("state", "ARMED"); by("begin").hidden = false; },
    begun() { by("begin").hidden = true; by("checks").hidden = true; },
    reply(message) { show("refusal", message.taken ? "" : message.reason); },
    refused(message) { show("refusal", message.reason); },
    refused_session(message) {
      end("REFUSED", message.diagnostics.map((item) => `${item.code}: ${item.message}`).join("\n"));
    },
    failed(message) { end("FAULT", message.reason); },
    bye(message) { end(message.outcome.completed ? "DONE" : "STOPPED", message.outcome.reason); },
    view(message) {
      view = message;
      heardAt = performance.now();
      connected = true;
      if (message.head !== head) { head = message.head; headAt = heardAt; }
      drawView();
      chart.add(message);
    },
  };

  function end(word, reason) {
    over = word;
    show("state", word);
    show("step", reason);
    for (const id of ["begin", "pause", "resume", "emergency"]) by(id).hidden = true;
    by("ask").hidden = true;
  }

  // --- drawing ------------------------------------------------------------------------------------------
  function drawFacts() {
    show("title", `${facts.plan.title} ${facts.plan.version}`);
    show("patient", facts.patient || "no patient token");
    show("device", facts.device);
    show("operator", facts.operator ? `operator ${facts.operator}` : "no operator named");
    show("planned", format.charge(facts.planned_pc));
    show("compliance", facts.compliance_mv ? format.voltage(facts.compliance_mv) : DASH);
    show("dead-man", facts.ended_by ? `dead-man: ${facts.ended_by}` : "");
    show("software", facts.tool || "");
    const banners = [];
    if (facts.simulated) banners.push("SIMULATED HARDWARE: no current flows through anybody");
    if (facts.banner) banners.push(facts.banner);
    show("banner", banners.join(" · "));
    by("banner").hidden = banners.length === 0;
    drawAdjusting();
  }

  function drawAdjusting() {
    by("adjusting").replaceChildren(...(facts.adjustable || []).map((item) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      const button = document.createElement("button");
      label.textContent = `${item.text}${item.range ? ` (${item.range})` : ""} `;
      input.placeholder = item.example || "";
      input.id = `adjust-${item.name}`;
      button.textContent = "Set";
      button.type = "button";
      button.addEventListener("click", () => command("adjust", { variable: item.name, text: input.value }));
      label.append(input, button);
      return label;
    }));
    by("pressing").replaceChildren(...(facts.buttons || []).map((text) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", () => command("press", { button: text }));
      return button;
    }));
  }

  function drawView() {
    const reading = view.reading;
    document.body.classList.remove("waiting");
    document.body.dataset.mode = view.mode;
    if (over === null) show("state", view.word);
    show("step", view.refusal ? `${view.step} — ${view.refusal}` : over === null ? view.step : by("step").textContent);
    show("setpoint", format.current(view.setpoint_na));
    show("measured", reading ? format.current(reading.current_na) : DASH);
    show("voltage", reading ? format.voltage(reading.voltage_mv) : DASH);
    show("impedance", reading && reading.impedance_ohm !== null ? format.impedance(reading.impedance_ohm) : DASH);
    show("charge", format.charge(view.nominal_pc));
    show("upper", format.charge(view.upper_pc));
    show("elapsed", format.clock(view.elapsed_ms));
    show("remaining", `${view.about ? "≈ " : ""}${format.clock(view.remaining_ms)}`);
    if (facts && facts.planned_pc) by("progress").value = Math.round((1000 * view.nominal_pc) / facts.planned_pc);
    drawContact();
    drawChannels();
    drawPoles();
    drawAlarms();
    drawPrompt();
    const running = ["on", "ready", "pausing"].includes(view.mode);
    by("pause").hidden = over !== null || view.mode !== "on";
    by("resume").hidden = over !== null || view.mode !== "paused";
    by("emergency").hidden = over !== null || !(running || view.mode === "stopping");
  }

  // What flows in each channel; an ordinary session has one, with all electrodes.
  function outputs() {
    const known = (facts && facts.channels) || [];
    const all = ((facts && facts.electrodes) || []).map((_, index) => index);
    if (!known.length) return [{ setpoint_na: view.setpoint_na, reading: view.reading, electrodes: all }];
    return (view.channels || []).map((channel, index) => ({ ...channel, electrodes: known[index].electrodes }));
  }

  function contactOf(reading) {
    const most = facts && facts.ohm_max;
    if (reading && reading.lead_off) return "OPEN";
    if (reading && reading.at_compliance) return "poor";
    if (!reading || reading.impedance_ohm === null || !most) return DASH;
    return reading.impedance_ohm > most ? "poor" : reading.impedance_ohm > most / 2 ? "fair" : "good";
  }

  // The worst contact of all channels.
  function drawContact() {
    const words = outputs().map((output) => contactOf(output.reading));
    const word = ["OPEN", "poor", "fair", "good"].find((quality) => words.includes(quality)) || DASH;
    show("contact", word);
    by("contact").dataset.quality = word;
  }

  function drawChannels() {
    const channels = view.channels || [];
    by("channels").hidden = channels.length === 0;
    by("channel-rows").replaceChildren(...channels.map((channel) => {
      const row = document.createElement("tr");
      const reading = channel.reading;
      const cells = [
        channel.name,
        channel.word,
        `${format.current(Math.abs(channel.setpoint_na))} mA`,
        reading ? `${format.current(Math.abs(reading.current_na))} mA` : DASH,
        reading ? `${format.voltage(Math.abs(reading.voltage_mv))} V` : DASH,
        contactOf(reading),
        `${format.charge(channel.nominal_pc)} mA·min`,
        channel.step,
      ];
      row.replaceChildren(...cells.map((text) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        return cell;
      }));
      return row;
    }));
  }

  function drawPoles() {
    const electrodes = (facts && facts.electrodes) || [];
    const all = outputs();
    by("poles").replaceChildren(...electrodes.map((item, index) => {
      const pole = document.createElement("span");
      const signs = new Set(all.filter((output) => output.electrodes.includes(index)).map((output) => output.setpoint_na < 0));
      const positive = (item.role === "anode") !== signs.has(true);
      // A return that channels of both polarities share has no pole of its own.
      const sign = signs.size > 1 ? "±" : positive ? "+" : "−";
      pole.className = positive ? "anode" : "cathode";
      pole.textContent = `${sign} ${item.site}`;
      return pole;
    }));
    const densities = all.flatMap((output) => {
      const own = output.electrodes.map((index) => electrodes[index]);
      const areas = own.filter((item) => item && item.place === "active" && item.area_um2).map((item) => item.area_um2);
      if (!areas.length || !output.reading) return [];
      return [Number(format.density(Math.abs(output.reading.current_na), Math.min(...areas)))];
    });
    show("density", densities.length ? Math.max(...densities).toFixed(3) : DASH);
  }

  function drawAlarms() {
    const order = ["high", "medium", "low"];
    const alarms = [...view.alarms].sort((a, b) => order.indexOf(a.priority) - order.indexOf(b.priority));
    by("no-alarms").hidden = alarms.length > 0;
    by("alarm-list").replaceChildren(...alarms.map((alarm) => {
      const item = document.createElement("li");
      const seen = view.acknowledged.includes(alarm.code);
      item.className = `alarm alarm-${alarm.priority}${seen ? " seen" : ""}`;
      const mark = document.createElement("strong");
      mark.textContent = MARKS[alarm.priority];
      const text = document.createElement("span");
      text.textContent = `${alarm.priority.toUpperCase()} ${alarm.code}: ${alarm.text}. ${ADVICE[alarm.priority]}`;
      item.append(mark, text);
      if (!seen) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "Acknowledge";
        button.addEventListener("click", () => command("acknowledge", { code: alarm.code }));
        item.append(button);
      }
      return item;
    }));
    sound.update(alarms.filter((alarm) => !view.acknowledged.includes(alarm.code)), Date.now());
  }

  function drawPrompt() {
    const prompt = view.prompt;
    by("ask").hidden = prompt === null || over !== null;
    if (prompt === null) return;
    const record = prompt.kind === "record";
    show("ask-text", prompt.text);
    show("ask-waits", view.waits ?? "");
    by("entry-label").hidden = !record;
    by("ask-yes").hidden = prompt.kind === "resume";
    show("ask-yes", record ? "Enter" : "Done");
  }

  // What is old must look old: grey after a second, dashes when nobody says anything any more.
  function drawAge() {
    const now = performance.now();
    const age = heardAt === null ? Infinity : now - heardAt;
    const silent = over === null && (age > STALE_MS || !connected);
    document.body.classList.toggle("stale", silent && view !== null);
    show("age", over !== null ? "ended" : age === Infinity ? "no data yet" : `${silent ? "STALE " : ""}${format.age(age)}`);
    show("head", head ? head.slice(-8) : DASH);
    show("head-age", head ? format.age(now - headAt) : DASH);
    if (over === null && view !== null && (!connected || age > LOST_MS)) {
      for (const id of ["measured", "setpoint", "voltage", "impedance", "contact", "density", "remaining"]) show(id, DASH);
      show("state", "NO LINK");
    }
    const paused = sound.pausedFor(Date.now());
    show("audio", paused > 0 ? `Sound paused, ${Math.ceil(paused / 1000)} s` : "Pause sound 120 s");
  }

  // --- wiring -------------------------------------------------------------------------------------------
  by("stop").addEventListener("click", () => command("stop"));
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (event.key === "Escape" || (event.key === " " && !typing && !(event.target instanceof HTMLButtonElement))) {
      event.preventDefault();
      command("stop");
    }
  });
  by("pause").addEventListener("click", () => command("pause"));
  by("emergency").addEventListener("click", () => command("emergency_stop"));
  sure("take", take);
  sure("resume", () => command("resume"));
  sure("begin", () => command("begin", { confirm: facts.confirm }));
  by("ask-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (view.prompt.kind === "record") {
      command("enter", { variable: view.prompt.variable, text: by("entry").value });
      by("entry").value = "";
    } else {
      command("confirm");
    }
  });
  by("audio").addEventListener("click", () => sound.pause(Date.now()));
  by("span").addEventListener("click", () => show("span", chart.toggle()));
  window.addEventListener("resize", () => chart.resize());

  const stream = new EventSource("/stream");
  stream.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (hear[message.type]) hear[message.type](message);
    if (message.type !== "ping") drawAge();
  });
  stream.addEventListener("error", () => { connected = false; });
  beat();
  setInterval(beat, 1000);
  setInterval(drawAge, 200);
})();
