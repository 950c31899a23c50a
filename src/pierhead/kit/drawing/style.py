"""Colours of drawings, for light and dark screens, as CSS that a page has once.

Every text colour has a contrast of 4.5 to the ground, every line and mark one of 3 (WCAG 2.2, 1.4.3 and 1.4.11). What
is told by colour is told by shape too: dashes, hatching, outlines, words.
"""

from typing import Final

LIGHT: Final = {
    "ground": "#ffffff",
    "panel": "#f6f7f9",
    "ink": "#1b1f26",
    "quiet": "#59616e",
    "grid": "#e3e6eb",
    "edge": "#8a92a0",
    "reference": "#79818f",
    "current": "#1f5fbf",
    "alarm": "#b3261e",
    "warn": "#8a5300",
    "good": "#1c6e3d",
    "s1": "#1f5fbf",
    "s2": "#b8540a",
    "s3": "#1c7f6c",
    "s4": "#9b3fa0",
    "s5": "#8a6d00",
    "s6": "#5d6470",
    "h0": "#eef1f5",
    "h1": "#cfdcf0",
    "h2": "#f3d08b",
    "h3": "#e8894a",
    "h4": "#b3261e",
}
DARK: Final = {
    "ground": "#14171c",
    "panel": "#1c2027",
    "ink": "#e8ebf0",
    "quiet": "#a6afbc",
    "grid": "#2b313b",
    "edge": "#717b8a",
    "reference": "#8b95a4",
    "current": "#74adff",
    "alarm": "#ff8c80",
    "warn": "#efb651",
    "good": "#6ecf95",
    "s1": "#74adff",
    "s2": "#f29a52",
    "s3": "#55c9b2",
    "s4": "#da8fdf",
    "s5": "#dcc04a",
    "s6": "#a6afbc",
    "h0": "#222831",
    "h1": "#2f4a73",
    "h2": "#8a6a1f",
    "h3": "#c4652a",
    "h4": "#ff6f61",
}
SERIES: Final = ("s1", "s2", "s3", "s4", "s5", "s6")
"""Classes of lines and areas that belong together, in the order in which they are given out; the last is for others."""


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


_SERIES_RULES = "".join(
    f".drawing .line.{name}{{stroke:var(--{name})}}.drawing .fill.{name}{{fill:var(--{name})}}"
    for name in (*SERIES, "reference", "current", "alarm", "warn", "good")
)
_HEAT_RULES = "".join(f".drawing .{name}{{fill:var(--{name})}}" for name in ("h0", "h1", "h2", "h3", "h4"))

CSS: Final = (
    f":root{{color-scheme:light dark;{_variables(LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_variables(DARK)}}}}}"
    f"@media print{{:root{{{_variables(LIGHT)}}}}}"
    ".drawing{display:block;max-width:100%;height:auto;font:12px system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    ".drawing text{fill:var(--ink)}.drawing .label{fill:var(--quiet)}.drawing .strong{font-weight:600}"
    ".drawing .small{font-size:11px}.drawing .grid{stroke:var(--grid);stroke-width:1}"
    ".drawing .axis{stroke:var(--edge);stroke-width:1}"
    ".drawing .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
    ".drawing .thin{stroke-width:1.25}.drawing .dashed{stroke-dasharray:5 4;stroke-linecap:butt}"
    ".drawing .dotted{stroke-dasharray:1 4}"
    ".drawing .band{opacity:.2;stroke:none}.drawing .faint{opacity:.12;stroke:none}.drawing .soft{opacity:.45}"
    ".drawing .hatch{stroke:var(--edge);stroke-width:1;fill:none;opacity:.55}"
    ".drawing .marker{stroke:var(--quiet);stroke-width:1;stroke-dasharray:2 3}"
    ".drawing .head{fill:var(--quiet)}"
    ".drawing .outline{fill:none;stroke:var(--ink);stroke-width:1.5}.drawing .empty{fill:none;stroke:var(--grid)}"
    f"{_SERIES_RULES}{_HEAT_RULES}"
)
