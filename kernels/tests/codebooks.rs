//! Codebooks against the definition, place by place (`backends/reference/codebook_learning.ts`): whole and pruned, every remainder.

use kernels::codebook_learning::Update;
use kernels::codebooks::Codebook;
use kernels::noise::{Words, key};

/// Numbers from -0.5 to 0.5.
fn values(seed: u32, length: usize) -> Vec<f32> {
    let mut x = seed.wrapping_mul(2654435761) | 1;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        x as f32 / 4294967296.0 - 0.5
    };
    (0..length).map(|_| next()).collect()
}

/// Numbers of which few are large.
fn few_large(seed: u32, length: usize) -> Vec<f32> {
    values(seed, length).iter().map(|v| 64.0 * v.powi(7)).collect()
}

fn mix(word: u32) -> u32 {
    let x = (word ^ (word >> 16)).wrapping_mul(0x7feb352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846ca68b);
    x ^ (x >> 16)
}

/// A matrix as the definition has it.
#[derive(Clone)]
struct Model {
    bits: usize,
    rows: usize,
    columns: usize,
    places: Vec<usize>,
    kept: Vec<bool>,
    centroids: Vec<f32>,
}

/// A rank-1 update, and when it is.
struct Step<'a> {
    left: &'a [f32],
    right: &'a [f32],
    step: u32,
    moves_centroids: bool,
}

impl Model {
    fn new(bits: usize, rows: usize, columns: usize, kept: Vec<bool>) -> Self {
        let size = 1 << bits;
        let places = values(1, rows * columns).iter().map(|v| ((v + 0.5) * size as f32) as usize % size).collect();
        let centroids = (0..size).map(|k| (k as f32 - size as f32 / 2.0 + 0.3) * 0.01).collect();
        Model { bits, rows, columns, places, kept, centroids }
    }

    fn weight(&self, row: usize, column: usize) -> f32 {
        let at = row * self.columns + column;
        if self.kept[at] { self.centroids[self.places[at]] } else { 0.0 }
    }

    /// Returns how many weights moved.
    fn learn(&mut self, Step { left, right, step, moves_centroids }: Step) -> usize {
        let (reach, gain) = if self.bits == 4 { (4.0, 32.0) } else { (8.0, 128.0) };
        let squares = |v: &[f32]| v.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
        let least = reach * (squares(left) * squares(right) / (self.rows * self.columns) as f64).sqrt();
        let key = mix(mix(step.wrapping_add(3)).wrapping_add(1));
        let size = 1 << self.bits;
        let (mut sums, mut members) = (vec![0.0; size], vec![0u32; size]);
        let mut moved = vec![];
        for at in 0..self.places.len() {
            let (row, column) = (at / self.columns, at % self.columns);
            let term = left[row] * right[column];
            let from = self.places[at];
            if !self.kept[at] {
                continue;
            }
            sums[from] += f64::from(term);
            members[from] += 1;
            let to = if term > 0.0 { from + 1 } else { from.wrapping_sub(1) };
            if f64::from(term.abs()) <= least || least.is_nan() || term.is_nan() || to >= size {
                continue;
            }
            // As it is stored, hidden-major, the rows are the columns of a decoder.
            let noise = mix((key ^ 0x9e3779b9).wrapping_add(row as u32)) ^ mix(key.wrapping_add(column as u32));
            let chance = (noise >> 8) as f32 / 16777216.0;
            if gain * f64::from(term.abs()) > f64::from(chance * (self.centroids[to] - self.centroids[from]).abs()) {
                moved.push((at, to));
            }
        }
        for (at, to) in &moved {
            self.places[*at] = *to;
        }
        for k in 0..if moves_centroids { size } else { 0 } {
            let mean = if members[k] == 0 { 0.0 } else { sums[k] / f64::from(members[k]) };
            let centroid = (f64::from(self.centroids[k]) + mean) as f32;
            if centroid.is_finite() {
                self.centroids[k] = centroid + 0.0;
            }
            if k > 0 && self.centroids[k] <= self.centroids[k - 1] {
                self.centroids[k] = self.centroids[k - 1].next_up();
            }
        }
        moved.len()
    }
}

/// The same as it is stored.
struct Stored {
    bytes: Vec<u8>,
    centroids: Vec<f32>,
    members: Vec<u32>,
    /// Byte and shift of each weight that is kept.
    cells: Vec<Option<(usize, usize)>>,
    starts: Vec<u32>,
    index: Vec<u16>,
    padded: usize,
}

