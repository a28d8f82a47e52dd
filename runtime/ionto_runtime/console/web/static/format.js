"use strict";
// Numbers as people read them: one unit each, always the same.
const format = {
  current: (na) => (na / 1e6).toFixed(2),
  charge: (pc) => (pc / 6e10).toFixed(2),
  voltage: (mv) => (mv / 1e3).toFixed(1),
  impedance: (ohm) => (ohm / 1e3).toFixed(2),
  clock(ms) {
    const seconds = Math.max(0, Math.round(ms / 1000));
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  },
  age: (ms) => `${(ms / 1000).toFixed(1)} s`,
  density: (na, um2) => (na / 1e6 / (um2 / 1e8)).toFixed(3),
};
const DASH = "—";
