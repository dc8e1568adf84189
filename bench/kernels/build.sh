#!/bin/sh
# build.sh [OUT=pkg]: builds the rungs for WebAssembly, over a shared memory, with the compiler and flags of kernels/build.sh:
#   scalar   no SIMD: the first rung, which the compiler would vectorise otherwise
#   simd     plain SIMD
#   relaxed  relaxed SIMD
# Needs cargo and npx only: what is exported are plain functions.
set -eu
cd "$(dirname "$0")"
out=${1:-pkg}

if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
  export PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
  core=-Zbuild-std=core
fi

# build NAME FEATURES
build() {
  flags="-Ctarget-feature=+atomics,+bulk-memory,+mutable-globals$2"
  flags="$flags --remap-path-prefix=$(cd ../.. && pwd)=saccade --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
  for argument in --shared-memory --import-memory --max-memory=4294967296 --export=__heap_base --export=__stack_pointer; do
    flags="$flags -Clink-arg=$argument"
  done
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=$flags CARGO_TARGET_DIR=$PWD/target/$1 \
    cargo build --quiet --release --target wasm32-unknown-unknown --locked ${core:-}
  npx --yes --package=binaryen@132.0.0 wasm-opt -O3 --enable-simd --enable-relaxed-simd --enable-threads --enable-bulk-memory \
    --enable-mutable-globals --enable-sign-ext --enable-nontrapping-float-to-int --enable-multivalue --enable-reference-types \
    "target/$1/wasm32-unknown-unknown/release/ladder.wasm" -o "$out/$1.wasm"
}

mkdir -p "$out"
build scalar ""
build simd ",+simd128"
build relaxed ",+simd128,+relaxed-simd"
sha256sum Cargo.toml Cargo.lock build.sh src/*.rs ../../kernels/src/vector.rs >"$out/SOURCES"
