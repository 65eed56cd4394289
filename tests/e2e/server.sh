#!/bin/bash
# A server: ratchet's pre-receive in a bare repository, and real pushes to it.
. "$(dirname "$0")/lib.sh"

new_hooked_project work
must git init -q --bare "$BOX/server.git"
must "$RATCHET" -C "$BOX/server.git" init
must git remote add origin "$BOX/server.git"
server() {
	git -C "$BOX/server.git" "$@"
}
at() { # what a ref of the server is on
	server rev-parse --verify -q "$1"
}
# Does the server's newest entry match?
entered() {
	(cd "$BOX/server.git" && entry 1 "$1")
}
count() {
	(cd "$BOX/server.git" && entries)
}
# Past the client's hooks: it is the server that is tested here.
push() {
	git -c core.hooksPath=/dev/null push "$@"
}

# ---- adoption ----
exits 1 'a push that adds ratchet.yml is refused without the operator' push origin main
says 'the message says how an operator allows it' 'git config ratchet.adopt true'
check 'the target is not made' test -z "$(at refs/heads/main)"
check 'the refusal has its entry' entered '"op":"judged".*"verdict":"refused"'
must server config ratchet.adopt true
exits 0 'an adoption that the operator allowed goes' push -u origin main
says 'the verdict is said to who pushes' 'remote: ratchet: adopted'
check 'the target is what was pushed, and no commit was added' test "$(at refs/heads/main)" = "$(tip)"
check 'the adoption has its entry' entered '"op":"adopted".*"verdict":"adopted"'
must server config --unset ratchet.adopt

# ---- accepted, regressed ----
echo good >cases/c && commit 'c'
exits 0 'a push that regresses nothing goes' push origin main
check 'the target moved to it, and no commit was added' test "$(at refs/heads/main)" = "$(tip)"
check 'the whole matrix judged it' entered "\"candidate\":\"$(tip)\".*\"fast\":false.*\"op\":\"judged\".*\"verdict\":\"would-land\""
n=$(count)
exits 0 'nothing new is pushed' push origin main
check 'nothing is judged for it' test "$(count)" = "$n"
echo bad >slow/s && commit 'slow is bad'
exits 1 'a push that regresses is refused' push origin main
says 'the case is named to who pushes' 'remote: .*regressed: slow/s'
check 'the target did not move' test "$(at refs/heads/main)" = "$(tip HEAD^)"
check 'the refused push has its entry' entered "\"candidate\":\"$(tip)\".*\"op\":\"judged\".*\"verdict\":\"regressed\""
check 'its objects are not in the server' sh -c "! git -C '$BOX/server.git' cat-file -e $(tip)"
check 'the entry is in the server'"'"'s own objects' server fsck --strict --no-dangling
must git revert --no-edit HEAD
exits 0 'a push that regresses and mends goes as a whole' push origin main
exits 0 'the server'"'"'s ledger and target verify' "$RATCHET" -C "$BOX/server.git" verify
git checkout -q -b broken
echo bad >cases/a && commit 'a is bad'
exits 0 'other branches are free' push origin broken
git tag -a -m 'annotated' v1 && exits 0 'tags are free' push origin v1
git checkout -q main

# ---- several refs ----
git checkout -q -b worse && echo bad >cases/b && commit 'b is bad' && git checkout -q main
before=$(at refs/heads/main)
exits 1 'one refused ref refuses all of the push' push origin worse:main worse:refs/heads/beside
check 'none of its refs moved' test "$(at refs/heads/main):$(at refs/heads/beside)" = "$before:"
echo good >cases/d && commit 'd'
exits 0 'several refs go together when the target is accepted' push origin main worse:refs/heads/beside
check 'all of them moved' test "$(at refs/heads/main):$(at refs/heads/beside)" = "$(tip):$(tip worse)"

# ---- back and away ----
before=$(at refs/heads/main)
exits 1 'a forced push back is refused' push -f origin HEAD^:main
says 'that it only moves forward is said' 'only moves forward'
check 'that refusal has its entry' entered '"op":"judged".*"verdict":"refused"'
exits 1 'a forced push aside is refused' push -f origin worse:main
exits 1 'a deletion is refused' push origin :main
check 'that refusal has its entry too' entered '"candidate":null.*"op":"judged".*"verdict":"refused"'
check 'the target is where it was' test "$(at refs/heads/main)" = "$before"
exits 0 'another branch is deleted freely' push origin :beside

# ---- the baseline ----
sed -i '/unit\/d	/d' .ratchet/baseline/unit.tsv && git rm -q cases/d && commit 'forget d'
exits 1 'what is not in the baseline yet may go, what is may not' sh -c "sed -i '/unit.a	/d' .ratchet/baseline/unit.tsv && git commit -qam lower --no-verify && git -c core.hooksPath=/dev/null push origin main"
must git reset -q --hard "$before"
printf 'unit/zzz\tpass\t\t0\n' >>.ratchet/baseline/unit.tsv && commit 'claim'
exits 1 'a baseline line that nothing showed is refused' push origin main
must git reset -q --hard "$before"
must "$RATCHET" check
must "$RATCHET" baseline record
exits 0 'a baseline that the run bears out is pushed' push origin main

