//! A running model.

use crate::abi::{Plan, RULE_2016, RULE_SACCADE, State, Step, U8, slice};
use crate::cost::{Cost, add_deferred, add_dense};
use crate::layout::{Layout, RunTable, cut_chunks, place};
use crate::level::{self, Level};
use crate::memory::{Block, Room};
use crate::model::Model;
use crate::panels::padded;
use crate::rule_2016;
use crate::stored::{format, pruned};
use crate::tensors;
use crate::threads::Threads;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// Reports that gather before one must be drained.
pub const CAPACITY: usize = 1024;

/// w0 of layer 0 where there is motion.
const MOTION_PRIOR: f32 = 0.7;
/// The least rate of the running means.
const MEAN_FLOOR: f64 = 0.001;

/// What has gathered since the last report.
#[derive(Default)]
pub struct Gathered {
    pub steps: usize,
    /// Steps x layers.
    pub mse: Vec<f64>,
    pub cost: Cost,
    pub device_ns: f64,
}

/// A model, its memory and its threads.
pub struct Session {
    // Fields are dropped in this order: threads end before what they work on is given back.
    threads: Threads,
    model: Box<Model>,
    pub layout: Layout,
    /// Without arrays, which are borrowed.
    pub plan: Plan,
    /// Values in the signals of each layer, and the bits of `learning` in this step.
    layer_values: Vec<f64>,
    learning: Vec<u32>,
    rates: Vec<f32>,
    errors: Vec<f32>,
    /// Steps made.
    pub step: u64,
    pub gathered: Gathered,
    bytes: usize,
    /// What a checkpoint has of the motion candidate for units of other parts.
    pub motion_rest: Vec<f32>,
    _table: RunTable,
    _chunks: Vec<u32>,
    _block: Block,
}

/// A tensor of a state.
pub fn tensor<'a>(state: &'a State, name: &str) -> Option<&'a [f32]> {
    let tensors = unsafe { slice(state.tensors, state.tensor_count as usize) };
    let found = tensors.iter().find(|tensor| unsafe { CStr::from_ptr(tensor.name) }.to_bytes() == name.as_bytes())?;
    Some(unsafe { slice(found.data, found.length as usize) })
}

/// Whether there are momentum matrices: with deferred updates only where something was loaded.
fn has_momentum(plan: &Plan, state: &State) -> bool {
    let any = |name| tensor(state, name).is_some_and(|values| values.iter().any(|value| *value != 0.0));
    plan.rule == RULE_2016 && (plan.defer_every == 0 || any("encoder.momentum") || any("decoder.momentum"))
}

/// Bytes that a model takes on so many threads.
pub fn bytes_of(plan: &Plan, threads: usize) -> usize {
    let table = RunTable::new(plan);
    let mut room = Room::counting();
    // Nothing of it is used but the size.
    unsafe { place(plan, &table, plan.rule == RULE_2016, threads, &mut room) };
    room.bytes()
}

