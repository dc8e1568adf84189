#!/bin/sh
# build.sh [OUT=pkg]: builds the three WebAssembly packages that are committed:
#   relaxed  shared memory, relaxed SIMD: Deno, and pages that are cross-origin isolated
#   strict   shared memory, plain SIMD: where relaxed SIMD is missing, or bits must agree across machines
#   single   plain SIMD, its own memory: everywhere
# Needs cargo, wasm-pack, wasm-bindgen (the version in Cargo.toml) and npx. Where rustc brings no wasm32 core, core is compiled
# along, by Debian's toolchain (apt-get install rustc-web cargo-web rust-web-src lld-22); the bytes committed come from there.
set -eu
cd "$(dirname "$0")"
out=${1:-pkg}
stage=$PWD/target/stage

if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; then
  export PATH="/usr/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-22
  core=-Zbuild-std=core,alloc
fi

# build NAME FEATURES [LINKER ARGUMENTS]
build() {
  name=$1; features=$2; shift 2
  flags="-Ctarget-feature=$features --remap-path-prefix=$PWD=kernels --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo"
  for argument in "$@"; do flags="$flags -Clink-arg=$argument"; done
  # Its own target directory: other flags in the same one would compile core anew every time.
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=$flags CARGO_TARGET_DIR=$PWD/target/$name \
    wasm-pack build --release --target web --mode force --no-pack --out-dir "$stage/$name" -- --locked ${core:-}
  wasm=$stage/$name/kernels_bg.wasm
  npx --yes --package=binaryen@132.0.0 wasm-opt -O3 --enable-simd --enable-relaxed-simd --enable-threads --enable-bulk-memory \
    --enable-mutable-globals --enable-sign-ext --enable-nontrapping-float-to-int --enable-multivalue --enable-reference-types \
    --one-caller-inline-max-function-size=0 \
    "$wasm" -o "$wasm"
  rm -f "$stage/$name/.gitignore"
}

# contains NAME INSTRUCTION: forgetting a target feature compiles all the same, only slower
contains() {
  npx --yes --package=binaryen@132.0.0 wasm-dis --enable-simd --enable-relaxed-simd --enable-threads \
    "$stage/$1/kernels_bg.wasm" | grep -q "$2" || { echo "kernels: no $2 in $1" >&2; exit 1; }
}

rm -rf "$stage"
threads="+simd128,+atomics,+bulk-memory,+mutable-globals"
shared="--shared-memory --import-memory --max-memory=4294967296
  --export=__heap_base --export=__wasm_init_tls --export=__tls_size --export=__tls_align --export=__tls_base"
build single +simd128
# shellcheck disable=SC2086
build strict "$threads" $shared
# shellcheck disable=SC2086
build relaxed "$threads,+relaxed-simd" $shared
contains single f32x4.mul
contains strict f32x4.mul
contains strict i32.atomic.rmw.add
contains relaxed f32x4.relaxed_madd
contains relaxed i32.atomic.rmw.add

mkdir -p "$out"
for name in single strict relaxed; do
  rm -rf "${out:?}/$name"
  mv "$stage/$name" "$out/"
done
sha256sum Cargo.toml Cargo.lock build.sh src/*.rs >"$out/SOURCES"
