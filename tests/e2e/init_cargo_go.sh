#!/bin/bash
# A real crate and a real module, from a clone to the first verdicts.
home=${HOME-}
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/runners.bash"

# ---- cargo ----
# rustup's cargo finds its toolchain by the home directory
[ "$(command -v cargo)" = /usr/bin/cargo ] || [ ! -d "$home/.rustup" ] || as_home="env HOME=$home XDG_STATE_HOME=$BOX/state"
if ${as_home-} cargo --version >/dev/null 2>&1; then
	project cargo
	mkdir src
	printf '%s\n' '[package]' 'name = "adder"' 'version = "0.1.0"' 'edition = "2021"' >Cargo.toml
	printf 'target\n' >.gitignore
	cat >src/lib.rs <<-'END'
		pub fn add(a: i32, b: i32) -> i32 {
		    a + b
		}

		#[cfg(test)]
		mod tests {
		    use super::add;

		    #[test]
		    fn positive() {
		        assert_eq!(add(2, 3), 5);
		    }
		    #[test]
		    fn negative() {
		        assert_eq!(add(-2, -3), -5);
		    }
		}
	END
	good() {
		sed -i '$d' src/lib.rs
		printf '    #[test]\n    fn zero() {\n        assert_eq!(add(0, 0), 0);\n    }\n}\n' >>src/lib.rs
	}
	gone() {
		sed -i '/#\[test\]/{N;/positive/{N;N;d}}' src/lib.rs
	}
	broken() {
		sed -i 's/^    a + b/    if a < 0 { a + b } else { a - b }/' src/lib.rs
	}
	ratchet_of_box=$RATCHET
	if [ -n "${as_home-}" ]; then
		printf '#!/bin/sh\nexec %s %s "$@"\n' "$as_home" "$RATCHET" >"$BOX/ratchet"
		chmod +x "$BOX/ratchet"
		RATCHET=$BOX/ratchet
	fi
	gated unit/tests::positive unit/tests::zero
	RATCHET=$ratchet_of_box
else
	skip 'cargo: a crate goes from clone to first verdicts' 'cargo is not here'
fi

# ---- go ----
if command -v go >/dev/null; then
	project go
	printf 'module example.org/adder\n\ngo 1.19\n' >go.mod
	printf 'package adder\n\nfunc Add(a, b int) int {\n\treturn a + b\n}\n' >add.go
	go_test() { # name, a, b, sum
		printf '\nfunc Test%s(t *testing.T) {\n\tif Add(%s, %s) != %s {\n\t\tt.Fail()\n\t}\n}\n' "$@"
	}
	{
		printf 'package adder\n\nimport "testing"\n'
		go_test Positive 2 3 5
		go_test Negative -2 -3 -5
	} >add_test.go
	good() {
		go_test Zero 0 0 0 >>add_test.go
	}
	gone() {
		sed -i '/func TestPositive/,/^}/d' add_test.go
	}
	broken() {
		sed -i 's/return a + b/if a < 0 {\n\t\treturn a + b\n\t}\n\treturn a - b/' add.go
	}
	gated unit/example.org/adder::TestPositive unit/example.org/adder::TestZero
else
	skip 'go: a module goes from clone to first verdicts' 'go is not here'
fi
finish
