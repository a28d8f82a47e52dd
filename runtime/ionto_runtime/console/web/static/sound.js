"use strict";
// Alarm sounds: a burst of ten pulses, of three, of one. A pause is timed and masks no new alarm.
const sound = (() => {
  const PULSES = { high: 10, medium: 3, low: 1 };
  const EVERY_MS = { high: 5000, medium: 15000, low: 30000 };
  const PAUSE_MS_MAX = 120000;
  let context = null;
  let pausedUntil = 0;
  let lastAt = 0;
  let known = new Set();

  function burst(priority) {
    try {
      context = context || new AudioContext();
      for (let pulse = 0; pulse < PULSES[priority]; pulse += 1) {
        const tone = context.createOscillator();
        const gain = context.createGain();
        const at = context.currentTime + pulse * (priority === "high" ? 0.15 : 0.3);
        tone.frequency.value = priority === "low" ? 440 : 660;
        gain.gain.setValueAtTime(0.2, at);
        tone.connect(gain).connect(context.destination);
        tone.start(at);
        tone.stop(at + 0.1);
      }
    } catch {
      // A browser without sound still shows every alarm in words, symbol and colour.
    }
  }

  return {
    pause(now) { pausedUntil = now + PAUSE_MS_MAX; },
    pausedFor: (now) => Math.max(0, pausedUntil - now),
    // `unseen` are the alarms that nobody has acknowledged: code and priority.
    update(unseen, now) {
      const fresh = unseen.filter((alarm) => !known.has(alarm.code));
      if (fresh.length > 0) pausedUntil = 0;
      known = new Set(unseen.map((alarm) => alarm.code));
      const worst = ["high", "medium", "low"].find((name) => unseen.some((a) => a.priority === name));
      if (!worst || now < pausedUntil) return;
      if (fresh.length > 0 || now - lastAt > EVERY_MS[worst]) {
        lastAt = now;
        burst(worst);
      }
    },
  };
})();
