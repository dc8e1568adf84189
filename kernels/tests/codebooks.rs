//! Codebooks against the definition, weight by weight (`backends/reference/codebook_learning.ts`): whole and pruned, every remainder.

use kernels::codebooks::Codebook;
use kernels::narrow::Learning;
use kernels::noise::{Words, key};
use kernels::terms::Outer;

fn mix(word: u32) -> u32 {
    let x = (word ^ (word >> 16)).wrapping_mul(0x7feb352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846ca68b);
    x ^ (x >> 16)
}

/// Numbers from -0.5 to 0.5.
fn values(seed: u32, length: usize) -> Vec<f32> {
    (0..length).map(|i| mix(mix(seed).wrapping_add(i as u32)) as f32 / 4294967296.0 - 0.5).collect()
}

/// A matrix as the definition has it.
struct Model {
    bits: usize,
    rows: usize,
    columns: usize,
    pruned: bool,
    kept: Vec<bool>,
    /// In steps; and so are centroids.
    masters: Vec<i32>,
    centroids: Vec<i32>,
    scale: f32,
    /// What happened so far.
    events: Vec<&'static str>,
}

/// A rank-1 update: left and right, its number, and whether centroids follow.
type Step = (Vec<f32>, Vec<f32>, u32, bool);

/// Codebooks to begin with: the widest gap; the lowest centroid or, above 0, the highest; the step, as a power of two.
const GRIDS: [(i32, i32, i32); 5] =
    [(80, 12850, -9), (253, -500, -5), (3, -5, -2), (200, 32000, -4), (90, -12800, -20)];

fn fit(centroids: &[i32], gap: i32, largest: i32) -> bool {
    centroids.windows(2).all(|two| two[1] - two[0] <= gap) && centroids.iter().all(|c| c.abs() <= largest)
}

impl Model {
    fn new(bits: usize, (rows, columns): (usize, usize), mask: Option<Vec<bool>>, grid: usize) -> Self {
        let (gap, end, power) = GRIDS[grid % GRIDS.len()];
        let up_to = |k: i32| (1..=k).map(|k| gap - k / 3 % 3).sum::<i32>();
        let span = up_to((1 << bits) - 1);
        let first = if end > 0 { end - span } else { end };
        let centroids = (0..1 << bits).map(|k| first + up_to(k)).collect();
        let master = |v: &f32| match gap {
            // In two cells, as far apart as can be.
            253 => first + if *v < 0.0 { -128 } else { 379 },
            _ => first + span / 2 + (v * span as f32) as i32,
        };
        let masters = values(1, rows * columns).iter().map(master).collect();
        let pruned = mask.is_some();
        let kept = mask.unwrap_or_else(|| vec![true; rows * columns]);
        Model { bits, rows, columns, pruned, kept, masters, centroids, scale: 2f32.powi(power), events: vec![] }
    }

    /// The lower of two centroids that are as near.
    fn place(&self, at: usize) -> usize {
        (0..self.centroids.len()).min_by_key(|k| (self.masters[at] - self.centroids[*k]).abs()).unwrap()
    }

    fn weight(&self, row: usize, column: usize) -> f64 {
        let at = row * self.columns + column;
        if self.kept[at] { f64::from(self.centroids[self.place(at)]) * f64::from(self.scale) } else { 0.0 }
    }

    fn learn(&mut self, (left, right, number, follows): &Step) {
        let (key, columns) = (mix(mix(number.wrapping_add(3)).wrapping_add(1)), self.columns);
        // As it is stored, hidden-major, the rows are the columns of a decoder.
        let noise = |at: usize| {
            let (row, column) = ((at / columns) as u32, (at % columns) as u32);
            ((mix((key ^ 0x9e3779b9).wrapping_add(row)) ^ mix(key.wrapping_add(column))) >> 16) as i32
        };
        for at in (0..self.masters.len()).filter(|at| self.kept[*at]).collect::<Vec<_>>() {
            let from = self.place(at);
            let term = left[at / columns] * right[at % columns];
            let change = f64::from(term) * 65536.0 / f64::from(self.scale);
            let most = 1 << 30;
            let change = if change.is_nan() { most } else { (change as i32).clamp(-most, most) };
            self.masters[at] = self.limited(self.masters[at] + ((change + noise(at)) >> 16));
            let by = self.place(at).abs_diff(from);
            self.events.extend((by > 0).then_some(if by == 1 { "next" } else { "far" }));
        }
        if *follows {
            self.follow(|at| noise(at) & 1);
        }
    }

