#!/usr/bin/python3
"""
Does the ratchet measure soundly? One figure for each claim: simulated and real noise, flaky cases in a large matrix, a
hundred proposals in a row, merges of baselines, and a large baseline; beside google-benchmark's compare.py (package
libbenchmark-tools with python3-scipy), a gate with a stored threshold, betterer and ESLint's suppressions (npm).
"""

import math
import os
import random
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kit import Bench, MIB, median, row, seconds  # noqa: E402

NOISES = ['lognormal', 'heavy', 'drift', 'spikes', 'sittings']
MARGIN, SAMPLES = 0.01, 10
# the rule of compare.py on the same pairs: its own function, and what its users do with the p-value; the base's numbers
# are raised by a margin where it is asked what ratchet is asked, whether they are worse by more than that
UTEST = r'''
import sys
sys.path.insert(0, '/usr/share/benchmark')
from gbench import report
alarms = 0
for line in open(sys.argv[1]):
    values = [float(x) for x in line.split()[1:]]
    base, here = [x * (1 + float(sys.argv[2])) for x in values[0::2]], values[1::2]
    _, _, p = report.calc_utest([base, here], [base, here])
    alarms += p is not None and p < 0.05 and sorted(here)[len(here) // 2] > sorted(base)[len(base) // 2]
print(alarms)
'''


def bound(found, trials):
    """The upper end of the exact one-sided 95 % interval of a rate."""
    if found >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        below = sum(math.exp(math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) +
                             k * math.log(middle) + (trials - k) * math.log1p(-middle)) for k in range(found + 1))
        low, high = (middle, high) if below > 0.05 else (low, middle)
    return high


def percent(share):
    return '%.2f%%' % (100 * share)


