#!/bin/sh
# Format, lint and tests of the native library. Without cargo it says so and passes, except in CI.
set -eu
cd "$(dirname "$0")"
if ! command -v cargo >/dev/null; then
  echo "Rust tests of the native library skipped: cargo is not installed" >&2
  [ -z "${CI:-}" ] || exit 1
  exit 0
fi
cargo fmt --check
cargo clippy --quiet --all-targets --locked -- -D warnings
cargo test --quiet --locked
