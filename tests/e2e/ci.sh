#!/bin/bash
# The job step of a CI: `ratchet ci` with the variables, payloads and shallow clones of the real runners.
SCRIPT=$(realpath "$0")
. "$(dirname "$0")/lib.sh"

server=$BOX/server.git
url=file://$server
zeros=0000000000000000000000000000000000000000

# ---- a project on a server ----
new_project upstream
must git clone -q --bare "$BOX/upstream" "$server"
# the forges give any commit that a ref reaches
git -C "$server" config uploadpack.allowReachableSHA1InWant true
must git remote add origin "$url"
start=$(tip)

# branch NAME FROM FILE CONTENT: a branch with one commit; its id in $made
branch() {
	must git checkout -q -B "$1" "$2"
	mkdir -p "$(dirname "$3")"
	printf '%s\n' "$4" >"$3"
	must commit "$1"
	must git push -q -f origin "HEAD:refs/heads/$1"
	made=$(tip)
}
# merge NAME BASE HEAD: the merge that a forge makes of a request, first parent the base; its id in $made
merge() {
	must git checkout -q --detach "$2"
	tick
	must git merge -q --no-ff -m "Merge $3 into $2" "$3"
	made=$(tip)
	must git push -q -f origin "HEAD:refs/pull/$1/merge"
	must git push -q -f origin "HEAD:refs/merge-requests/$1/merge"
	must git push -q -f origin "$3:refs/pull/$1/head"
}

branch good "$start" cases/c good
good=$made
branch bad "$start" cases/a bad
bad=$made
# the target moves on while the requests are open
branch main "$start" cases/m good
main=$made
merge 1 "$main" "$good"
merge_good=$made
merge 2 "$main" "$bad"
merge_bad=$made

# ---- the runners ----

# checkout DEPTH COMMIT: a clone as actions/checkout makes it of anything but a branch, entered
checkout() {
	rm -rf "$BOX/job"
	must git init -q "$BOX/job"
	cd "$BOX/job" || exit 1
	must git remote add origin "$url"
	must git fetch -q --no-tags --prune --no-recurse-submodules --depth="$1" origin "+$2:refs/remotes/pull/1/merge"
	must git checkout -q --force refs/remotes/pull/1/merge
}
# checkout_branch DEPTH BRANCH [COMMIT]: the same of a branch
checkout_branch() {
	rm -rf "$BOX/job"
	must git init -q "$BOX/job"
	cd "$BOX/job" || exit 1
	must git remote add origin "$url"
	must git fetch -q --no-tags --prune --depth="$1" origin "+${3-refs/heads/$2}:refs/remotes/origin/$2"
	must git checkout -q --force -B "$2" "refs/remotes/origin/$2"
}
no_server() {
	git remote set-url origin "file://$BOX/nowhere.git"
}
# on_github EVENT REF SHA OPTIONS...: the payload is standard input's
on_github() {
	local event=$1 ref=$2 sha=$3
	shift 3
	: >"$BOX/summary"
	: >"$BOX/output"
	env CI=true GITHUB_ACTIONS=true GITHUB_EVENT_NAME="$event" GITHUB_EVENT_PATH="$BOX/event.json" GITHUB_REF="$ref" \
		GITHUB_SHA="$sha" GITHUB_REPOSITORY=octo/project GITHUB_RUN_ID=1 GITHUB_WORKFLOW=test GITHUB_JOB=gate \
		GITHUB_SERVER_URL=https://github.com GITHUB_WORKSPACE="$PWD" GITHUB_ACTOR=octocat \
		GITHUB_STEP_SUMMARY="$BOX/summary" GITHUB_OUTPUT="$BOX/output" RUNNER_TEMP="$BOX" "$RATCHET" ci "$@"
}
# pull NUMBER BASE HEAD: the payload of a pull_request event
pull() {
	cat >"$BOX/event.json" <<-END
		{"action": "synchronize", "number": $1, "pull_request": {"number": $1, "state": "open",
		 "head": {"ref": "topic", "sha": "$3", "repo": {"full_name": "fork/project"}},
		 "base": {"ref": "main", "sha": "$2", "repo": {"full_name": "octo/project"}}},
		 "repository": {"full_name": "octo/project", "default_branch": "main"}}
	END
}
# pushed REF BEFORE AFTER: the payload of a push event
pushed() {
	cat >"$BOX/event.json" <<-END
		{"ref": "$1", "before": "$2", "after": "$3", "created": false, "deleted": false, "forced": false,
		 "base_ref": null, "compare": "https://github.com/octo/project/compare/x...y", "commits": [],
		 "head_commit": {"id": "$3"}, "repository": {"full_name": "octo/project", "default_branch": "main"}}
	END
}
# on_gitlab VARIABLE=VALUE... [-- OPTIONS...]
on_gitlab() {
	local vars=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		vars+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	env CI=true GITLAB_CI=true CI_SERVER=yes CI_PROJECT_PATH=octo/project CI_DEFAULT_BRANCH=main CI_JOB_ID=1 \
		CI_PROJECT_DIR="$PWD" CI_COMMIT_SHA="$(git rev-parse HEAD)" "${vars[@]}" "$RATCHET" ci "$@"
}
output() { # NAME VALUE
	grep -qx "$1=$2" "$BOX/output"
}
is_json() {
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$1"
}

