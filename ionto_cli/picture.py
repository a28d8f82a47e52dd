"""Pictures of a session: current with its limits, charge with its dose limits, and the margins as bars.

Drawn with matplotlib, which is imported only when something is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ionto_ir.dataclass import dataclass, field

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that stay apart for colour-blind readers (Okabe and Ito) and in print.
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6b7280"
CURVES = (BLUE, ORANGE, GREEN, "#CC79A7")
"""One for each channel; a fifth begins anew."""
BAND = ("#eef4fa", "#f8fafc")


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line to stay below, in the unit of its panel."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the session with a name, in seconds."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One margin: the worst case as a part of its limit (1 = at the limit), and what to print beside it."""

    name: str
    part: float
    text: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment worth an arrow, e.g. where a limit is violated."""

    at_s: float
    current_ma: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Current (mA, signed) and charge (mA.min) as step functions of time (s). A `total` is of several curves,
    and is drawn as a line behind them.
    """

    name: str
    time_s: list[float]
    current_ma: list[float]
    charge_ma_min: list[float]
    total: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything on one page; `simulated` is printed across it where it applies."""

    title: str
    subtitle: str
    curves: list[Curve]
    bands: list[Band] = field(default_factory=list)
    current_levels: list[Level] = field(default_factory=list)
    charge_levels: list[Level] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    simulated: bool = True


def draw(picture: Picture, paths: list[str]) -> None:
    """Write the picture to each path; the ending (.svg or .png) decides the format."""
    figure = _figure(picture)
    for path in paths:
        # Without a date the same protocol gives the same file, so pictures can be kept under version control.
        metadata = {"Date": None} if path.endswith(".svg") else None
        figure.savefig(path, dpi=150, metadata=metadata)


def svg_text(picture: Picture) -> str:
    """The picture as SVG text, to stand inside a page."""
    from io import StringIO

    buffer = StringIO()
    _figure(picture).savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _figure(picture: Picture) -> Figure:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "svg.hashsalt": "ionto",  # stable ids
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
    }
    with mpl.rc_context(style):
        bar_height = 0.32 * len(picture.bars) + 0.5 if picture.bars else 0.0
        curves_height = 5.4
        figure = Figure(figsize=(9.5, curves_height + bar_height + 0.8), layout="constrained")
        figure.suptitle(picture.title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        # Parts of their own, so that the long names beside the bars do not push the curves aside.
        parts = figure.subfigures(2, 1, squeeze=False, height_ratios=[curves_height, bar_height or 0.01])[
            :, 0
        ]
        upper, lower = parts[0].subplots(2, 1, height_ratios=[3.0, 1.9], sharex=True)
        _draw_current(upper, picture)
        _draw_charge(lower, picture)
        if picture.bars:
            _draw_bars(parts[1].subplots(), picture.bars)
    return figure


def _minutes(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def clock(seconds: float, _position: int | None = None) -> str:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

    low, high = axes.get_xlim()
    steps = [1.5, 3, 6] if high - low < 600 else [1.2, 2.4, 3, 6]
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, *steps, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(clock))


def _draw_current(axes: Axes, picture: Picture) -> None:
    axes.set_title(picture.subtitle, color=GREY)
    for number, band in enumerate(picture.bands):
        axes.axvspan(band.start_s, band.end_s, color=BAND[number % 2], lw=0, zorder=0)
    for number, curve in enumerate(picture.curves):
        color, line = _pen(number, curve)
        axes.step(
            curve.time_s, curve.current_ma, where="post", color=color, ls=line, lw=1.6, label=curve.name
        )
        if not curve.total:
            axes.fill_between(curve.time_s, curve.current_ma, step="post", color=color, alpha=0.12, lw=0)
    _levels(axes, picture.current_levels)
    for mark in picture.marks:
        axes.plot([mark.at_s], [mark.current_ma], "o", color=RED, ms=6, zorder=5)
        axes.annotate(
            mark.text,
            (mark.at_s, mark.current_ma),
            (8, 8),
            textcoords="offset points",
            color=RED,
            fontweight="bold",
        )
    axes.axhline(0, color=GREY, lw=0.6)
    axes.set_ylabel("current / mA")
    axes.margins(x=0.01, y=0.12)
    _band_names(axes, picture.bands)
    _minutes(axes)
    if len(picture.curves) > 1:
        axes.legend(loc="lower center", frameon=False, ncols=len(picture.curves))
    if picture.simulated:
        axes.text(
            0.995,
            0.03,
            "SIMULATED HARDWARE",
            transform=axes.transAxes,
            ha="right",
            color=RED,
            fontsize=8,
            alpha=0.8,
        )


def _band_names(axes: Axes, bands: list[Band]) -> None:
    """Names of bands that are wide enough to carry them, just below the top edge."""
    low, high = axes.get_xlim()
    span = high - low or 1.0
    for band in bands:
        if (band.end_s - band.start_s) / span > 0.012 * len(band.text):
            middle = (band.start_s + band.end_s) / 2
            axes.text(
                middle,
                0.98,
                band.text,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="top",
                color=GREY,
                fontsize=8,
            )


def _levels(axes: Axes, levels: list[Level]) -> None:
    for level in levels:
        axes.axhline(level.value, color=RED, lw=1.1, ls=(0, (5, 3)))
        axes.text(
            0.005,
            level.value,
            level.text,
            transform=axes.get_yaxis_transform(),
            color=RED,
            va="bottom",
            fontsize=8,
        )


def _pen(number: int, curve: Curve) -> tuple[str, str]:
    """Colour and line of a curve."""
    return (GREY, "--") if curve.total else (CURVES[number % len(CURVES)], "-")


def _draw_charge(axes: Axes, picture: Picture) -> None:
    for number, curve in enumerate(picture.curves):
        color, line = _pen(number, curve)
        axes.plot(curve.time_s, curve.charge_ma_min, color=color, ls=line, lw=1.6)
    _levels(axes, picture.charge_levels)
    axes.set_ylabel("charge / mA·min")
    axes.set_xlabel("time since the first energised step / min:s")
    axes.margins(x=0.01, y=0.15)
    axes.set_ylim(bottom=0)
    _minutes(axes)


def _draw_bars(axes: Axes, bars: list[Bar]) -> None:
    axes.set_title(
        "worst case over all values, patients and interruptions, as a part of each limit", color=GREY
    )
    positions = list(range(len(bars)))[::-1]
    widths = [min(bar.part, 1.25) for bar in bars]
    colours = [(GREEN if bar.part < 0.95 else ORANGE) if bar.holds else RED for bar in bars]
    axes.barh(positions, widths, color=colours, height=0.62)
    axes.axvline(1.0, color=RED, lw=1.2, ls=(0, (5, 3)))
    for position, bar, width in zip(positions, bars, widths, strict=True):
        axes.text(max(width, 1.0) + 0.03, position, bar.text, va="center", fontsize=8)
    axes.set_yticks(positions, [bar.name for bar in bars])
    axes.set_xlim(0, 1.9)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25 %", "50 %", "75 %", "limit"])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
