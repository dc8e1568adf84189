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
        Shape { width, height, radius, border, plane_row: row(width + 2 * border), map_row: row(width + 2 * REACH) }
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
    /// Two frames of planes, squares, and the costs of every shift.
    fn scratch(&self) -> usize {
        2 * CHANNELS * self.plane() + (1 + self.shifts()) * self.map()
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
        let costs = take(shape.shifts() * shape.map());
        split(shape, frame, now);
        split(shape, last, before);
        for_each_shift(radius, |i, shift| {
            let costs = costs.add(i * shape.map());
            match_blocks(shape, now, before, shift, squares, costs);
        });
        for row in 0..height {
            for column in (0..width).step_by(LANES) {
                let moved = move_on(shape, now, costs, row, column);
                let pixels = LANES.min(width - column);
                join(into.add((row * width + column) * CHANNELS), moved, pixels);
            }
        }
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

/// Rows, columns, channels to planes with repeated edges.
unsafe fn split(shape: Shape, frame: *const f32, planes: *mut f32) {
    let clamp = |at: usize, end: usize| at.saturating_sub(shape.border).min(end - 1);
    for row in 0..shape.height + 2 * shape.border {
        let from = clamp(row, shape.height) * shape.width;
        for column in 0..shape.width + 2 * shape.border {
            let pixel = (from + clamp(column, shape.width)) * CHANNELS;
            for channel in 0..CHANNELS {
                unsafe {
                    *planes.add(channel * shape.plane() + row * shape.plane_row + column) = *frame.add(pixel + channel);
                }
            }
        }
    }
}

/// c_d: squared differences summed over 5 x 5 pixels and 3 channels.
unsafe fn match_blocks(
    shape: Shape,
    now: *const f32,
    before: *const f32,
    (rows, columns): (isize, isize),
    squares: *mut f32,
    costs: *mut f32,
) {
    let Shape { width, height, radius, plane_row, map_row, .. } = shape;
    unsafe {
        for row in 0..height + 2 * REACH {
            let now = now.add((row + radius) * plane_row + radius);
            let line = ((row + radius) as isize - rows) * plane_row as isize;
            let before = before.offset(line + radius as isize - columns);
            for column in (0..width + 2 * REACH).step_by(LANES) {
                let mut square = F32x4::splat(0.0);
                for channel in 0..CHANNELS {
                    let at = channel * shape.plane() + column;
                    let difference = F32x4::load(now.add(at)).sub(F32x4::load(before.add(at)));
                    square = square.madd(difference, difference);
                }
                square.store(squares.add(row * map_row + column));
            }
        }
        for column in (0..width).step_by(LANES) {
            // Down a strip of columns, the sums of the last five rows stay in registers.
            let mut last = [F32x4::splat(0.0); 2 * REACH];
            for row in 0..height + 2 * REACH {
                let from = squares.add(row * map_row + column);
                let mut sum = F32x4::load(from);
                for next in 1..=2 * REACH {
                    sum = sum.add(F32x4::load(from.add(next)));
                }
                if row >= 2 * REACH {
                    let cost = last[0].add(last[1]).add(last[2].add(last[3])).add(sum);
                    cost.store(costs.add((row - 2 * REACH) * map_row + column));
                }
                last = [last[1], last[2], last[3], sum];
            }
        }
    }
}

/// M of four pixels, by channel: c_0 / (c_0 + still) * (sum q_d I(u - d) / sum q_d - I(u)), q_d = (1 + (c_d - c*) / (2 (c* + noise)))^-4.
#[inline(always)]
unsafe fn move_on(shape: Shape, now: *const f32, costs: *const f32, row: usize, column: usize) -> [F32x4; CHANNELS] {
    let Shape { radius, border, plane_row, map_row, .. } = shape;
    let one = F32x4::splat(1.0);
    unsafe {
        let costs = costs.add(row * map_row + column);
        let here = now.add((row + border) * plane_row + border + column);
        let mut best = F32x4::load(costs);
        for shift in 1..shape.shifts() {
            best = best.min(F32x4::load(costs.add(shift * shape.map())));
        }
        let sharpness = one.div(F32x4::splat(2.0).mul(best.add(F32x4::splat(NOISE))));
        let mut moved = [F32x4::splat(0.0); CHANNELS];
        let mut total = F32x4::splat(0.0);
        for_each_shift(radius, |i, (rows, columns)| {
            let excess = F32x4::load(costs.add(i * shape.map())).sub(best);
            let t = one.madd(excess, sharpness);
            let t2 = t.mul(t);
            let q = one.div(t2.mul(t2));
            total = total.add(q);
            let from = here.offset(-rows * plane_row as isize - columns);
            for (channel, moved) in moved.iter_mut().enumerate() {
                *moved = moved.madd(q, F32x4::load(from.add(channel * shape.plane())));
            }
        });
        let still = F32x4::load(costs.add(shape.shifts() / 2 * shape.map()));
        let gate = still.div(still.add(F32x4::splat(STILL)));
        core::array::from_fn(|channel| {
            let pixel = F32x4::load(here.add(channel * shape.plane()));
            gate.mul(moved[channel].div(total).sub(pixel))
        })
    }
}

/// Planes to pixels, as many as there are.
#[inline(always)]
unsafe fn join(to: *mut f32, planes: [F32x4; CHANNELS], pixels: usize) {
    for (channel, plane) in planes.into_iter().enumerate() {
        let mut values = [0.0; LANES];
        unsafe {
            plane.store(values.as_mut_ptr());
            for (pixel, value) in values.iter().enumerate().take(pixels) {
                *to.add(pixel * CHANNELS + channel) = *value;
            }
        }
    }
}