# ---- GitHub: pull requests ----
pull 1 "$start" "$good"
checkout 2 "$merge_good"
exits 0 'github: a good merge ref passes at depth 2' on_github pull_request refs/pull/1/merge "$merge_good"
check 'github: the base of a merge ref is its first parent, not the older id of the event' output base "$main"
check 'github: the verdict is an output' output verdict would-land
check 'github: the summary has the verdict and the cells' grep -q '^| unit | passed | 4 |' "$BOX/summary"
check 'github: nothing is annotated when nothing is wrong' sh -c "! printf '%s' '$SAID' | grep -q '^::'"
checkout 1 "$merge_good"
exits 0 'github: at depth 1 the missing base is fetched' on_github pull_request refs/pull/1/merge "$merge_good"
check 'github: the base that was fetched is the first parent' output base "$main"
refuse 'github: nothing but that commit was fetched' git cat-file -e "$start"
checkout 1 "$merge_good"
no_server
exits 3 'github: a base that cannot be fetched is inconclusive' on_github pull_request refs/pull/1/merge "$merge_good"
says 'github: the message names the checkout option that mends it' 'fetch-depth: 2'
pull 2 "$start" "$bad"
checkout 2 "$merge_bad"
exits 1 'github: a regression is exit 1' on_github pull_request refs/pull/2/merge "$merge_bad"
says 'github: a regression is annotated' '^::error title=ratchet%3A regressed::unit/a: was pass, is now fail'
check 'github: the summary names the regression' grep -q '^| unit/a | pass | fail |' "$BOX/summary"
check 'github: the number of regressions is an output' output regressions 1
pull 1 "$main" "$good"
checkout 2 "$good"
exits 0 'github: a workflow that checks out the head is judged against the base of the event' \
	on_github pull_request refs/pull/1/merge "$merge_good"
check 'github: that base is the one of the event' output base "$main"

# ---- a proposer does not choose the base ----
cd "$BOX/upstream" || exit 1
must git checkout -q --detach "$start"
sed -i '/unit\/a	/d' .ratchet/baseline/unit.tsv
echo bad >cases/a
must commit 'a weaker baseline'
weak=$(tip)
must git checkout -q --detach "$weak"
echo good >cases/w
must commit 'on top of it'
tick
own=$(git commit-tree -p "$weak" -p "$good" -m 'a merge of the proposer' "HEAD^{tree}")
must git push -q -f origin "$own:refs/pull/3/head"
pull 3 "$start" "$own"
checkout 3 "$own"
exits 4 'a merge that the proposer made is judged against the base of the event' \
	on_github pull_request refs/pull/3/merge "$merge_good"
says 'the refusal names the rule' 'refused by rule baseline'
says 'a refusal is annotated with its file' '^::error file=.ratchet/baseline,title=ratchet%3A refused by rule baseline::'
check 'the weaker first parent is not the base' output base "$start"

