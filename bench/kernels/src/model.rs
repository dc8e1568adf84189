//! A model as it lies in memory: words of four bytes that JavaScript writes (`model.ts` knows their order).

use crate::rung::Matrix;
use core::slice::{from_raw_parts, from_raw_parts_mut};
use core::sync::atomic::AtomicU32;

/// A run of the signal space.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Run {
    pub index: u32,
    pub length: u32,
    /// Of context: 0 lateral, 1 feedback.
    pub kind: u32,
}

/// Some runs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Runs {
    pub first: *const Run,
    pub count: u32,
}

impl Runs {
    pub fn list(&self) -> &[Run] {
        // Safety: JavaScript wrote `count` runs there when it laid out the model, and `first` is never null.
        unsafe { from_raw_parts(self.first, self.count as usize) }
    }
}

/// One unit; vectors that the model has no use for are null.
#[repr(C)]
pub struct Unit {
    pub layer: u32,
    /// Values it predicts; outputs are twice as many where two steps are predicted.
    pub signal_length: u32,
    pub outputs: u32,
    /// Values in a signal block.
    pub block: u32,
    pub encoder: Matrix,
    pub decoder: Matrix,
    pub input: *mut f32,
    pub next_input: *mut f32,
    pub lag_input: *mut f32,
    /// h and then the bias.
    pub hidden: *mut f32,
    pub lag_hidden: *mut f32,
    pub prediction: *mut f32,
    pub lag_prediction: *mut f32,
    pub signal: *mut f32,
    pub integral: *mut f32,
    pub minimum: *mut f32,
    pub maximum: *mut f32,
    pub signal_runs: Runs,
    pub context_runs: Runs,
}

/// A model and what it is to do in this step.
#[repr(C)]
pub struct Model {
    /// The bits of `step::options`.
    pub options: u32,
    pub hidden: u32,
    pub units: *mut Unit,
    /// chunks + 1 first units.
    pub chunk: *const u32,
    pub chunks: u32,
    /// Chunks claimed in this step.
    pub claimed: AtomicU32,
    /// Not 0 while the model is started: it predicts and does nothing else.
    pub starting: AtomicU32,
    /// [frame | hidden outputs] of this step, and the space it publishes to.
    pub space: *const f32,
    pub other: *mut f32,
    /// Where hidden outputs begin in a space.
    pub hidden_at: u32,
    /// One squared error a unit, of this step.
    pub errors: *mut f32,
    /// By layer: the rate of this step, and bit 0 whether it learns now, bit 1 whether it does in the next.
    pub rates: *const f32,
    pub learning: *const u32,
    /// Context factors: lateral, feedback.
    pub factors: [f32; 2],
    pub tau: f32,
    pub momentum: f32,
    pub bias: f32,
}

/// Vectors that live for one unit's step, each as long as the longest of any unit; each thread has its own.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Scratch {
    /// The signal that arrives.
    pub arriving: *mut f32,
    /// e; zero behind what is written.
    pub delta: *mut f32,
    /// dh.
    pub hidden_delta: *mut f32,
    /// rate * [h, bias]; zero behind them.
    pub factors: *mut f32,
    /// The decoder's sums.
    pub output: *mut f32,
}

/// A vector of the model as a slice.
///
/// # Safety
/// `length` values are there, and nothing else refers to them meanwhile.
#[inline(always)]
pub unsafe fn values<'a>(at: *mut f32, length: usize) -> &'a mut [f32] {
    unsafe { from_raw_parts_mut(at, length) }
}
