#!/bin/sh
# A RUSTC_WRAPPER for fuzzing: only our own crates get coverage marks. Linear algebra that is not ours takes minutes to
# compile with them, runs slower, and its branches are not those we want to explore.
for argument in "$@"; do
  case "$argument" in poise_*) exec "$@" ;; esac
done
for argument in "$@"; do
  shift
  case "$argument" in
    -Cpasses=sancov-module | -Cllvm-args=-sanitizer-coverage-*) ;;
    *) set -- "$@" "$argument" ;;
  esac
done
exec "$@"