# ---- GitHub: pushes, queues, other events ----
pushed refs/heads/main "$start" "$main"
checkout_branch 1 main
exits 0 'github: a push is judged against what the branch was' on_github push refs/heads/main "$main"
check 'github: the base of a push is fetched' output base "$start"
pushed refs/heads/main 1111111111111111111111111111111111111111 "$main"
exits 3 'github: a forced push over a commit that is gone is inconclusive' on_github push refs/heads/main "$main"
says 'github: the missing commit is named' '1111111111111111111111111111111111111111'
says 'github: what to do after a forced push is said' 'name another with --base'
pushed refs/heads/good "$zeros" "$good"
checkout_branch 2 good
exits 0 'github: a new branch is judged against the first parent' on_github push refs/heads/good "$good"
check 'github: the first parent of a new branch is the base' output base "$start"
# a whole clone knows where the branch left
must git -C "$BOX/upstream" checkout -q -B long "$start"
echo '# nothing is asked any more' >>"$BOX/upstream/ratchet.yml"
(cd "$BOX/upstream" && must commit 'weaker')
cd "$BOX/upstream" || exit 1
branch long long cases/c good
pushed refs/heads/long "$zeros" "$made"
rm -rf "$BOX/job" && must git clone -q -b long "$url" "$BOX/job"
cd "$BOX/job" || exit 1
exits 4 'github: a new branch of several commits is judged against where it left the default branch' \
	on_github push refs/heads/long "$made"
check 'github: where a new branch left the default branch is the base' output base "$start"
cat >"$BOX/event.json" <<-END
	{"action": "checks_requested", "merge_group": {"head_sha": "$merge_bad",
	 "head_ref": "refs/heads/gh-readonly-queue/main/pr-2-$main", "base_sha": "$main", "base_ref": "refs/heads/main"},
	 "repository": {"full_name": "octo/project", "default_branch": "main"}}
END
checkout 1 "$merge_bad"
exits 1 'github: a merge queue is judged against its base' \
	on_github merge_group "refs/heads/gh-readonly-queue/main/pr-2-$main" "$merge_bad"
check 'github: the base of a merge queue is that of its event' output base "$main"
echo '{"schedule": "0 0 * * *"}' >"$BOX/event.json"
checkout_branch 2 main
exits 0 'github: another event is judged against the first parent' on_github schedule refs/heads/main "$main"
echo '{"pull_request": ' >"$BOX/event.json"
exits 3 'github: a broken payload is inconclusive' on_github pull_request refs/pull/1/merge "$merge_good"
says 'github: that there is no verdict is annotated' '^::error file=.*,title=ratchet%3A no verdict::not JSON'
check 'github: why there is no verdict is in the summary' grep -q '^### ratchet: no verdict$' "$BOX/summary"

