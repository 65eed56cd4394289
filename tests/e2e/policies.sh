#!/bin/bash
# Policies on real proposals: paths, sizes, modes, trailers, secrets, signatures.
. "$(dirname "$0")/lib.sh"

ssh_key() { # NAME
	must ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$BOX/$1"
}
ssh_key op
ssh_key other
value='correct horse battery staple'
echo "$value" >"$BOX/values"
# put together here, so that this file holds none
aws="AKIA$(printf 'QWERTYUI%s' ASDFGHJK)"
github="ghp_$(printf 'a1B2c3D4e5F6%s' g7H8i9J0k1L2m3N4o5P6q7R8)"

mkdir "$BOX/objects"
new_repo project
write_project
mkdir -p .ratchet/policies vendor src
cat >.ratchet/policies/paths.yml <<'END'
forbidden: [vendor, "**/*.pem"]
signed: [release]
END
cat >.ratchet/policies/limits.yml <<'END'
max_file: 2KiB
max_patch: 6000
max_files: 5
binary: 64
modes: ["100644", "100755"]
END
cat >.ratchet/policies/secrets.yml <<END
secrets:
  values_file: $BOX/values
  patterns: {acme-key: "ACME-[0-9a-f]{8}"}
END
echo one >vendor/lib
echo one >src/file
echo one >release
printf '# a comment\nop@example.com namespaces="git" %s\n' "$(cut -d' ' -f1,2 "$BOX/op.pub")" >.ratchet/policies/allowed_signers
must commit 'first'
must "$RATCHET" check
must "$RATCHET" baseline record
before=$(tip)

# proposed NAME: the changes of the work tree as a patch, and the work tree as it was
proposed() {
	# the objects of it stay outside, so that what is found in the repository is ratchet's
	GIT_OBJECT_DIRECTORY=$BOX/objects GIT_ALTERNATE_OBJECT_DIRECTORIES=$PWD/.git/objects sh -c \
		'git add -A && git diff --cached --binary' >"$BOX/$1.patch"
	git reset -q --hard
	git clean -qfd
}
refused() { # NAME PATTERN TEST: the changes of the work tree are refused, in words that match
	proposed "$1"
	exits 4 "$3" "$RATCHET" propose "$BOX/$1.patch"
	says "$3: rule and place are named" "$2"
}

# ---- paths ----
echo two >vendor/lib
refused forbidden 'refused by rule forbidden: vendor/lib: no proposal may touch `vendor`' 'a forbidden path cannot change'
git rm -q vendor/lib
refused forbidden-rm 'refused by rule forbidden: vendor/lib' 'a forbidden path cannot go'
git mv vendor/lib src/lib
refused forbidden-mv 'refused by rule forbidden: vendor/lib' 'a forbidden path cannot move away'
echo x >src/a.pem
refused pem 'refused by rule forbidden: src/a.pem: no proposal may touch `\*\*/\*.pem`' 'a forbidden pattern holds in every folder'
echo two >release
refused signed 'refused by rule signed: release: a change of `release` needs a signed commit' 'a path that needs a signature is refused in a patch'

# ---- sizes ----
head -c 2049 /dev/zero | tr '\0' x >src/big
refused big 'refused by rule too-large: src/big: 2049 bytes are more than the 2048 that `max_file` permits' 'a file over the limit is refused'
for i in 1 2 3 4; do head -c 1600 /dev/zero | tr '\0' x >src/part$i; done
refused sum 'refused by rule too-large: .*`max_patch` permits' 'a patch over the limit is refused'
for i in 1 2 3 4 5 6; do echo $i >src/n$i; done
refused many 'refused by rule too-large: .*6 paths are more than the 5 that `max_files` permits' 'too many files are refused'
printf 'a\0b%070d' 0 >src/binary
refused binary 'refused by rule binary: src/binary: 73 bytes of binary content are more than the 64' 'binary content over the limit is refused'
printf 'a\0b' >src/binary
proposed small-binary
exits 0 'a small binary file is let through' "$RATCHET" propose --dry-run "$BOX/small-binary.patch"

# ---- modes ----
ln -s file src/link
refused link 'refused by rule mode: src/link: mode 120000 is not permitted' 'a mode that is not permitted is refused'
git update-index --add --cacheinfo "160000,$before,src/module"
git diff --cached >"$BOX/module.patch" && git reset -q --hard
exits 4 'a submodule is refused where no policy permits it' "$RATCHET" propose "$BOX/module.patch"
says 'a submodule is its own rule' 'refused by rule submodule: src/module'
chmod +x src/file
proposed exec
exits 0 'a permitted mode is let through' "$RATCHET" propose --dry-run "$BOX/exec.patch"

