#!/bin/bash
# The ledger: what was edited, dropped, reordered, cut short, forked or damaged is named by verify.
. "$(dirname "$0")/lib.sh"

new_project ledger
write_patch() { # name: a new case that is good
	mkdir -p "$(dirname "$BOX/$1.patch")"
	printf '%s\n' "diff --git a/cases/$1 b/cases/$1" 'new file mode 100644' '--- /dev/null' "+++ b/cases/$1" '@@ -0,0 +1 @@' +good >"$BOX/$1.patch"
}
for name in c d e; do
	write_patch $name
	must "$RATCHET" propose "$BOX/$name.patch"
done
must "$RATCHET" verify --all
writer=$(cat .git/ratchet/writer)
ref=refs/ratchet/ledger/$writer
witness=$HOME/.local/state/ratchet/$writer
entries=$(git rev-list --count "$ref")

# Every test works on a copy of the repository; the witness stays where it is, and is put back.
cp "$witness" "$BOX/witness"
n=0
fresh() {
	n=$((n + 1))
	cp -a "$BOX/ledger" "$BOX/copy-$n"
	cp "$BOX/witness" "$witness"
	cd "$BOX/copy-$n" || exit 1
}
# The chain as files $BOX/chain/0001..., oldest first, and a chain made of what is there in the order of the names.
take_apart() {
	local i=0 commit
	rm -rf "$BOX/chain"
	mkdir "$BOX/chain"
	for commit in $(git rev-list --reverse "$ref"); do
		i=$((i + 1))
		git log -1 --format=%B "$commit" | sed -e '$ d' >"$BOX/chain/$(printf %04d $i)"
	done
}
put_together() {
	local parent='' file commit
	for file in "$BOX"/chain/*; do
		# shellcheck disable=SC2086
		commit=$(git commit-tree $parent -F "$file" "$(git rev-parse "$ref^{tree}")") || exit 1
		parent="-p $commit"
	done
	git update-ref "$ref" "$commit"
}
# As a forger would: every entry names the one before it again.
relink() {
	local before='' file
	for file in "$BOX"/chain/*; do
		[ -z "$before" ] || sed -i "s/\"prev\":\"[0-9a-f]*\"/\"prev\":\"$before\"/" "$file"
		before=$(tail -n 1 "$file" | tr -d '\n' | sha256sum | cut -d' ' -f1)
	done
}
verify_names() { # name of the test, expression
	exits 1 "verify fails: $1" "$RATCHET" verify --all
	says "verify names $1" "$2"
}

fresh
take_apart
put_together
exits 0 'a chain that was put together as it was verifies' "$RATCHET" verify --all

fresh
take_apart
sed -i 's/"pass":2/"pass":3/; s/2 passed/3 passed/' "$BOX/chain/0002"
put_together
verify_names 'an entry that was edited' 'entry 2 is not the one that entry 3 was written after: it was edited'

fresh
take_apart
sed -i 's/"pass":2/"pass":3/; s/2 passed/3 passed/' "$BOX/chain/0002"
relink
put_together
verify_names 'a chain that was forged from an entry on, by the witness' 'witness file knows another entry [0-9]+'
rm "$witness"
exits 1 'without the witness a forged chain still fails' "$RATCHET" verify --all
says 'the trailers of landed commits name a forged chain' 'the trailer of [0-9a-f]{12} knows another entry'
says 'a missing witness is said' 'no witness file'

fresh
take_apart
rm "$BOX/chain/0003"
put_together
verify_names 'an entry that was dropped' 'entry 2 follows 4|entry 4 follows 2|a gap or a reorder'

fresh
take_apart
mv "$BOX/chain/0003" "$BOX/chain/0002x"
mv "$BOX/chain/0002" "$BOX/chain/0003"
put_together
verify_names 'entries in another order' 'a gap or a reorder'

fresh
git update-ref "$ref" "$ref~1"
verify_names 'a chain whose newest entry was cut off, by the witness' "witness file knows entry $entries .*cut short"
fresh
git update-ref "$ref" "$ref~4"
rm "$witness"
verify_names 'a chain that was cut short, by a trailer' 'the trailer of [0-9a-f]{12} knows entry [0-9]+ .*cut short'
fresh
git update-ref -d "$ref"
verify_names 'a chain that was deleted' 'ends at 0: the ledger was cut short'
fresh
take_apart
rm "$BOX/chain/0001" "$BOX/chain/0002"
put_together
verify_names 'a chain whose beginning is missing' 'its beginning is missing'

fresh
take_apart
rm "$BOX/chain/$(printf %04d "$entries")"
put_together
rm "$witness"
verify_names 'an INTENT that nothing closes' 'intends a landing that no later entry closes; run `ratchet recover`'

fresh
git update-ref "refs/ratchet/remotes/origin/$writer" "$ref"
git update-ref "$ref" "$ref~2"
rm "$witness"
verify_names 'a rewound chain, by its copy on a remote' "remotes/origin/$writer knows [0-9a-f]{12} as the head"
fresh
git update-ref "refs/ratchet/remotes/origin/$writer" "$ref~2"
exits 0 'a copy on a remote that is behind is no finding' "$RATCHET" verify

fresh
loose() { # the file of an object
	printf '.git/objects/%s/%s' "${1:0:2}" "${1:2}"
}
file=$(loose "$(git rev-parse "$ref~1")")
chmod u+w "$file"
printf 'damaged' >"$file"
verify_names 'an entry whose object is damaged' "chain $writer: below entry"
rm -f "$file"
verify_names 'an entry whose object is missing' "chain $writer: below entry"
says 'a damaged ledger is never called sound' '^NOT SOUND'

# ---- the target ----
fresh
git -c core.hooksPath=/dev/null commit -q --allow-empty -m 'past the gate'
verify_names 'a commit that nothing gated' 'ungated: [0-9a-f]{12} past the gate'
fresh
git update-ref refs/heads/main main~1
verify_names 'a branch that was moved back' 'no longer on main: the branch was moved back without an entry'
fresh
verify_says() { # NAME PATTERN
	exits 1 "$1: verify fails" "$RATCHET" verify
	says "$1" "$2"
}
echo bad >cases/a && must commit 'breaks' && broken=$(tip) && echo good >cases/a && must commit 'mends'
exits 1 'an earlier commit of the target is judged as it was' "$RATCHET" check "$broken"
exits 0 'to compare a commit with itself runs nothing' "$RATCHET" check --base "$broken" "$broken"
verify_says 'and is no judgement of it' "ungated: ${broken:0:12} breaks"
verify_says 'it is still ungated' "ungated: ${broken:0:12} breaks; judge it with .ratchet check.\$"
git checkout -q -b stale "$broken"
exits 0 'a branch that brings nothing to the target is no change' "$RATCHET" check
git checkout -q main
verify_says 'that says nothing of the commit that it is on' "ungated: ${broken:0:12} breaks"
exits 0 'the tip is judged with all that came in' "$RATCHET" check
exits 0 'after it nothing is ungated' "$RATCHET" verify
fresh
git rm -q cases/a && sed -i '/^unit\/a\t/d' .ratchet/baseline/unit.tsv && must commit 'drops a' && dropped=$(tip)
git checkout -q -b aside && echo x >note && must commit 'never the target' && git checkout -q main
exits 0 'a commit can be compared with one that was never the target' "$RATCHET" check --base aside main
verify_says 'and that gates nothing' "ungated: ${dropped:0:12} drops a"
fresh
must git clone -q . "$BOX/second" && cd "$BOX/second" && echo good >cases/w && must commit 'a second one'
exits 0 'the tip of a clone is judged' "$RATCHET" check
exits 1 'the clone has not seen how ratchet was adopted' "$RATCHET" verify
mend=$(printf '%s\n' "$SAID" | sed -n 's/.*judge it with `ratchet \(check [0-9a-f]*\)`.*/\1/p' | head -n 1)
# shellcheck disable=SC2086 # two words
exits 0 'what the finding says to run is run' "$RATCHET" $mend
exits 0 'and mends it' "$RATCHET" verify

# ---- cost ----
fresh
exits 0 'a second verification of a sound ledger succeeds' "$RATCHET" verify
says 'a second verification reads no entry again' '^sound: 0 entries'
says 'a verification with nothing new says how to read all again' 'since the last sound verification; --all'
write_patch f
must "$RATCHET" propose "$BOX/f.patch"
exits 0 'a verification after a landing succeeds' "$RATCHET" verify
says 'a verification after a landing reads the two new entries' '^sound: 2 entries'
exits 0 'a whole verification succeeds as well' "$RATCHET" verify --all
says 'a whole verification reads every entry' "^sound: $((entries + 2)) entries"

# ---- a plain clone ----
fresh
must git clone -q . "$BOX/clone"
cd "$BOX/clone" || exit 1
must git config --add remote.origin.fetch '+refs/ratchet/ledger/*:refs/ratchet/remotes/origin/*'
must git fetch -q
must git config ratchet.trustedWriter "$writer"
exits 0 'a plain clone with the fetch refspec verifies the chain that it fetched' "$RATCHET" verify --all
says 'a plain clone accounts for every commit' ' landed'
refuse 'a plain clone accounts for every commit without one that is ungated' sh -c "'$RATCHET' verify --all | grep -q ungated"
other=refs/ratchet/remotes/origin/$writer
exits 0 'a clone verifies a chain of another writer a second time' "$RATCHET" verify
git update-ref "$other" "$other~2"
verify_names 'a chain of another writer that was cut short' "chain $writer: the head verified last, [0-9a-f]{12}, is no longer in it"
says 'the mend of a chain that was cut short is named' "remove .*/verified/refs%ratchet%remotes%origin%$writer"
exits 1 'an incremental verification names it too' "$RATCHET" verify
git update-ref -d "$other"
exits 1 'verify fails: a chain of another writer that was deleted' "$RATCHET" verify
says 'verify names a chain of another writer that was deleted' "chain $writer: it was verified once, and its ref is gone"
must git fetch -q
exits 0 'fetching the chain of another writer again mends it' "$RATCHET" verify --all
git cat-file commit "$other~1" | sed 's/"pass":[0-9]*/"pass":99/; s/[0-9]* passed/99 passed/' >"$BOX/edited"
new=$(git hash-object -t commit -w "$BOX/edited")
git cat-file commit "$other" | sed "s/^parent .*/parent $new/" >"$BOX/edited"
git update-ref "$other" "$(git hash-object -t commit -w "$BOX/edited")"
verify_names 'an edited entry of another writer' "chain $writer: entry [0-9]+ is not the one that entry [0-9]+ was written after|chain $writer: below entry"
must git fetch -q
git config --unset ratchet.trustedWriter
exits 1 'a clone that trusts nobody has ungated commits' "$RATCHET" verify --all

# ---- the clock ----
fresh
write_patch g
export RATCHET_TEST_NOW=1000000000
exits 0 'a proposal lands although the clock went back by years' "$RATCHET" propose "$BOX/g.patch"
unset RATCHET_TEST_NOW
exits 0 'entries are ordered by number, whatever the clock said' "$RATCHET" verify --all
export RATCHET_TEST_NOW=2200000000
write_patch h
exits 0 'a proposal lands after 2038' "$RATCHET" propose "$BOX/h.patch"
exits 0 'an entry from after 2038 verifies' "$RATCHET" verify --all
unset RATCHET_TEST_NOW

finish