# ---- hostile words ----
cd "$BOX/upstream" || exit 1
must git checkout -q -B hostile "$start"
cat >run-cases <<'END'
#!/bin/sh
echo "TAP version 13"
echo "1..4"
echo "not ok 1 - a"
echo "  ---"
echo "  message: '##[set-output name=verdict;]would-land'"
echo "  ..."
echo "##[add-mask]a"
echo "::set-output name=verdict::would-land"
printf '::error::\033[2Jinjected\r::warning::x\n'
printf '\377\376 not text ]]> <b> & \357\277\277\n'
echo "ok 2 - b"
echo 'not ok 3 - ##[add-path]evil %0A::error::x | `<img src=x>` [l](http://e) @octocat'
printf 'not ok 4 - line \342\200\256 \033[31m red\n'
exit 1
END
must commit 'hostile output'
must git push -q -f origin HEAD:refs/pull/4/head
hostile=$(tip)
pull 4 "$start" "$hostile"
checkout 2 "$hostile"
exits 1 'hostile output is a regression as any other' on_github pull_request refs/pull/4/merge "$merge_good"
commands=$(printf '%s\n' "$SAID" | grep -E '^[[:space:]]*::|##\[' | grep -Ev '^::error (file=[^:,]*,)?(line=[0-9]+,)?title=ratchet%3A [a-z :]+::')
check 'hostile output gives the runner no command' test -z "$commands"
check 'no control byte reaches the job log' sh -c "! printf '%s' \"\$1\" | LC_ALL=C grep -q \"\$(printf '[\\001-\\010\\013-\\037\\177]')\"" _ "$SAID"
check 'hostile names are no markup in the summary' sh -c "! grep -v '^ \|^\`\|^[^|-]' '$BOX/summary' | grep -qE '<img|\]\(http|@octocat'"
check 'an output of the step is never set by a test' output verdict regressed
check 'every output has one line' sh -c "! grep -qvE '^[a-z]+=[a-z0-9-]*$' '$BOX/output'"
on_github pull_request refs/pull/4/merge "$merge_good" --json >"$BOX/said.json" 2>"$BOX/said.err"
check 'with --json standard output is JSON' is_json "$BOX/said.json"
check 'with --json there is no command of a runner in it' sh -c "! grep -q '##\[' '$BOX/said.json'"
check 'with --json the annotations are on the other stream' grep -q '^::error title=' "$BOX/said.err"
on_gitlab CI_MERGE_REQUEST_EVENT_TYPE=detached CI_MERGE_REQUEST_DIFF_BASE_SHA="$start" >"$BOX/said" 2>&1
check 'hostile output gives well-formed artifacts' python3 - ratchet-junit.xml ratchet-code-quality.json <<'END'
import json, sys, xml.etree.ElementTree as tree
tree.parse(sys.argv[1])
json.load(open(sys.argv[2]))
END

# ---- GitLab ----
checkout 20 "$good"
exits 0 'gitlab: a merge request is judged against its base' \
	on_gitlab CI_PIPELINE_SOURCE=merge_request_event CI_MERGE_REQUEST_EVENT_TYPE=detached \
	CI_MERGE_REQUEST_DIFF_BASE_SHA="$start" CI_MERGE_REQUEST_IID=1
says 'gitlab: the base of the request is used' "^base ${start:0:12}"
checkout 1 "$good"
exits 0 'gitlab: at depth 1 the base is fetched' \
	on_gitlab CI_MERGE_REQUEST_EVENT_TYPE=detached CI_MERGE_REQUEST_DIFF_BASE_SHA="$start"
checkout 1 "$good"
no_server
exits 3 'gitlab: a base that cannot be fetched is inconclusive' \
	on_gitlab CI_MERGE_REQUEST_EVENT_TYPE=detached CI_MERGE_REQUEST_DIFF_BASE_SHA="$start"
says 'gitlab: the message names the variable that mends it' 'GIT_DEPTH: 2'
checkout 2 "$merge_bad"
exits 1 'gitlab: a merged result is judged against its first parent' \
	on_gitlab CI_PIPELINE_SOURCE=merge_request_event CI_MERGE_REQUEST_EVENT_TYPE=merged_result \
	CI_MERGE_REQUEST_DIFF_BASE_SHA="$start" CI_MERGE_REQUEST_TARGET_BRANCH_SHA="$main"
says 'gitlab: the first parent of the merged result is the base' "^base ${main:0:12}"
cp ratchet-junit.xml "$BOX/junit.xml"
cp ratchet-code-quality.json "$BOX/quality.json"
check 'gitlab: the JUnit artifact names the regression as a failed case' python3 - "$BOX/junit.xml" <<'END'
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()
assert suite.tag == 'testsuite', suite.tag
cases = suite.findall('testcase')
assert int(suite.get('tests')) == len(cases)
assert int(suite.get('failures')) == len(suite.findall('testcase/failure'))
for case in cases:
    assert case.get('classname') and case.get('name')
