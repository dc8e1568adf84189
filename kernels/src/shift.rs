//! The shift candidates of rule saccade (`backends/reference/shift.ts` is the definition): each unit of layer 0 fits weights of
//! displaced copies to the change it has just seen around its tile, and applies them to the new frame.
//!
//! Samples lie side by side in vectors, so that every sum over them is a product of rows. Each sample takes one colour, another
//! one than its neighbours: `mosaics` sorts the colours of a patch so that the samples of a row, and their copies, are rows again.
//! What belongs to the memories of a unit lies in the lanes of a vector: all of them are fitted at once.

use crate::model::{Model, Runs, Scratch, Unit};
use crate::ridge::{MOST_PLANES, products, solve};
use crate::vector::{F32x4, LANES};
use crate::vectors::gather;

/// Pixels around the tile whose changes the weights are fitted to.
const REACH: usize = 3;
const RIDGE: f32 = 0.003;
const RELATIVE_RIDGE: f32 = 0.01;
const WEIGHT_LIMIT: f32 = 2.0;
const ENERGY_FLOOR: f32 = 3e-5;
/// Values that are read or written behind the end of a row of the last line.
const SLACK: usize = 4 * LANES;

/// What a unit of layer 0 has for its shift candidates.
#[repr(C)]
pub struct Shift {
    /// Pixels along a side of its tile.
    pub tile: u32,
    /// g: a row for each memory, `candidate_stride` apart.
    pub candidates: *mut f32,
    /// A (lower triangle, row by row), B and E: a vector each with a lane for each memory.
    pub evidence: *mut f32,
    /// The tile with REACH + radius pixels around it.
    pub patch_runs: Runs,
}

impl Shift {
    /// The sizes of its vectors.
    pub fn shape(&self, model: &Model) -> Shape {
        Shape { tile: self.tile as usize, radius: model.shift_radius as usize, memories: model.shifts as usize }
    }
}

/// Sizes that the work on a unit follows from.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Pixels along a side of the tile.
    pub tile: usize,
    /// R.
    pub radius: usize,
    /// Memories: at most LANES.
    pub memories: usize,
}

impl Shape {
    /// K.
    pub fn copies(self) -> usize {
        4 * self.radius
    }
    /// Pixels along a side of the patch.
    pub fn patch(self) -> usize {
        self.tile + 2 * (REACH + self.radius)
    }
    /// Pixels along a side of the window that samples come from.
    fn window(self) -> usize {
        self.tile + 2 * REACH
    }
    /// Values of a candidate.
    fn signal(self) -> usize {
        3 * self.tile * self.tile
    }
    /// Values between a candidate and the next.
    pub fn candidate_stride(self) -> usize {
        (self.signal() + LANES).next_multiple_of(LANES)
    }
    /// Vectors of evidence; as many products there are of two of the copies and the change.
    pub fn evidence(self) -> usize {
        (self.copies() + 1) * (self.copies() + 2) / 2
    }
    fn plane_stride(self) -> usize {
        (self.window() * self.window()).next_multiple_of(LANES) + LANES
    }
    /// Values of `Room::patches`, `mosaics`, `samples` and `system`.
    pub fn room(self) -> [usize; 4] {
        let pixels = self.patch() * self.patch();
        [
            2 * (3 * pixels + SLACK),
            3 * (pixels + SLACK),
            (self.copies() + 1) * self.plane_stride(),
            (LANES + 1) * self.evidence().next_multiple_of(LANES),
        ]
    }
}

/// Where the work on a unit takes place: vectors as long as `Shape::room` says.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Room {
    pub patches: *mut f32,
    pub mosaics: *mut f32,
    pub samples: *mut f32,
    pub system: *mut f32,
}

/// The shift candidates of a unit, where it has any.
///
/// # Safety
/// As `model::work`.
#[inline(always)]
pub unsafe fn of<'a>(model: &'a Model, unit: &Unit) -> Option<&'a Shift> {
    if model.shifts == 0 || unit.layer > 0 {
        return None;
    }
    // Safety: there is a record for each unit of layer 0, and these come first.
    Some(unsafe { &*model.shift.add(unit.id as usize) })
}

