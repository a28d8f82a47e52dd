"""A population in words, as data and as a picture: how voltage, completion and delivery are spread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ionto_cli.picture import GREEN, GREY, ORANGE, RED
from ionto_cli.population import Course, Outcome
from ionto_ir.dataclass import dataclass
from ionto_ir.device import Drug

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = (GREEN, ORANGE, RED)
"""Of those who finished, finished with less, and stopped, in the bar and in every histogram."""

BINS = 60

QUANTILES = (5, 25, 50, 75, 95)
LIMITED_S = 2.0
"""Who was at the highest voltage for longer than this received less than was set."""


@dataclass(frozen=True, slots=True)
class Output:
    """What an output did to everybody; its name is empty where there is one. `drugs` are those whose mass is
    known, with ug a mA.min by sign.
    """

    name: str
    course: Course
    outcome: Outcome
    drugs: tuple[tuple[Drug, float, float], ...]

    @property
    def set_ma_min(self) -> float:
        """The charge that the undisturbed course sets."""
        own = self.course
        return sum(abs(target) for target in own.target_ma) * own.mean_share * own.step_ms / 60_000


@dataclass(frozen=True, slots=True)
class Spread:
    """What is spread, its unit, the value of each person, and a value worth a mark."""

    name: str
    unit: str
    values: np.ndarray
    mark: tuple[float, str] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A population that was computed: everybody, at each output."""

    title: str
    device: str
    outputs: tuple[Output, ...]
    seed: int
    seconds: float
    where: str

    @property
    def count(self) -> int:
        """How many people."""
        return len(self.outputs[0].outcome.peak_v)

    def who(self) -> dict[str, np.ndarray]:
        """Who finished as set, who finished with less, and who stopped: everybody is one of them."""
        limited = np.any([item.outcome.limited_s > LIMITED_S for item in self.outputs], axis=0)
        stopped = np.any([item.outcome.stopped for item in self.outputs], axis=0)
        return {
            "finished": ~stopped & ~limited,
            "finished with less than was set": ~stopped & limited,
            "pressed stop": stopped,
        }

    def parts(self) -> dict[str, int]:
        """How many of each."""
        return {name: int(np.sum(found)) for name, found in self.who().items()}

    def spreads(self) -> Iterator[Spread]:
        """What is spread at each output, and the charge of all."""
        for item in self.outputs:
            yield from _spreads_at(item)
        if len(self.outputs) > 1:
            total = np.sum([item.outcome.charge_ma_min for item in self.outputs], axis=0)
            set_ma_min = sum(item.set_ma_min for item in self.outputs)
            yield Spread("charge of all channels", "mA·min", total, (set_ma_min, "set"))


def _spreads_at(item: Output) -> Iterator[Spread]:
    out, of = item.outcome, f"{item.name}: " if item.name else ""
    yield Spread(f"{of}highest voltage", "V", out.peak_v, (item.course.compliance_v, "device"))
    yield Spread(f"{of}resistance at the end", "kΩ", out.ohm / 1000)
    yield Spread(f"{of}charge", "mA·min", out.charge_ma_min, (item.set_ma_min, "set"))
    for drug, forward, backward in item.drugs:
        mass_ug = out.forward_ma_min * forward + out.backward_ma_min * backward
        yield Spread(f"{of}{drug.title}", "µg", mass_ug)


def lines(told: Told) -> Iterator[str]:
    """For a person to read."""
    yield f"SIMULATED population of {told.count}: {told.title}, {told.device}, seed {told.seed}"
    for name, count in told.parts().items():
        yield f"  {name:<32} {count:>9}  {100 * count / told.count:5.1f} %"
    yield f"  {'':<32} " + "".join(f"{f'{quantile} %':>10}" for quantile in QUANTILES)
    for item in told.spreads():
        found = np.percentile(item.values, QUANTILES)
        yield f"  {f'{item.name} / {item.unit}':<32} " + "".join(f"{value:>10.3g}" for value in found)
    rate = told.count / max(told.seconds, 1e-9)
    yield f"  {told.seconds:.2f} s on {told.where}: {rate:.0f} patients a second"


def data(told: Told) -> dict[str, object]:
    """For a machine to read."""
    return {
        "schema": "ionto.population/1",
        "simulated": True,
        "population": told.count,
        "seed": told.seed,
        "completion": told.parts(),
        "quantiles_percent": list(QUANTILES),
        "spreads": {
            item.name: {
                "unit": item.unit,
                "quantiles": [float(found) for found in np.percentile(item.values, QUANTILES)],
            }
            for item in told.spreads()
        },
        "seconds": told.seconds,
        "patients_per_second": told.count / max(told.seconds, 1e-9),
        "computed_on": told.where,
    }


def draw_population(told: Told, path: str) -> None:
    """The distributions as SVG or PNG; ValueError for another ending."""
    metadata = {"Date": None} if path.endswith(".svg") else None
    _figure(told).savefig(path, dpi=150, metadata=metadata)


def _figure(told: Told) -> Figure:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    spreads = list(told.spreads())
    style: dict[Any, Any] = {
        "svg.hashsalt": "ionto",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        rows = (len(spreads) + 1) // 2
        figure = Figure(figsize=(9.5, 1.6 + 2.6 * rows), layout="constrained")
        figure.suptitle(f"{told.title}: {told.count} simulated patients", x=0.01, ha="left", fontsize=13)
        grid = figure.add_gridspec(1 + rows, 2, height_ratios=[0.25, *[1.0] * rows])
        _completion(figure.add_subplot(grid[0, :]), told)
        for number, item in enumerate(spreads):
            axes = figure.add_subplot(grid[1 + number // 2, number % 2])
            _spread(axes, item, list(told.who().values()))
    return figure


def _completion(axes: Axes, told: Told) -> None:
    left = 0
    for (name, count), colour in zip(told.parts().items(), COLOURS, strict=True):
        axes.barh([0], [count], left=[left], color=colour, label=f"{name}: {100 * count / told.count:.1f} %")
        left += count
    axes.set_xlim(0, told.count)
    axes.set_yticks([])
    axes.set_xlabel("patients; the colours below are the same, dashed lines are 5, 50 and 95 %")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False, ncols=3)
    axes.text(
        1.0, 1.3, "SIMULATED", transform=axes.transAxes, ha="right", color=RED, fontsize=10, weight="bold"
    )


def _spread(axes: Axes, item: Spread, who: list[np.ndarray]) -> None:
    values, mark = item.values, item.mark
    edges = np.histogram_bin_edges(values, bins=BINS)
    parts = [values[found] for found in who]
    axes.hist(parts, bins=list(edges), stacked=True, color=list(COLOURS), linewidth=0)
    for quantile in (5, 50, 95):
        at = float(np.percentile(values, quantile))
        axes.axvline(at, color=GREY, lw=0.9, ls=(0, (4, 3)))
    if mark is not None and edges[-1] > 0.5 * mark[0]:
        axes.axvline(mark[0], color=GREY, lw=1.4)
        axes.text(mark[0], 1.0, f" {mark[1]}", transform=axes.get_xaxis_transform(), va="bottom", color=GREY)
    axes.set_xlabel(f"{item.name} / {item.unit}")
    axes.set_ylabel("patients")
