//! Narrow weights against the definition, weight by weight (docs/compression.md): panels, bytes and pruned rows, every remainder.

use kernels::bytes::{self, Levels, Tiles};
use kernels::formats::{Bfloat, Fixed16, Half, MOST_STEPS, Quads};
use kernels::levels::{to_halves, to_levels};
use kernels::narrow::{Learning, Panels, Use};
use kernels::noise::{Words, key};
use kernels::octs::{KeptOcts, Pairs, UpperBytes};
use kernels::sparse::Kept;
use kernels::terms::{Outer, WithMomentum};
use kernels::tile_sums::Level;

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

fn mix(word: u32) -> u32 {
    let x = (word ^ (word >> 16)).wrapping_mul(0x7feb352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846ca68b);
    x ^ (x >> 16)
}

const STEP: u32 = 77;

/// The noise of a weight of an encoder.
fn noise(row: usize, column: usize) -> u32 {
    let key = mix(mix(STEP.wrapping_add(3)).wrapping_add(0));
    mix(key.wrapping_add(row as u32)) ^ mix((key ^ 0x9e3779b9).wrapping_add(column as u32))
}

fn words() -> Words {
    Words::new(key(STEP, 3, 0), false)
}

fn pad(values: &[f32]) -> Vec<f32> {
    let mut out = values.to_vec();
    out.resize(values.len().next_multiple_of(8), 0.0);
    out
}

/// Where a weight lies in panels.
fn place(row: usize, column: usize, rows: usize, columns: usize) -> usize {
    let panel = row / 4 * 4;
    if panel + 4 > rows { row * columns + column } else { panel * columns + column / 4 * 16 + row % 4 * 4 + column % 4 }
}

/// Steps after a change, and whether that is beyond what there is.
fn moved(q: i32, term: f32, scale: f32, noise: u32) -> i32 {
    let change = (f64::from(term) * 65536.0 / f64::from(scale)).trunc().clamp(-1073741824.0, 1073741824.0) as i32;
    q + ((change + (noise >> 16) as i32) >> 16)
}

/// What a row of fixed point becomes: its steps and whether its scale doubles.
fn learn_row(q: &[i32], terms: &[f32], scale: f32, row: usize) -> (Vec<i32>, bool) {
    let after: Vec<i32> =
        q.iter().zip(terms).enumerate().map(|(c, (q, term))| moved(*q, *term, scale, noise(row, c))).collect();
    let beyond = after.iter().any(|q| q.abs() > MOST_STEPS);
    let halve = |(c, q): (usize, &i32)| (q + (noise(row, c) >> 16 & 1) as i32) >> 1;
    (if beyond { after.iter().enumerate().map(halve).collect() } else { after }, beyond)
}

/// Sizes with every remainder of panels and of quads.
const SIZES: [(usize, usize); 6] = [(1, 1), (4, 8), (5, 13), (6, 16), (7, 31), (9, 45)];
/// Updates that are small, and some that double scales.
const RATES: [f32; 2] = [1e-3, 40.0];

