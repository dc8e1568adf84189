//! The motion candidate: soft block matching, once a frame (`runtime/motion.ts` is the definition).
//!
//! Frames are split into planes whose edges are repeated far enough that no shift leaves them; every loop then runs over whole
//! vectors, shift by shift.

use crate::vector::{F32x4, LANES};

/// Matching looks at 5 x 5 pixels.
const REACH: usize = 2;
const NOISE: f32 = 0.0075;
const STILL: f32 = 0.001;
const CHANNELS: usize = 3;

/// The shapes of everything in the scratch memory.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    height: usize,
    radius: usize,
    /// Pixels repeated around a plane.
    border: usize,
    /// Floats in a row of a plane, of a map of costs.
    plane_row: usize,
    map_row: usize,
}

impl Shape {
    fn new(width: usize, height: usize, radius: usize) -> Self {
        let border = radius + REACH;
        // A vector may run over the end of what is needed: one more than rounding up.
        let row = |count: usize| count.next_multiple_of(LANES) + 2 * LANES;
        Shape {
            width,
            height,
            radius,
            border,
            plane_row: row(width + 2 * border),
            map_row: row(width + 2 * REACH),
        }
    }
    fn plane(&self) -> usize {
        self.plane_row * (self.height + 2 * self.border)
    }
    fn map(&self) -> usize {
        self.map_row * (self.height + 2 * REACH)
    }
    fn shifts(&self) -> usize {
        (2 * self.radius + 1) * (2 * self.radius + 1)
    }
    /// Two frames of planes, squares, row sums, costs, the best cost, weighted sums and their weight.
    fn scratch(&self) -> usize {
        2 * CHANNELS * self.plane() + (self.shifts() + 3 + CHANNELS + 1) * self.map()
    }
}

/// f32 values that `motion_candidate` needs as scratch memory.
pub fn scratch_length(width: usize, height: usize, radius: usize) -> usize {
    Shape::new(width, height, radius).scratch()
}

/// M, shaped like the frame.
///
/// # Safety
/// `frame`, `last` and `into` hold width * height * 3 values, `scratch` what `scratch_length` says, zeroed or used before.
pub unsafe fn motion_candidate(
    frame: *const f32,
    last: *const f32,
    (width, height): (usize, usize),
    radius: usize,
    into: *mut f32,
    scratch: *mut f32,
) {
    let shape = Shape::new(width, height, radius);
    unsafe {
        let mut free = scratch;
        let mut take = |length: usize| {
            let at = free;
            free = free.add(length);
            at
        };
        let now = take(CHANNELS * shape.plane());
        let before = take(CHANNELS * shape.plane());
        let squares = take(shape.map());
        let sums = take(shape.map());
        let best = take(shape.map());
        let weighted = take((CHANNELS + 1) * shape.map());
        let costs = take(shape.shifts() * shape.map());
        split(shape, frame, now);
        split(shape, last, before);
        fill(best, shape.map(), f32::INFINITY);
        fill(weighted, (CHANNELS + 1) * shape.map(), 0.0);
        for_each_shift(radius, |i, shift| {
            match_blocks(shape, now, before, shift, squares, sums, costs.add(i * shape.map()), best);
        });
        for_each_shift(radius, |i, shift| {
            weigh(shape, now, shift, costs.add(i * shape.map()), best, weighted);
        });
        let still = costs.add(shape.shifts() / 2 * shape.map());
        join(shape, frame, weighted, still, into);
    }
}

fn for_each_shift(radius: usize, mut visit: impl FnMut(usize, (isize, isize))) {
    let radius = radius as isize;
    let mut i = 0;
    for rows in -radius..=radius {
        for columns in -radius..=radius {
            visit(i, (rows, columns));
            i += 1;
        }
    }
}

unsafe fn fill(at: *mut f32, length: usize, value: f32) {
    unsafe { core::slice::from_raw_parts_mut(at, length).fill(value) }
}

/// Rows, columns, channels to planes with repeated edges.
unsafe fn split(shape: Shape, frame: *const f32, planes: *mut f32) {
    let clamp = |at: usize, end: usize| at.saturating_sub(shape.border).min(end - 1);
    for row in 0..shape.height + 2 * shape.border {
        let from = clamp(row, shape.height) * shape.width;
        for column in 0..shape.width + 2 * shape.border {
            let pixel = (from + clamp(column, shape.width)) * CHANNELS;
            for channel in 0..CHANNELS {
                unsafe {
                    *planes.add(channel * shape.plane() + row * shape.plane_row + column) =
                        *frame.add(pixel + channel);
                }
            }
        }
    }
}

