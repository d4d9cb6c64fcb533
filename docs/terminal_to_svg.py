#!/usr/bin/env python3
"""Draws terminal screens (text with colours, as `tmux capture-pane -e` prints it) below each other as one SVG."""

import html
import re
import sys
import unicodedata

COLOURS = ["#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9"]
BRIGHT = ["#7f848e", "#ff7b86", "#b5e890", "#ffd98a", "#82c4ff", "#e29cf5", "#7fdfe8", "#ffffff"]
WIDE, HIGH, PAD = 8.4, 18, 16
NBSP = "\u00a0"  # SVG would make one space of many


def colour_256(n):
    if n < 8:
        return COLOURS[n]
    if n < 16:
        return BRIGHT[n - 8]
    if n < 232:
        level = lambda v: 0 if v == 0 else 55 + 40 * v
        n -= 16
        return "#%02x%02x%02x" % (level(n // 36), level(n // 6 % 6), level(n % 6))
    return "#%02x%02x%02x" % ((8 + 10 * (n - 232),) * 3)


def restyle(style, codes):
    codes = [int(c or 0) for c in codes.split(";")]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style.clear()
        elif code == 1:
            style["font-weight"] = "bold"
        elif code == 2:
            style["opacity"] = "0.6"
        elif code == 22:
            style.pop("font-weight", None), style.pop("opacity", None)
        elif 30 <= code <= 37:
            style["fill"] = COLOURS[code - 30]
        elif 90 <= code <= 97:
            style["fill"] = BRIGHT[code - 90]
        elif code == 39:
            style.pop("fill", None)
        elif code == 38 and codes[:1] == [5]:
            style["fill"] = colour_256(codes[1])
            codes = codes[2:]
        elif code == 38 and codes[:1] == [2]:
            style["fill"] = "#%02x%02x%02x" % tuple(codes[1:4])
            codes = codes[4:]


def spans(line, style):
    """Text runs of a line with the column at which each begins."""
    column = 0
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        if part.startswith("\x1b["):
            restyle(style, part[2:-1])
        elif part:
            yield column, part, dict(style)
            column += cells(part)


def cells(text):
    """How many columns a text takes: some scripts take two for a letter."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def main(paths):
    screens = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read().rstrip("\n")
        # The shell's prompt that follows the end is no part of it.
        screens.append(re.sub(r"\n(\x1b\[[0-9;]*m)*\$ ?(\x1b\[[0-9;]*m)*$", "", text).split("\n"))
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for lines in screens for line in lines]
    width = 2 * PAD + WIDE * max(map(cells, plain))
    height = sum(2 * PAD + HIGH * len(lines) for lines in screens) + PAD * (len(screens) - 1)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
          'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" '
          'font-size="14" fill="#d8dee9">')
    top = 0
    for lines in screens:
        box = 2 * PAD + HIGH * len(lines)
        print(f'<rect y="{top}" width="100%" height="{box}" rx="8" fill="#1e222a"/>')
        style = {}
        for row, line in enumerate(lines):
            y = top + PAD + HIGH * row + 13
            for column, text, look in spans(line, style):
                if text.strip():
                    looks = "".join(f' {name}="{value}"' for name, value in look.items())
                    print(f'<text x="{PAD + WIDE * column:.1f}" y="{y}" '
                          f'textLength="{WIDE * cells(text):.1f}"{looks}>'
                          f"{html.escape(text).replace(' ', NBSP)}</text>")
        top += box + PAD
    print("</svg>")


main(sys.argv[1:])