    fn limited(&self, master: i32) -> i32 {
        master.clamp(self.centroids[0] - 128, self.centroids[self.centroids.len() - 1] + 127)
    }

    fn follow(&mut self, bit: impl Fn(usize) -> i32) {
        let (before, scale) = (self.centroids.clone(), self.scale);
        let mut members = vec![vec![]; before.len()];
        let kept: Vec<usize> = (0..self.masters.len()).filter(|at| self.kept[*at]).collect();
        kept.iter().for_each(|at| members[self.place(*at)].push(f64::from(self.masters[*at])));
        let most = (0..before.len()).rev().max_by_key(|k| members[*k].len()).unwrap();
        for (k, centroid) in self.centroids.iter_mut().enumerate() {
            let count = members[k].len() as f64;
            if count > 0.0 {
                *centroid = ((2.0 * members[k].iter().sum::<f64>() + count) / (2.0 * count)).floor() as i32;
            } else if k != most {
                *centroid = (before[k] + before[if k < most { k + 1 } else { k - 1 }]).div_euclid(2);
            }
            self.events.extend((*centroid != before[k]).then_some(if count > 0.0 { "moved" } else { "pulled" }));
        }
        self.ascend();
        while !fit(&self.centroids, 253, 32000) {
            self.events.push(if self.scale == scale { "doubled" } else { "doubled again" });
            self.scale *= 2.0;
            self.centroids.iter_mut().for_each(|c| *c = (*c + 1).div_euclid(2));
            self.ascend();
            kept.iter().for_each(|at| self.masters[*at] = (self.masters[*at] + bit(*at)).div_euclid(2));
        }
        while self.scale > 2f32.powi(-20) && fit(&self.centroids, 100, 12800) {
            self.events.push("halved");
            self.scale /= 2.0;
            self.centroids.iter_mut().for_each(|c| *c *= 2);
            kept.iter().for_each(|at| self.masters[*at] *= 2);
        }
        kept.iter().for_each(|at| self.masters[*at] = self.limited(self.masters[*at]));
    }

    fn ascend(&mut self) {
        for k in 1..self.centroids.len() {
            self.centroids[k] = self.centroids[k].max(self.centroids[k - 1] + 1);
        }
    }

    fn floats(&self) -> Vec<f32> {
        self.centroids.iter().map(|c| *c as f32 * self.scale).collect()
    }
}

/// The same as it is stored; what belongs to no weight is anything.
struct Stored {
    bytes: Vec<u8>,
    rests: Vec<i8>,
    centroids: Vec<f32>,
    scale: f32,
    /// Of each weight that is kept: its rest, and byte and shift of its place.
    cells: Vec<Option<(usize, usize, usize)>>,
    starts: Vec<u32>,
    index: Vec<u16>,
    partial: bool,
}

