//! The records of `saccade_backend.h`, field by field.

use core::ffi::c_char;
use core::ptr::null;

pub const ABI_VERSION: u32 = 1;

pub const OK: i32 = 0;
pub const REFUSED: i32 = 1;
pub const TOO_BIG: i32 = 2;
pub const FAILED: i32 = 4;

pub const CPU: u32 = 0;
pub const DETERMINISTIC: u32 = 1;
pub const DEFERS: u32 = 2;

pub const RULE_SACCADE: u32 = 1;
pub const RULE_2016: u32 = 2016;
pub const U8: u32 = 0;

#[repr(C)]
pub struct Info {
    pub size: u32,
    pub kind: u32,
    pub traits: u32,
    pub report_capacity: u32,
    pub name: [u8; 32],
    pub id: [u8; 32],
    pub description: [u8; 192],
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Sources {
    pub start: *const u32,
    pub index: *const u32,
    pub length: *const u32,
    pub delay: *const u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Plan {
    pub size: u32,
    pub rule: u32,
    pub options: u32,
    pub width: u32,
    pub height: u32,
    pub channels: u32,
    pub external_motion: u32,
    pub external_parts: u32,
    pub hidden: u32,
    pub layers: u32,
    pub units: u32,
    pub max_delay: u32,
    pub motion_radius: u32,
    pub defer_every: u32,
    pub defer_window: u32,
    pub reserved: u32,
    pub tau: f64,
    pub momentum: f64,
    pub bias: f64,
    pub encoder_rate: f64,
    pub decoder_rate: f64,
    pub layer_start: *const u32,
    pub signal: Sources,
    pub window: Sources,
    pub motion: Sources,
    pub context: Sources,
    pub context_kind: *const u8,
    pub block: *const u32,
    pub inputs: *const u32,
    pub outputs: *const u32,
    pub encoder_mask: *const u8,
    pub decoder_mask: *const u8,
}

#[repr(C)]
pub struct Tensor {
    pub name: *const c_char,
    pub data: *const f32,
    pub length: u64,
}

#[repr(C)]
pub struct State {
    pub size: u32,
    pub started: u32,
    pub step: u64,
    pub tensor_count: u64,
    pub tensors: *const Tensor,
    pub first: *const u32,
    pub deferred: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct Step {
    pub size: u32,
    pub frame_type: u32,
    pub number: u64,
    pub learned: u64,
    pub learn: u32,
    pub lateral: f32,
    pub feedback: f32,
    pub reserved: u32,
    pub rates: *const f32,
    pub learning: *const u32,
}

#[repr(C)]
pub struct Report {
    pub size: u32,
    pub reserved: u32,
    pub steps: u64,
    pub macs: f64,
    pub bytes_read: f64,
    pub bytes_written: f64,
    pub device_ns: f64,
    pub waited_ns: f64,
}

#[repr(C)]
pub struct Memory {
    pub size: u32,
    pub reserved: u32,
    pub weights: f64,
    pub total: f64,
}

/// A borrowed array; a null pointer stands for an empty one.
///
/// # Safety
/// `length` values are there for as long as the result is used.
pub unsafe fn slice<'a, T>(at: *const T, length: usize) -> &'a [T] {
    if length == 0 || at.is_null() {
        return &[];
    }
    // Safety: the caller of the library vouches for it.
    unsafe { core::slice::from_raw_parts(at, length) }
}

// Safety of all: the header says how long these arrays are.
impl Plan {
    /// The scalars alone: arrays are borrowed.
    pub fn scalars(&self) -> Plan {
        const NONE: Sources = Sources { start: null(), index: null(), length: null(), delay: null() };
        let [layer_start, block, inputs, outputs] = [null(); 4];
        let (signal, window, motion, context) = (NONE, NONE, NONE, NONE);
        let [encoder_mask, decoder_mask] = [null(); 2];
        let masks = Plan { encoder_mask, decoder_mask, ..*self };
        Plan { layer_start, signal, window, motion, context, context_kind: null(), block, inputs, outputs, ..masks }
    }
    pub fn layer_start(&self) -> &[u32] {
        unsafe { slice(self.layer_start, self.layers as usize + 1) }
    }
    pub fn inputs(&self) -> &[u32] {
        unsafe { slice(self.inputs, self.units as usize) }
    }
    pub fn outputs(&self) -> &[u32] {
        unsafe { slice(self.outputs, self.units as usize) }
    }
    pub fn block(&self) -> &[u32] {
        unsafe { slice(self.block, self.units as usize) }
    }
    pub fn context_kind(&self) -> &[u8] {
        unsafe { slice(self.context_kind, self.context.runs(self)) }
    }
    /// Values in a frame.
    pub fn frame(&self) -> usize {
        self.width as usize * self.height as usize * self.channels as usize
    }
    /// Where hidden outputs begin in the signal space.
    pub fn hidden_at(&self) -> usize {
        self.frame() + self.external_motion as usize + self.external_parts as usize
    }
    /// Hidden outputs of a step.
    pub fn hidden_outputs(&self) -> usize {
        self.units as usize * self.hidden as usize
    }
    /// Those of a step and of before, as far as a source goes back.
    pub fn published(&self) -> usize {
        self.max_delay.max(1) as usize * self.hidden_outputs()
    }
    /// Values in the signal space: older hidden outputs stand behind newer ones.
    pub fn space(&self) -> usize {
        self.hidden_at() + self.published()
    }
    pub fn has(&self, option: u32) -> bool {
        self.rule == RULE_2016 && self.options & option != 0
    }
    /// The layer of each unit.
    pub fn layer_of(&self) -> Vec<u32> {
        let starts = self.layer_start();
        (0..self.layers).flat_map(|l| (starts[l as usize]..starts[l as usize + 1]).map(move |_| l)).collect()
    }
    /// Places for pairs of deferred updates: in fours, as weights are read.
    pub fn ring(&self) -> usize {
        if self.defer_every == 0 { 0 } else { (self.defer_every.max(self.defer_window) as usize).next_multiple_of(4) }
    }
    /// Weights of all matrices.
    pub fn weights(&self) -> usize {
        let hidden = self.hidden as usize;
        let each = |(inputs, outputs): (&u32, &u32)| hidden * *inputs as usize + (hidden + 1) * *outputs as usize;
        self.inputs().iter().zip(self.outputs()).map(each).sum()
    }
}

impl Sources {
    /// How many runs there are.
    pub fn runs(&self, plan: &Plan) -> usize {
        unsafe { slice(self.start, plan.units as usize + 1) }.last().map_or(0, |end| *end as usize)
    }
    /// The runs of a unit: first and end.
    pub fn range(&self, plan: &Plan, unit: usize) -> (usize, usize) {
        let start = unsafe { slice(self.start, plan.units as usize + 1) };
        if start.is_empty() { (0, 0) } else { (start[unit] as usize, start[unit + 1] as usize) }
    }
    pub fn indices(&self, plan: &Plan) -> &[u32] {
        unsafe { slice(self.index, self.runs(plan)) }
    }
    pub fn lengths(&self, plan: &Plan) -> &[u32] {
        unsafe { slice(self.length, self.runs(plan)) }
    }
    pub fn delays(&self, plan: &Plan) -> &[u32] {
        unsafe { slice(self.delay, self.runs(plan)) }
    }
}
