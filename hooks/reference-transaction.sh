#!/bin/sh
# ratchet-shim 1. Written by `ratchet hook --install`, compared by `ratchet doctor`; what is edited here is overwritten.
# The guard of the target. A fetch of 1,000 branches runs this 2,004 times, so that all that does not move a branch is
# passed over in shell built-ins.
ratchet=@RATCHET@
before=@BEFORE@
kept=@KEPT@
hook=${0##*/}

guard() {
	if [ ! -x "$ratchet" ]; then
		cat >/dev/null
		echo "ratchet: $ratchet is missing, so no branch can be guarded. Put it back, or run \`ratchet hook --install\` of another;" >&2
		echo "ratchet: to do without: git config --unset core.hooksPath" >&2
		return 1
	fi
	"$ratchet" hook -- "$hook" prepared
}

for dir in "$kept" "$before"; do
	if [ -f "$dir/$hook" ] && [ -x "$dir/$hook" ]; then
		[ -n "${input-}" ] || input=$(cat && echo .)
		printf %s "${input%.}" 2>/dev/null | "$dir/$hook" "$@" || exit
	fi
done

[ "$1" = prepared ] || exit 0
if [ -n "${input-}" ]; then
	case $input in
	*" refs/heads/"*) printf %s "${input%.}" | guard ;;
	esac
	exit
fi
while read -r old new ref; do
	case $ref in
	refs/heads/*)
		{ printf '%s %s %s\n' "$old" "$new" "$ref" && cat; } | guard
		exit
		;;
	esac
done
exit 0
