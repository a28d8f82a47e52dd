"""Simulated skin: a series resistance, and under each electrode a resistance and a capacitance in parallel.

Skin under an electrode resists because of its outermost layer. That layer's resistance has a part that
never goes away (`floor`), a part that follows the current density within seconds (`fast`), and a part
that is worn down by the charge that has passed (`slow`). Without current both come back within hours.
Left out, because no plan of ours depends on it: breakdown above some 30 V, the difference between the two
poles, electrode potentials.

Here numbers are floats: this is physics, which is never exact. No plan, proof or ledger rests on them.
"""

from __future__ import annotations

import math
from enum import Enum
from random import Random

from ionto_ir.dataclass import dataclass

STEP_MS_MAX = 100
"""The fastest change of a resistance takes 10 s, so a tenth of a second is as good as exact."""

UM2_PER_CM2 = 100_000_000
SHORT_OHM = 10.0
"""Two electrodes that touch, with their leads."""


@dataclass(frozen=True, slots=True)
class SkinParameters:
    """Properties of one square centimetre of skin, and where each number is from."""

    floor_ohm_cm2: float = 800.0
    """Lowest value to which current was seen to bring skin and at which it could be held
    (constant-conductance alternating current, PubMed 12695061)."""

    rest_ohm_cm2: float = 20_000.0
    """Wetted skin before any current, 5 to 50 kOhm cm2. No published source: general knowledge."""

    fast_share: float = 0.75
    """Part of the resistance above the floor that follows the current. That resistance falls quickly when
    current begins is published (Oh et al., J Control Release 1993;27:115); the share has no published
    source: it is chosen so that 0.1 to 0.5 mA/cm2 bring the skin to 1 to 5 kOhm cm2 in minutes (general
    knowledge).
    """

    fast_half_ma_cm2: float = 0.015
    """Density that halves the fast part. That resistance falls as current rises is published (rat skin,
    continuous and pulsed treprostinil, stimulation study); the number has no published source: general
    knowledge.
    """

    fast_s: float = 10.0
    """Time constant of the fast part. No published source: general knowledge."""

    slow_mc_cm2: float = 54.0
    """Charge density that brings the slow part to 37 %: 3 minutes at 0.3 mA/cm2. No published source: general
    knowledge (time constants of 2 to 5 minutes)."""

    recovery_s: float = 7_200.0
    """Time constant of recovery. Derived: 30 minutes after current the impedance is about three times what
    it was at switch-off (Curdy et al., AAPS PharmSci 2000); from 1.7 kOhm cm2 towards 20 that takes two
    hours.
    """

    capacitance_uf_cm2: float = 0.03
    """0.01 to 0.05 uF/cm2. That current leaves it nearly unchanged is published (Oh et al., J Control Release
    1993;27:115); the number has no published source: general knowledge."""

    dry_out_per_min: float = 0.0
    """Growth of the resistance for each minute of current, 0.05 = 5 %: treatment dries the skin, and in
    water baths resistance rises over a course (a seller's and a maker's pages). The rate has no published
    source; 0 is off.
    """


DEFAULT_SKIN = SkinParameters()

DEFAULT_SERIES_OHM = 300.0
"""Tissue between the electrodes, gel and leads: 100 to 500 ohm. No published source: general knowledge."""

PERSON_SPREAD = 3.5
"""Ratio between the most and the least resistant person: 3- to 4-fold at the same current (factors critical
to the assessment of vascular reactivity, iontophoresis study).
"""


class Circuit(Enum):
    """How the electrodes are connected."""

    CLOSED = "through the skin"
    OPEN = "an electrode has come off"
    SHORTED = "the electrodes touch"


@dataclass(frozen=True, slots=True)
class Flow:
    """The end of a stretch of time: current and voltage at the terminals, and current through the skin.

    `limited` says that the source would have driven more current if it had had more voltage.
    """

    current_ma: float
    skin_ma: float
    voltage_v: float
    limited: bool


