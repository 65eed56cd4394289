#!/usr/bin/python3
"""
One million JUnit cases against a baseline of one million lines: parse, compare and verdict, beside a Python iterparse
loop with a dict, and beside an expat loop that only counts.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, median, peak, ratio, row, seconds  # noqa: E402

LOOP = r'''
import sys, xml.etree.ElementTree as tree
known = {}
for line in open(sys.argv[2], encoding='utf-8'):
    case, level, value, epoch = line.rstrip('\n').split('\t')
    known[case] = (level, value, epoch)
red, new, raised = [], 0, {}
parents = []
for event, node in tree.iterparse(sys.argv[1], events=('start', 'end')):
    if event == 'start':
        parents.append(node)
        continue
    parents.pop()
    if node.tag == 'testcase':
        case = 'unit/' + node.get('classname') + '::' + node.get('name')
        status = 'pass'
        for child in node:
            if child.tag in ('failure', 'error', 'skipped'):
                status = child.tag
        line = known.get(case)
        if line is None:
            new += 1
        elif line[0] == 'pass' and status != 'pass':
            red.append(case)
        raised[case] = status
    if parents:
        parents[-1].remove(node)
for case in known:
    if case not in raised:
        red.append(case)
print('regressed' if red else 'would-land', len(raised), new)
'''


def generate(bench, cases):
    report, baseline = bench.path('report.xml'), bench.path('unit.tsv')
    ids = []
    with open(report, 'w') as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n')
        for first in range(0, cases, 1000):
            name = 'project.part%03d.TestUnit%04d' % (first // 1000 % 97, first // 1000)
            count = min(1000, cases - first)
            out.write(' <testsuite name="%s" tests="%d" failures="0" errors="0" skipped="0">\n' % (name, count))
            for i in range(first, first + count):
                out.write('  <testcase classname="%s" name="test_case_%07d" time="0.00%d"/>\n' % (name, i, i % 10))
                ids.append('unit/%s::test_case_%07d' % (name, i))
            out.write(' </testsuite>\n')
        out.write('</testsuites>\n')
    ids.sort()
    with open(baseline, 'w') as out:
        out.writelines('%s\tpass\t\t\n' % case for case in ids)
    return report, baseline


def main():
    with Bench('junit', __doc__) as bench:
        cases = bench.size(1000000, 2000)
        generate(bench, cases)
        report, baseline = bench.path('report.xml'), bench.path('unit.tsv')
        judge = [os.path.join(bench.helpers, 'bench_judge'), report, baseline]
        count = [os.path.join(bench.helpers, 'bench_count'), report]
        sides = {'judge': lambda i: bench.run(judge), 'count': lambda i: bench.run(count)}
        taken = bench.interleave(bench.rounds(7), sides)
        loops = bench.interleave(bench.rounds(3), {
            'judge': sides['judge'], 'loop': lambda i: bench.run(['/usr/bin/python3', '-c', LOOP, report, baseline])})
        wanted = 'would-land: %d cases, %d known, 0 regressions' % (cases, cases)
        if not taken['judge'][0].output.startswith(wanted) or loops['loop'][0].output.split()[:2] != ['would-land', str(cases)]:
            raise SystemExit('another verdict: %s%s' % (taken['judge'][0].output, loops['loop'][0].output))
        ratio('%d cases / Python iterparse and a dict' % cases, loops['judge'], loops['loop'], 1 / 3)
        ratio('%d cases / expat that counts' % cases, taken['judge'], taken['count'], 1.7)
        peak('%d cases: peak memory' % cases, [bench.run(judge, peak=True)], 150)


main()
