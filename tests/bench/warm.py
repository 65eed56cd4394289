#!/usr/bin/python3
"""A proposal that changes one of sixty C files, built in a warm workspace beside the same build in a clean one."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, Taken, ratio  # noqa: E402

CONFIG = '''version: 1
target: main
checks:
  - name: build
    run: make -s -j2 && ./app
    workspace: %s
    inputs: ["src/**", Makefile]
'''
MAKEFILE = '''OBJS = $(patsubst %.c,%.o,$(wildcard src/*.c))
app: $(OBJS)
\tgcc -o $@ $(OBJS)
%.o: %.c src/all.h
\tgcc -O2 -c -o $@ $<
'''


def source(i, version):
    lines = ['#include <stdio.h>', '#include <stdlib.h>', '#include <string.h>', '#include "all.h"']
    for k in range(12):
        lines.append('static int step_%d_%d(int x) { char b[64]; for (int i = 0; i < 9; i++) x += snprintf(b, sizeof(b), '
                     '"%%d", x * %d + i); qsort(b, strlen(b), 1, (int (*)(const void *, const void *))strcmp); return x; }'
                     % (i, k, k + version))
    lines.append('int f%d(int x) { return %s; }' % (i, ' + '.join('step_%d_%d(x)' % (i, k) for k in range(12))))
    return '\n'.join(lines) + '\n'


def make_project(bench, repo, files, workspace):
    os.makedirs(os.path.join(repo, 'src'))
    for i in range(files):
        with open(os.path.join(repo, 'src', 'f%d.c' % i), 'w') as out:
            out.write(source(i, 0))
    with open(os.path.join(repo, 'src', 'all.h'), 'w') as out:
        out.writelines('int f%d(int x);\n' % i for i in range(files))
    with open(os.path.join(repo, 'src', 'main.c'), 'w') as out:
        out.write('#include "all.h"\nint main(void) { return (%s) == 0; }\n' %
                  ' + '.join('f%d(1)' % i for i in range(files)))
    with open(os.path.join(repo, 'Makefile'), 'w') as out:
        out.write(MAKEFILE)
    with open(os.path.join(repo, 'ratchet.yml'), 'w') as out:
        out.write(CONFIG % workspace)
    bench.git(repo, 'init', '-q', '-b', 'main')
    bench.git(repo, 'add', '-A')
    bench.git(repo, 'commit', '-q', '-m', 'first')
    bench.run([bench.ratchet, '-C', repo, 'check'])
    bench.run([bench.ratchet, '-C', repo, 'baseline', 'record'])


def main():
    with Bench('warm', __doc__) as bench:
        files = bench.size(60, 6)
        repos = {name: bench.path(name) for name in ('warm', 'clean')}
        for name, repo in repos.items():
            make_project(bench, repo, files, name)

        def propose(name, i):
            path = os.path.join(repos[name], 'src', 'f%d.c' % (i % files))
            with open(path, 'w') as out:
                out.write(source(i % files, i + 1))
            patch = bench.path('patch')
            with open(patch, 'w') as out:
                out.write(bench.run(['git', '-C', repos[name], 'diff']).output)
            bench.git(repos[name], 'checkout', '-q', '.')
            taken = bench.run([bench.ratchet, '-C', repos[name], 'propose', '--dry-run', '--json', patch])
            report = json.loads(taken.output[taken.output.index('{"base"'):])
            if report['verdict'] != 'would-land' or report['cells'][0]['cached']:
                raise SystemExit('not built: ' + taken.output)
            build = report['cells'][0]['duration_ms'] / 1e3
            return Taken(build, taken.cpu, taken.peak, taken.output), taken

        whole = {'warm': [], 'clean': []}

        def side(name, first):
            def run(i):
                build, all_of_it = propose(name, i + first)
                whole[name].append(all_of_it)
                return build
            return run

        # another change than the measured ones: a build that was seen is not done again
        bench.interleave(1, {name: side(name, files - 1) for name in repos})
        for taken in whole.values():
            taken.clear()
        taken = bench.interleave(bench.rounds(7), {name: side(name, 0) for name in repos})
        ratio('one of %d C files: warm build / clean build' % files, taken['warm'], taken['clean'], 0.2)
        ratio('    the whole proposal', whole['warm'], whole['clean'], 1)


main()
