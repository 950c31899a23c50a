"""Elements of SVG as text. What is written is escaped; a coordinate that is no number is refused, never drawn."""

import math
import re
from collections.abc import Iterable
from html import escape

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Attribute = str | float | int | None


def element(tag: str, *children: str, **attributes: Attribute) -> str:
    """One element; `children` are markup. `class_` is `class`, `stroke_width` is `stroke-width`; None is left out.

    >>> element("rect", x=1.0, class_="bar", rx=None)
    '<rect x="1" class="bar"/>'
    """
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(value) if isinstance(value, str) else coordinate(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    content = "".join(children)
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"


def text(value: str) -> str:
    """Words as content or attribute; what XML cannot hold at all becomes a question mark.

    >>> text('<b> & "c"' + chr(0))
    '&lt;b&gt; &amp; &quot;c&quot;?'
    """
    return escape(_NOT_IN_XML.sub("?", value), quote=True)


def words(value: str, x: float, y: float, class_: str = "label", anchor: str | None = None) -> str:
    """A line of text that stands on `y`; `anchor` is start, middle or end."""
    return element("text", text(value), x=x, y=y, class_=class_, text_anchor=anchor)


def hint(value: str) -> str:
    """What is shown of an element when one points at it, and read out."""
    return element("title", text(value)) if value else ""


def path(points: Iterable[tuple[float, float]], *, closed: bool = False) -> str:
    """The `d` of a polyline.

    >>> path([(0, 0), (1.25, 2)], closed=True)
    'M0 0L1.25 2Z'
    """
    pieces = [f"{coordinate(x)} {coordinate(y)}" for x, y in points]
    return f"M{'L'.join(pieces)}{'Z' if closed else ''}" if pieces else ""


def picture(width: float, height: float, *content: str, title: str, description: str = "", class_: str = "") -> str:
    """A whole drawing, `width` by `height` units, that scales with its place and says in words what it shows."""
    return element(
        "svg",
        element("title", text(title)),
        element("desc", text(description)) if description else "",
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=width,
        height=height,
        role="img",
        class_=f"drawing {class_}".strip(),
    )


def coordinate(value: float) -> str:
    """A number with at most two decimals. Raises ValueError if it is not finite.

    >>> coordinate(3.0), coordinate(-0.001), coordinate(1 / 3)
    ('3', '0', '0.33')
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} is no coordinate")
    written = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written