assert [c for c in cases if c.get('name') == 'unit/a' and c.find('failure').get('message') == 'was pass, is now fail']
END
check 'gitlab: the code quality artifact has the documented shape' python3 - "$BOX/quality.json" <<'END'
import json, sys
issues = json.load(open(sys.argv[1]))
assert len(issues) == 1
for issue in issues:
    assert set(issue) == {'description', 'check_name', 'fingerprint', 'severity', 'location'}, issue
    assert issue['severity'] in ('info', 'minor', 'major', 'critical', 'blocker')
    assert all(isinstance(issue[key], str) and issue[key] for key in ('description', 'check_name', 'fingerprint'))
    path = issue['location']['path']
    assert path and not path.startswith(('/', './')), path
    assert issue['location']['lines']['begin'] >= 1
assert issues[0]['description'].startswith('unit/a: ')
END
"$RATCHET" read --json ratchet-junit.xml >"$BOX/read.json"
check 'gitlab: ratchet itself can read the JUnit artifact' grep -q '"complete":true' "$BOX/read.json"
checkout 2 "$bad"
exits 1 'gitlab: a train without a merge commit is judged against the tip of its target' \
	on_gitlab CI_MERGE_REQUEST_EVENT_TYPE=merge_train CI_MERGE_REQUEST_DIFF_BASE_SHA="$start" \
	CI_MERGE_REQUEST_TARGET_BRANCH_SHA="$start"
checkout 20 "$main"
exits 0 'gitlab: a push is judged against what the branch was' \
	on_gitlab CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA="$start"
check 'gitlab: a good job leaves a JUnit artifact without failures' grep -q 'failures="0"' ratchet-junit.xml
check 'gitlab: a good job leaves an empty code quality artifact' test "$(cat ratchet-code-quality.json)" = '[]'
exits 0 'gitlab: a new branch is judged against the first parent' \
	on_gitlab CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA="$zeros"
exits 0 'the artifacts can be given other names' on_gitlab CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA="$start" \
	-- --junit "$BOX/other.xml" --code-quality "$BOX/other.json"
check 'the artifacts are where they were wanted' test -s "$BOX/other.xml" -a -s "$BOX/other.json"

# what a job checks out is the proposal's, links too
links() { # TARGET
	ln -sf "$1" ratchet-junit.xml && ln -sf "$1" ratchet-code-quality.json
}
checkout 20 "$main"
echo mine >"$BOX/mine"
links "$BOX/mine"
exits 0 'gitlab: links in the place of the artifacts are no trouble' \
	on_gitlab CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA="$start"
check 'gitlab: nothing is written through a link in the place of an artifact' test "$(cat "$BOX/mine")" = mine
check 'gitlab: the artifacts replace such links' sh -c 'test ! -L ratchet-junit.xml && grep -q "<testsuite" ratchet-junit.xml'
mkdir "$BOX/outside" && ln -s "$BOX/outside" reports
refuse 'gitlab: an artifact below a link to a folder is refused' on_gitlab CI_COMMIT_BRANCH=main \
	CI_COMMIT_BEFORE_SHA="$start" -- --junit reports/j.xml
says 'the link on the way is said' 'reports/j.xml'
check 'gitlab: nothing is written below it' test -z "$(ls "$BOX/outside")"

# ---- plain git ----
checkout 2 "$bad"
exits 1 'plain git: HEAD is judged against its first parent' "$RATCHET" ci
exits 1 'plain git: --base names another' "$RATCHET" ci --base "$start"
exits 2 'plain git: a base that is nothing is an error' "$RATCHET" ci --base no-such-branch
exits 0 'plain git: a base with the same tree is no change' "$RATCHET" ci --base HEAD
checkout 1 "$bad"
exits 1 'plain git: the parent that a shallow clone lacks is fetched' "$RATCHET" ci
checkout 1 "$bad"
no_server
exits 3 'plain git: a parent that cannot be had is inconclusive' "$RATCHET" ci
new_repo root
write_project
must commit 'the only commit'
exits 3 'plain git: a commit without a parent has no base' "$RATCHET" ci
says 'plain git: the message says what to give' '--base'