class SkinSite:
    """The skin under one electrode: its resistance now, and the voltage across it."""

    def __init__(self, area_um2: int, person: float = 1.0, parameters: SkinParameters = DEFAULT_SKIN) -> None:
        assert area_um2 > 0, "an electrode has an area"
        assert person > 0, "a person's skin resists"
        self.parameters = parameters
        self.area_cm2 = area_um2 / UM2_PER_CM2
        above_floor = max(0.0, parameters.rest_ohm_cm2 * person - parameters.floor_ohm_cm2)
        self._fast_rest = above_floor * parameters.fast_share
        self._slow_rest = above_floor - self._fast_rest
        self._fast = self._fast_rest
        self._slow = self._slow_rest
        self._dryness = 1.0
        self.voltage_v = 0.0

    @property
    def resistance_ohm(self) -> float:
        """Resistance of the site to direct current, now."""
        return (self.parameters.floor_ohm_cm2 + self._fast + self._slow) * self._dryness / self.area_cm2

    def response(self, ms: int) -> tuple[float, float]:
        """Voltage after `ms` as `kept + ohm * current_ma / 1000`: (kept in V, ohm).

        Implicit in the current, so that it stays true however short the site's own time constant is.
        """
        ohm = self.resistance_ohm
        time_constant_ms = ohm * self.parameters.capacitance_uf_cm2 * self.area_cm2 / 1000
        share = ms / (time_constant_ms + ms)
        return self.voltage_v * (1 - share), ohm * share

    def pass_current(self, current_ma: float, voltage_v: float, ms: int) -> None:
        """Let `current_ma` flow for `ms`, at whose end the site is at `voltage_v`."""
        self.voltage_v = voltage_v
        density = abs(current_ma) / self.area_cm2
        seconds = ms / 1000
        own = self.parameters
        recovered = math.exp(-seconds / own.recovery_s)
        self._slow = self._slow_rest + (self._slow - self._slow_rest) * recovered
        self._slow *= math.exp(-density * seconds / own.slow_mc_cm2)
        follows = self._fast_rest / (1 + density / own.fast_half_ma_cm2)
        # Falling is fast and coming back is slow: what current has opened stays open for long.
        kept = math.exp(-seconds / own.fast_s) if follows < self._fast else recovered
        self._fast = follows + (self._fast - follows) * kept
        if density > 0:
            self._dryness += own.dry_out_per_min * seconds / 60


class Body:
    """Two electrode sites in series with the tissue between them."""

    def __init__(self, sites: tuple[SkinSite, ...], series_ohm: float = DEFAULT_SERIES_OHM) -> None:
        assert sites and series_ohm > 0
        self.sites = sites
        self.series_ohm = series_ohm

    @property
    def resistance_ohm(self) -> float:
        """Resistance between the electrodes to direct current, now."""
        return self.series_ohm + sum(site.resistance_ohm for site in self.sites)

    def drive(self, target_ma: float, compliance_v: float, circuit: Circuit, ms: int) -> Flow:
        """Connect a source that wants `target_ma` and can give `compliance_v`, for 1 to STEP_MS_MAX ms."""
        assert 1 <= ms <= STEP_MS_MAX
        match circuit:
            case Circuit.CLOSED:
                return self._drive_skin(target_ma, compliance_v, ms)
            case Circuit.OPEN:
                self._rest(ms)
                voltage = math.copysign(compliance_v, target_ma) if target_ma else 0.0
                return Flow(0.0, 0.0, voltage, target_ma != 0)
            case Circuit.SHORTED:
                self._rest(ms)
                current = _clamped(target_ma, compliance_v * 1000 / SHORT_OHM)
                return Flow(current, 0.0, current * SHORT_OHM / 1000, current != target_ma)

    def _drive_skin(self, target_ma: float, compliance_v: float, ms: int) -> Flow:
        responses = [site.response(ms) for site in self.sites]
        kept_v = sum(kept for kept, _ in responses)
        ohm = self.series_ohm + sum(ohm for _, ohm in responses)
        current = target_ma
        voltage = kept_v + ohm * current / 1000
        limited = abs(voltage) > compliance_v and target_ma != 0
        if limited:
            voltage = math.copysign(compliance_v, target_ma)
            # A charged site may push back; a source that is asked for current never sinks it.
            current = math.copysign(max(0.0, (voltage - kept_v) * 1000 / ohm * _sign(target_ma)), target_ma)
        for site, (kept, site_ohm) in zip(self.sites, responses, strict=True):
            site.pass_current(current, kept + site_ohm * current / 1000, ms)
        return Flow(current, current, voltage, limited)

    def _rest(self, ms: int) -> None:
        for site in self.sites:
            kept, _ = site.response(ms)
            site.pass_current(0.0, kept, ms)


def person_factor(seed: int) -> float:
    """How much more than the middle person this one resists: spread evenly, as a ratio, over
    PERSON_SPREAD.
    """
    generator = Random(f"{seed}/person")
    return math.exp((generator.random() - 0.5) * math.log(PERSON_SPREAD))


def body_of(
    areas_um2: tuple[int, ...],
    seed: int,
    parameters: SkinParameters = DEFAULT_SKIN,
    series_ohm: float = DEFAULT_SERIES_OHM,
) -> Body:
    """The person that a seed stands for, with electrodes of these areas."""
    person = person_factor(seed)
    return Body(tuple(SkinSite(area_um2, person, parameters) for area_um2 in areas_um2), series_ohm)


def _sign(value: float) -> float:
    return math.copysign(1.0, value)


def _clamped(value: float, most: float) -> float:
    return max(-most, min(most, value))