/// c_d: squared differences summed over 5 x 5 pixels and 3 channels; keeps the least of all shifts.
#[allow(clippy::too_many_arguments, reason = "scratch memory, named")]
unsafe fn match_blocks(
    shape: Shape,
    now: *const f32,
    before: *const f32,
    (rows, columns): (isize, isize),
    squares: *mut f32,
    sums: *mut f32,
    costs: *mut f32,
    best: *mut f32,
) {
    let Shape { width, height, radius, plane_row, map_row, .. } = shape;
    unsafe {
        for row in 0..height + 2 * REACH {
            let now = now.add((row + radius) * plane_row + radius);
            let line = ((row + radius) as isize - rows) * plane_row as isize;
            let before = before.offset(line + radius as isize - columns);
            let line = squares.add(row * map_row);
            for column in (0..width + 2 * REACH).step_by(LANES) {
                let mut square = F32x4::splat(0.0);
                for channel in 0..CHANNELS {
                    let at = channel * shape.plane() + column;
                    let difference = F32x4::load(now.add(at)).sub(F32x4::load(before.add(at)));
                    square = square.madd(difference, difference);
                }
                square.store(line.add(column));
            }
            let to = sums.add(row * map_row);
            for column in (0..width).step_by(LANES) {
                let mut sum = F32x4::load(line.add(column));
                for next in 1..=2 * REACH {
                    sum = sum.add(F32x4::load(line.add(column + next)));
                }
                sum.store(to.add(column));
            }
        }
        for row in 0..height {
            for column in (0..width).step_by(LANES) {
                let from = sums.add(row * map_row + column);
                let mut cost = F32x4::load(from);
                for next in 1..=2 * REACH {
                    cost = cost.add(F32x4::load(from.add(next * map_row)));
                }
                let at = row * map_row + column;
                cost.store(costs.add(at));
                F32x4::load(best.add(at)).min(cost).store(best.add(at));
            }
        }
    }
}

/// Adds q_d I(u - d) and q_d, q_d = (1 + (c_d - c*) / (2 (c* + noise)))^-4.
unsafe fn weigh(
    shape: Shape,
    now: *const f32,
    (rows, columns): (isize, isize),
    costs: *const f32,
    best: *const f32,
    weighted: *mut f32,
) {
    let Shape { width, height, border, plane_row, map_row, .. } = shape;
    let one = F32x4::splat(1.0);
    let two = F32x4::splat(2.0);
    unsafe {
        for row in 0..height {
            let line = ((row + border) as isize - rows) * plane_row as isize;
            let from = now.offset(line + border as isize - columns);
            for column in (0..width).step_by(LANES) {
                let at = row * map_row + column;
                let least = F32x4::load(best.add(at));
                let excess = F32x4::load(costs.add(at)).sub(least);
                let t = one.add(excess.div(two.mul(least.add(F32x4::splat(NOISE)))));
                let t2 = t.mul(t);
                let q = one.div(t2.mul(t2));
                for channel in 0..CHANNELS {
                    let to = weighted.add(channel * shape.map() + at);
                    let pixel = F32x4::load(from.add(channel * shape.plane() + column));
                    F32x4::load(to).madd(q, pixel).store(to);
                }
                let to = weighted.add(CHANNELS * shape.map() + at);
                F32x4::load(to).add(q).store(to);
            }
        }
    }
}

/// M = c_0 / (c_0 + still) * (weighted mean - I), planes to rows, columns, channels.
unsafe fn join(
    shape: Shape,
    frame: *const f32,
    weighted: *const f32,
    still: *const f32,
    into: *mut f32,
) {
    for row in 0..shape.height {
        for column in 0..shape.width {
            let at = row * shape.map_row + column;
            let pixel = (row * shape.width + column) * CHANNELS;
            unsafe {
                let cost = *still.add(at);
                let gate = cost / (cost + STILL);
                let total = *weighted.add(CHANNELS * shape.map() + at);
                for channel in 0..CHANNELS {
                    let mean = *weighted.add(channel * shape.map() + at) / total;
                    *into.add(pixel + channel) = gate * (mean - *frame.add(pixel + channel));
                }
            }
        }
    }
}
