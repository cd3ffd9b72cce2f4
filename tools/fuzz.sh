#!/usr/bin/env bash
# Runs every fuzz target in turn, from the committed corpus, on the stable toolchain. A finding leaves its input in
# fuzz/artifacts/<target>/ and ends in exit code 1; the other targets still run.
#
#   tools/fuzz.sh [seconds in all, 60]     run
#   tools/fuzz.sh minimise                 take into fuzz/corpus what earlier runs found, as few files as cover it
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2

readonly version=0.13.2
readonly build=target/fuzz
readonly found=$build/corpus
# `none`: the other sanitizers need a nightly compiler, and the core is safe code.
readonly flags=(--fuzz-dir fuzz --sanitizer none --target-dir "$build" --codegen-units 16)
# An input that takes ten seconds hangs, also where other programs run; none needs a gigabyte.
readonly limits=(-timeout=10 -rss_limit_mb=1024 -max_len=1024)

if ! command -v c++ > /dev/null 2>&1; then
  echo "missing: a C++ compiler, which libFuzzer is built with; Debian: apt-get install build-essential" >&2
  exit 2
fi
export RUSTC_WRAPPER="$PWD/tools/instrument_own.sh"
export PATH="$PWD/target/tools/bin:$PATH"
if ! cargo fuzz --version > /dev/null 2>&1; then
  cargo install cargo-fuzz --quiet --locked --version "$version" --root target/tools || exit 2
fi

mapfile -t targets < <(cargo fuzz list --fuzz-dir fuzz)
[ "${#targets[@]}" -gt 0 ] || exit 2
cargo fuzz build "${flags[@]}" || exit 2
triple=$(rustc -vV | sed -n 's/^host: //p')
run() { # The target's own program: cargo need not look at the build again for each.
  "$build/$triple/release/$1" -artifact_prefix="fuzz/artifacts/$1/" "${limits[@]}" "${@:2}"
}

if [ "${1:-}" = minimise ]; then
  for target in "${targets[@]}"; do
    fewest=$build/fewest/$target
    rm -rf "$fewest" && mkdir -p "$fewest" "$found/$target" "fuzz/corpus/$target" "fuzz/artifacts/$target"
    # Which places of the code are reached, not how often: a hundred times fewer files.
    run "$target" -set_cover_merge=1 -use_counters=0 "$fewest" "fuzz/corpus/$target" "$found/$target" \
      > "$build/$target.log" 2>&1 || { tail -n 20 "$build/$target.log"; exit 1; }
    # Fewer than sixty files for each target: the longest, which reach most.
    find "$fewest" -type f -printf '%s %p\n' | sort -rn | tail -n +60 | cut -d ' ' -f 2- | xargs -r rm
    rm -rf "fuzz/corpus/$target" && mv "$fewest" "fuzz/corpus/$target"
    echo "$target: $(find "fuzz/corpus/$target" -type f | wc -l) files"
  done
  exit 0
fi

seconds=$((${1:-60} / ${#targets[@]}))
failed=0
for target in "${targets[@]}"; do
  mkdir -p "$found/$target" "fuzz/corpus/$target" "fuzz/artifacts/$target"
  if run "$target" -max_total_time="$((seconds > 0 ? seconds : 1))" -print_final_stats=1 \
    "$found/$target" "fuzz/corpus/$target" > "$build/$target.log" 2>&1; then
    echo "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log") inputs, nothing found"
  else
    failed=1
    grep -E -A 4 'panicked at|^==[0-9]+== ERROR' "$build/$target.log" | cut -c 1-1000
    echo "$target: a finding; its input is in fuzz/artifacts/$target/" >&2
  fi
done
exit "$failed"
