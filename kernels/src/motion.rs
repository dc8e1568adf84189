//! The motion candidate: soft block matching, once a frame (`runtime/motion.ts` is the definition).
//!
//! A frame is split into planes whose edges are repeated far enough that no shift leaves them; every loop then runs over whole
//! vectors. Bytes are compared as whole numbers, so costs are exact and can be summed as a window slides down. All shifts of a row
//! are done before the next row begins: the sums of one row stay in the nearest cache, those of all rows would not even fit beside
//! a model's weights in the next one.

use crate::pixels::{I16x8, I32x4};
use crate::vector::{F32x4, LANES};

/// Matching looks at 5 x 5 pixels.
const REACH: usize = 2;
const WINDOW: usize = 2 * REACH + 1;
const CHANNELS: usize = 3;
/// Costs are squares of bytes, the definition's are squares of values in [0, 1].
const SCALE: f32 = 255.0 * 255.0;
const NOISE: f32 = 0.0075 * SCALE;
const STILL: f32 = 0.001 * SCALE;
/// Pixels that matching takes at once.
const BLOCK: usize = 2 * LANES;

/// The shapes of everything in memory.
#[derive(Clone, Copy)]
struct Shape {
    height: usize,
    radius: usize,
    /// Pixels repeated around a plane.
    border: usize,
    /// Pixels in a row of a plane.
    plane_row: usize,
    /// Costs in a row.
    cost_row: usize,
}

impl Shape {
    fn new(width: usize, height: usize, radius: usize) -> Self {
        let border = radius + REACH;
        let cost_row = width.next_multiple_of(BLOCK);
        // The last block of a row looks at the one behind it, whatever the shift.
        Shape { height, radius, border, plane_row: cost_row + BLOCK + 2 * border, cost_row }
    }
    fn plane(&self) -> usize {
        self.plane_row * (self.height + 2 * self.border)
    }
    fn shifts(&self) -> usize {
        (2 * self.radius + 1) * (2 * self.radius + 1)
    }
}

/// A frame as planes: red and green in pairs, blue, and each channel as f32 for what is moved on.
#[derive(Clone, Copy)]
struct Planes {
    values: *mut f32,
    pairs: *mut i16,
    blue: *mut i16,
}

impl Planes {
    fn bytes(shape: Shape) -> usize {
        (4 + 2) * CHANNELS * shape.plane()
    }
    /// # Safety
    /// `bytes` lie behind `at`.
    unsafe fn new(shape: Shape, at: *mut u8) -> Self {
        let values = at.cast::<f32>();
        let pairs = unsafe { values.add(CHANNELS * shape.plane()) }.cast::<i16>();
        Planes { values, pairs, blue: unsafe { pairs.add(2 * shape.plane()) } }
    }
}

/// Bytes that the planes of a frame take.
pub fn planes_bytes(width: usize, height: usize, radius: usize) -> usize {
    Planes::bytes(Shape::new(width, height, radius))
}

/// Bytes that `motion_candidate` needs as scratch memory: for each shift the sums of one row, and what left them of five.
pub fn scratch_bytes(width: usize, height: usize, radius: usize) -> usize {
    let shape = Shape::new(width, height, radius);
    4 * (1 + WINDOW) * shape.shifts() * shape.cost_row
}

/// Splits a frame into planes: rows, columns, channels to channels, rows, columns with repeated edges.
///
/// # Safety
/// `frame` holds width * height * 3 bytes, `planes` what `planes_bytes` says, aligned to 4.
pub unsafe fn split(frame: *const u8, (width, height): (usize, usize), radius: usize, planes: *mut u8) {
    let shape = Shape::new(width, height, radius);
    let Shape { border, plane_row, .. } = shape;
    unsafe {
        let to = Planes::new(shape, planes);
        for row in 0..height {
            let line = (row + border) * plane_row;
            for column in 0..plane_row {
                let from = column.saturating_sub(border).min(width - 1);
                let pixel = frame.add((row * width + from) * CHANNELS);
                let [red, green, blue] = [*pixel, *pixel.add(1), *pixel.add(2)];
                let at = line + column;
                *to.pairs.add(2 * at) = red.into();
                *to.pairs.add(2 * at + 1) = green.into();
                *to.blue.add(at) = blue.into();
                for (channel, value) in [red, green, blue].into_iter().enumerate() {
                    *to.values.add(channel * shape.plane() + at) = value.into();
                }
            }
        }
        repeat_edges(shape, to.pairs, 2 * plane_row);
        repeat_edges(shape, to.blue, plane_row);
        for channel in 0..CHANNELS {
            repeat_edges(shape, to.values.add(channel * shape.plane()), plane_row);
        }
    }
}

/// The first and the last row, as often as the border is wide.
unsafe fn repeat_edges<T: Copy>(shape: Shape, plane: *mut T, row: usize) {
    let Shape { border, height, .. } = shape;
    unsafe {
        let [first, last] = [plane.add(border * row), plane.add((border + height - 1) * row)];
        for edge in 0..border {
            core::ptr::copy_nonoverlapping(first, plane.add(edge * row), row);
            core::ptr::copy_nonoverlapping(last, last.add((edge + 1) * row), row);
        }
    }
}