impl Session {
    /// Places a model, writes its state and starts its threads.
    pub fn new(plan: &Plan, state: &State, threads: usize, level: Level) -> Result<Box<Session>, String> {
        let table = RunTable::new(plan);
        if !table.is_within(plan.space()) {
            return Err("A source of the plan lies outside of its signal space".into());
        }
        let momentum = has_momentum(plan, state);
        let mut room = Room::counting();
        unsafe { place(plan, &table, momentum, threads, &mut room) };
        let bytes = room.bytes();
        let block = Block::new(bytes).ok_or_else(|| format!("The system has no {bytes} bytes of memory left"))?;
        let layout = unsafe { place(plan, &table, momentum, threads, &mut Room::of(&block)) };
        let chunks = cut_chunks(plan, threads);
        let layers = plan.layers as usize;
        let mut layer_values = vec![0.0; layers];
        for unit in &layout.units {
            layer_values[unit.layer as usize] += f64::from(unit.signal_length);
        }
        let motion_rest = (plan.external_motion as usize).saturating_sub(layer_values[0] as usize);
        let mut model = Box::new(empty_model(plan));
        let mut layout = layout;
        let (mut errors, rates, learning) = (vec![0.0; layout.units.len()], vec![0.0; layers], vec![0; layers]);
        model.unit = layout.units.as_mut_ptr();
        model.chunk = chunks.as_ptr();
        model.chunks = chunks.len() as u32 - 1;
        model.errors = errors.as_mut_ptr();
        model.rates = rates.as_ptr();
        model.learning = learning.as_ptr();
        model.powers = layout.powers;
        write_powers(plan, layout.powers);
        let workers = unsafe { Threads::start(&*model, &layout.scratch, level) }.map_err(|error| error.to_string())?;
        let mut session = Box::new(Session {
            threads: workers,
            model,
            layout,
            plan: plan.scalars(),
            layer_values,
            learning,
            rates,
            errors,
            step: state.step,
            gathered: Gathered::default(),
            bytes,
            motion_rest: vec![0.0; motion_rest],
            _table: table,
            _chunks: chunks,
            _block: block,
        });
        tensors::write(&mut session, state)?;
        if state.started == 0 {
            unsafe { level::choose(level) };
            session.start(unsafe { slice(state.first, layers) });
        }
        Ok(session)
    }

    /// Rule 2016 predicts once before the first frame, into the space that the first step reads.
    fn start(&mut self, first: &[u32]) {
        if self.plan.rule != RULE_2016 {
            return;
        }
        for (to, from) in self.learning.iter_mut().zip(first) {
            *to = if *from != 0 { 2 } else { 0 };
        }
        let scratch = self.layout.scratch[0];
        let space = self.layout.spaces[self.step as usize & 1];
        for (id, unit) in self.layout.units.iter_mut().enumerate() {
            let at = self.plan.hidden_at() + id * self.plan.hidden as usize;
            unsafe { rule_2016::start(&self.model, unit, scratch, space.add(at)) };
        }
    }

    /// One step.
    ///
    /// # Safety
    /// The arrays are as long as the header says.
    pub unsafe fn run(&mut self, frame: *const u8, external: *const f32, step: &Step) {
        let from = Instant::now();
        let parity = step.number as usize & 1;
        let [space, other] = [self.layout.spaces[parity], self.layout.spaces[1 - parity]];
        let length = self.plan.frame();
        unsafe {
            let values = core::slice::from_raw_parts_mut(space, length);
            if step.frame_type == U8 {
                for (to, from) in values.iter_mut().zip(slice(frame, length)) {
                    *to = f32::from(*from) / 255.0;
                }
            } else {
                values.copy_from_slice(slice(frame.cast(), length));
            }
            if !external.is_null() {
                space.add(length).copy_from_nonoverlapping(external, self.plan.hidden_at() - length);
            }
            // Hidden outputs are a step older in the space that is written.
            let (at, newest) = (self.plan.hidden_at(), self.plan.hidden_outputs());
            other.add(at + newest).copy_from_nonoverlapping(space.add(at), self.plan.published() - newest);
            let layers = self.rates.len();
            self.rates.copy_from_slice(slice(step.rates, layers));
            self.learning.copy_from_slice(slice(step.learning, layers));
        }
        let saccade = self.plan.rule == RULE_SACCADE;
        let model = &mut *self.model;
        model.space = space;
        model.other = other;
        model.first = (step.number == 0).into();
        model.learn = (step.learn != 0 && (!saccade || step.number >= 2)).into();
        model.mean_rate = (1.0 / step.learned.max(1) as f64).max(MEAN_FLOOR) as f32;
        model.factors = [step.lateral, step.feedback];
        model.claimed.store(0, Ordering::Relaxed);
        self.count();
        self.threads.step();
        self.gather();
        self.step = step.number + 1;
        self.gathered.device_ns += from.elapsed().as_nanos() as f64;
    }

