//! Tensors of a state to and from where they lie in memory.

use crate::abi::{RULE_2016, RULE_SACCADE, State, slice};
use crate::format_f32::COLUMNS;
use crate::model::Unit;
use crate::panels::{Stored, padded};
use crate::session::Session;
use core::ffi::CStr;

/// Values a unit has in "pairs.state".
const COUNTS: usize = 5;

/// What belongs to a unit of a tensor.
enum Part {
    Vector(*mut f32, usize),
    Matrix(Stored),
    Counts(*mut Unit),
}

impl Part {
    fn length(&self) -> usize {
        match self {
            Part::Vector(_, length) => *length,
            Part::Matrix(stored) => stored.length(),
            Part::Counts(_) => COUNTS,
        }
    }

    // Safety of both: parts point into the memory of their session, which nobody works on meanwhile.
    fn write(&self, from: &[f32]) {
        match self {
            Part::Vector(at, length) => unsafe { at.copy_from_nonoverlapping(from.as_ptr(), *length) },
            Part::Matrix(stored) => stored.pack(from),
            Part::Counts(unit) => {
                let pairs = unsafe { &mut (**unit).pairs };
                let [next, count, pending, due, carried] = core::array::from_fn(|i| from[i] as u32);
                (pairs.next, pairs.count, pairs.pending, pairs.due, pairs.carried) =
                    (next, count, pending, due, carried);
            }
        }
    }

    fn read(&self, to: &mut [f32]) {
        match self {
            Part::Vector(at, length) => unsafe { to.as_mut_ptr().copy_from_nonoverlapping(*at, *length) },
            Part::Matrix(stored) => stored.unpack(to),
            Part::Counts(unit) => {
                let pairs = unsafe { &(**unit).pairs };
                let counts = [pairs.next, pairs.count, pairs.pending, pairs.due, pairs.carried];
                to.iter_mut().zip(counts).for_each(|(to, count)| *to = count as f32);
            }
        }
    }
}

/// The part of a unit in a tensor that stands in unit order; None where there is no such tensor.
fn part(session: &Session, name: &str, unit: &mut Unit) -> Option<Part> {
    let hidden = session.plan.hidden as usize;
    let (inputs, outputs, signal) = (unit.inputs as usize, unit.outputs as usize, unit.signal_length as usize);
    let (input_columns, output_columns) = (unit.input_columns as usize, unit.output_columns as usize);
    let hidden_columns = padded(hidden + 1);
    let ring = session.plan.ring();
    let encoder = |at| Stored { at, rows: hidden, columns: inputs, padded: input_columns, transposed: false };
    let decoder = |at| Stored { at, rows: hidden + 1, columns: outputs, padded: output_columns, transposed: true };
    let pairs = |at, columns, padded| Stored { at, rows: ring, columns, padded, transposed: false };
    let scalars = |first, length| (unit.scalars.wrapping_add(first), length);
    let (at, length) = match name {
        "encoder" => return some(Part::Matrix(encoder(unit.encoder.values))),
        "decoder" => return some(Part::Matrix(decoder(unit.decoder.values))),
        "encoder.momentum" => return some(Part::Matrix(encoder(unit.encoder.momentum))),
        "decoder.momentum" => return some(Part::Matrix(decoder(unit.decoder.momentum))),
        "pairs.inputs" => return some(Part::Matrix(pairs(unit.pairs.inputs, inputs, input_columns))),
        "pairs.deltas" => return some(Part::Matrix(pairs(unit.pairs.deltas, hidden, hidden_columns))),
        "pairs.hidden" => return some(Part::Matrix(pairs(unit.pairs.hidden, hidden + 1, hidden_columns))),
        "pairs.errors" => return some(Part::Matrix(pairs(unit.pairs.errors, outputs, output_columns))),
        "pairs.state" if ring > 0 => return Some(Part::Counts(unit)),
        "input" => (unit.input, inputs),
        "hidden" => (unit.hidden, hidden),
        "prediction" => (unit.prediction, outputs),
        "signal" => (unit.signal, signal),
        "error" => (unit.error, signal),
        "lag.input" => (unit.lag_input, inputs),
        "lag.hidden" => (unit.lag_hidden, hidden),
        "lag.prediction" => (unit.lag_prediction, outputs),
        "signal.previous" => (unit.signal_previous, signal),
        "integral" => (unit.integral, signal),
        "minimum" => (unit.minimum, hidden),
        "maximum" => (unit.maximum, hidden),
        "change" => (unit.change, signal),
        // Of layer 0 alone.
        "motion" if unit.layer > 0 && session.plan.external_motion > 0 => return Some(Part::Vector(unit.input, 0)),
        "motion" => (unit.motion, signal),
        // See `rule_saccade::scalar`.
        "scale" => scalars(0, 1),
        "variance" => scalars(1, 1),
        "power" => scalars(2, 1),
        "combiner.moments" => scalars(3, 3),
        "combiner.products" => scalars(6, 2),
        "combiner.weights" => scalars(8, 2),
        _ => return None,
    };
    let missing = at.is_null() || name_is_of_scalars(name) && unit.scalars.is_null();
    (!missing).then_some(Part::Vector(at, length))
}

