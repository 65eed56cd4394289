"""What the fault harnesses share: repositories in known states, and the invariant that holds after every fault.

A world is one directory with everything a command can change: repository, work tree, home directory. It is made once,
saved, and put back before every fault, always at the same path, because hooks hold absolute paths.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time

LIMIT = 120  # seconds for one command; what takes longer hangs

CASES = """#!/bin/sh
n=0 code=0
for f in cases/*; do
	n=$((n + 1)) word=ok
	read -r said <"$f"
	[ "$said" = good ] || { word='not ok' code=1; }
	echo "$word $n - ${f#cases/}"
done
echo "1..$n"
exit $code
"""
CONFIG = """version: 1
target: main
checks:
  - name: unit
    run: ./run-cases
    report: {tap: stdout}
    fast: true
"""


class Failed(Exception):
    """A set-up step that must work did not."""


class World:
    def __init__(self, binary, root):
        self.binary = binary
        self.root = root
        self.live = os.path.join(root, "live")
        self.saved = os.path.join(root, "saved")
        self.repo = os.path.join(self.live, "repo")  # where the target is
        self.home = os.path.join(self.live, "home")
        self.clock = 1700000000
        self.env = {
            "PATH": os.environ["PATH"], "HOME": self.home, "LC_ALL": "C", "TZ": "UTC", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "A U Thor", "GIT_AUTHOR_EMAIL": "author@example.com",
            "GIT_COMMITTER_NAME": "C O Mitter", "GIT_COMMITTER_EMAIL": "committer@example.com",
            "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "RATCHET_ACTOR": "faults",
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TMPDIR"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        os.makedirs(self.home)
        self.must("git", "config", "--global", "init.defaultBranch", "main", cwd=self.live)
        self.must("git", "config", "--global", "gc.auto", "0", cwd=self.live)
        self.must("git", "config", "--global", "user.name", "C O Mitter", cwd=self.live)
        self.must("git", "config", "--global", "user.email", "committer@example.com", cwd=self.live)

    # ---- commands ----

    def run(self, *argv, cwd=None, stdin=None, env=None):
        """Exit code and all that was said. 137 and a note when it had to be killed."""
        try:
            done = subprocess.run(argv, cwd=cwd or self.repo, env={**self.env, **(env or {})}, input=stdin or b"",
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired:
            return 137, f"hangs: {' '.join(argv)}"
        return done.returncode, done.stdout.decode(errors="replace")

    def must(self, *argv, cwd=None, stdin=None):
        code, said = self.run(*argv, cwd=cwd, stdin=stdin)
        if code:
            raise Failed(f"{' '.join(argv)}: exit {code}\n{said}")
        return said

    def git(self, *argv, cwd=None, stdin=None):
        return self.must("git", *argv, cwd=cwd, stdin=stdin)

    def ratchet(self, *argv):
        return self.run(self.binary, *argv)

    def commit(self, message, cwd=None):
        self.clock += 60
        self.env["GIT_AUTHOR_DATE"] = self.env["GIT_COMMITTER_DATE"] = f"{self.clock} +0000"
        self.git("add", "-A", cwd=cwd)
        self.git("-c", "core.hooksPath=/dev/null", "commit", "-q", "-m", message, cwd=cwd)

    # ---- files ----

    def write(self, path, text, mode=None, below=None):
        path = os.path.join(below or self.repo, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        if mode:
            os.chmod(path, mode)

    def save(self):
        shutil.rmtree(self.saved, ignore_errors=True)
        subprocess.run(["cp", "-a", self.live, self.saved], check=True)

    def put_back(self):
        """As saved. cp gives new inodes, so the index learns them, as it would have known them."""
        subprocess.run(["rm", "-rf", self.live], check=True)
        subprocess.run(["cp", "-a", self.saved, self.live], check=True)
        if os.path.isdir(os.path.join(self.repo, ".git")):
            self.run("git", "update-index", "-q", "--refresh")

    def gitdir(self):
        inner = os.path.join(self.repo, ".git")
        return inner if os.path.isdir(inner) else self.repo

    # ---- what there is ----

    def tip(self, ref="refs/heads/main"):
        code, said = self.run("git", "rev-parse", "--verify", "-q", ref)
        return said.strip() if code == 0 else ""

    def tree_of(self, commit):
        """The tree as lines, without the baseline, which a landing adds to."""
        code, said = self.run("git", "ls-tree", "-r", commit)
        return [line for line in said.splitlines() if "\t.ratchet/baseline/" not in line] if code == 0 else []

    def work_tree(self):
        """Every path with mode and content, and the index; "" where there is no work tree."""
        if self.gitdir() == self.repo:
            return {}
        found = files_below(self.repo, skip=".git")
        found["(index)"] = self.run("git", "ls-files", "-s", "-v")[1]
        return found


def files_below(top, skip=None):
    found = {}
    for folder, folders, names in os.walk(top):
        if folder == top and skip in folders:
            folders.remove(skip)
        for name in names + [d for d in folders if os.path.islink(os.path.join(folder, d))]:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if stat.S_ISLNK(info.st_mode):
                content = os.readlink(path).encode()
            elif stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    content = file.read()
            else:
                content = b"?"
            found[os.path.relpath(path, top)] = f"{info.st_mode:o} {hashlib.sha256(content).hexdigest()}"
    return found


def differences(before, after):
    return [f"{path}: {before.get(path, 'absent')} -> {after.get(path, 'absent')}"
            for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)]


# ---- projects ----

def project(world):
    """main has adopted ratchet and has a baseline; refs are packed, as in a repository that lives."""
    os.makedirs(world.repo)
    world.git("init", "-q", cwd=world.repo)
    for name, text in {"cases/a": "good\n", "cases/b": "good\n", "notes": "one\ntwo\nthree\n", "old/gone": "x\n",
                       "tool": "#!/bin/sh\n", "mine": "as committed\n", "ratchet.yml": CONFIG}.items():
        world.write(name, text)
    world.write("run-cases", CASES, 0o755)
    world.commit("first")
    world.must(world.binary, "check")
    world.must(world.binary, "baseline", "record")
    world.git("pack-refs", "--all")


def own_changes(world):
    """What a person has lying about: it is theirs, and stays whatever happens."""
    world.write("mine", "as edited\n")
    world.write("staged", "staged\n")
    world.git("add", "staged")
    world.write("untracked", "untracked\n")
    world.write("old/untracked", "untracked below a folder that goes\n")


def change(world):
    """All that a proposal can do to files: change, add in a new folder, remove, make executable, link."""
    world.write("notes", "one\n2\nthree\n")
    world.write("cases/c", "good\n")
    world.write("new/deep/file", "new\n")
    os.remove(os.path.join(world.repo, "old/gone"))
    os.chmod(os.path.join(world.repo, "tool"), 0o755)
    os.symlink("notes", os.path.join(world.repo, "link"))


# ---- the invariant ----

LOCK_FILES_OF_OURS = ("lane", "lock", "layers", "quarantine")


def is_leftover(path):
    name = os.path.basename(path)
    if name.startswith((".ratchet-", "ratchet-index", "tmp_obj", "tmp_pack", ".tmp-")) or "_git2_" in name:
        return True
    if name.endswith((".lock", ".new")):
        return "/ratchet/" not in path or "/refs/" in path
    return "/refs/ratchet/pending/" in path or "/ratchet/quarantine/" in path or "/ratchet/queue/" in path


def leftovers(world):
    """Locks and temporary files, in the git directory, the work tree and the home directory."""
    found = []
    for folder, folders, names in os.walk(world.live):
        for name in names + (folders if folder.endswith("/ratchet/quarantine") else []):
            path = os.path.join(folder, name)
            if is_leftover(path):
                found.append("left over: " + os.path.relpath(path, world.live))
    return found


def processes(world, patience=3.0):
    """What still runs in the world, or has it mounted, after a moment in which the kernel may end it."""
    until = time.monotonic() + patience
    while True:
        found = [said for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()
                 for said in [lives_in(pid, world.live)] if said]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.02)


def lives_in(pid, top):
    try:
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="replace") as file:
            mounts = file.read()
        if os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
            mounts = ""  # what is mounted where we are says nothing of a process
        cwd = os.readlink(f"/proc/{pid}/cwd")
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            words = file.read().replace("\0", " ")
    except OSError:
        return None
    if top + "/" in mounts or cwd.startswith(top):
        return f"process {pid} still runs: {words}"
    return None


def groups():
    """Control groups that cells were put into."""
    found = []
    for top in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/memory"):
        if os.path.isdir(top):
            found += [os.path.join(top, name) for name in os.listdir(top) if name.startswith("cell-")]
    return set(found)


def sound(world):
    """The ledger and the objects, as ratchet and git see them."""
    found = []
    code, said = world.ratchet("verify", "--all")
    if code:
        found.append(f"verify exits {code}: {said.strip()}")
    code, said = world.run("git", "fsck", "--no-dangling", "--no-progress")
    said = "\n".join(line for line in said.splitlines() if not line.startswith("notice: HEAD points to an unborn"))
    if code or said.strip():
        found.append(f"fsck exits {code}: {said.strip()}")
    return found


def recovered(world):
    """Recovery ends well, and a second one finds nothing and changes nothing."""
    code, said = world.ratchet("recover")
    if code:
        return [f"recover exits {code}: {said.strip()}"]
    before = files_below(world.live)
    code, again = world.ratchet("recover")
    found = [] if code == 0 and "nothing was interrupted" in again else [f"the second recover: {code} {again.strip()}"]
    changed = [d for d in differences(before, files_below(world.live)) if "/ratchet/lane:" not in d]
    return found + ["the second recover changed " + d for d in changed]


def scratch(name):
    return tempfile.mkdtemp(prefix=f"ratchet-{name}-", dir=os.environ.get("TMPDIR"))
