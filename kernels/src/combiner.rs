//! The combiner of rule saccade where there are shift candidates (`backends/reference/combiner.ts` is the definition): how much of
//! each candidate a unit believes, by ridge regression on what they were worth.

use crate::model::{Model, Unit, values};
use crate::ridge::{MOST_PLANES, products, solve, system_length};
use crate::rule_saccade::scalar;
use crate::shift;
use crate::vector::{F32x4, LANES};
use crate::vectors::quads;

/// Candidates at most: z, m, and a shift candidate for each memory.
const MOST: usize = 2 + LANES;

/// The candidates of the last step that are no shift candidates, and the change D that there was: padded vectors.
pub struct Seen {
    pub s: f32,
    pub z: *const f32,
    pub m: *const f32,
    pub change: *const f32,
}

/// The constants of the rule.
pub struct Constants {
    pub forget: f32,
    pub ridge: f32,
}

/// The sums of a unit: A (lower triangle, row by row), B and w.
///
/// # Safety
/// As `model::work`, of a model with shift candidates; nothing else refers to the sums meanwhile.
unsafe fn sums_of<'a>(model: &Model, unit: &Unit) -> [&'a mut [f32]; 3] {
    let count = 2 + model.shifts as usize;
    let triangle = count * (count + 1) / 2;
    unsafe {
        let first = unit.scalars.add(scalar::COUNT);
        [values(first, triangle), values(first.add(triangle), count), values(first.add(triangle + count), count)]
    }
}

/// The shift candidates of a unit, one for each memory; above layer 0 there are none, they count as 0.
unsafe fn candidates_of(model: &Model, unit: &Unit) -> impl Iterator<Item = *const f32> {
    let shift = unsafe { shift::of(model, unit) };
    shift.into_iter().flat_map(|shift| {
        let stride = shift.shape(model).candidate_stride();
        (0..model.shifts as usize).map(move |memory| shift.candidates.wrapping_add(memory * stride).cast_const())
    })
}

/// A = forget A + F F', B = forget B + F D, w = (A + ridge)^-1 (B + ridge w0), where F = [s z, m, g ...]; returns |D|^2.
///
/// # Safety
/// As `model::work`, of a model with shift candidates.
// As `shift::observe`.
#[inline(never)]
pub unsafe fn combine(model: &Model, unit: &Unit, seen: Seen, constants: Constants) -> f32 {
    let Seen { s, z, m, change } = seen;
    let Constants { forget, ridge } = constants;
    let [moments, sums, weights] = unsafe { sums_of(model, unit) };
    // F without s, and D behind it.
    let mut vectors = [z; MOST_PLANES];
    vectors[1] = m;
    let mut count = 2;
    for candidate in unsafe { candidates_of(model, unit) } {
        vectors[count] = candidate;
        count += 1;
    }
    vectors[count] = change;
    let mut fresh = [0.0; (MOST + 1) * (MOST + 2) / 2];
    unsafe { products(&vectors, count + 1, unit.signal_length as usize, fresh.as_mut_ptr()) };
    let product = |a: usize, b: usize| {
        let scale = if b == 0 { s } else { 1.0 };
        scale * fresh[a * (a + 1) / 2 + b]
    };

    let mut at = 0;
    for (a, sum) in sums.iter_mut().enumerate() {
        for b in 0..=a {
            let scale = if a == 0 { s } else { 1.0 };
            let fresh = if a < count { scale * product(a, b) } else { 0.0 };
            moments[at] = forget * moments[at] + fresh;
            at += 1;
        }
        *sum = forget * *sum + if a < count { product(count, a) } else { 0.0 };
    }
    let prior = |a: usize| match a {
        _ if unit.layer > 0 => 0.0,
        0 => 0.0,
        1 => model.motion_prior,
        _ => model.shift_prior,
    };
    let mut system = [[0.0; LANES]; system_length(MOST)];
    let held = sums.iter().enumerate().map(|(a, sum)| sum + ridge * prior(a));
    for (to, value) in system.iter_mut().zip(moments.iter().copied().chain(held)) {
        *to = [value; LANES];
    }
    // Safety: the system is that of the candidates, and there is a ridge.
    unsafe { solve(system.as_mut_ptr().cast(), weights.len(), F32x4::splat(ridge)) };
    for (weight, [x, ..]) in weights.iter_mut().zip(&system[moments.len()..]) {
        *weight = *x;
    }
    product(count, count)
}

/// Writes what the prediction adds to the signal beside z, and returns the weight of z and what was written. `to` may be m.
///
/// # Safety
/// As `combine`; m is padded, and `to` has room for as much.
#[inline(never)]
pub unsafe fn believe(model: &Model, unit: &Unit, m: *const f32, to: *mut f32) -> (f32, *const f32) {
    unsafe {
        let [_, _, weights] = sums_of(model, unit);
        let length = unit.signal_length as usize;
        let weight = F32x4::splat(weights[1]);
        for i in quads(length) {
            F32x4::load(m.add(i)).mul(weight).store(to.add(i));
        }
        for (candidate, weight) in candidates_of(model, unit).zip(&weights[2..]) {
            let weight = F32x4::splat(*weight);
            for i in quads(length) {
                F32x4::load(to.add(i)).madd(weight, F32x4::load(candidate.add(i))).store(to.add(i));
            }
        }
        (weights[0], to)
    }
}
