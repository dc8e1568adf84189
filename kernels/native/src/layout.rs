//! Where everything of a model lies in memory.

use crate::abi::{Plan, RULE_2016, RULE_SACCADE, Sources};
use crate::memory::Room;
use crate::model::{Run, Runs, Scratch, Unit, Weights};
use crate::pairs::Pairs;
use crate::panels::padded;
use crate::rule_2016::options;
use crate::shift;
use core::ptr::{null, null_mut};

/// How many scalars a unit of rule "saccade" has.
pub const SCALARS: usize = 10;

/// How many pieces of work each thread gets on average: enough to even out, few enough to claim.
const CHUNKS_PER_THREAD: usize = 16;

/// The runs of all sources, kind by kind.
pub struct RunTable {
    runs: Vec<Run>,
    first: [usize; 4],
}

impl RunTable {
    pub fn new(plan: &Plan) -> Self {
        let mut table = RunTable { runs: Vec::new(), first: [0; 4] };
        let kinds = plan.context_kind();
        for (i, sources) in all_sources(plan).into_iter().enumerate() {
            table.first[i] = table.runs.len();
            let ago = sources.delays(plan).iter().map(|delay| delay.saturating_sub(1) * plan.hidden_outputs() as u32);
            let records = sources.indices(plan).iter().zip(ago).zip(sources.lengths(plan)).enumerate();
            table.runs.extend(records.map(|(run, ((index, ago), length))| Run {
                index: *index + ago,
                length: *length,
                kind: if i == 3 { kinds.get(run).copied().unwrap_or(0).into() } else { 0 },
            }));
        }
        table
    }

    /// The runs of a unit: signal, window, motion, context.
    fn of(&self, plan: &Plan, unit: usize) -> [Runs; 4] {
        let sources = all_sources(plan);
        core::array::from_fn(|i| {
            let (begin, end) = sources[i].range(plan, unit);
            Runs { first: self.runs[self.first[i]..].as_ptr().wrapping_add(begin), count: (end - begin) as u32 }
        })
    }

    /// Whether every run lies in the signal space.
    pub fn is_within(&self, space: usize) -> bool {
        self.runs.iter().all(|run| run.index as usize + run.length as usize <= space)
    }

    pub fn bytes(&self) -> usize {
        size_of_val(self.runs.as_slice())
    }
}

fn all_sources(plan: &Plan) -> [&Sources; 4] {
    [&plan.signal, &plan.window, &plan.motion, &plan.context]
}

/// Values in a unit's signal.
fn lengths(plan: &Plan, sources: &Sources, unit: usize) -> usize {
    let (begin, end) = sources.range(plan, unit);
    sources.lengths(plan)[begin..end].iter().map(|length| *length as usize).sum()
}

/// A placed model.
pub struct Layout {
    pub units: Vec<Unit>,
    pub spaces: [*mut f32; 2],
    pub powers: *mut f32,
    pub scratch: Vec<Scratch>,
    pub weight_bytes: usize,
}

/// Places a model.
///
/// # Safety
/// The records of `table` outlive the result.
pub unsafe fn place(plan: &Plan, table: &RunTable, momentum: bool, threads: usize, room: &mut Room) -> Layout {
    let layers = plan.layer_of();
    // One behind the other: the direction of a step is told from which of them it reads.
    let spaces = [room.floats(plan.space()), room.floats(plan.space())];
    let powers = room.floats(plan.ring());
    let mut weight_bytes = 0;
    let units: Vec<Unit> = (0..plan.units as usize)
        .map(|u| {
            let mut unit = empty_unit(plan, table, u, layers[u]);
            let before = room.bytes();
            place_weights(plan, &mut unit, momentum, room);
            weight_bytes += room.bytes() - before;
            place_vectors(plan, &mut unit, room);
            unit
        })
        .collect();
    let widest = |field: fn(&Unit) -> u32| units.iter().map(field).max().unwrap_or(0) as usize;
    let (signal, output) = (widest(|unit| unit.signal_length), widest(|unit| unit.output_columns));
    let hidden = padded(plan.hidden as usize + 1);
    let ring = plan.ring();
    let scratch = (0..threads)
        .map(|_| Scratch {
            arriving: room.floats(signal),
            delta: room.floats(output),
            hidden_delta: room.floats(hidden),
            factors: room.floats(hidden),
            output: room.floats(output),
            change: room.floats(signal),
            candidate: room.floats(signal),
            extra: room.floats(output.max(hidden)),
            counts: room.floats(ring),
            pending: room.floats(ring * hidden),
            words: null_mut(),
            levels: null_mut(),
            shift: NO_SHIFTS,
        })
        .collect();
    Layout { units, spaces, powers, scratch, weight_bytes }
}