/// Fits the weights to the frame of this step and writes the candidates.
///
/// # Safety
/// As `model::work`; the unit is of layer 0, and `model.other` still holds the last frame.
pub unsafe fn observe(model: &Model, shift: &Shift, scratch: Scratch) {
    let shape = shift.shape(model);
    let room = scratch.shift;
    let now = room.patches;
    unsafe {
        let before = now.add(3 * shape.patch() * shape.patch() + SLACK);
        gather(model.space, shift.patch_runs, now);
        gather(model.other, shift.patch_runs, before);
        let memory = F32x4::load(model.shift_memory.as_ptr());
        fit(shape, now, before, memory, shift.evidence, shift.candidates, room);
    }
}

/// The work on a unit, from its patches of this frame and of the last.
///
/// # Safety
/// The patches have `3 patch()^2` values and can be read SLACK values further, the others are as long as `Shape` says; `patches`
/// of the room is not used.
pub unsafe fn fit(
    shape: Shape,
    now: *const f32,
    before: *const f32,
    memory: F32x4,
    evidence: *mut f32,
    candidates: *mut f32,
    room: Room,
) {
    unsafe {
        sample(shape, now, before, room);
        let sums = room.system.add(LANES * shape.evidence());
        let mut planes = [room.samples.cast_const(); MOST_PLANES];
        for (i, plane) in planes.iter_mut().enumerate().take(shape.copies() + 1) {
            *plane = room.samples.add(i * shape.plane_stride());
        }
        products(&planes, shape.copies() + 1, shape.window() * shape.window(), sums);
        weigh(shape, sums, memory, evidence, room.system);
        let weights = room.system.add(LANES * shape.copies() * (shape.copies() + 1) / 2);
        match shape.memories {
            1 => apply::<1>(shape, now, weights, candidates),
            2 => apply::<2>(shape, now, weights, candidates),
            3 => apply::<3>(shape, now, weights, candidates),
            _ => apply::<4>(shape, now, weights, candidates),
        }
    }
}

/// The copies of four values, from the values above, below, left and right of them and the values themselves.
#[inline(always)]
fn copies([above, below, left, right]: [F32x4; 4], value: F32x4) -> [F32x4; 4] {
    let half = F32x4::splat(0.5);
    [
        above.sub(below).mul(half),
        left.sub(right).mul(half),
        above.add(below).mul(half).sub(value),
        left.add(right).mul(half).sub(value),
    ]
}

/// Sorts the colours of a patch into three pictures: the first has the colour of each pixel that is a sample there, the others the
/// next one and the one after. A pixel that lies k further on has the colour of a sample in picture k % 3, one that lies k back in
/// picture 2k % 3.
unsafe fn mosaics(shape: Shape, patch: *const f32, to: [*mut f32; 3]) {
    let side = shape.patch();
    for row in 0..side {
        // Pixel 0 of `diagonals(...)[i]` has colour i: in picture i + row + column + radius.
        let [a, b, c] = to;
        let [mut a, mut b, mut c] = match (row + shape.radius) % 3 {
            0 => [a, b, c],
            1 => [b, c, a],
            _ => [c, a, b],
        };
        for column in (0..side).step_by(LANES) {
            let at = row * side + column;
            unsafe {
                let [x, y, z] = F32x4::diagonals(patch.add(3 * at));
                // What the last of a row writes too much the next row overwrites.
                x.store(a.add(at));
                y.store(b.add(at));
                z.store(c.add(at));
            }
            (a, b, c) = (b, c, a);
        }
    }
}