# ---- what is judged is the difference of the trees ----
must git checkout -q -b detour
echo two >vendor/lib && must commit 'touch' && echo one >vendor/lib && echo two >src/file && must commit 'and back'
must git checkout -q main
exits 0 'a path that ends as it began is no change' "$RATCHET" propose --dry-run detour

# ---- secrets in the proposal ----
nowhere() { # TEXT: no object of the repository has it, nor a file of ratchet's
	! git cat-file --batch-all-objects --batch --unordered | grep -aqF "$1" && ! grep -raqF "$1" .git/ratchet
}
printf 'x = 1\nkey = "%s"\n' "$value" >src/config
refused value 'refused by rule secret:known-value: src/config:2' 'an exact value of the file is refused'
check 'the value is nowhere in the repository' nowhere "$value"
printf '%s' "$value" | base64 >src/config
refused value64 'refused by rule secret:known-value: src/config:1' 'its base64 form is refused'
printf 'a\nb\nid=%s\n' "$aws" >src/config
refused aws 'refused by rule secret:aws-key-id: src/config:3' 'a key of a known family is refused'
check 'the key is nowhere in the repository' nowhere "$aws"
ssh-keygen -q -t ed25519 -N '' -f "$BOX/private" && cp "$BOX/private" src/id
refused private 'refused by rule secret:private-key: src/id:1' 'a private key is refused'
echo 'ACME-0123abcd' >src/config
refused pattern 'refused by rule secret:acme-key: src/config:1' "the operator's own pattern is refused"
{
	printf 'From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.com>\nDate: Thu, 1 Jan 2024 00:00:00 +0000\nSubject: [PATCH] x\n\nthe token is %s\n\n---\n' "$github"
	cat "$BOX/small-binary.patch"
} >"$BOX/message.mbox"
exits 4 'a secret in a message is refused' "$RATCHET" propose "$BOX/message.mbox"
says 'the rule of the message is named' 'refused by rule secret:github-token: '
check 'the token is nowhere in the repository' nowhere "$github"
echo x >"src/$aws"
refused in-path 'refused by rule secret:aws-key-id: .*in-path.patch:1' 'a secret in a path is refused'
check 'that path is nowhere in the repository' nowhere "$aws"
refuse 'a refused secret leaves no ref' sh -c "git for-each-ref refs/ratchet/rejected | xargs -r -n 3 sh -c 'git grep -qF \"$value\" \$0'"
"$RATCHET" log -n 100 >"$BOX/said" 2>&1
refuse 'no secret is in the log' grep -qF -e "$value" -e "$aws" -e "$github" "$BOX/said"
mv "$BOX/values" "$BOX/values.away"
echo two >src/file && proposed plain
refuse 'without the file of values nothing is judged' "$RATCHET" propose "$BOX/plain.patch"
says 'that file is named' "$BOX/values"
mv "$BOX/values.away" "$BOX/values"