#[test]
fn fixed_point_in_panels_learns_as_defined() {
    for ((rows, columns), rate) in SIZES.into_iter().flat_map(|size| RATES.map(|rate| (size, rate))) {
        let padded = columns.next_multiple_of(8);
        let mut scale: Vec<f32> = (0..rows).map(|row| 2f32.powi(-14 - row as i32 % 3)).collect();
        let q: Vec<i32> = values(1, rows * columns).iter().map(|v| (v * 65000.0) as i32).collect();
        let mut stored = vec![0i16; rows * padded];
        for row in 0..rows {
            for column in 0..columns {
                stored[place(row, column, rows, padded)] = q[row * columns + column] as i16;
            }
        }
        let (left, x, next) = (values(2, rows), values(3, columns), values(4, columns));
        let left: Vec<f32> = left.iter().map(|v| v * rate).collect();
        let mut halves = vec![0; padded];
        unsafe { words().write_columns(padded, halves.as_mut_ptr()) };
        let before = scale.clone();
        let (right, used) = (pad(&x), pad(&next));
        let mut out = vec![0.0; rows];
        let matrix = Panels { quads: Fixed16(stored.as_mut_ptr()), scale: scale.as_mut_ptr(), rows, columns: padded };
        let term = Outer { left: left.as_ptr() };
        let learning = Learning { term, right: right.as_ptr(), words: words(), column_words: halves.as_ptr() };
        unsafe { matrix.learn(learning, Use::Updated(used.as_ptr()), out.as_mut_ptr()) };
        let mut doubled = 0;
        for row in 0..rows {
            let terms: Vec<f32> = x.iter().map(|x| left[row] * x).collect();
            let (want, beyond) = learn_row(&q[row * columns..][..columns], &terms, before[row], row);
            doubled += u32::from(beyond);
            assert_eq!(scale[row], before[row] * if beyond { 2.0 } else { 1.0 }, "scale of row {row}");
            let got: Vec<i32> =
                (0..columns).map(|column| i32::from(stored[place(row, column, rows, padded)])).collect();
            assert_eq!(got, want, "row {row} of {rows} x {columns}");
            let product: f64 = want.iter().zip(&next).map(|(q, x)| f64::from(*q) * f64::from(*x)).sum();
            let product = product * f64::from(scale[row]);
            assert!((f64::from(out[row]) - product).abs() < 1e-4 * (1.0 + product.abs()), "product of row {row}");
        }
        assert!(rate < 1.0 || columns == 1 || doubled > 0);
    }
}

/// Bytes of steps: those of q + 128.
fn split(q: i32) -> (i8, i8) {
    (((q + 128) >> 8) as i8, (q + 128) as i8)
}

#[test]
fn bytes_learn_as_defined_and_their_products_are_exact() {
    for (size, rate) in SIZES.into_iter().flat_map(|size| RATES.map(|rate| (size, rate))) {
        [true, false].into_iter().for_each(|with_momentum| check_bytes(size, rate, with_momentum));
    }
}

/// Numbers of steps, some of them as large as a row bears: the smallest update makes its scale double.
fn masters(count: usize) -> Vec<i32> {
    let mut steps: Vec<i32> = values(1, count).iter().map(|v| (v * 65000.0) as i32).collect();
    steps.iter_mut().skip(28).step_by(58).for_each(|q| *q = MOST_STEPS);
    steps.iter_mut().skip(57).step_by(58).for_each(|q| *q = -MOST_STEPS);
    steps
}

