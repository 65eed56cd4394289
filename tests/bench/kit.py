"""
What the benchmarks share: scratch repositories, timed commands, paired medians, one table.

A program and its alternative run in turns in the same run, so that a loaded machine slows both; figures are medians. The
second figure is processor time, user and system, of the program and all that it waited for: it hardly depends on others.
"""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20


class Taken:
    """One run: seconds of wall time, seconds of processor time, bytes at the peak or None."""

    def __init__(self, wall, cpu, peak, output):
        self.wall, self.cpu, self.peak, self.output = wall, cpu, peak, output


class Bench:
    def __init__(self, name, about):
        parser = argparse.ArgumentParser(description=about)
        parser.add_argument('--smoke', action='store_true', help='tiny sizes, two rounds: only that it still runs')
        parser.add_argument('--rounds', type=int, help='runs of each side')
        parser.add_argument('--seconds', type=int, default=900, help='longest run of this benchmark (900)')
        parser.add_argument('--keep', action='store_true', help='leave the scratch directory behind')
        given = parser.parse_args()
        self.name, self.smoke, self.rounds_given = name, given.smoke, given.rounds
        build = os.environ.get('BUILD', os.path.join(HERE, '..', '..', 'build-release'))
        self.ratchet = os.path.realpath(os.path.join(build, 'ratchet'))
        self.helpers = os.path.realpath(os.path.join(build, 'tests', 'bench'))
        self.dir = tempfile.mkdtemp(prefix='ratchet-bench-' + name + '.')
        self.keep = given.keep
        self.env = {
            'PATH': os.environ['PATH'], 'HOME': self.path('home'), 'LC_ALL': 'C', 'TZ': 'UTC',
            'GIT_CONFIG_NOSYSTEM': '1', 'GIT_TERMINAL_PROMPT': '0', 'RATCHET_ACTOR': 'bench',
            'GIT_AUTHOR_NAME': 'A U Thor', 'GIT_AUTHOR_EMAIL': 'author@example.com',
            'GIT_COMMITTER_NAME': 'C O Mitter', 'GIT_COMMITTER_EMAIL': 'committer@example.com',
        }
        os.mkdir(self.path('home'))
        with open(self.path('home', '.gitconfig'), 'w') as config:
            config.write('[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[advice]\n\tdetachedHead = false\n')
        signal.signal(signal.SIGALRM, self._late)
        signal.signal(signal.SIGTERM, self._ended)
        signal.alarm(given.seconds)
        self.deadline = given.seconds

    def __enter__(self):
        return self

    def __exit__(self, *_):
        signal.alarm(0)
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def _late(self, *_):
        raise SystemExit('%s: not done in %d s' % (self.name, self.deadline))

    def _ended(self, *_):
        raise SystemExit('%s: ended by a signal' % self.name)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def size(self, full, smoke):
        return smoke if self.smoke else full

    def rounds(self, full):
        return self.rounds_given or self.size(full, 2)

    def run(self, argv, cwd=None, stdin=None, exits=(0,), env=None, peak=False):
        """
        Runs a command and times it. Another exit code than those in `exits` ends the benchmark. What this process holds
        counts into the peak of what it starts, so that one is measured only where it is asked for, below GNU time.
        """
        if peak:
            argv = ['/usr/bin/time', '-q', '-f', '%M', '-o', self.path('peak')] + argv
        out = tempfile.TemporaryFile(dir=self.dir)
        source = open(stdin, 'rb') if stdin else subprocess.DEVNULL
        began = time.monotonic()
        child = subprocess.Popen(argv, cwd=cwd or self.dir, stdin=source, stdout=out, stderr=subprocess.STDOUT,
                                 env=dict(self.env, **(env or {})))
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        wall = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if stdin:
            source.close()
        out.seek(0)
        output = out.read().decode('utf-8', 'replace')
        out.close()
        if child.returncode not in exits:
            raise SystemExit('%s: exit %d of %s in %s\n%s' % (self.name, child.returncode, ' '.join(argv), cwd, output))
        held = None
        if peak:
            with open(self.path('peak')) as file:
                held = int(file.read()) * 1024
        return Taken(wall, usage.ru_utime + usage.ru_stime, held, output)

    def git(self, repo, *args, **more):
        return self.run(['git', '-C', repo] + list(args), **more).output.strip()

    def interleave(self, rounds, sides):
        """Runs every side once a round, in an order that turns; sides: name -> function of the round, giving Taken."""
        taken = {name: [] for name in sides}
        names = list(sides)
        for i in range(rounds):
            for name in names[i % len(names):] + names[:i % len(names)]:
                taken[name].append(sides[name](i))
        return taken