impl Stored {
    fn new(model: &Model, pruned: bool) -> Self {
        let Model { bits, rows, columns, .. } = *model;
        let padded = columns.next_multiple_of(8);
        let mut cells = vec![None; rows * columns];
        let (mut starts, mut index) = (vec![0u32], vec![]);
        let cell = |group: usize, quad: usize, lane: usize| match bits {
            4 => (8 * group + quad % 2 * 4 + lane, quad / 2 * 4),
            _ => (4 * group + lane, 2 * quad),
        };
        for row in 0..rows {
            for column in 0..columns {
                let at = row * columns + column;
                if pruned {
                    if column % 4 == 0 {
                        let kept = |i: usize| (column + i < columns && model.kept[at + i]) as u16;
                        let lanes = (0..4).fold(0, |bits, i| bits | kept(i) << i);
                        if lanes != 0 {
                            index.push(lanes << 12 | (column / 4) as u16);
                        }
                    }
                    let quad = index.len().wrapping_sub(1);
                    cells[at] = model.kept[at].then(|| cell(quad / 4, quad % 4, column % 4));
                } else {
                    let in_panel = row < rows / 4 * 4;
                    let tile = row / 4 * padded + column / 4 * 4 + row % 4;
                    let quad = if in_panel { tile } else { (row * padded + column) / 4 };
                    cells[at] = Some(cell(quad / 4, quad % 4, column % 4));
                }
            }
            index.resize(index.len().next_multiple_of(4), 0);
            starts.push(index.len() as u32);
        }
        let groups = if pruned { index.len() / 4 } else { (rows * padded).div_ceil(16) };
        let mut bytes = vec![0; groups * 2 * bits];
        let mut members = vec![0; 1 << bits];
        for (cell, place) in cells.iter().zip(&model.places) {
            if let Some((byte, shift)) = cell {
                bytes[*byte] |= (place << shift) as u8;
                members[*place] += 1;
            }
        }
        Stored { bytes, centroids: model.centroids.clone(), members, cells, starts, index, padded }
    }

    fn codebook(&mut self, model: &Model, pruned: bool) -> Codebook {
        let null = std::ptr::null();
        Codebook {
            places: self.bytes.as_mut_ptr(),
            centroids: self.centroids.as_mut_ptr(),
            members: self.members.as_mut_ptr(),
            bits: model.bits,
            rows: model.rows,
            columns: self.padded,
            length: model.columns,
            starts: if pruned { self.starts.as_ptr() } else { null },
            index: if pruned { self.index.as_ptr() } else { null.cast() },
            partial: model.kept.contains(&false),
        }
    }

    fn check(&self, model: &Model, what: &str) {
        let mut members = vec![0; 1 << model.bits];
        for (at, cell) in self.cells.iter().enumerate() {
            let Some((byte, shift)) = cell else { continue };
            let place = usize::from(self.bytes[*byte] >> shift) & ((1 << model.bits) - 1);
            let (row, column) = (at / model.columns, at % model.columns);
            assert_eq!(place, model.places[at], "{what}: the place of row {row}, column {column}");
            members[place] += 1;
        }
        assert_eq!(self.members, members, "{what}: members");
        let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&self.centroids), bits(&model.centroids), "{what}: centroids");
    }
}

fn pad(values: &[f32]) -> Vec<f32> {
    let mut out = values.to_vec();
    out.resize(values.len().next_multiple_of(8), 0.0);
    out
}

fn near(got: f32, want: f64, what: &str) {
    assert!((f64::from(got) - want).abs() < 1e-5 * (1.0 + want.abs()), "{what}: {got} instead of {want}");
}

fn check_passes(model: &Model, stored: &mut Stored, pruned: bool, what: &str) {
    let Model { rows, columns, .. } = *model;
    let (x, c) = (values(21, columns), values(22, rows));
    let codebook = stored.codebook(model, pruned);
    let padded = pad(&x);
    let (mut out, mut combined) = (vec![7.0; rows], vec![7.0; stored.padded]);
    unsafe {
        codebook.product(padded.as_ptr(), out.as_mut_ptr());
        codebook.combine(c.as_ptr(), combined.as_mut_ptr());
    }
    for (row, got) in out.iter().enumerate() {
        let want = (0..columns).map(|j| f64::from(model.weight(row, j)) * f64::from(x[j])).sum();
        near(*got, want, &format!("{what}: product of row {row}"));
    }
    for (column, got) in combined[..columns].iter().enumerate() {
        let want = (0..rows).map(|i| f64::from(model.weight(i, column)) * f64::from(c[i])).sum();
        near(*got, want, &format!("{what}: combination of column {column}"));
    }
    assert!(combined[columns..].iter().all(|padding| *padding == 0.0), "{what}: padding");
}