fn check_bytes((rows, columns): (usize, usize), rate: f32, with_momentum: bool) {
    let (padded, tall) = (columns.next_multiple_of(8), rows.next_multiple_of(4));
    let mut scale = vec![2f32.powi(-14); tall];
    let q = masters(rows * columns);
    let (mut upper, mut lower) = (vec![0i8; tall * padded], vec![-128i8; tall * padded]);
    let mut sums = vec![0; tall];
    for row in 0..rows {
        for column in 0..columns {
            let at = place(row, column, tall, padded);
            (upper[at], lower[at]) = split(q[row * columns + column]);
            sums[row] += i32::from(upper[at]);
        }
    }
    let (x, next) = (values(7, columns), values(8, columns));
    let left: Vec<f32> = values(6, rows).iter().map(|v| v * rate).collect();
    let mut halves = vec![0u32; padded];
    unsafe { words().write_halves(padded, halves.as_mut_ptr()) };
    let (right, used) = (pad(&x), pad(&next));
    let mut levels = vec![0 as Level; padded];
    let level_scale = unsafe { to_levels(used.as_ptr(), padded, levels.as_mut_ptr()) };
    let mut out = vec![0.0; tall];
    let tiles = Tiles {
        upper: upper.as_mut_ptr(),
        lower: lower.as_mut_ptr(),
        scale: scale.as_mut_ptr(),
        sums: sums.as_mut_ptr(),
        rows,
        columns: padded,
    };
    let mut momentum = vec![0.0; tall * padded];
    let vector = Levels { levels: levels.as_ptr(), scale: level_scale };
    let (column_words, right, words, with) = (std::ptr::null(), right.as_ptr(), words(), bytes::Use::Updated(vector));
    if with_momentum {
        let term = WithMomentum { left: left.as_ptr(), mu: 0.5, momentum: momentum.as_mut_ptr() };
        let learning = Learning { term, right, words, column_words };
        unsafe { tiles.learn(learning, halves.as_ptr(), with, out.as_mut_ptr()) };
    } else {
        let learning = Learning { term: Outer { left: left.as_ptr() }, right, words, column_words };
        unsafe { tiles.learn(learning, halves.as_ptr(), with, out.as_mut_ptr()) };
    }
    for row in 0..rows {
        let terms: Vec<f32> = x.iter().map(|x| left[row] * x).collect();
        let (want, beyond) = learn_row(&q[row * columns..][..columns], &terms, 2f32.powi(-14), row);
        assert_eq!(scale[row], 2f32.powi(if beyond { -13 } else { -14 }));
        let mut product = 0;
        let mut sum = 0;
        for column in 0..columns {
            let at = place(row, column, tall, padded);
            assert_eq!((upper[at], lower[at]), split(want[column]), "row {row}, column {column}");
            assert_eq!(momentum[at], if with_momentum { terms[column] } else { 0.0 });
            let level = i32::from(levels[column]) - kernels::tile_sums::LEVEL_OFFSET;
            product += i32::from(upper[at]) * level;
            sum += i32::from(upper[at]);
        }
        assert_eq!(sums[row], sum);
        assert_eq!(out[row], product as f32 * (level_scale * (256.0 * scale[row])), "product of row {row}");
    }
    // The same product of weights that rest, and the combination of rows.
    let mut again = vec![0.0; tall];
    unsafe { tiles.product(vector, again.as_mut_ptr()) };
    assert_eq!(again[..rows], out[..rows]);
    let c = pad(&values(9, tall));
    let mut levels = vec![0 as Level; tall.next_multiple_of(8)];
    let scale = unsafe { to_levels(c.as_ptr(), tall, levels.as_mut_ptr()) };
    let mut combined = vec![0.0; padded];
    unsafe { tiles.combine(Levels { levels: levels.as_ptr(), scale }, combined.as_mut_ptr()) };
    for column in 0..columns {
        let level = |row: usize| i32::from(levels[row]) - kernels::tile_sums::LEVEL_OFFSET;
        let sum: i32 = (0..tall).map(|row| i32::from(upper[place(row, column, tall, padded)]) * level(row)).sum();
        assert_eq!(combined[column], sum as f32 * scale, "column {column}");
    }
}

/// A float of 16 bits after a term, rounded by chance.
fn check_floats<Q: Quads>(quads: impl Fn(*mut u16) -> Q, from: fn(u16) -> f32, round: fn(f32, u32) -> u16) {
    for (rows, columns) in SIZES {
        let padded = columns.next_multiple_of(8);
        let mut stored = vec![0u16; rows * padded];
        // From the smallest numbers of the format to large ones.
        let size = |i: usize| 2f32.powi(i as i32 % 30 - 26);
        let weights: Vec<u16> =
            values(1, rows * columns).iter().enumerate().map(|(i, v)| round(v * size(i), 0)).collect();
        for row in 0..rows {
            for column in 0..columns {
                stored[place(row, column, rows, padded)] = weights[row * columns + column];
            }
        }
        let (left, x) = (values(2, rows), values(3, columns));
        let mut column_words = vec![0; padded];
        unsafe { words().write_columns(padded, column_words.as_mut_ptr()) };
        let right = pad(&x);
        let mut out = vec![0.0; rows];
        let matrix = Panels { quads: quads(stored.as_mut_ptr()), scale: std::ptr::null_mut(), rows, columns: padded };
        let term = Outer { left: left.as_ptr() };
        let learning = Learning { term, right: right.as_ptr(), words: words(), column_words: column_words.as_ptr() };
        unsafe { matrix.learn(learning, Use::Old(right.as_ptr()), out.as_mut_ptr()) };
        for row in 0..rows {
            let mut product = 0.0;
            for column in 0..columns {
                let before = from(weights[row * columns + column]);
                product += f64::from(before) * f64::from(x[column]);
                let want = round(before + left[row] * x[column], noise(row, column));
                assert_eq!(stored[place(row, column, rows, padded)], want, "row {row}, column {column}");
            }
            assert!((f64::from(out[row]) - product).abs() < 1e-4 * (1.0 + product.abs()));
        }
    }
}