# ---- secrets that a test prints ----
cat >run-cases <<END
#!/bin/sh
part='correct horse'
echo "1..2"
echo "not ok 1 - a"
echo "  ---"
echo "  message: 'the password is \$part battery staple'"
echo "  ..."
echo "log: \$part battery staple, and AKIA""QWERTYUIASDFGHJK"
echo "-----BEGIN OPENSSH ""PRIVATE KEY-----"
sed 's/^#//' key.txt
echo "-----END OPENSSH ""PRIVATE KEY-----"
echo "ok 2 - b"
exit 1
END
sed '1d;$d;s/^/#/' "$BOX/private" >key.txt
secret_line=$(sed -n 2p "$BOX/private")
proposed prints
exits 1 'a test that prints secrets is judged' "$RATCHET" propose "$BOX/prints.patch"
id=$(printf '%s\n' "$SAID" | sed -n 's/^regressed \([0-9a-f]*\).*/\1/p')
silent() { # NAME COMMAND...: what it prints holds no secret
	local name=$1
	shift
	"$@" >"$BOX/said" 2>&1 </dev/null
	SAID=$(cat "$BOX/said")
	refuse "$name" grep -qF -e "$value" -e "$aws" -e "$secret_line" "$BOX/said"
}
refuse 'the verdict shows no secret' sh -c "printf '%s' \"\$1\" | grep -qF -e '$value' -e '$aws'" _ "$SAID"
silent 'explain shows no secret' "$RATCHET" explain "$id"
check 'explain says what was taken out' grep -q 'the password is \[redacted: secret:known-value\]' "$BOX/said"
silent 'explain --log shows no secret' "$RATCHET" explain --log "$id"
check 'the log says that a key was taken out' grep -q 'redacted: secret:private-key' "$BOX/said"
silent 'explain --json shows no secret' "$RATCHET" explain --json "$id"
silent 'propose --json shows no secret' "$RATCHET" propose --json "$BOX/prints.patch"
check 'no object that is kept holds the value' nowhere "$value"
refuse 'what a cell prints is written into no lock' grep -rq 'ok 1' .git/ratchet/layers --include='*.lock'
must git checkout -q -b topic
must git apply "$BOX/prints.patch"
must commit 'prints'
export GITHUB_STEP_SUMMARY=$BOX/summary GITHUB_OUTPUT=$BOX/output
silent 'the job log of a CI shows no secret' env GITHUB_ACTIONS=true GITHUB_EVENT_NAME=schedule "$RATCHET" ci
refuse 'its summary and outputs hold none' grep -qF -e "$value" -e "$aws" "$BOX/summary" "$BOX/output"
silent 'the other CI shows no secret' env GITLAB_CI=true "$RATCHET" ci
refuse 'its artifacts hold none' grep -qF -e "$value" -e "$aws" ratchet-junit.xml ratchet-code-quality.json
rm -f ratchet-junit.xml ratchet-code-quality.json
must git checkout -q main
cat >run-cases <<'END'
#!/bin/sh
part='correct horse'
printf '1..3\nok 1 - a\nok 2 - b\nok 3 - c %s battery staple\n' "$part"
END
proposed named
exits 4 'a new case whose name is a secret is refused' "$RATCHET" propose "$BOX/named.patch"
says 'the rule of the name is given' 'refused by rule secret:known-value: names of new cases'
check 'the name is not kept' nowhere "$value"
check 'the target is where it was' test "$(tip main)" = "$before"

# ---- signatures ----
# sign KEY: what is in the work tree, as a signed commit
sign() {
	tick
	git add -A
	must git -c core.hooksPath=/dev/null -c gpg.format=ssh -c user.signingKey="$BOX/$1" commit -q -S -m "signed by $1"
}
on_branch() {
	must git checkout -q -B change main
}
back() {
	must git checkout -q main
}
on_branch && echo two >release && sign op && back
exits 0 'a signed commit may change what needs a signature' "$RATCHET" propose --dry-run change
on_branch && echo two >release && sign other && back
exits 4 'the signature of another key is none' "$RATCHET" propose change
says 'the rule is that of the path' 'refused by rule signed: release'
limit() { # N: a change of a policy
	sed -i "s/^max_files:.*/max_files: $1/" .ratchet/policies/limits.yml
}
limit 6 && refused policy 'refused by rule governance: .ratchet/policies/limits.yml' 'a policy does not change by a patch'
on_branch && limit 6 && must commit 'unsigned' && back
exits 4 'nor by a commit without signature' "$RATCHET" propose change
says 'the commit is named' "refused by rule governance: .ratchet/policies/limits.yml: commit $(git rev-parse --short=12 change)"
on_branch && limit 6 && sign other && back
exits 4 'nor by a commit that another key signed' "$RATCHET" propose change
on_branch && limit 6 && sign op
git cat-file commit HEAD | sed '/^$/,$s/signed by op/and says more/' | git hash-object -t commit -w --stdin >"$BOX/forged" && back
exits 4 'a signature does not hold for another message' "$RATCHET" propose "$(cat "$BOX/forged")"
on_branch && limit 7 && must commit 'unsigned' && echo good >cases/c && sign op && back
exits 4 'one unsigned commit among signed ones refuses them all' "$RATCHET" propose change
on_branch && limit 9 && must commit 'there' && limit 5 && echo good >cases/c && sign op && back
exits 4 'also when a later one takes it back' "$RATCHET" propose change
on_branch && printf 'evil@example.com %s\n' "$(cut -d' ' -f1,2 "$BOX/other.pub")" >>.ratchet/policies/allowed_signers && sign other && back
exits 4 'nobody becomes a signer by the own signature' "$RATCHET" propose change
on_branch && echo 'max_files: [' >.ratchet/policies/limits.yml && sign op && back
exits 4 'a signed policy that cannot be read does not land' "$RATCHET" propose change
says 'it is the configuration, with its line' 'refused by rule configuration: .ratchet/policies/limits.yml:[0-9]+: '
on_branch && git rm -q ratchet.yml && sign op && back
exits 4 'a signed commit does not take the gate away' "$RATCHET" propose change
on_branch && echo 'allowed: [cases, .ratchet]' >.ratchet/policies/narrow.yml && echo 'trailers: [Signed-off-by]' >.ratchet/policies/trailers.yml && sign op
signed=$(tip) && back
exits 0 'a signed commit changes the policies' "$RATCHET" propose change
check 'it lands under its own id, with the signature' git merge-base --is-ancestor "$signed" main
exits 0 'the ledger is sound after it' "$RATCHET" verify
on_branch && git reset -q --hard "$before" && limit 4
tick
git -c core.hooksPath=/dev/null -c gpg.format=ssh -c user.signingKey="$BOX/op" commit -q -a -S -m "$(printf 'old\n\nSigned-off-by: A <a@example.com>')"
back
exits 5 'a signed commit on an old tip is a conflict' "$RATCHET" propose change
says 'it says to sign again' 'rebase and sign again'