# ---- governance ----
sed -i 's/^target: main/target: main\nassertions: strict/' ratchet.yml && commit 'govern'
exits 1 'an unsigned change of ratchet.yml is refused' push origin main
says 'governance is named' 'governance'
exits 128 'git itself refuses push options that the server does not take' push -o governance origin main
must server config receive.advertisePushOptions true
exits 1 'the option alone is not enough' push -o governance origin main
says 'what the operator sets is named' 'ratchet.unsignedGovernance'
must "$RATCHET" -C "$BOX/server.git" init --server-governance
exits 1 'without the option it is refused there too' push origin main
exits 0 'with option and configuration it goes' push -o governance origin main
check 'the entry is marked unsigned' entered '"unsigned":true'
exits 0 'status says that governance is unsigned' "$RATCHET" -C "$BOX/server.git" status
says 'status has the word' 'governance is unsigned'
ssh-keygen -q -t ed25519 -N '' -C signer -f "$BOX/key"
mkdir -p .ratchet/policies
echo "signer@example.com $(cut -d' ' -f1,2 "$BOX/key.pub")" >.ratchet/policies/allowed_signers && commit 'first key'
exits 0 'the first key goes in by the option' push -o governance origin main
sed -i '/assertions: strict/d' ratchet.yml && commit 'govern again'
exits 1 'after the first key the option is worth nothing' push -o governance origin main
must git -c gpg.format=ssh -c user.signingkey="$BOX/key" -c core.hooksPath=/dev/null commit -q --amend -S --no-edit
exits 0 'a signed change goes' push origin main

# ---- refs/ratchet ----
writer=$(cat .git/ratchet/writer)
exits 0 'a ledger is pushed' push origin "refs/ratchet/ledger/$writer"
exits 1 'a ledger is not rewound' push -f origin "refs/ratchet/ledger/$writer~1:refs/ratchet/ledger/$writer"
exits 1 'a ledger is not deleted' push origin ":refs/ratchet/ledger/$writer"
exits 1 'the server'"'"'s own ledger is not pushed' push -f origin "refs/ratchet/ledger/$writer:refs/ratchet/ledger/$(cat "$BOX/server.git/ratchet/writer")"
exits 1 'what else is below refs/ratchet is not pushed' push origin HEAD:refs/ratchet/rejected/x

# ---- two at a time: both are judged on the same tip, one is first ----
cat >"$BOX/server.git/hooks/pre-receive" <<-END
	#!/bin/sh
	: >"$BOX/arrived.\$\$"
	i=0
	while [ "\$(find "$BOX" -maxdepth 1 -name 'arrived.*' | wc -l)" -lt 2 ] && [ \$i -lt 300 ]; do
		sleep 0.1
		i=\$((i + 1))
	done
END
chmod +x "$BOX/server.git/hooks/pre-receive"
for who in first second; do
	must git clone -q "$BOX/server.git" "$BOX/$who"
	(cd "$BOX/$who" && echo good >"cases/$who" && commit "$who") || exit 1
done
for who in first second; do
	(cd "$BOX/$who" && git push -q origin main >"$BOX/$who.out" 2>&1
	echo $? >"$BOX/$who.code") &
done
wait
check 'of two pushes at the same time one goes' test "$(sort "$BOX/first.code" "$BOX/second.code" | tr '\n' ' ')" = '0 1 '
check 'both met in the hook' test "$(find "$BOX" -maxdepth 1 -name 'arrived.*' | wc -l)" = 2
winner=first loser=second
[ "$(cat "$BOX/first.code")" = 0 ] || { winner=second loser=first; }
check 'the target is the one that went' test "$(at refs/heads/main)" = "$(git -C "$BOX/$winner" rev-parse HEAD)"
exits 0 'the other goes after a rebase' sh -c "cd '$BOX/$loser' && git pull -q --rebase && git push -q origin main"
exits 0 'the ledger is whole after all that' "$RATCHET" -C "$BOX/server.git" verify
must git clone -q --depth 1 "file://$BOX/server.git" "$BOX/shallow"
exits 0 'a push from a shallow clone is judged and goes' sh -c "cd '$BOX/shallow' && echo good >cases/sh && git add -A && git commit -q -m sh && git push -q origin main"
check 'the server'"'"'s guard knows every push that was judged' sh -c "! git -C '$BOX/server.git' log --format=%B 'refs/ratchet/ledger/$(cat "$BOX/server.git/ratchet/writer")' | grep -q '\"op\":\"open\"'"
check 'no quarantine of ratchet is left' test -z "$(ls "$BOX/server.git/ratchet/quarantine" 2>/dev/null)"
finish
