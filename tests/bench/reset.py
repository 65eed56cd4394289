#!/usr/bin/python3
"""What is left of a candidate's writes goes: the end of a cell that wrote thousands of files beside one that wrote none, and
beside `git clean` of as many. Counted from the last write to the end of the program. What grows with the files is the
kernel's own work, for the overlay and the memory that held them."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, Taken, median, ratio, row, seconds  # noqa: E402

# Files of 4 KiB, a hundred a directory; the last line is the time of the last write.
WRITER = '''
import os, sys, time
for i in range(int(sys.argv[1])):
    if i % 100 == 0:
        os.makedirs('out/d%d' % i)
    with open('out/d%d/f%d' % (i - i % 100, i), 'wb') as f:
        f.write(b'x' * 4096)
print(time.monotonic())
'''


def main():
    with Bench('reset', __doc__) as bench:
        files = bench.size(20000, 50)
        tool = os.path.join(bench.helpers, 'bench_cell')
        plain = bench.path('plain')
        bench.run(['git', 'init', '-q', plain])

        def rest(taken):
            return Taken(time.monotonic() - float(taken.output.split()[-1]), taken.cpu, taken.peak, taken.output)

        def cell(count):
            return rest(bench.run([tool, '1', '1', 'namespaces', 'python3', '-c', WRITER, str(count)]))

        def clean(_):
            bench.run(['python3', '-c', WRITER, str(files)], cwd=plain)
            return bench.run(['git', '-C', plain, 'clean', '-ffdxq'])

        taken = bench.interleave(bench.rounds(9), {
            'much': lambda _: cell(files), 'nothing': lambda _: cell(0), 'git': clean})
        much, nothing = median(taken['much']), median(taken['nothing'])
        row('end of a cell, %d files / none' % files, seconds(much), seconds(nothing),
            '%.1f us' % ((much - nothing) / files * 1e6), 'a file', True)
        ratio('the same / git clean', taken['much'], taken['git'], 0.25)


main()