def median(taken, what='wall'):
    return statistics.median(getattr(t, what) for t in taken)


def seconds(value):
    return '%.1f ms' % (value * 1e3) if value < 1 else '%.2f s' % value


def row(name, ours, theirs, figure, target, met):
    """One line of the table: a figure with its target beside it. No figure fails a run."""
    print('%-44s %11s %11s %9s  %-8s %s' % (name, ours, theirs, figure, target, 'met' if met else 'MISSED'), flush=True)


def ratio(name, ours, theirs, most):
    """ours and theirs: lists of Taken; `most` bounds the ratio of their median wall times."""
    wall = median(ours) / median(theirs)
    cpu = median(ours, 'cpu') / max(median(theirs, 'cpu'), 1e-9)
    row(name, seconds(median(ours)), seconds(median(theirs)), '%.3f' % wall, '<= %g' % most, wall <= most)
    row('    processor time', seconds(median(ours, 'cpu')), seconds(median(theirs, 'cpu')), '%.3f' % cpu, '', True)


def peak(name, ours, most_mib):
    most = max(t.peak for t in ours) / MIB
    row(name, '%.1f MiB' % most, '', '', '< %d MiB' % most_mib, most < most_mib)


# ---- generated repositories ----

PER_DIR = 16


def file_name(i):
    return 'part%02d/unit%03d/file%05d.c' % (i // (PER_DIR * 100), i // PER_DIR % 100, i)


def file_lines(i, version=0):
    lines = ['/* file %d */' % i, 'int value_%d(void);' % i, '']
    lines += ['int value_%d_%d(void) { return %d; }' % (i, k, i * k) for k in range(4 + i % 29)]
    if version:
        lines[1] = 'int value_%d(void); /* version %d */' % (i, version)
    return lines


def make_repo(bench, repo, files, config):
    """A bare repository whose main holds generated files and ratchet.yml, in one pack."""
    bench.run(['git', 'init', '-q', '--bare', '-b', 'main', repo])
    stream = bench.path('stream')
    with open(stream, 'w') as out:
        out.write('commit refs/heads/main\ncommitter C O Mitter <committer@example.com> 1700000000 +0000\n'
                  'data 6\nfirst\n\n')
        for i in range(files):
            text = '\n'.join(file_lines(i)) + '\n'
            out.write('M 100644 inline %s\ndata %d\n%s\n' % (file_name(i), len(text), text))
        out.write('M 100644 inline ratchet.yml\ndata %d\n%s\n' % (len(config), config))
    bench.run(['git', '-C', repo, 'fast-import', '--quiet'], stdin=stream)
    os.unlink(stream)


def one_line_patch(path, i):
    """A patch of one line of file i."""
    old, new = file_lines(i), file_lines(i, 1)
    name = file_name(i)
    context = ' ' + '\n '.join(old[2:5])
    with open(path, 'w') as out:
        out.write('diff --git a/%s b/%s\n--- a/%s\n+++ b/%s\n@@ -1,5 +1,5 @@\n %s\n-%s\n+%s\n%s\n' %
                  (name, name, name, name, old[0], old[1], new[1], context))
    return path
