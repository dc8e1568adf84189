//! The passes of the best instruction set of this machine, by the tests of the kernels.

extern crate saccade_native as kernels;

#[path = "../../tests/format_f32.rs"]
mod passes;
