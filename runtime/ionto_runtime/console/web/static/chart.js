"use strict";
// Setpoint, measured current and voltage over time, and what was measured in each of several channels. The page
// works without it.
const chart = (() => {
  const POINTS_MAX = 20000;
  const RECENT_S = 300;
  // One for each channel; a fifth begins anew. They stay apart for colour-blind readers.
  const CHANNELS = ["#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
  const data = [[], [], [], []];
  let names = [];
  let plot = null;
  let recent = true;

  function make() {
    const place = document.getElementById("chart");
    if (typeof uPlot === "undefined") return;
    const of = names.length ? " in all" : "";
    plot = new uPlot({
      width: place.clientWidth || 800,
      height: 240,
      scales: { x: { time: false }, mA: {}, V: {} },
      axes: [
        { values: (_, ticks) => ticks.map((s) => format.clock(s * 1000)) },
        { scale: "mA", label: "mA", labelSize: 20 },
        { scale: "V", side: 1, label: "V", labelSize: 20, grid: { show: false } },
      ],
      series: [
        { label: "time", value: (_, s) => (s == null ? DASH : format.clock(s * 1000)) },
        { label: `set${of}, mA`, scale: "mA", stroke: "#5b6472", dash: [6, 4], width: 2 },
        { label: `measured${of}, mA`, scale: "mA", stroke: "#0067b8", width: 2 },
        { label: "voltage, V", scale: "V", stroke: "#b45a00", width: 1 },
        ...names.map((name, index) => (
          { label: `${name}, mA`, scale: "mA", stroke: CHANNELS[index % CHANNELS.length], width: 2 }
        )),
      ],
    }, data, place);
  }

  // Which channels there are is known from the first view; others than before get lines anew.
  function rename(told) {
    if (told.join() === names.join()) return;
    names = told;
    data.length = 4;
    names.forEach(() => data.push(data[0].map(() => null)));
    if (plot) plot.destroy();
    plot = null;
  }

  function draw() {
    if (!plot) return;
    const last = data[0][data[0].length - 1] || 0;
    plot.setData(data, false);
    plot.setScale("x", { min: recent ? Math.max(0, last - RECENT_S) : 0, max: Math.max(10, last) });
  }

  return {
    add(view) {
      const reading = view.reading;
      const channels = view.channels || [];
      rename(channels.map((channel) => channel.name));
      data[0].push(view.elapsed_ms / 1000);
      data[1].push(view.setpoint_na / 1e6);
      data[2].push(reading ? reading.current_na / 1e6 : null);
      data[3].push(reading ? reading.voltage_mv / 1e3 : null);
      channels.forEach((channel, index) => {
        data[4 + index].push(channel.reading ? Math.abs(channel.reading.current_na) / 1e6 : null);
      });
      if (data[0].length > POINTS_MAX) data.forEach((column) => column.splice(0, POINTS_MAX / 10));
      if (!plot) make();
      draw();
    },
    toggle() {
      recent = !recent;
      draw();
      return recent ? "Last 5 min" : "Whole session";
    },
    resize() {
      const place = document.getElementById("chart");
      if (plot) plot.setSize({ width: place.clientWidth, height: 240 });
    },
  };
})();