fn name_is_of_scalars(name: &str) -> bool {
    name.starts_with("combiner.") || ["scale", "variance", "power"].contains(&name)
}

fn some(part: Part) -> Option<Part> {
    match &part {
        Part::Matrix(stored) if stored.at.is_null() => None,
        _ => Some(part),
    }
}

/// The parts of a tensor, one after another; None where there is no such tensor, or now none.
fn parts(session: &mut Session, name: &str) -> Option<Vec<Part>> {
    let plan = session.plan;
    let space = session.layout.spaces[session.step as usize & 1];
    let other = session.layout.spaces[1 - (session.step as usize & 1)];
    if name == "frame" {
        return Some(vec![Part::Vector(other, plan.frame())]);
    }
    if name == "published" {
        return Some(vec![Part::Vector(space.wrapping_add(plan.hidden_at()), plan.published())]);
    }
    let units = session.layout.units.as_mut_ptr();
    let each = |u| part(session, name, unsafe { &mut *units.add(u) });
    let mut parts = (0..session.layout.units.len()).map(each).collect::<Option<Vec<Part>>>()?;
    if name == "motion" {
        // Of a model that was split a part has fewer units than the candidate has tiles.
        let rest = &mut session.motion_rest;
        parts.push(Part::Vector(rest.as_mut_ptr(), rest.len()));
    }
    Some(parts)
}

/// Writes a state.
pub fn write(session: &mut Session, state: &State) -> Result<(), String> {
    let plan = session.plan;
    for tensor in unsafe { slice(state.tensors, state.tensor_count as usize) } {
        let name = unsafe { CStr::from_ptr(tensor.name) }.to_string_lossy();
        let values = unsafe { slice(tensor.data, tensor.length as usize) };
        let Some(parts) = parts(session, &name) else {
            // Momentum that is 0 has no matrix where updates are deferred.
            if name.ends_with(".momentum") && plan.defer_every > 0 {
                continue;
            }
            return Err(format!("This model has no tensor \"{name}\""));
        };
        let length: usize = parts.iter().map(Part::length).sum();
        if length != values.len() {
            return Err(format!("Tensor \"{name}\" has {} values, not {length}", values.len()));
        }
        let mut at = 0;
        for part in parts {
            part.write(&values[at..at + part.length()]);
            at += part.length();
        }
    }
    let bias = if plan.rule == RULE_SACCADE { 1.0 } else { plan.bias as f32 };
    for unit in &mut session.layout.units {
        unsafe { *unit.hidden.add(plan.hidden as usize) = bias };
    }
    if plan.defer_every > 0 && state.deferred == 0 {
        begin_to_defer(session);
    }
    Ok(())
}

/// Nothing is pending yet; from W to Z = W + mu / (1 - mu) M.
fn begin_to_defer(session: &mut Session) {
    let plan = session.plan;
    let hidden = plan.hidden as usize;
    let factor = if plan.rule == RULE_2016 { (plan.momentum / (1.0 - plan.momentum)) as f32 } else { 0.0 };
    for (u, unit) in session.layout.units.iter_mut().enumerate() {
        // Staggered, so that every step has its share of the writing.
        unit.pairs.due = plan.defer_every - u as u32 % plan.defer_every;
        if unit.encoder.momentum.is_null() {
            continue;
        }
        for (weights, momentum, length) in [
            (unit.encoder.values, unit.encoder.momentum, hidden * unit.input_columns as usize),
            (unit.decoder.values, unit.decoder.momentum, (hidden + 1) * unit.output_columns as usize),
        ] {
            debug_assert_eq!(length % COLUMNS, 0);
            for i in 0..length {
                unsafe { *weights.add(i) += factor * *momentum.add(i) };
            }
        }
    }
}

/// Whether a loaded momentum still counts.
fn carries(session: &Session) -> bool {
    session.layout.units.iter().any(|unit| unit.pairs.carried < session.plan.defer_window)
}

/// Copies a tensor out. False where there is none of this name; an error where it has another length.
pub fn read(session: &mut Session, name: &str, into: &mut [f32]) -> Result<bool, String> {
    if session.plan.defer_every > 0 && name.ends_with(".momentum") && !carries(session) {
        return Ok(false);
    }
    let Some(parts) = parts(session, name) else { return Ok(false) };
    let length: usize = parts.iter().map(Part::length).sum();
    if length != into.len() {
        return Err(format!("Tensor \"{name}\" has {length} values, not {}", into.len()));
    }
    let mut at = 0;
    for part in parts {
        part.read(&mut into[at..at + part.length()]);
        at += part.length();
    }
    Ok(true)
}