impl Stored {
    fn new(model: &Model) -> Self {
        let Model { bits, rows, columns, pruned, .. } = *model;
        let (padded, mut cells) = (columns.next_multiple_of(8), vec![None; rows * columns]);
        let room = rows.next_multiple_of(4) * columns.next_multiple_of(16);
        let mut bytes: Vec<u8> = (0..room * bits / 8).map(|i| mix(i as u32) as u8).collect();
        let mut rests: Vec<i8> = (0..room).map(|i| mix(!i as u32) as i8).collect();
        let (mut starts, mut index, mut partial) = (vec![0], vec![], false);
        for (row, first) in (0..rows).flat_map(|row| (0..columns).step_by(4).map(move |first| (row, first))) {
            let (mut lanes, length) = (0, 4.min(columns - first));
            let begin = if pruned { 4 * index.len() } else { row / 4 * 4 * padded + first * 4 + row % 4 * 4 };
            let (group, quad) = (begin / 16, begin / 4 % 4);
            let (byte, shift) = if bits == 4 { (quad % 2 * 4, quad / 2 * 4) } else { (0, 2 * quad) };
            for lane in (0..length).filter(|lane| model.kept[row * columns + first + lane]) {
                let (at, byte) = (row * columns + first + lane, 2 * bits * group + byte + lane);
                let place = model.place(at);
                bytes[byte] = bytes[byte] & !(((1 << bits) - 1) << shift) | (place << shift) as u8;
                rests[begin + lane] = (model.masters[at] - model.centroids[place]) as i8;
                cells[at] = Some((begin + lane, byte, shift));
                lanes |= 1 << lane;
            }
            if lanes != 0 {
                partial |= lanes + 1 != 1 << length;
                index.push(lanes << 12 | (first / 4) as u16);
            }
            if first + 4 >= columns {
                index.resize(index.len().next_multiple_of(4), 0);
                starts.push(index.len() as u32);
            }
        }
        let (centroids, scale) = (model.floats(), model.scale);
        Stored { bytes, rests, centroids, scale, cells, starts, index, partial }
    }

    fn codebook(&mut self, model: &Model, follows: bool) -> Codebook {
        Codebook {
            places: self.bytes.as_mut_ptr(),
            rests: self.rests.as_mut_ptr(),
            centroids: self.centroids.as_mut_ptr(),
            scale: &mut self.scale,
            bits: model.bits,
            rows: model.rows,
            columns: model.columns.next_multiple_of(8),
            length: model.columns,
            starts: if model.pruned { self.starts.as_ptr() } else { std::ptr::null() },
            index: if model.pruned { self.index.as_ptr() } else { std::ptr::null() },
            partial: self.partial,
            follows,
        }
    }

    fn check(&self, model: &Model, what: &str) {
        let bits = |v: &[f32]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(self.scale.to_bits(), model.scale.to_bits(), "{what}: scale");
        assert_eq!(bits(&self.centroids), bits(&model.floats()), "{what}: centroids");
        for (at, cell) in self.cells.iter().enumerate() {
            let Some((rest, byte, shift)) = *cell else { continue };
            let got = (usize::from(self.bytes[byte] >> shift) & ((1 << model.bits) - 1), i32::from(self.rests[rest]));
            let place = model.place(at);
            let want = (place, model.masters[at] - model.centroids[place]);
            assert_eq!(got, want, "{what}: place and rest of weight {at}");
        }
    }
}

fn pad(values: &[f32]) -> Vec<f32> {
    values.iter().copied().chain([0.0; 7]).take(values.len().next_multiple_of(8)).collect()
}

