#!/bin/sh
# ratchet-shim 1. Written by `ratchet hook --install`, compared by `ratchet doctor`; what is edited here is overwritten.
# Runs the hook that was here before as git would have run it, and `ratchet hook` where ratchet has something to say.
ratchet=@RATCHET@
before=@BEFORE@
kept=@KEPT@
hook=${0##*/}
input=

missing() {
	echo "ratchet: $ratchet is missing, so nothing can be judged. Put it back, or run \`ratchet hook --install\` of another;" >&2
	echo "ratchet: to do without: git config --unset core.hooksPath" >&2
}

# Every reader gets the whole of standard input, which can be read only once.
feed() {
	case $hook in
	pre-push | pre-receive | post-receive | post-rewrite) printf %s "$input" 2>/dev/null | "$@" ;;
	*) "$@" ;;
	esac
}

earlier() {
	for dir in "$kept" "$before"; do
		if [ -f "$dir/$hook" ] && [ -x "$dir/$hook" ]; then
			feed "$dir/$hook" "$@" || return
		fi
	done
}

case $hook in
pre-push | pre-receive | post-receive | post-rewrite)
	input=$(cat && echo .) # a command substitution drops newlines at the end, and the dot keeps them
	input=${input%.}
	;;
esac

if [ ! -x "$ratchet" ]; then
	missing
	case $hook in
	post-* | p4-post-*) ;; # git goes on whatever these say
	*) exit 1 ;;
	esac
elif [ "$hook" = post-merge ]; then
	"$ratchet" hook -- "$hook" "$@"
fi

# Earlier hooks first: what they stage is judged too.
earlier "$@" || exit
case $hook in
pre-commit | pre-merge-commit | pre-push | pre-receive) feed "$ratchet" hook -- "$hook" "$@" ;;
esac
