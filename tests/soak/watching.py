"""What a process holds while it runs (memory, descriptors), and whether that grows."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

WARM_SHARE = 4
WARM_S_MAX = 600
"""The first quarter, at most ten minutes, is not judged: what is made once is made there."""

KIB_AN_HOUR_MAX = 1_024
"""Memory counts as flat up to this slope: 8 MiB in a day of eight hours."""

JUDGED_S_MIN = 600
"""Less than ten minutes after the warm-up say nothing about a slope."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the first, memory of its own and in all (KiB), open descriptors."""

    at_s: float
    own_kib: int
    rss_kib: int
    descriptors: int


@dataclass(slots=True)
class Watched:
    """A process that is looked at now and then."""

    name: str
    pid: int
    samples: list[Sample] = field(default_factory=list)

    def look(self, at_s: float) -> None:
        """Look once; a process that has gone is not there to be looked at."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
            descriptors = len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            return
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        if "RssAnon" in fields:
            own, rss = (int(fields[name].split()[0]) for name in ("RssAnon", "VmRSS"))
            self.samples.append(Sample(at_s, own, rss, descriptors))

    @property
    def judged(self) -> list[Sample]:
        """The samples after the warm-up."""
        if not self.samples:
            return []
        first, last = self.samples[0].at_s, self.samples[-1].at_s
        warm_s = min(WARM_S_MAX, (last - first) / WARM_SHARE)
        return [sample for sample in self.samples if sample.at_s >= first + warm_s]

    @property
    def judged_s(self) -> float:
        """For how long it was watched after the warm-up."""
        judged = self.judged
        return judged[-1].at_s - judged[0].at_s if judged else 0.0

    @property
    def kib_an_hour(self) -> float | None:
        """The slope of its own memory by least squares; None where too little was seen."""
        judged = self.judged
        if self.judged_s < JUDGED_S_MIN:
            return None
        mean_s = sum(sample.at_s for sample in judged) / len(judged)
        mean_kib = sum(sample.own_kib for sample in judged) / len(judged)
        spread = sum((sample.at_s - mean_s) ** 2 for sample in judged)
        rise = sum((sample.at_s - mean_s) * (sample.own_kib - mean_kib) for sample in judged)
        return rise / spread * 3_600

    def faults(self) -> list[str]:
        """Why it does not stay as it is, if so."""
        found = []
        slope = self.kib_an_hour
        if slope is not None and slope > KIB_AN_HOUR_MAX:
            found.append(f"{self.name}: memory grows by {slope:.0f} KiB an hour")
        judged = self.judged
        if slope is not None and judged[-1].descriptors > judged[0].descriptors:
            text = f"{judged[0].descriptors} descriptors became {judged[-1].descriptors}"
            found.append(f"{self.name}: {text}")
        return found


def is_safety_process(pid: int) -> bool:
    """Whether a process is the safety process of a session."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"ionto_runtime.safety" in words