/// f32, nothing pruned: all that this library has.
const NO_WEIGHTS: Weights = Weights {
    values: null_mut(),
    momentum: null_mut(),
    lower: null_mut(),
    scale: null_mut(),
    sums: null_mut(),
    starts: null(),
    index: null(),
    centroids: null_mut(),
};

/// No shift candidates: models that have them are refused.
const NO_SHIFTS: shift::Room =
    shift::Room { patches: null_mut(), mosaics: null_mut(), samples: null_mut(), system: null_mut() };

fn empty_unit(plan: &Plan, table: &RunTable, u: usize, layer: u32) -> Unit {
    let [signal_runs, window_runs, motion_runs, context_runs] = table.of(plan, u);
    let none: *mut f32 = null_mut();
    Unit {
        id: u as u32,
        layer,
        signal_length: lengths(plan, &plan.signal, u) as u32,
        outputs: plan.outputs()[u],
        output_columns: padded(plan.outputs()[u] as usize) as u32,
        inputs: plan.inputs()[u],
        input_columns: padded(plan.inputs()[u] as usize) as u32,
        block: plan.block()[u],
        encoder: NO_WEIGHTS,
        decoder: NO_WEIGHTS,
        input: none,
        next_input: none,
        lag_input: none,
        hidden: none,
        lag_hidden: none,
        prediction: none,
        lag_prediction: none,
        signal: none,
        signal_previous: none,
        integral: none,
        minimum: none,
        maximum: none,
        change: none,
        motion: none,
        error: none,
        error_mean: none,
        skipped: 0,
        scalars: none,
        signal_runs,
        window_runs,
        motion_runs,
        context_runs,
        pairs: Pairs {
            inputs: none,
            deltas: none,
            hidden: none,
            errors: none,
            next: 0,
            count: 0,
            pending: 0,
            due: 0,
            carried: 0,
        },
    }
}

/// The matrices of a unit side by side: they are read one after another.
fn place_weights(plan: &Plan, unit: &mut Unit, momentum: bool, room: &mut Room) {
    let decoder = (plan.hidden as usize + 1) * unit.output_columns as usize;
    let encoder = plan.hidden as usize * unit.input_columns as usize;
    unit.decoder.values = room.floats(decoder);
    if momentum {
        unit.decoder.momentum = room.floats(decoder);
    }
    unit.encoder.values = room.floats(encoder);
    if momentum {
        unit.encoder.momentum = room.floats(encoder);
    }
}

fn place_vectors(plan: &Plan, unit: &mut Unit, room: &mut Room) {
    let hidden = plan.hidden as usize;
    let (signal, input, output) =
        (unit.signal_length as usize, unit.input_columns as usize, unit.output_columns as usize);
    unit.input = room.floats(input);
    unit.next_input = room.floats(input);
    unit.hidden = room.floats(padded(hidden + 1));
    unit.prediction = room.floats(output);
    unit.signal = room.floats(signal);
    unit.error = room.floats(signal);
    if plan.defer_every > 0 {
        let (ring, columns) = (plan.ring(), padded(hidden + 1));
        unit.pairs.inputs = room.floats(ring * input);
        unit.pairs.deltas = room.floats(ring * columns);
        unit.pairs.hidden = room.floats(ring * columns);
        unit.pairs.errors = room.floats(ring * output);
    }
    if plan.rule == RULE_SACCADE {
        unit.change = room.floats(signal);
        unit.scalars = room.floats(SCALARS);
        if unit.layer == 0 && plan.external_motion > 0 {
            unit.motion = room.floats(signal);
        }
    }
    if plan.has(options::INTEGRAL) {
        unit.integral = room.floats(signal);
    }
    if plan.has(options::NORMALISE) {
        unit.minimum = room.floats(hidden);
        unit.maximum = room.floats(hidden);
    }
    if plan.rule == RULE_2016 && plan.has(options::TWO_STEPS) {
        unit.lag_input = room.floats(input);
        unit.lag_hidden = room.floats(padded(hidden + 1));
        unit.lag_prediction = room.floats(output);
        if plan.has(options::AUTOENCODER) {
            unit.signal_previous = room.floats(signal);
        }
    }
}

/// First units of pieces of about the same number of weights.
pub fn cut_chunks(plan: &Plan, threads: usize) -> Vec<u32> {
    let hidden = plan.hidden as usize;
    let pieces = threads * CHUNKS_PER_THREAD;
    let all = plan.weights();
    let mut starts = vec![0];
    let mut before = 0;
    for u in 0..plan.units as usize {
        if u > 0 && before * pieces >= all * starts.len() {
            starts.push(u as u32);
        }
        before += hidden * plan.inputs()[u] as usize + (hidden + 1) * plan.outputs()[u] as usize;
    }
    starts.push(plan.units);
    starts
}