# ---- recording ----
must git -C "$server" update-ref refs/heads/main "$main"
pushed refs/heads/main "$start" "$main"
checkout_branch 1 main "$main"
exits 0 'a push to the target is recorded' on_github push refs/heads/main "$main" --record
recorded=$(git -C "$server" rev-parse main)
check 'the recorded commit is on the pushed head' test "$(git -C "$server" rev-parse "$recorded^")" = "$main"
check 'it raises the baseline and nothing else' test "$(git -C "$server" diff --name-only "$main" "$recorded")" = .ratchet/baseline/unit.tsv
check 'the new case is in the baseline' git -C "$server" grep -q 'unit/m	pass' "$recorded" -- .ratchet/baseline
check 'the recorded commit is an output' output recorded "$recorded"
cp "$BOX/output" "$BOX/outputs"
pushed refs/heads/main "$main" "$recorded"
checkout_branch 2 main
exits 0 'recording what is recorded changes nothing' on_github push refs/heads/main "$recorded" --record
check 'the job that recording starts does not record again' test "$(git -C "$server" rev-parse main)" = "$recorded"
pushed refs/heads/main "$main" "$bad"
must git -C "$server" update-ref refs/heads/main "$bad"
checkout_branch 2 main
exits 1 'a push that regressed is not recorded' on_github push refs/heads/main "$bad" --record
check 'after it the branch is as it was' test "$(git -C "$server" rev-parse main)" = "$bad"
must git -C "$server" update-ref refs/heads/main "$main"
pushed refs/heads/good "$start" "$good"
checkout_branch 2 good
exits 0 'a push to another branch is judged' on_github push refs/heads/good "$good" --record
says 'a push to another branch is not recorded' 'not recorded: good is not the target main'
check 'no branch but the target gets a commit' test "$(git -C "$server" rev-parse good)" = "$good"
pull 1 "$start" "$good"
checkout 2 "$merge_good"
exits 0 'a pull request is not recorded' on_github pull_request refs/pull/1/merge "$merge_good" --record

# others push while the job runs
cd "$BOX/upstream" || exit 1
must git checkout -q -B later "$main"
for name in x y; do
	echo good >"cases/$name"
	must commit "$name"
done
later=$(tip)
must git push -q -f origin "$later:refs/heads/later"
pushed refs/heads/main "$start" "$main"
checkout_branch 1 main "$main"
must git -C "$server" update-ref refs/heads/main "$later"
exits 0 'a lost race is recorded again on the new tip' on_github push refs/heads/main "$main" --record
recorded=$(git -C "$server" rev-parse main)
check 'nothing that others pushed is lost' test "$(git -C "$server" rev-parse "$recorded^")" = "$later"
check 'what others pushed is in the baseline that was recorded' git -C "$server" grep -q 'unit/y	pass' "$recorded" -- .ratchet/baseline
cat >"$server/hooks/pre-receive" <<'END'
#!/bin/sh
for name in $(env | sed -n 's/^\(GIT_[A-Z_]*\)=.*/\1/p'); do
	case $name in GIT_AUTHOR_* | GIT_COMMITTER_* | GIT_CONFIG_*) ;; *) unset "$name" ;; esac
done
now=$(git rev-parse main)
next=$(git commit-tree -p "$now" -m 'somebody is faster' "$now^{tree}")
git update-ref refs/heads/main "$next"
echo >>raced
END
chmod +x "$server/hooks/pre-receive"
must git -C "$server" update-ref refs/heads/main "$main"
checkout_branch 1 main
exits 5 'a race that is lost each time ends' on_github push refs/heads/main "$main" --record
says 'the message says what happened' 'main moved 3 times while the baseline was recorded'
check 'it was tried three times' test "$(wc -l <"$server/raced")" = 3
check 'no commit of the job is on the branch' test "$(git -C "$server" log --format=%s -1 main)" = 'somebody is faster'
check 'the step has no recorded commit to give' sh -c "! grep -q '^recorded=' '$BOX/output'"
printf '#!/bin/sh\necho main is protected\nexit 1\n' >"$server/hooks/pre-receive"
must git -C "$server" update-ref refs/heads/main "$main"
checkout_branch 1 main
exits 3 'a server that does not take the push is no race' on_github push refs/heads/main "$main" --record
says 'the words of the server are shown' 'protected'
rm "$server/hooks/pre-receive"
checkout_branch 2 main
exits 0 'plain git: a branch that is checked out is recorded' "$RATCHET" ci --record --base "$start"
check 'plain git: the branch has the recorded commit' test "$(git -C "$server" rev-parse main^)" = "$main"
must git checkout -q --detach
exits 2 'plain git: without a branch there is nowhere to record' "$RATCHET" ci --record --base "$start"