# ---- the new policies hold ----
echo two >src/file
refused outside 'refused by rule allowed: src/file: outside of what a proposal may touch' 'outside of what is allowed nothing changes'
echo good >cases/d
refused trailer 'refused by rule trailers: .*commit 1 of 1 lacks the trailer `Signed-off-by:`' 'a required trailer must be there'
exits 0 'with the trailer it is let through' "$RATCHET" propose --dry-run "$BOX/trailer.patch" -m "$(printf 'd\n\nSigned-off-by: A <a@example.com>')"
exits 4 'a trailer in the subject is none' "$RATCHET" propose "$BOX/trailer.patch" -m 'Signed-off-by: A <a@example.com>'
must git clone -q "$BOX/project" "$BOX/merged"
cd "$BOX/merged" || exit 1
git checkout -q -b topic && echo good >cases/z && must commit "$(printf 'z\n\nSigned-off-by: A <a@example.com>')"
must git checkout -q --detach main && must git merge -q --no-ff -m 'Merge topic into main' topic
exits 0 'no trailer is asked of a merge, whose message a forge writes' "$RATCHET" check --base main
must git merge -q --no-ff -m 'Merge' "$(git commit-tree -p topic -m 'no trailer' "topic^{tree}")"
exits 4 'it is asked of what was merged' "$RATCHET" check --base main

# ---- secrets on the way ----
must git clone -q "$BOX/project" "$BOX/way"
cd "$BOX/way" || exit 1
must git reset -q --hard "$before"
git checkout -q -b passing
echo "$value" >src/passing && must commit 'in' && must git rm -q src/passing && must commit 'out'
exits 4 'a secret that a later commit of the range takes back is refused where nothing else changes' \
	"$RATCHET" check --base "$before"
echo two >src/file && must commit 'more'
exits 4 'a secret that an earlier commit of the branch had is refused' "$RATCHET" check --base "$before"
says 'the commit, the path and the line are said' 'refused by rule secret:known-value: src/passing:1: in commit 1 of 3, '
must git checkout -q main
exits 4 'a branch does not land with it either' "$RATCHET" propose passing
exits 4 'nor does a range' "$RATCHET" propose "main..passing"
refuse 'it is kept under no ref of ratchet' sh -c "git for-each-ref --format='%(refname)' refs/ratchet/rejected | grep ."
git checkout -q -b deep "$before" && echo two >src/file && must commit 'early'
echo "$value" >src/passing && must commit 'in' && must git rm -q src/passing && must commit 'out'
must git clone -q --depth=2 -b deep "file://$BOX/way" "$BOX/shallow"
must git -C "$BOX/shallow" fetch -q --depth=1 origin "$before"
exits 4 'a secret in a commit whose parent a shallow clone lacks is refused' "$RATCHET" -C "$BOX/shallow" check --base "$before"
git checkout -q -b told "$before" && echo x >src/leak && must commit 'old' && echo "$value" >src/leak && must commit 'leak'
leak=$(tip)
git rm -q src/leak && must commit 'taken out'
exits 0 'to take out what the base has is no leak' "$RATCHET" check --base "$leak"
git checkout -q -b branched "$leak^" && echo two >src/file && must commit 'aside'
must git -c core.hooksPath=/dev/null merge -q --no-edit told
exits 0 'nor is to merge what the base has' "$RATCHET" check --base "$leak"
git checkout -q -b named "$before" && echo x >"src/$aws" && must commit 'a name'
exits 4 'a secret in the name of a file of a commit is refused' "$RATCHET" check --base "$before"
says 'the name is not shown' 'refused by rule secret:aws-key-id: src/\[redacted: secret:aws-key-id\]'
finish
