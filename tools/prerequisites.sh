#!/bin/sh
# Finds what `make` needs before anything is built, and names the remedy for what is missing.
# Prints the Python to use on stdout; problems go to stderr, all of them at once.
set -u
problems=0
complain() { printf 'missing: %s\n   remedy: %s\n' "$1" "$2" >&2; problems=1; }

python=
for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
  [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
  if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    python=$(command -v "$candidate")
    break
  fi
done
if [ -z "$python" ]; then
  complain "Python 3.11 or newer" "install it (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3"
elif ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
  complain "the venv module of $python" "Debian: apt-get install python3-venv"
fi

if ! command -v cargo >/dev/null 2>&1; then
  complain "a Rust toolchain (cargo)" "install the stable toolchain with rustup, then open a new shell"
else
  needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
  have=$(rustc --version 2>/dev/null | cut -d' ' -f2)
  lowest=$(printf '%s\n%s\n' "$needed" "$have" | sort -V | head -n 1)
  [ "$lowest" = "$needed" ] || complain "Rust $needed or newer (found ${have:-none})" "rustup update stable"
fi

command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 || command -v clang >/dev/null 2>&1 ||
  complain "a C compiler and linker (cc)" "Debian: apt-get install build-essential"

[ "$problems" -eq 0 ] || exit 1
printf '%s\n' "$python"
