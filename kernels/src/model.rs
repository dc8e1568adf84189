//! A model as it lies in memory, and the part of a step that both rules share.
//!
//! JavaScript writes these records (`backends/wasm/records.ts` knows their order); everything in them is four bytes.

use crate::pairs::Pairs;
use crate::shift::{Room, Shift};
use crate::vector::LANES;
use crate::{rule_2016, rule_saccade};
use core::slice::{from_raw_parts, from_raw_parts_mut};
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

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
        if self.count == 0 {
            return &[];
        }
        // Safety: JavaScript wrote `count` runs there when it loaded the model.
        unsafe { from_raw_parts(self.first, self.count as usize) }
    }
}

/// A matrix in the model's format, hidden-major; what it does not have is null.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Weights {
    /// Of any format; of i8 that is not pruned the upper bytes, of codebooks the places.
    pub values: *mut f32,
    pub momentum: *mut f32,
    /// The lower bytes of those; of codebooks what masters have beside their centroids.
    pub lower: *mut u8,
    /// Of fixed point a step of each row, of codebooks the step of the matrix.
    pub scale: *mut f32,
    /// Of i8 that is not pruned the sums of the upper bytes of each row.
    pub sums: *mut i32,
    /// Of a codebook its centroids.
    pub centroids: *mut f32,
    /// Of a pruned model (`sparse`).
    pub starts: *const u32,
    pub index: *const u16,
}

/// One unit: sizes and where its vectors are. Vectors that a rule has no use for are null.
#[repr(C)]
pub struct Unit {
    /// Its number in the model.
    pub id: u32,
    pub layer: u32,
    /// q: values it predicts.
    pub signal_length: u32,
    /// m: rows of the decoder; columns are its padded count, for it is stored transposed.
    pub outputs: u32,
    pub output_columns: u32,
    /// n: columns of the encoder, bias included; and padded.
    pub inputs: u32,
    pub input_columns: u32,
    /// Values in a signal block.
    pub block: u32,
    pub encoder: Weights,
    pub decoder: Weights,
    /// x of the last prediction; the next one; and, with two steps, the one to learn from.
    pub input: *mut f32,
    pub next_input: *mut f32,
    pub lag_input: *mut f32,
    /// h and then the bias.
    pub hidden: *mut f32,
    pub lag_hidden: *mut f32,
    pub prediction: *mut f32,
    pub lag_prediction: *mut f32,
    /// y.
    pub signal: *mut f32,
    pub signal_previous: *mut f32,
    pub integral: *mut f32,
    pub minimum: *mut f32,
    pub maximum: *mut f32,
    /// z.
    pub change: *mut f32,
    /// m of layer 0.
    pub motion: *mut f32,
    pub error: *mut f32,
    /// The running mean of its mean squared error; null where nobody asks for it.
    pub error_mean: *mut f32,
    /// Whether it would have learned in this step but for its small error.
    pub skipped: u32,
    /// s, v, Q, A (zz, zm, mm; with shift candidates on to zg, mg, gg ...), B (z, m ...), w (z, m ...).
    pub scalars: *mut f32,
    pub signal_runs: Runs,
    pub window_runs: Runs,
    pub motion_runs: Runs,
    pub context_runs: Runs,
    /// With deferred updates.
    pub pairs: Pairs,
}

/// A model and what it is to do in this step.
#[repr(C)]
pub struct Model {
    /// 2016 or 1 for "saccade".
    pub rule: u32,
    /// Rule 2016: the bits of `rule_2016::options`.
    pub options: u32,
    pub hidden: u32,
    pub unit: *mut Unit,
    /// chunks + 1 first units: the pieces of work that threads claim.
    pub chunk: *const u32,
    pub chunks: u32,
    /// Chunks claimed in this step.
    pub claimed: AtomicU32,
    /// [frame | external | hidden outputs] of this step, and the space that this step publishes to; its frame is the last one.
    pub space: *const f32,
    pub other: *mut f32,
    /// Where hidden outputs begin in a space.
    pub hidden_at: u32,
    /// One squared error a unit, of this step.
    pub errors: *mut f32,
    /// By layer: the rate of this step, and bit 0 whether it learns now, bit 1 whether it does in the next.
    pub rates: *const f32,
    pub learning: *const u32,
    /// By layer: mean squared errors below which a unit does not learn; null where there are none.
    pub skip_below: *const f32,
    /// The share of its running mean error below which a unit does not learn, and the rate of that mean.
    pub surprise: f32,
    pub error_rate: f32,
    /// Whether this is the first step, and whether weights change.
    pub first: u32,
    pub learn: u32,
    /// r of the running means.
    pub mean_rate: f32,
    /// Context factors: lateral, feedback.
    pub factors: [f32; 2],
    pub tau: f32,
    pub momentum: f32,
    pub bias: f32,
    pub encoder_rate: f32,
    pub decoder_rate: f32,
    /// w0 of layer 0.
    pub motion_prior: f32,
    /// Deferred updates: updates of a unit between two writes, 0 without; ages at which momentum counts; places for pairs.
    pub defer: u32,
    pub window: u32,
    pub ring: u32,
    /// mu^(age + 1), 0 beyond the window; `ring` values.
    pub powers: *const f32,
    /// 1 / (1 - mu).
    pub gain: f32,
    /// H + 1, padded.
    pub hidden_columns: u32,
    /// `stored::format`, and whether weights are pruned: 0 none, 1 whole quads, 2 parts of quads.
    pub format: u32,
    pub pruned: u32,
    /// Of narrow weights: mix(mix(seed) + step) of `noise`.
    pub noise: u32,
    /// Shift candidates: how many (0 is off), their radius, w0 of each in layer 0, and what each memory leaves in a step.
    pub shifts: u32,
    pub shift_radius: u32,
    pub shift_prior: f32,
    pub shift_memory: [f32; LANES],
    /// A record for each unit of layer 0; null where there are none.
    pub shift: *const Shift,
    /// Of codebooks: the lowest bits of the step's number, which say whose centroids move.
    pub turn: u32,
}