fn learn(model: &mut Model, stored: &mut Stored, pruned: bool, step: Step) -> usize {
    let padded = pad(step.right);
    let (mut xs, mut columns) = (vec![0.0; padded.len()], vec![0; 2 * padded.len()]);
    let update = Update {
        left: step.left.as_ptr(),
        right: padded.as_ptr(),
        words: Words::new(key(step.step, 3, 1), true),
        moves_centroids: step.moves_centroids,
    };
    unsafe { stored.codebook(model, pruned).learn(update, (xs.as_mut_ptr(), columns.as_mut_ptr())) };
    model.learn(step)
}

/// Sizes with every remainder of panels, quads and groups.
const SIZES: [(usize, usize); 7] = [(1, 1), (4, 8), (5, 13), (6, 16), (7, 31), (9, 45), (50, 90)];

/// What is kept: all, scattered weights, blocks of 1x8, blocks of 4x4.
fn masks(rows: usize, columns: usize) -> [Option<Vec<bool>>; 4] {
    let blocks = |height: usize, width: usize| {
        let across = columns.div_ceil(width);
        let kept: Vec<bool> = values(31, rows.div_ceil(height) * across).iter().map(|v| *v < -0.1).collect();
        (0..rows * columns).map(|at| kept[at / columns / height * across + at % columns / width]).collect()
    };
    [None, Some(blocks(1, 1)), Some(blocks(1, 8)), Some(blocks(4, 4))]
}

fn each_case(mut visit: impl FnMut(Model, bool, &str)) {
    for (rows, columns) in SIZES {
        for bits in [4, 2] {
            for (i, mask) in masks(rows, columns).into_iter().enumerate() {
                let pruned = mask.is_some();
                let kept = mask.unwrap_or_else(|| vec![true; rows * columns]);
                let what = format!("{bits} bits, {rows} x {columns}, mask {i}");
                visit(Model::new(bits, rows, columns, kept), pruned, &what);
            }
        }
    }
}

#[test]
fn places_are_multiplied_as_their_centroids() {
    each_case(|model, pruned, what| check_passes(&model, &mut Stored::new(&model, pruned), pruned, what));
}

#[test]
fn weights_and_centroids_move_as_defined() {
    let mut moved = [0, 0];
    each_case(|mut model, pruned, what| {
        let mut stored = Stored::new(&model, pruned);
        for step in 0..24 {
            let (left, right) = (few_large(40 + step, model.rows), few_large(80 + step, model.columns));
            // Terms about as large as what is between two centroids, and much smaller.
            let rate = if step % 2 == 0 { 1e-2 } else { 1e-4 };
            let left: Vec<f32> = left.iter().map(|v| v * rate).collect();
            let (left, right) = (&left[..], &right[..]);
            let step = Step { left, right, step, moves_centroids: step % 3 == 0 };
            moved[model.bits / 4] += learn(&mut model, &mut stored, pruned, step);
            stored.check(&model, what);
        }
        check_passes(&model, &mut stored, pruned, what);
    });
    assert!(moved[0] > 300 && moved[1] > 300, "{moved:?} weights moved");
}

#[test]
fn terms_that_are_no_numbers_teach_nothing() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
        for on_left in [true, false] {
            each_case(|mut model, pruned, what| {
                let mut stored = Stored::new(&model, pruned);
                // So large that a term of the largest number is infinite.
                let large = |seed, length| values(seed, length).iter().map(|v| 2.5 + v).collect::<Vec<f32>>();
                let (mut left, mut right) = (large(3, model.rows), large(4, model.columns));
                let side = if on_left { &mut left } else { &mut right };
                let last = side.len() - 1;
                side[last] = bad;
                let step = Step { left: &left, right: &right, step: 3, moves_centroids: true };
                learn(&mut model, &mut stored, pruned, step);
                stored.check(&model, &format!("{what}, {bad}"));
                assert!(model.centroids.iter().all(|c| c.is_finite()));
            });
        }
    }
}
