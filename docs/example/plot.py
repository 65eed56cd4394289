#!/usr/bin/python3
"""The pairs behind decisions as a plot: docs/example/plot.py FOLDER, where `ratchet explain --json` was kept by name."""

import json
import os
import sys
from html import escape

WIDTH, ROW, LEFT, RIGHT = 820, 120, 150, 20


def decisions(folder):
    for name in ('comment', 'validate', 'strings-first'):
        with open(os.path.join(folder, name + '.json')) as said:
            entry = json.load(said)
        for decision in entry['decisions']:
            if decision.get('samples'):
                yield name, entry['verdict'], decision


def main():
    rows = list(decisions(sys.argv[1]))
    ratios = [here / base for _, _, d in rows for base, here in d['samples']]
    low, high = min(ratios + [0.98]), max(ratios + [1.02])

    def x(ratio):
        return LEFT + (WIDTH - LEFT - RIGHT) * (ratio - low) / (high - low)

    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">'
           % (WIDTH, ROW * len(rows) + 40), '<rect width="100%" height="100%" fill="white"/>']
    for i, (name, verdict, d) in enumerate(rows):
        top = i * ROW + 10
        margin = 1 + d['margin']
        out.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#eef5ee"/>' %
                   (x(1 / margin), top, x(margin) - x(1 / margin), ROW - 20))
        out.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#888"/>' % (x(1), top, x(1), top + ROW - 20))
        for k, (base, here) in enumerate(d['samples']):
            y = top + 8 + (ROW - 50) * (k + 0.5) / len(d['samples'])
            out.append('<circle cx="%.1f" cy="%.1f" r="2.5" fill="#36c" fill-opacity="0.6"/>' % (x(here / base), y))
        y, end = top + ROW - 32, d['high'] if d['high'] else high
        out.append('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#c30" stroke-width="3"/>' %
                   (x(max(d['low'], low)), y, x(min(end, high)), y))
        out.append('<circle cx="%.1f" cy="%d" r="5" fill="#c30"/>' % (x(d['ratio']), y))
        out.append('<text x="8" y="%d" font-weight="bold">%s</text>' % (top + 28, escape(name)))
        out.append('<text x="8" y="%d">%s</text>' % (top + 46, escape('%s, %d pairs' % (d['answer'], d['pairs']))))
        out.append('<text x="8" y="%d">%s</text>' % (top + 64, escape('%.4f (%.4f to %.4f)' % (d['ratio'], d['low'], end))))
    bottom = ROW * len(rows) + 28
    for ratio in (0.9, 0.95, 0.98, 1, 1.02, 1.05, 1.1, 1.2):
        if low <= ratio <= high:
            out.append('<text x="%.1f" y="%d" text-anchor="middle">%g</text>' % (x(ratio), bottom, ratio))
    out.append('</svg>')
    print('\n'.join(out))


main()
