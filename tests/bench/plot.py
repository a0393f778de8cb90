"""Line plots as SVG, by nothing but text: one axis each way, linear or
logarithmic, a colour and a marker a line, a legend under the title."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 24, 64, 48
COLOURS = ["#0b62a4", "#c43c00", "#3a7d2c", "#7a3fa0", "#8a6d00"]


def short(value):
    """A tick's label: 0.5, 20, 5k, 1M, 1.5M."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def linear_ticks(most):
    """Four to ten round numbers from 0 past MOST."""
    step = 10 ** math.floor(math.log10(most)) if most > 0 else 1
    while most / step > 10:
        step *= 2
    while most / step < 4:
        step /= 2
    return [step * i for i in range(math.ceil(most / step) + 1)]


def log_ticks(least, most):
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return [10.0 ** e for e in range(low, max(high, low + 1) + 1)]


class Axis:
    """Values to pixels between START and END."""

    def __init__(self, values, log, start, end):
        self.log, self.start, self.end = log, start, end
        self.ticks = log_ticks(min(values), max(values)) if log \
            else linear_ticks(max(values))
        self.low, self.high = self.ticks[0], self.ticks[-1]

    def at(self, value):
        if self.log:
            part = math.log10(value / self.low) / \
                math.log10(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)


def line_plot(title, x_label, y_label, series, log_x=False, log_y=False):
    """SVG of SERIES, a dict of name -> [(x, y), ...]; None without a point."""
    series = {name: sorted(points) for name, points in series.items() if points}
    if not series:
        return None
    points = [point for line in series.values() for point in line]
    x = Axis([p[0] for p in points], log_x, LEFT, WIDTH - RIGHT)
    y = Axis([p[1] for p in points], log_y, HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f"<title>{escape(title)}</title>",
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">'
           f"{escape(title)}</text>"]
    for tick in x.ticks:
        at = x.at(tick)
        out.append(f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" '
                   f'y2="{HEIGHT - BOTTOM}" stroke="#eeeeee"/>')
        out.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 16}" '
                   f'text-anchor="middle">{short(tick)}</text>')
    for tick in y.ticks:
        at = y.at(tick)
        out.append(f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" '
                   f'y2="{at:.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" '
                   f'text-anchor="end">{short(tick)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" '
               f'text-anchor="middle">{escape(x_label)}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    out.append(f'<text x="16" y="{middle}" text-anchor="middle" '
               f'transform="rotate(-90 16 {middle})">{escape(y_label)}</text>')
    legend = LEFT
    for i, (name, line) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        path = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in line)
        out.append(f'<polyline points="{path}" fill="none" '
                   f'stroke="{colour}" stroke-width="2"/>')
        for a, b in line:
            out.append(f'<circle cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="3" '
                       f'fill="{colour}"/>')
        out.append(f'<rect x="{legend}" y="36" width="12" height="4" '
                   f'fill="{colour}"/>')
        out.append(f'<text x="{legend + 16}" y="42">{escape(name)}</text>')
        legend += 16 + 7 * len(name) + 20
    return "\n".join(out + ["</svg>", ""])