impl Model {
    /// Whether a unit's error is large enough to learn from (`backends/reference/skipping.ts`); `would` says that it learns if so.
    ///
    /// # Safety
    /// There is a threshold for each layer, or none.
    pub unsafe fn learns(&self, unit: &mut Unit, squares: f32, would: bool) -> bool {
        let mean = squares / unit.signal_length as f32;
        let mut skips = false;
        unsafe {
            if !self.skip_below.is_null() {
                skips = mean < *self.skip_below.add(unit.layer as usize);
            }
            if would && !unit.error_mean.is_null() {
                let usual = &mut *unit.error_mean;
                skips |= mean < self.surprise * *usual;
                *usual += self.error_rate * (mean - *usual);
            }
        }
        unit.skipped = u32::from(would && skips);
        !skips
    }
}

/// Vectors that live for one unit's step; each thread has its own.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Scratch {
    /// y', as long as the longest signal.
    pub arriving: *mut f32,
    /// e or dz, as long as the widest decoder; zero behind what is written.
    pub delta: *mut f32,
    /// dh and the decoder's factors: H + 1 values, padded.
    pub hidden_delta: *mut f32,
    pub factors: *mut f32,
    /// z before the activation, as long as the widest decoder.
    pub output: *mut f32,
    /// D and m while the combiner learns, as long as the longest signal.
    pub change: *mut f32,
    pub candidate: *mut f32,
    /// What a loaded momentum matrix adds: as long as `output` and as `hidden_delta`.
    pub extra: *mut f32,
    /// How much each pair counts, and half of the pending pairs: one and padded H + 1 values a place.
    pub counts: *mut f32,
    pub pending: *mut f32,
    /// Noise words, as long as the widest matrix.
    pub words: *mut u32,
    /// A vector in levels, as long as the widest matrix or a vector of H + 1.
    pub levels: *mut f32,
    /// For the shift candidates, where there are any.
    pub shift: Room,
}

/// A vector of the model as a slice.
///
/// # Safety
/// `length` values are there, and nothing else refers to them meanwhile.
#[inline(always)]
pub unsafe fn values<'a>(at: *mut f32, length: usize) -> &'a mut [f32] {
    unsafe { from_raw_parts_mut(at, length) }
}

/// This thread's share of a step: chunk after chunk until all are claimed.
///
/// # Safety
/// `model` and `scratch` are records as described, and all threads that work on the model have a scratch of their own.
pub unsafe fn work(model: *const Model, scratch: Scratch) {
    unsafe {
        let model = &*model;
        loop {
            let chunk = model.claimed.fetch_add(1, Relaxed);
            if chunk >= model.chunks {
                return;
            }
            // Every other step goes the other way, so that it begins with the weights that the last one left in a cache.
            let back = model.space > model.other.cast_const();
            let chunk = if back { model.chunks - 1 - chunk } else { chunk };
            let begin = *model.chunk.add(chunk as usize);
            let end = *model.chunk.add(chunk as usize + 1);
            for place in begin..end {
                let id = if back { begin + end - 1 - place } else { place };
                let unit = &mut *model.unit.add(id as usize);
                let publish = model.other.add((model.hidden_at + id * model.hidden) as usize);
                let squares = if model.rule == 2016 {
                    rule_2016::step(model, unit, scratch, publish)
                } else {
                    rule_saccade::step(model, unit, scratch, publish)
                };
                *model.errors.add(id as usize) = squares;
            }
        }
    }
}
