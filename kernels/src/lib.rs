//! The step of a model, unit by unit, over one block of memory that JavaScript lays out.
//!
//! `format_f32` holds the passes over a matrix, `passes` the three of a step, at once or deferred (`pairs`), `rule_2016` and
//! `rule_saccade` the vectors between them, `motion` the block matching that runs once a frame, `sweep` what the bench holds them
//! against. The instruction set is fixed when compiling (`build.sh` makes one package for each); natively the crate is built for
//! its tests only.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![deny(unsafe_op_in_unsafe_fn)]

pub mod format_f32;
pub mod model;
pub mod motion;
pub mod pairs;
pub mod passes;
pub mod pixels;
pub mod rule_2016;
pub mod rule_saccade;
pub mod sweep;
pub mod vector;

#[cfg(target_arch = "wasm32")]
mod wasm;