#[test]
fn bfloats_learn_as_defined() {
    let from = |word: u16| f32::from_bits(u32::from(word) << 16);
    check_floats(Bfloat, from, |value, noise| ((value.to_bits() + (noise >> 16)) >> 16) as u16);
}

#[test]
fn halves_learn_as_defined() {
    let from = |half: u16| {
        let (sign, size) = (if half & 0x8000 == 0 { 1.0 } else { -1.0 }, half & 0x7fff);
        let (exponent, fraction) = (i32::from(size >> 10), f32::from(size & 1023));
        sign * if exponent == 0 { fraction * 2f32.powi(-24) } else { (1024.0 + fraction) * 2f32.powi(exponent - 25) }
    };
    check_floats(Half, from, |value, noise| {
        let (sign, size) = ((value.to_bits() >> 16 & 0x8000) as u16, value.abs());
        if size < 2f32.powi(-14) {
            let steps = size * 2f32.powi(24);
            let up = ((noise >> 8) as f32) * 2f32.powi(-24) < steps - steps.floor();
            return sign | (steps as u16 + u16::from(up));
        }
        sign | (((size.to_bits() + (noise >> 19)) >> 13) - (112 << 10)) as u16
    });
}

/// The passes over what is kept: in quads, in octs, and in octs of which products read bytes.
enum Kind {
    Quads,
    Octs,
    Bytes,
}

#[test]
fn what_is_pruned_has_no_part() {
    check_pruned(Kind::Quads);
}

#[test]
fn pruned_octs_learn_as_defined() {
    check_pruned(Kind::Octs);
}

#[test]
fn pruned_octs_of_bytes_learn_as_defined_and_their_products_are_exact() {
    check_pruned(Kind::Bytes);
}

