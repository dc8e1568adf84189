//! The step of a model, unit by unit, over one block of memory that JavaScript lays out.
//!
//! `passes` holds the three passes of a step over weights, at once or deferred (`pairs`), `rule_2016` and `rule_saccade` the
//! `vectors` between them; `shift` fits the shift candidates of the latter, `combiner` weighs them, both by `ridge` regression.
//! `stored` knows what a matrix is stored in: f32 (`format_f32`), narrow (`narrow`, and `bytes` for i8 and its `levels`), pruned
//! (`sparse`, `octs`), in one of `formats`, or places in `codebooks` (`tables`); `terms` is what it learns and `noise` how that is
//! rounded, `codebook_learning` how codebooks do and their `codebook_grid` moves. `motion` is the block matching that runs once a frame, `sweep` what the bench
//! holds all of it against. The instruction set is fixed when compiling (`build.sh` makes one package
//! for each); natively the crate is built for its tests only.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(unsafe_op_in_unsafe_fn)]

pub mod bytes;
pub mod codebook_grid;
pub mod codebook_learning;
pub mod codebooks;
pub mod combiner;
pub mod format_f32;
pub mod formats;
pub mod integers;
pub mod levels;
pub mod model;
pub mod motion;
pub mod narrow;
pub mod noise;
pub mod octs;
pub mod pairs;
pub mod passes;
pub mod pixels;
pub mod ridge;
pub mod rule_2016;
pub mod rule_saccade;
pub mod shift;
pub mod small_integers;
pub mod sparse;
pub mod stored;
pub mod sweep;
pub mod tables;
pub mod terms;
pub mod tile_sums;
pub mod vector;
pub mod vectors;

#[cfg(target_arch = "wasm32")]
mod wasm;
