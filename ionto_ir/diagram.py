"""The machine's table as a state diagram, for the manual: text that Mermaid draws."""

from __future__ import annotations

from ionto_ir.machine_table import Row
from ionto_ir.state import Mode


def mermaid(table: tuple[Row, ...]) -> list[str]:
    """The lines of a Mermaid state diagram. An arrow carries every event that can lead along it."""
    arrows: dict[tuple[Mode, Mode], dict[str, None]] = {}
    for row in table:
        for mode in row.modes:
            for case in row.cases:
                target = mode if case.target is None else case.target
                if target is not mode:
                    arrows.setdefault((mode, target), {})[row.event.name.lower()] = None
    lines = ["stateDiagram-v2", f"  [*] --> {Mode.IDLE.name.lower()}"]
    for (source, target), events in sorted(arrows.items()):
        lines.append(f"  {source.name.lower()} --> {target.name.lower()}: {', '.join(events)}")
    return [*lines, f"  {Mode.ENDED.name.lower()} --> [*]"]