fn near(got: f32, terms: impl Iterator<Item = f64>, what: &str) {
    let (want, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
    assert!((f64::from(got) - want).abs() <= 1e-5 * size, "{what}: {got} instead of {want}");
}

fn check_passes(model: &Model, stored: &mut Stored, what: &str) {
    let Model { rows, columns, .. } = *model;
    let (x, c) = (values(21, columns), values(22, rows));
    let codebook = stored.codebook(model, false);
    let (mut out, mut combined) = (vec![7.0; rows], vec![7.0; codebook.columns]);
    unsafe {
        codebook.product(pad(&x).as_ptr(), out.as_mut_ptr());
        codebook.combine(c.as_ptr(), combined.as_mut_ptr());
    }
    for (row, got) in out.iter().enumerate() {
        let terms = (0..columns).map(|j| model.weight(row, j) * f64::from(x[j]));
        near(*got, terms, &format!("{what}: product of row {row}"));
    }
    for (column, got) in combined.iter().enumerate() {
        let count = if column < columns { rows } else { 0 };
        let terms = (0..count).map(|i| model.weight(i, column) * f64::from(c[i]));
        near(*got, terms, &format!("{what}: combination of column {column}"));
    }
}

fn learn(model: &mut Model, stored: &mut Stored, step: Step, what: &str) {
    let (left, right, number, follows) = &step;
    let (term, padded, words) = (Outer { left: left.as_ptr() }, pad(right), Words::new(key(*number, 3, 1), true));
    let learning = Learning { term, right: padded.as_ptr(), words, column_words: std::ptr::null() };
    let codebook = stored.codebook(model, *follows);
    let learn = if model.pruned { Codebook::learn_kept } else { Codebook::learn };
    unsafe { learn(codebook, learning, vec![0; padded.len()].as_mut_ptr()) };
    model.learn(&step);
    stored.check(model, &format!("{what}, step {number}"));
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

fn each_case(mut visit: impl FnMut(Model, &str)) {
    for ((n, (rows, columns)), bits) in SIZES.into_iter().enumerate().flat_map(|size| [(size, 4), (size, 2)]) {
        for (i, mask) in masks(rows, columns).into_iter().enumerate() {
            let what = format!("{bits} bits, {rows} x {columns}, mask {i}");
            visit(Model::new(bits, (rows, columns), mask, n + i), &what);
        }
    }
}

#[test]
fn places_are_multiplied_as_their_centroids() {
    each_case(|model, what| check_passes(&model, &mut Stored::new(&model), what));
}

#[test]
fn weights_and_centroids_move_as_defined() {
    let mut all = [[vec![], vec![]], [vec![], vec![]]];
    each_case(|mut model, what| {
        let mut stored = Stored::new(&model);
        for number in 0..50 {
            // In steps: from much less than one to many cells; for a while all in one direction.
            let rate = [0.0, 1e1, 1e3, 1e5, 1e7][number as usize % 5] * model.scale;
            let power = if (20..35).contains(&number) { 8 } else { 7 };
            let few_large = |v: &f32| 64.0 * v.powi(power);
            let left = values(40 + number, model.rows).iter().map(|v| few_large(v) * rate).collect();
            let right = values(90 + number, model.columns).iter().map(few_large).collect();
            learn(&mut model, &mut stored, (left, right, number, number % 3 == 0), what);
        }
        check_passes(&model, &mut stored, what);
        all[model.bits / 4][usize::from(model.pruned)].append(&mut model.events);
    });
    for (kind, events) in all.as_flattened().iter().enumerate() {
        let names = ["next", "far", "moved", "pulled", "doubled", "doubled again", "halved"];
        let counts = names.map(|name| (name, events.iter().filter(|event| **event == name).count()));
        assert!(counts.iter().all(|(_, count)| *count > 1), "kind {kind}: {counts:?}");
    }
}

#[test]
fn terms_that_are_no_numbers_move_weights_to_the_ends() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN] {
        for (on_left, follows) in [(true, true), (true, false), (false, true), (false, false)] {
            each_case(|mut model, what| {
                // Some cells; and so large that a term of the largest number is infinite.
                let (some, others) = if on_left { (model.rows, model.columns) } else { (model.columns, model.rows) };
                let mut small: Vec<f32> = values(3, some).iter().map(|v| 200.0 * model.scale * v).collect();
                small[some - 1] = bad;
                let large = values(4, others).iter().map(|v| 2.5 + v).collect();
                let (left, right) = if on_left { (small, large) } else { (large, small) };
                let mut stored = Stored::new(&model);
                learn(&mut model, &mut stored, (left, right, 3, follows), &format!("{what}, {bad}"));
                let (last, end) = (model.masters.len() - 1, if bad < 0.0 { 0 } else { model.centroids.len() - 1 });
                assert!(follows || !model.kept[last] || model.place(last) == end, "{what}, {bad}: no end");
            });
        }
    }
}