# ---- adoption ----
new_repo plain
mkdir cases
echo 1 >file
must commit 'before ratchet'
before=$(tip)
write_project 'isolation: none'
must commit 'add ratchet'
must git init -q --bare "$BOX/adopt.git"
must git push -q "$BOX/adopt.git" main
must git remote add origin "$BOX/adopt.git"
pushed refs/heads/main "$before" "$(tip)"
exits 0 'the push that adds ratchet is adopted and recorded' on_github push refs/heads/main "$(tip)" --record
check 'an adoption is its own verdict' output verdict adopted
check 'the first baseline is recorded on it' git -C "$BOX/adopt.git" grep -q 'unit/a	pass' main -- .ratchet/baseline

# ---- what the forges run ----
top=$(cd "$(dirname "$SCRIPT")/../.." && pwd)
"$RATCHET" ci --help >"$BOX/help"
# options FILE...: those that its commands give to `ratchet ci`
options() {
	sed -n '/ratchet ci/p;/set -- /p' "$@" | grep -oE -- '--[a-z][a-z-]*' | sort -u
}
for file in action.yml docs/ratchet.gitlab-ci.yml; do
	unknown=$(options "$top/$file" | while read -r option; do grep -qE -- "^  $option( |\$)" "$BOX/help" || echo "$option"; done)
	check "$file gives only options that exist" test -z "$unknown"
done
check 'action.yml gives options at all' test -n "$(options "$top/action.yml")"
takes() { # KEY OPTION: the file that the template takes is the one that the help calls the default
	local file
	file=$(sed -n "s/^ *$1: //p" "$top/docs/ratchet.gitlab-ci.yml")
	[ -n "$file" ] && tr -s ' \n' ' ' <"$BOX/help" | grep -qF -- "--$2 FILE write a" &&
		tr -s ' \n' ' ' <"$BOX/help" | grep -qF "default on GitLab: $file)"
}
check 'the GitLab template takes the JUnit artifact where ratchet leaves it' takes junit junit
check 'the GitLab template takes the code quality artifact where ratchet leaves it' takes codequality code-quality
for name in $(sed -n 's/.*steps.gate.outputs.\([a-z]*\).*/\1/p' "$top/action.yml"); do
	grep -q "^$name=" "$BOX/outputs" || echo "$name"
done >"$BOX/missing"
check 'every output of action.yml is one that ratchet writes' test ! -s "$BOX/missing"
# the last step of the action, as the runner would run it
awk '/name: gate/ {on = 1} on && /run: \|/ {body = 1; next} body' "$top/action.yml" | sed 's/^        //' >"$BOX/step.sh"
mkdir "$BOX/bin"
ln -s "$RATCHET" "$BOX/bin/ratchet"
pull 2 "$start" "$bad"
checkout 2 "$merge_bad"
step() { # RECORD ADOPT BASE
	env PATH="$BOX/bin:$PATH" CI=true GITHUB_ACTIONS=true GITHUB_EVENT_NAME=pull_request GITHUB_EVENT_PATH="$BOX/event.json" \
		GITHUB_REF=refs/pull/2/merge GITHUB_SHA="$merge_bad" GITHUB_OUTPUT="$BOX/output" GITHUB_STEP_SUMMARY="$BOX/summary" \
		RECORD="$1" ADOPT="$2" BASE="$3" sh -e "$BOX/step.sh"
}
exits 1 'the gate step of the action gives the verdict' step true false ''
exits 1 'the gate step of the action takes a base' step false true "$start"
says 'the base of the action is used' "^base ${start:0:12} \\(--base\\)"
finish