class Statistics:
    def __init__(self, bench):
        self.bench, self.driver = bench, os.path.join(bench.helpers, 'bench_chance')
        self.noises = bench.size(NOISES, ['sittings'])
        tried = subprocess.run(['/usr/bin/python3', '-c', 'import sys; sys.path.insert(0, "/usr/share/benchmark")\n'
                                'from gbench import report'], capture_output=True)
        self.has_utest = tried.returncode == 0
        if not self.has_utest:
            print('compare.py: not measured, because libbenchmark-tools and python3-scipy are not here')

    def ask(self, *words, **more):
        output = self.bench.run([self.driver] + [str(word) for word in words], **more).output
        return {line.split()[0]: float(line.split()[1]) for line in output.splitlines()}

    def utest(self, dump, margin):
        return int(self.bench.run(['/usr/bin/python3', '-c', UTEST, dump, str(margin)]).output)

    # ---- numbers ----

    def show_rates(self, name, said, target, limit_is_upper, dump, margin=MARGIN):
        trials = int(said['trials'])
        found = int(said['regressed'])
        shown = bound(found, trials) if limit_is_upper else 1 - bound(trials - found, trials)
        met = shown <= target if limit_is_upper else shown >= target
        row(name, percent(found / trials), '', percent(shown), '%s %g%%' % ('<=' if limit_is_upper else '>=', 100 * target), met)
        print('    undecided %s, pairs %.1f' % (percent(said['inconclusive'] / trials), said['pairs']))
        for words, shift in (('compare.py, p < 0.05', 0), ('the same beyond the margin', margin)) if self.has_utest else ():
            print('    %-40s %11s' % (words, percent(self.utest(dump, shift) / trials)))
        for tolerance in (0.01, 0.1):
            over = 0
            for line in open(dump):
                values = [float(x) for x in line.split()]
                here = values[2:2 + 2 * SAMPLES:2]
                over += sum(here) / len(here) > values[0] * (1 + tolerance)
            print('    %-40s %11s' % ('stored number, tolerance %g%%' % (100 * tolerance), percent(over / trials)))

    def simulated(self):
        trials = self.bench.size(2000, 20)
        dump = self.bench.path('dump')
        for noise in self.noises:
            said = self.ask('metric', noise, 1, trials, MARGIN, SAMPLES, 1, dump)
            self.show_rates('no change, %s: refused' % noise, said, 0.01, True, dump)
        for noise in self.noises:
            said = self.ask('metric', noise, 1.02, trials, MARGIN, SAMPLES, 2, dump)
            self.show_rates('+2%%, %s: refused' % noise, said, 0.95, False, dump)

    def real(self):
        """
        A/A, and the same with every other number scaled, on real programs of a few milliseconds: expat over a report by
        processor time, and sort over its lines by the clock on the wall, with all that others do on the machine.
        """
        report = self.bench.path('small.xml')
        with open(report, 'w') as out:
            out.write('<testsuites><testsuite name="a">\n%s</testsuite></testsuites>' %
                      ''.join('<testcase classname="c" name="n%d" time="0.1"/>\n' % i for i in range(4000)))
        self.real_program('expat', [os.path.join(self.bench.helpers, 'bench_count'), report], False)
        self.real_program('sort, wall', ['sort', '-r', report], True)

    def real_program(self, title, argv, wall):
        trials, runs = self.bench.size(300, 2), 16 * SAMPLES

        def once():
            start = time.monotonic()
            child = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            return time.monotonic() - start if wall else usage.ru_utime + usage.ru_stime

        series = []
        for _ in range(trials):
            values = [once() for _ in range(1 + runs)]
            # in every other pair the candidate ran first
            for i in range(1, runs, 4):
                values[i + 2:i + 4] = reversed(values[i + 2:i + 4])
            series.append(values)
        spread = [v / sorted(s)[len(s) // 2] for s in series for v in s]
        mean = sum(spread) / len(spread)
        noise = math.sqrt(sum((v - mean) ** 2 for v in spread) / len(spread))
        data, dump = self.bench.path('data'), self.bench.path('dump')
        # so few trials as a smoke test makes bound nothing
        for effect, target, upper in ((1, max(0.01, bound(0, trials)), True), (1.1, 0.95, False)):
            with open(data, 'w') as out, open(dump, 'w') as copy:
                for values in series:
                    scaled = [v * (effect if i % 2 == 0 else 1) for i, v in enumerate(values)]
                    out.write(' '.join('%.9g' % v for v in scaled) + '\n')
                    other = random.Random(1).choice(series)
                    stored = sum(other[1:2 * SAMPLES:2]) / SAMPLES
                    copy.write(' '.join('%.9g' % v for v in [stored] + scaled[1:1 + 8 * SAMPLES]) + '\n')
            said = self.ask('metric', '-', 0.02, SAMPLES, stdin=data)
            name = '%s, noise %s, %s' % (title, percent(noise), 'no change' if effect == 1 else '+10%')
            self.show_rates(name, said, target, upper, dump, 0.02)

    def hundred(self):
        for noise in self.bench.size(('lognormal', 'spikes', 'sittings'), ('sittings',)):
            said = self.ask('hundred', noise, self.bench.size(60, 2), MARGIN, SAMPLES, 3)
            trials = said['trials']
            row('after 100 null proposals, %s: passes' % noise, percent(said['landed'] / trials),
                percent(1 - said['naive'] / trials), percent(said['regressed'] / trials), '<= 1%', said['regressed'] == 0)
            print('    bars moved %d times, the lowest to %.4f (other: best ever, tolerance 5%%)' %
                  (said['moves'], said['lowest']))

    # ---- cases ----

    def flaky(self):
        gates = self.bench.size(320, 3)
        strong = self.bench.size(3000, 3)
        for name, classes, n in (('1,500 flakes of 1%', ['1500:0.01:0.01'], gates),
                                 ('100 flakes of 1%, 1,000 of 0.1%', ['100:0.01:0.01', '1000:0.001:0.001'], gates),
                                 ('100 flakes of 10%', ['100:0.1:0.1'], gates),
                                 ('20 flakes of 40%', ['20:0.4:0.4'], strong),
                                 ('50 flakes of 30%', ['50:0.3:0.3'], strong),
                                 ('1,000 of 1%, 100 of 10%, 20 of 40%',
                                  ['1000:0.01:0.01', '100:0.1:0.1', '20:0.4:0.4'], gates)):
            said = self.ask('flaky', 100000, n, 1, *classes)
            shown = bound(int(said['regressed']), n)
            row('100,000 cases, %s: refused' % name, percent(said['regressed'] / n), '', percent(shown), '<= 1%',
                shown <= 0.01)
            print('    undecided %s, runs of the check %.1f' % (percent(said['inconclusive'] / n), said['rounds']))
            self.runs(said, 0, '    runs of a red case that is flaky')
        said = self.ask('flaky', 100000, gates, 2, '1:0:1', '1:0:0.5', '100:0.001:0.001')
        row('    one broken case is found', percent(said['regressed'] / gates), '', '', '>= 95%', said['regressed'] / gates >= 0.95)
        self.runs(said, 0, '    runs of a red case that is broken')
        self.runs(said, 1, '    runs of a red case that fails half the time')

    def runs(self, said, i, name):
        if said['red%d' % i]:
            share = said['runs%d' % i] / said['expected%d' % i]
            row(name, '%.2f' % said['runs%d' % i], '%.2f' % said['expected%d' % i], '%.3f' % share, '<= 1.2', share <= 1.2)

    # ---- merges ----

    def merge(self, name, write, record, file, **more):
        """Two branches that fix one hundred of 400 entries each and add a hundred. Conflicts in the file, entries lost."""
        bench, repo = self.bench, self.bench.path('merge-' + name)
        os.makedirs(os.path.join(repo, 'f'))
        bench.run(['git', 'init', '-q', repo])
        more = dict(more, cwd=repo)

        def step(branch, bad, good):
            for path in bad:
                write(os.path.join(repo, 'f', path), True)
            for path in good:
                write(os.path.join(repo, 'f', path), False)
            bench.git(repo, 'add', '-A')
            bench.git(repo, 'commit', '-q', '-m', branch + ': files')
            record(repo, more)
            bench.git(repo, 'add', '-A')
            bench.git(repo, 'commit', '-q', '--allow-empty', '-m', branch)

        n = bench.size(100, 10)
        old = ['old%03d.js' % i for i in range(4 * n)]
        step('base', old, [])
        bench.git(repo, 'checkout', '-q', '-b', 'ours')
        step('ours', ['new-a%03d.js' % i for i in range(n)], old[:n])
        bench.git(repo, 'checkout', '-q', '-b', 'theirs', 'main')
        step('theirs', ['new-b%03d.js' % i for i in range(n)], old[n:2 * n])
        bench.git(repo, 'checkout', '-q', 'ours')
        bench.git(repo, 'merge', '-q', '-m', 'merged', 'theirs', exits=(0, 1))
        with open(os.path.join(repo, file)) as merged:
            text = merged.read()
        conflicts = len(re.findall('^<<<<<<<', text, re.M))
        wanted = old[2 * n:] + ['new-%s%03d.js' % (side, i) for side in 'ab' for i in range(n)]
        lost = sum(path not in text for path in wanted)
        return conflicts, lost

    def merges(self):
        bench = self.bench

        def write_bad(path, bad):
            with open(path, 'w') as out:
                out.write('var a = 1;\n' if bad else 'let a = 1;\n')

        def record(repo, more):
            if not os.path.exists(os.path.join(repo, '.gitattributes')):
                with open(os.path.join(repo, '.gitattributes'), 'w') as out:
                    out.write('lint.tsv merge=ratchet -text\n')
                bench.git(repo, 'config', 'merge.ratchet.driver', bench.ratchet + ' merge-driver %O %A %B')
            path = os.path.join(repo, 'lint.tsv')
            levels = {}
            if os.path.exists(path):
                levels = dict(line.split('\t')[:2] for line in open(path))
            for name in os.listdir(os.path.join(repo, 'f')):
                bad = open(os.path.join(repo, 'f', name)).read().startswith('var')
                if bad or 'lint/' + name in levels:
                    levels['lint/' + name] = 'known' if bad else 'gone'
            with open(path, 'w') as out:
                out.writelines('%s\t%s\t\t0\n' % entry for entry in sorted(levels.items()))

        conflicts, lost = self.merge('ratchet', write_bad, record, 'lint.tsv')
        row('two branches, 100 fixed and 100 added each', '%d conflicts' % conflicts, '', '%d lost' % lost, '0, 0',
            not conflicts and not lost)
        print('    in the process: tests/e2e/merge_driver.sh')
        tools = self.tools()
        if not tools:
            return
        env = {'env': {'HOME': os.environ.get('HOME', bench.path('home'))}}

        def betterer(repo, more):
            self.betterer_config(repo, tools, "require('fs').readFileSync(path, 'utf8').startsWith('var') ? 1 : 0")
            bench.run([os.path.join(tools, '.bin', 'betterer'), '-c', '.betterer.js', '--update'], exits=(0, 1), **more)

        def eslint(repo, more):
            with open(os.path.join(repo, 'eslint.config.mjs'), 'w') as out:
                out.write("export default [{files: ['f/*.js'], rules: {'no-var': 'error'}}];\n")
            for words in (['--suppress-all'], ['--prune-suppressions']):
                bench.run([os.path.join(tools, '.bin', 'eslint'), 'f'] + words, exits=(0, 1, 2), **more)

        for name, tool, file in (('betterer', betterer, '.betterer.results'),
                                 ('ESLint', eslint, 'eslint-suppressions.json')):
            conflicts, lost = self.merge(name, write_bad, tool, file, **env)
            print('    %-40s %11s %11s %9s' % (name, '', '%d conflicts' % conflicts, '%d lost' % lost))

    # ---- npm ----

    def tools(self):
        if hasattr(self, 'modules'):
            return self.modules
        self.modules = os.environ.get('RATCHET_BENCH_NODE_MODULES', '')
        if not self.modules and not self.bench.smoke:
            where = self.bench.path('npm')
            os.mkdir(where)
            self.bench.run(['npm', 'install', '--silent', '--no-fund', '--no-audit', '--ignore-scripts', '@betterer/cli',
                            '@betterer/betterer', 'eslint'], cwd=where, exits=range(256),
                           env={'HOME': os.environ.get('HOME', self.bench.path('home'))})
            self.modules = os.path.join(where, 'node_modules')
        if not os.path.exists(os.path.join(self.modules, '.bin', 'betterer')):
            print('betterer, ESLint: not measured, because npm did not install them here')
            self.modules = None
        return self.modules

    def betterer_config(self, repo, modules, count):
        with open(os.path.join(repo, '.betterer.js'), 'w') as out:
            out.write("const { BettererFileTest } = require('%s/@betterer/betterer');\n"
                      "module.exports = { lint: () => new BettererFileTest(async (paths, result) => {\n"
                      "  for (const path of paths) {\n"
                      "    const file = result.addFile(path, 'x'.repeat(40) + '\\n');\n"
                      "    for (let i = 0, n = %s; i < n; i++) file.addIssue(0, i %% 30, i %% 30 + 1, path + i);\n"
                      "  }\n}).include('./f/*.js') };\n" % (os.path.realpath(modules), count))

    def large(self):
        bench = self.bench
        n = bench.size(100000, 300)
        full, empty, out = bench.path('full.tsv'), bench.path('empty.tsv'), bench.path('out.tsv')
        with open(full, 'w') as text, open(empty, 'w') as none:
            text.write('lint/(ran)\tpass\t\t0\n')
            none.write('lint/(ran)\tpass\t\t0\n')
            text.writelines('lint/rule::f/%04d.js::%09x\tknown\t\t0\n' % (i // 100, i) for i in range(n))
        sides = {'full': lambda i: bench.run([self.driver, 'baseline', full, out], peak=True),
                 'empty': lambda i: bench.run([self.driver, 'baseline', empty, out], peak=True)}
        ours = bench.interleave(bench.rounds(5), sides)
        # of the processor: the empty runs of betterer differ by more than what is measured where a machine is busy
        took = median(ours['full'], 'cpu') - median(ours['empty'], 'cpu')
        held = (median(ours['full'], 'peak') - median(ours['empty'], 'peak')) / MIB
        tools = self.tools()
        if not tools:
            row('%d entries: load, compare, write' % n, seconds(took), '', '', '', True)
            row('%d entries: memory' % n, '%.1f MiB' % held, '', '', '', True)
            return
        repo = bench.path('betterer')
        os.makedirs(os.path.join(repo, 'f'))
        bench.run(['git', 'init', '-q', repo])
        for i in range(n // 100):
            open(os.path.join(repo, 'f', '%04d.js' % i), 'w').close()
        self.betterer_config(repo, tools, 'Number(process.env.ISSUES)')
        bench.git(repo, 'add', '-A')
        bench.git(repo, 'commit', '-q', '-m', 'files')
        argv = [os.path.join(tools, '.bin', 'betterer'), '-c', '.betterer.js']
        home = os.environ.get('HOME', bench.path('home'))
        theirs = {}
        for issues in ('100', '0'):
            results = os.path.join(repo, '.betterer.results')
            if os.path.exists(results):
                os.unlink(results)
            env = {'HOME': home, 'ISSUES': issues}
            bench.run(argv, cwd=repo, env=env)  # the first one only writes
            theirs[issues] = [bench.run(argv, cwd=repo, env=env, peak=True) for _ in range(bench.rounds(3))]
        slow = median(theirs['100'], 'cpu') - median(theirs['0'], 'cpu')
        large = (median(theirs['100'], 'peak') - median(theirs['0'], 'peak')) / MIB
        faster = slow / max(took, 1e-4)
        row('%d entries / betterer, processor time' % n, seconds(took), seconds(slow), '%.1fx' % faster, '>= 20x', faster >= 20)
        less = large / max(held, 0.1)
        row('    memory', '%.1f MiB' % held, '%.1f MiB' % large, '%.1fx' % less, '>= 5x', less >= 5)


def main():
    with Bench('chance', __doc__) as bench:
        statistics = Statistics(bench)
        for part in (statistics.simulated, statistics.real, statistics.hundred, statistics.flaky, statistics.merges,
                     statistics.large):
            part()


main()