fn check_pruned(kind: Kind) {
    let neighbours = if let Kind::Quads = kind { 1 } else { 8 };
    for ((rows, columns), rate) in SIZES.into_iter().flat_map(|size| [1e-3, 0.5, 40.0].map(|rate| (size, rate))) {
        let padded = columns.next_multiple_of(8);
        let chance = values(11, rows * columns);
        let kept: Vec<bool> = (0..rows * columns)
            .map(|at| chance[at - at % columns + at % columns / neighbours * neighbours] < 0.1)
            .collect();
        let q = masters(rows * columns);
        let (mut starts, mut index, mut octs, mut stored) = (vec![0u32], vec![], vec![], vec![]);
        for row in 0..rows {
            for first in (0..padded).step_by(4) {
                let of = |i: usize| (first + i < columns && kept[row * columns + first + i]) as u16;
                let bits = (0..4).fold(0, |bits, i| bits | of(i) << i);
                // A quad of padding completes an oct.
                if bits != 0 || neighbours == 8 && first >= columns && index.len() % 2 == 1 {
                    if index.len() % 2 == 0 {
                        octs.extend([first as u16, row as u16]);
                    }
                    index.push(bits << 12 | (first / 4) as u16);
                    stored.extend((0..4).map(|i| if of(i) == 1 { q[row * columns + first + i] as i16 } else { 0 }));
                }
            }
            starts.push(index.len() as u32);
        }
        let mut scale = vec![2f32.powi(-14); rows];
        let (left, x, next) = (values(2, rows), values(3, columns), values(4, columns));
        let left: Vec<f32> = left.iter().map(|v| v * rate).collect();
        let (right, used) = (pad(&x), pad(&next));
        let mut column_words = vec![0u32; padded];
        let mut out = vec![0.0; rows];
        let mut combined = vec![0.0; padded];
        let (masters, scales, starts_at, index_at) =
            (stored.as_mut_ptr(), scale.as_mut_ptr(), starts.as_ptr(), index.as_ptr());
        macro_rules! run {
            ($matrix:expr, $used:expr) => {{
                let (term, right) = (Outer { left: left.as_ptr() }, right.as_ptr());
                let learning = Learning { term, right, words: words(), column_words: column_words.as_ptr() };
                unsafe {
                    $matrix.learn(learning, Use::Updated($used), out.as_mut_ptr());
                    $matrix.combine(left.as_ptr(), combined.as_mut_ptr());
                }
            }};
        }
        macro_rules! octs {
            ($octs:expr) => {
                KeptOcts { octs: $octs, scale: scales, starts: starts_at, index: octs.as_ptr(), rows, columns: padded }
            };
        }
        let mut levels = vec![0i16; padded];
        match kind {
            Kind::Bytes => {
                unsafe { words().write_halves(padded, column_words.as_mut_ptr()) };
                unsafe { to_halves(used.as_ptr(), padded, levels.as_mut_ptr()) };
                run!(octs!(UpperBytes(masters)), levels.as_ptr().cast());
            }
            Kind::Octs => {
                unsafe { words().write_columns(padded, column_words.as_mut_ptr()) };
                run!(octs!(Pairs(Fixed16(masters))), used.as_ptr());
            }
            Kind::Quads => {
                unsafe { words().write_columns(padded, column_words.as_mut_ptr()) };
                let matrix = Kept {
                    quads: Fixed16(masters),
                    scale: scales,
                    starts: starts_at,
                    index: index_at,
                    rows,
                    columns: padded,
                    partial: true,
                };
                run!(matrix, used.as_ptr());
            }
        }
        let is_bytes = matches!(kind, Kind::Bytes);
        let read = |q: i32| f64::from(if is_bytes { (q + 128) >> 8 } else { q });
        let value = |column: usize| f64::from(if is_bytes { f32::from(levels[column]) } else { next[column] });
        let mut want_combined = vec![0.0; columns];
        for row in 0..rows {
            let here = |column: &usize| kept[row * columns + column];
            let terms: Vec<f32> = (0..columns).map(|c| if here(&c) { left[row] * x[c] } else { 0.0 }).collect();
            let old: Vec<i32> = (0..columns).map(|c| if here(&c) { q[row * columns + c] } else { 0 }).collect();
            let (want, beyond) = learn_row(&old, &terms, 2f32.powi(-14), row);
            assert_eq!(scale[row], 2f32.powi(if beyond { -13 } else { -14 }));
            let mut product = 0.0;
            for quad in starts[row] as usize..starts[row + 1] as usize {
                for i in 0..4 {
                    let column = (index[quad] & 4095) as usize * 4 + i;
                    let got = i32::from(stored[4 * quad + i]);
                    assert_eq!(got, if column < columns { want[column] } else { 0 }, "row {row}, column {column}");
                    if column < columns {
                        product += read(got) * value(column);
                        want_combined[column] += f64::from(left[row]) * read(got);
                    }
                }
            }
            let product = if is_bytes {
                f64::from(product as f32 * (scale[row] * 256.0))
            } else {
                product * f64::from(scale[row])
            };
            let tolerance = if is_bytes { 0.0 } else { 1e-4 * (1.0 + product.abs()) };
            assert!((f64::from(out[row]) - product).abs() <= tolerance, "row {row}: {} {product}", out[row]);
        }
        for (got, want) in combined.iter().zip(want_combined) {
            assert!((f64::from(*got) - want).abs() < 1e-4 * (1.0 + want.abs()));
        }
    }
}
