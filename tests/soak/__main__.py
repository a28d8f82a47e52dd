"""Hours of real sessions: `python -m tests.soak --minutes 120 --record`.

Real programs on real lines: `ionto run`, its safety process, and simulated devices in processes of their own
on pseudo-terminals. One lane runs sessions as long as the device allows, one runs a session a minute on
another device, one now and then a session on the emulated firmware. What every process holds is looked at
each second. The soak judges: memory flat, no descriptor left open, every session ended as it should, sealed,
its output seen off, and what really flowed within the journal's bounds. What is known so far is written to
`FOLDER/result.json` each minute, so that a run that is cut short has still said what it saw.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.conformance.tools import PACKAGES
from tests.soak.lane import Lane
from tests.soak.watching import KIB_AN_HOUR_MAX, Watched

RECORD = Path(__file__).resolve().parents[2] / "docs" / "safety" / "soak.md"
LOOK_S = 1.0
WRITE_S = 60.0
SHORT_S = 60
LONG_S = 3_500
"""The reference device is on for an hour at most, ramps included."""

REST_S = 540
"""Between two sessions on the emulated firmware: an emulator takes a third of a processor."""


def lanes_in(folder: Path, minutes: float) -> list[Lane]:
    """The three lanes; without the tools for the firmware, two, and it is said."""
    lanes = [
        Lane("long", "twin", folder, min(LONG_S, minutes * 60 / -(-minutes * 60 // LONG_S) - 45)),
        Lane("short", "twin", folder, SHORT_S),
    ]
    if all(PACKAGES.values()):
        lanes.append(Lane("firmware", "firmware", folder, SHORT_S, fresh=True, rest_s=REST_S))
    else:
        print("no avr-gcc or simavr here: nothing runs on the emulated firmware")
    return lanes


class Soak:
    """The lanes, and the time that has passed."""

    def __init__(self, folder: Path, minutes: float) -> None:
        self.folder = folder
        self.minutes = minutes
        self.lanes = lanes_in(folder, minutes)
        self.commit = commit()
        self.begun = datetime.now(UTC)
        self.stopped = False
        self._zero_s = time.monotonic()

    @property
    def now_s(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._zero_s

    def run(self) -> None:
        """Until the time is up and every session has ended, or until a signal."""
        ends_s, written_s, asked = self.minutes * 60, 0.0, False
        try:
            while True:
                now_s = self.now_s
                if self.stopped and not asked:
                    ends_s, asked = now_s, True
                    for lane in self.lanes:
                        lane.stop()
                for lane in self.lanes:
                    lane.step(now_s, ends_s)
                if now_s - written_s >= WRITE_S:
                    written_s = now_s
                    self.write()
                if now_s >= ends_s and not any(lane.running for lane in self.lanes):
                    break
                time.sleep(LOOK_S)
        finally:
            for lane in self.lanes:
                lane.close()
            self.write()

    def watched(self) -> list[Watched]:
        """Every process that was looked at."""
        return [watched for lane in self.lanes for watched in lane.watched]

    def faults(self) -> list[str]:
        """Everything that is not as it should be."""
        found = [fault for watched in self.watched() for fault in watched.faults()]
        for lane in self.lanes:
            for number, ended in enumerate(lane.ended, 1):
                found += [f"{lane.name} {number}: {fault}" for fault in ended.faults]
        return found

    def write(self) -> None:
        """What is known so far, as data."""
        data = {
            "commit": self.commit,
            "begun": self.begun.isoformat(timespec="seconds"),
            "minutes": round(self.now_s / 60, 1),
            "faults": self.faults(),
            "lanes": {lane.name: _lane_data(lane) for lane in self.lanes},
            "watched": [_watched_data(watched) for watched in self.watched()],
        }
        path = self.folder / "result.json"
        part = path.with_suffix(".part")
        part.write_text(json.dumps(data, indent=1), encoding="utf-8")
        part.replace(path)


def _lane_data(lane: Lane) -> dict[str, object]:
    late_ms = sorted(ms for ended in lane.ended for ms in ended.late_ms)
    return {
        "sessions": dict(Counter(ended.as_what for ended in lane.ended)),
        "running": lane.running,
        "alarms": dict(Counter(code for ended in lane.ended for code in ended.alarms)),
        "seconds": round(sum(ended.seconds for ended in lane.ended)),
        "ticks": len(late_ms),
        "late_ms": {name: _share(late_ms, share) for name, share in SHARES.items()},
        "missed_ticks": sum(ms // 100 for ms in late_ms),
        "journal_bytes": sum(ended.journal_bytes for ended in lane.ended),
    }


SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


def _share(ordered: list[int], share: float) -> int | None:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def _watched_data(watched: Watched) -> dict[str, object]:
    judged = watched.judged
    slope = watched.kib_an_hour
    return {
        "name": watched.name,
        "samples": len(watched.samples),
        "judged_s": round(watched.judged_s),
        "own_kib": [judged[0].own_kib, judged[-1].own_kib] if judged else None,
        "rss_kib": [judged[0].rss_kib, judged[-1].rss_kib] if judged else None,
        "kib_an_hour": None if slope is None else round(slope, 1),
        "descriptors": [judged[0].descriptors, judged[-1].descriptors] if judged else None,
    }


def lines(soak: Soak) -> Iterator[str]:
    """The soak in words."""
    load = f"load at the end {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    yield f"time        {soak.now_s / 60:.1f} min, {load}"
    for lane in soak.lanes:
        data = _lane_data(lane)
        ended = ", ".join(f"{count} {what}" for what, count in Counter(e.as_what for e in lane.ended).items())
        yield f"{lane.name:<11} {len(lane.ended)} sessions: {ended}; {data['ticks']} ticks"
        yield f"  late ms   {data['late_ms']}, {data['missed_ticks']} ticks missed"
        yield f"  alarms    {data['alarms'] or 'none'}"
        yield f"  journals  {data['journal_bytes']} bytes"
    for watched in soak.watched():
        slope = watched.kib_an_hour
        if slope is not None:
            judged = watched.judged
            yield (
                f"memory      {watched.name}: {slope:+.0f} KiB an hour over {watched.judged_s / 60:.0f} min "
                f"(own {judged[0].own_kib} to {judged[-1].own_kib} KiB, in all {judged[-1].rss_kib} KiB, "
                f"{judged[-1].descriptors} descriptors)"
            )
    yield f"flat        means at most {KIB_AN_HOUR_MAX} KiB an hour"
    yield f"faults      {len(soak.faults())}"
    for fault in soak.faults():
        yield f"  {fault}"


def record(soak: Soak) -> None:
    """Add the soak to the manual."""
    for lane in soak.lanes:
        data = _lane_data(lane)
        late = data["late_ms"]
        assert isinstance(late, dict)
        watched = [item for item in lane.watched if item.kib_an_hour is not None]
        slopes = "; ".join(
            f"{item.name.removeprefix(lane.name).strip()} {item.kib_an_hour:+.0f}" for item in watched
        )
        cells = [
            f"{soak.begun:%Y-%m-%d}",
            soak.commit,
            lane.name,
            f"{soak.now_s / 60:.0f}",
            ", ".join(f"{count} {what}" for what, count in Counter(e.as_what for e in lane.ended).items())
            or "none",
            str(data["ticks"]),
            " / ".join(str(late[name]) for name in SHARES),
            str(data["missed_ticks"]),
            slopes or "sessions too short",
            str(len(soak.faults())),
        ]
        with RECORD.open("a", encoding="utf-8") as file:
            file.write(f"| {' | '.join(cells)} |\n")


def commit() -> str:
    """Which state of the project this is."""
    found = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def main() -> int:
    """Run, print, judge; 1 when something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120, help="for how long (default: 120)")
    parser.add_argument("--folder", type=Path, help="where journals and results are kept")
    parser.add_argument("--record", action="store_true", help="add lines to docs/safety/soak.md")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="ionto-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    soak = Soak(folder.resolve(), given.minutes)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: setattr(soak, "stopped", True))
    soak.run()
    for line in lines(soak):
        print(line)
    if given.record:
        record(soak)
    if given.folder is None and not soak.faults():
        shutil.rmtree(folder)
    return 1 if soak.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