/// M, shaped like the frame.
///
/// # Safety
/// `frame` and `last` were made by `split`, `into` holds width * height * 3 values, `scratch` what `scratch_bytes` says, aligned to 4.
pub unsafe fn motion_candidate(
    frame: *const u8,
    last: *const u8,
    (width, height): (usize, usize),
    radius: usize,
    into: *mut f32,
    scratch: *mut u8,
) {
    let shape = Shape::new(width, height, radius);
    unsafe {
        let [now, before] = [frame, last].map(|at| Planes::new(shape, at.cast_mut()));
        let costs = scratch.cast::<i32>();
        let rows = costs.add(shape.shifts() * shape.cost_row);
        core::ptr::write_bytes(scratch, 0, scratch_bytes(width, height, radius));
        for row in 0..height + 2 * REACH {
            for_each_shift(radius, |i, shift| {
                let sums = costs.add(i * shape.cost_row);
                let leaving = rows.add((i * WINDOW + row % WINDOW) * shape.cost_row);
                slide(shape, now, before, row, shift, sums, leaving);
            });
            let Some(done) = row.checked_sub(2 * REACH) else { continue };
            for column in (0..width).step_by(LANES) {
                let moved = move_on(shape, now, costs, done, column);
                let pixels = LANES.min(width - column);
                join(into.add((done * width + column) * CHANNELS), moved, pixels);
            }
        }
    }
}

#[inline(always)]
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

/// Slides the windows of one shift down to a row: the squared differences of that row, five columns summed, come in, and those of
/// five rows above leave. `sums` are c_d when five rows have come.
#[inline(always)]
unsafe fn slide(
    shape: Shape,
    now: Planes,
    before: Planes,
    row: usize,
    (rows, columns): (isize, isize),
    sums: *mut i32,
    leaving: *mut i32,
) {
    let Shape { radius, plane_row, .. } = shape;
    let here = (row + radius) * plane_row + radius;
    let there = (here as isize - rows * plane_row as isize - columns) as usize;
    unsafe {
        let squares = |column: usize| {
            let pairs = |ahead: usize| {
                let now = I16x8::load(now.pairs.add(2 * (here + column) + ahead));
                now.sub(I16x8::load(before.pairs.add(2 * (there + column) + ahead))).square_pairs()
            };
            let blue = I16x8::load(now.blue.add(here + column));
            let [first, second] = blue.sub(I16x8::load(before.blue.add(there + column))).squares();
            [pairs(0).add(first), pairs(8).add(second)]
        };
        let slide = |at: usize, coming: I32x4| {
            let (sums, leaving) = (sums.add(at), leaving.add(at));
            I32x4::load(sums).add(coming.sub(I32x4::load(leaving))).store(sums);
            coming.store(leaving);
        };
        let [first, mut b] = squares(0);
        let mut two_a = first.add(first.shift_by_one(b));
        for column in (0..shape.cost_row).step_by(BLOCK) {
            let [c, d] = squares(column + BLOCK);
            let two_b = b.add(b.shift_by_one(c));
            let two_c = c.add(c.shift_by_one(d));
            slide(column, two_a.add(two_a.shift_by_two(two_b)).add(b));
            slide(column + LANES, two_b.add(two_b.shift_by_two(two_c)).add(c));
            (b, two_a) = (d, two_c);
        }
    }
}

/// M of four pixels, by channel: c_0 / (c_0 + still) * (sum q_d I(u - d) / sum q_d - I(u)), q_d = (1 + (c_d - c*) / (2 (c* + noise)))^-4.
#[inline(always)]
unsafe fn move_on(shape: Shape, now: Planes, costs: *const i32, row: usize, column: usize) -> [F32x4; CHANNELS] {
    let Shape { radius, border, plane_row, cost_row, .. } = shape;
    let one = F32x4::splat(1.0);
    unsafe {
        let costs = costs.add(column);
        let here = now.values.add((row + border) * plane_row + border + column);
        let mut best = I32x4::load(costs);
        for shift in 1..shape.shifts() {
            best = best.min(I32x4::load(costs.add(shift * cost_row)));
        }
        let sharpness = one.div(F32x4::splat(2.0).mul(best.to_f32().add(F32x4::splat(NOISE))));
        let mut moved = [F32x4::splat(0.0); CHANNELS];
        let mut total = F32x4::splat(0.0);
        for_each_shift(radius, |i, (rows, columns)| {
            let excess = I32x4::load(costs.add(i * cost_row)).sub(best).to_f32();
            let t = one.madd(excess, sharpness);
            let t2 = t.mul(t);
            let q = one.div(t2.mul(t2));
            total = total.add(q);
            let from = here.offset(-rows * plane_row as isize - columns);
            for (channel, moved) in moved.iter_mut().enumerate() {
                *moved = moved.madd(q, F32x4::load(from.add(channel * shape.plane())));
            }
        });
        let still = I32x4::load(costs.add(shape.shifts() / 2 * cost_row)).to_f32();
        let gate = still.div(still.add(F32x4::splat(STILL)).mul(F32x4::splat(255.0)));
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