    /// What this step is going to cost.
    fn count(&mut self) {
        let (saccade, learn) = (self.plan.rule == RULE_SACCADE, self.model.learn != 0);
        for unit in &self.layout.units {
            let learns = learn && (saccade || self.learning[unit.layer as usize] & 1 != 0);
            let cost = &mut self.gathered.cost;
            if self.plan.defer_every == 0 {
                add_dense(cost, &self.plan, unit, learns);
            } else {
                add_deferred(cost, &self.plan, self.model.hidden_columns as usize, unit, learns);
            }
        }
    }

    /// The mean squared errors of this step.
    fn gather(&mut self) {
        let begin = self.gathered.mse.len();
        self.gathered.mse.resize(begin + self.layer_values.len(), 0.0);
        let sums = &mut self.gathered.mse[begin..];
        for (unit, error) in self.layout.units.iter().zip(&self.errors) {
            sums[unit.layer as usize] += f64::from(*error);
        }
        for (sum, count) in sums.iter_mut().zip(&self.layer_values) {
            *sum /= count;
        }
        self.gathered.steps += 1;
    }

    /// Nanoseconds that the caller waited for other threads; counts from 0 again.
    pub fn waited(&mut self) -> f64 {
        core::mem::take(&mut self.threads.waited)
    }

    /// Bytes of weights and momentum, and of everything.
    pub fn bytes(&self) -> (usize, usize) {
        let records = size_of_val(self.layout.units.as_slice()) + self._table.bytes();
        let reports = size_of::<f64>() * CAPACITY * self.layer_values.len();
        (self.layout.weight_bytes, self.bytes + records + reports)
    }
}

fn empty_model(plan: &Plan) -> Model {
    let saccade = plan.rule == RULE_SACCADE;
    Model {
        rule: plan.rule,
        options: plan.options,
        hidden: plan.hidden,
        unit: core::ptr::null_mut(),
        chunk: core::ptr::null(),
        chunks: 0,
        claimed: AtomicU32::new(0),
        space: core::ptr::null(),
        other: core::ptr::null_mut(),
        hidden_at: plan.hidden_at() as u32,
        errors: core::ptr::null_mut(),
        rates: core::ptr::null(),
        learning: core::ptr::null(),
        skip_below: core::ptr::null(),
        surprise: 0.0,
        error_rate: 0.0,
        first: 0,
        learn: 0,
        mean_rate: 0.0,
        factors: [0.0; 2],
        tau: plan.tau as f32,
        momentum: if saccade { 0.0 } else { plan.momentum as f32 },
        bias: if saccade { 1.0 } else { plan.bias as f32 },
        encoder_rate: plan.encoder_rate as f32,
        decoder_rate: plan.decoder_rate as f32,
        motion_prior: if plan.external_motion > 0 { MOTION_PRIOR } else { 0.0 },
        defer: plan.defer_every,
        window: plan.defer_window,
        ring: plan.ring() as u32,
        powers: core::ptr::null(),
        gain: if saccade { 1.0 } else { (1.0 / (1.0 - plan.momentum)) as f32 },
        hidden_columns: padded(plan.hidden as usize + 1) as u32,
        format: format::F32,
        pruned: pruned::NO,
        noise: 0,
        turn: 0,
        shifts: 0,
        shift_radius: 0,
        shift_prior: 0.0,
        shift_memory: [0.0; 4],
        shift: core::ptr::null(),
    }
}

/// mu^(age + 1) within the window.
fn write_powers(plan: &Plan, powers: *mut f32) {
    for age in 0..plan.ring() {
        let counts = plan.rule == RULE_2016 && age < plan.defer_window as usize;
        let power = if counts { plan.momentum.powi(age as i32 + 1) as f32 } else { 0.0 };
        unsafe { *powers.add(age) = power };
    }
}