/// A plane for each copy and one for the change, with a value for each pixel of the window; 0 behind the last.
unsafe fn sample(shape: Shape, now: *const f32, before: *const f32, room: Room) {
    let (side, radius, window, stride) = (shape.patch(), shape.radius, shape.window(), shape.plane_stride());
    let pixels = side * side + SLACK;
    unsafe {
        let pictures = [room.mosaics, room.mosaics.add(pixels), room.mosaics.add(2 * pixels)];
        mosaics(shape, before, pictures);
        for row in 0..window {
            let mut colour = 2 * row % 3;
            for column in (0..window).step_by(LANES) {
                let at = (row + radius) * side + column + radius;
                let mut to = room.samples.add(row * window + column);
                let value = F32x4::load(pictures[0].add(at));
                let (mut on, mut back) = (1, 2);
                for k in 1..=radius {
                    let (on_picture, back_picture) = (pictures[on].add(at), pictures[back].add(at));
                    let around = [
                        F32x4::load(back_picture.sub(k * side)),
                        F32x4::load(on_picture.add(k * side)),
                        F32x4::load(back_picture.sub(k)),
                        F32x4::load(on_picture.add(k)),
                    ];
                    for copy in copies(around, value) {
                        copy.store(to);
                        to = to.add(stride);
                    }
                    (on, back) = ((on + 1) % 3, (back + 2) % 3);
                }
                let [x, y, z] = F32x4::diagonals(now.add(3 * at));
                let new = match colour {
                    0 => x,
                    1 => y,
                    _ => z,
                };
                new.sub(value).store(to);
                colour = (colour + 2 * LANES) % 3;
            }
        }
        let zero = F32x4::splat(0.0);
        for plane in 0..=shape.copies() {
            zero.store(room.samples.add(plane * stride + window * window));
        }
    }
}

/// Adds to the evidence and leaves the weights of each memory, times its trust, where the system has b.
unsafe fn weigh(shape: Shape, sums: *const f32, memory: F32x4, evidence: *mut f32, system: *mut f32) {
    let copies = shape.copies();
    let triangle = copies * (copies + 1) / 2;
    let zero = F32x4::splat(0.0);
    unsafe {
        let vector = |base: *mut f32, at: usize| base.add(LANES * at);
        for i in 0..shape.evidence() {
            let sum = F32x4::splat(*sums.add(i)).madd(memory, F32x4::load(vector(evidence, i)));
            sum.store(vector(evidence, i));
            sum.store(vector(system, i));
        }
        let mut trace = zero;
        for a in 0..copies {
            trace = trace.add(F32x4::load(vector(evidence, a * (a + 3) / 2)));
        }
        let ridge = F32x4::splat(RIDGE).madd(trace, F32x4::splat(RELATIVE_RIDGE / copies as f32));
        solve(system, copies, ridge);
        let limit = F32x4::splat(WEIGHT_LIMIT);
        let mut explained = zero;
        for i in triangle..triangle + copies {
            let weight = F32x4::load(vector(system, i)).clamp(zero.sub(limit), limit);
            weight.store(vector(system, i));
            explained = explained.madd(weight, F32x4::load(vector(evidence, i)));
        }
        let energy = F32x4::load(vector(evidence, triangle + copies)).add(F32x4::splat(ENERGY_FLOOR));
        let trust = explained.div(energy).clamp(zero, F32x4::splat(f32::MAX)).sqrt();
        for i in triangle..triangle + copies {
            F32x4::load(vector(system, i)).mul(trust).store(vector(system, i));
        }
    }
}

/// g = sum of weights times copies of the new frame, for each of M memories.
unsafe fn apply<const M: usize>(shape: Shape, now: *const f32, weights: *const f32, candidates: *mut f32) {
    let (side, margin, row_length) = (3 * shape.patch(), REACH + shape.radius, 3 * shape.tile);
    for row in 0..shape.tile {
        for column in (0..row_length).step_by(LANES) {
            unsafe {
                let at = now.add((row + margin) * side + 3 * margin + column);
                let value = F32x4::load(at);
                let mut sums = [F32x4::splat(0.0); M];
                let mut weight = weights;
                for k in 1..=shape.radius {
                    let around = [
                        F32x4::load(at.sub(k * side)),
                        F32x4::load(at.add(k * side)),
                        F32x4::load(at.sub(3 * k)),
                        F32x4::load(at.add(3 * k)),
                    ];
                    for copy in copies(around, value) {
                        for (m, sum) in sums.iter_mut().enumerate() {
                            *sum = sum.madd(F32x4::splat(*weight.add(m)), copy);
                        }
                        weight = weight.add(LANES);
                    }
                }
                for (m, sum) in sums.into_iter().enumerate() {
                    // What the last of a row writes too much is overwritten below.
                    sum.store(candidates.add(m * shape.candidate_stride() + row * row_length + column));
                }
            }
        }
    }
    for m in 0..M {
        unsafe { F32x4::splat(0.0).store(candidates.add(m * shape.candidate_stride() + shape.signal())) };
    }
}
