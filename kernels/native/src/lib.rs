//! The step of a model in machine code, behind the C ABI of `backends/native/saccade_backend.h`.
//!
//! Rules, passes, pairs and the claiming of work are the sources of the WebAssembly kernels (`kernels/src`). What is of its own
//! here: vectors of the processor at hand (`vector`, `format_f32`, `avx2`), the layout of a model in memory, its threads, and
//! the functions of the header (`exports`).

#![deny(unsafe_op_in_unsafe_fn)]

pub mod abi;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[path = "../../src/bytes.rs"]
mod bytes;
#[path = "../../src/codebook_grid.rs"]
mod codebook_grid;
#[path = "../../src/codebook_learning.rs"]
mod codebook_learning;
#[path = "../../src/codebooks.rs"]
mod codebooks;
#[path = "../../src/combiner.rs"]
mod combiner;
mod cost;
mod exports;
pub mod format_f32;
#[path = "../../src/formats.rs"]
mod formats;
#[path = "../../src/integers.rs"]
mod integers;
mod layout;
mod level;
#[path = "../../src/levels.rs"]
mod levels;
mod memory;
#[path = "../../src/model.rs"]
mod model;
#[path = "../../src/narrow.rs"]
mod narrow;
#[path = "../../src/noise.rs"]
mod noise;
#[path = "../../src/octs.rs"]
mod octs;
#[path = "../../src/pairs.rs"]
mod pairs;
mod panels;
#[path = "../../src/passes.rs"]
mod passes;
#[path = "../../src/ridge.rs"]
mod ridge;
#[path = "../../src/rule_2016.rs"]
mod rule_2016;
#[path = "../../src/rule_saccade.rs"]
mod rule_saccade;
mod session;
#[allow(dead_code, reason = "models with shift candidates are refused")]
#[path = "../../src/shift.rs"]
mod shift;
#[path = "../../src/format_f32.rs"]
mod single;
#[path = "../../src/small_integers.rs"]
mod small_integers;
#[path = "../../src/sparse.rs"]
mod sparse;
#[path = "../../src/stored.rs"]
mod stored;
#[path = "../../src/tables.rs"]
mod tables;
mod tensors;
#[path = "../../src/terms.rs"]
mod terms;
mod threads;
#[path = "../../src/tile_sums.rs"]
mod tile_sums;
mod vector;
#[path = "../../src/vectors.rs"]
mod vectors;

pub use level::Level;
