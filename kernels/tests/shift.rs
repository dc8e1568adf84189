//! The shift candidates against plain sums in f64.

#![allow(clippy::needless_range_loop, reason = "matrices are read by their indices")]

use kernels::ridge::{solve, system_length};
use kernels::shift::{Room, Shape, fit};
use kernels::vector::{F32x4, LANES};

const REACH: usize = 3;
/// What is read behind the end of a patch.
const SLACK: usize = 16;

/// A fraction that looks random.
fn noise(i: usize) -> f32 {
    let x = (i as u32).wrapping_mul(2654435761).wrapping_add(12345);
    let x = (x ^ (x >> 15)).wrapping_mul(2246822519);
    ((x ^ (x >> 13)) >> 8) as f32 / (1 << 24) as f32
}

/// A patch whose rows lie at `down` of a texture that is smooth, with some noise on it; NaN behind its end.
fn patch(side: usize, down: f32, seed: usize) -> Vec<f32> {
    let value = |i: usize| {
        let (row, column) = ((i / (3 * side)) as f32 - down, (i / 3 % side) as f32 - 0.6 * down);
        let colour = (i % 3) as f32;
        0.5 + 0.2 * (row * 0.8 + colour).sin() + 0.2 * (column * 0.7 - row * 0.4).cos() + 0.02 * noise(i + seed)
    };
    let mut values: Vec<f32> = (0..3 * side * side).map(value).collect();
    values.resize(values.len() + SLACK, f32::NAN);
    values
}

/// One memory of a unit, in f64.
struct Plain {
    memory: f64,
    moments: Vec<Vec<f64>>,
    products: Vec<f64>,
    energy: f64,
}

fn copies(shape: Shape, patch: &[f32], at: usize) -> Vec<f64> {
    let row = 3 * shape.patch();
    let value = |at: usize| f64::from(patch[at]);
    (1..=shape.radius)
        .flat_map(|k| {
            let [above, below] = [value(at - k * row), value(at + k * row)];
            let [left, right] = [value(at - 3 * k), value(at + 3 * k)];
            let pixel = value(at);
            [(above - below) / 2.0, (left - right) / 2.0, (above + below) / 2.0 - pixel, (left + right) / 2.0 - pixel]
        })
        .collect()
}

/// (A + ridge) x = b, by elimination.
fn eliminate(moments: &[Vec<f64>], ridge: f64, b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut a: Vec<Vec<f64>> = moments.iter().zip(b).map(|(row, b)| [&row[..], &[*b]].concat()).collect();
    for i in 0..n {
        a[i][i] += ridge;
    }
    for i in 0..n {
        for j in i + 1..n {
            let factor = a[j][i] / a[i][i];
            for k in i..=n {
                a[j][k] -= factor * a[i][k];
            }
        }
    }
    let mut x = vec![0.0; n];
    for i in (0..n).rev() {
        let rest: f64 = (i + 1..n).map(|j| a[i][j] * x[j]).sum();
        x[i] = (a[i][n] - rest) / a[i][i];
    }
    x
}

impl Plain {
    fn new(shape: Shape, memory: f64) -> Self {
        let k = shape.copies();
        Plain { memory, moments: vec![vec![0.0; k]; k], products: vec![0.0; k], energy: 0.0 }
    }

    /// A step; returns g.
    fn step(&mut self, shape: Shape, now: &[f32], before: &[f32]) -> Vec<f64> {
        let (k, side, window) = (shape.copies(), shape.patch(), shape.tile + 2 * REACH);
        self.moments.iter_mut().flatten().for_each(|x| *x *= self.memory);
        self.products.iter_mut().for_each(|x| *x *= self.memory);
        self.energy *= self.memory;
        for row in 0..window {
            for column in 0..window {
                let at = ((row + shape.radius) * side + column + shape.radius) * 3 + 2 * (row + column) % 3;
                let c = copies(shape, before, at);
                let change = f64::from(now[at]) - f64::from(before[at]);
                for a in 0..k {
                    for b in 0..k {
                        self.moments[a][b] += c[a] * c[b];
                    }
                    self.products[a] += c[a] * change;
                }
                self.energy += change * change;
            }
        }
        let trace: f64 = (0..k).map(|a| self.moments[a][a]).sum();
        let v: Vec<f64> = eliminate(&self.moments, 0.003 + 0.01 * trace / k as f64, &self.products)
            .into_iter()
            .map(|v| v.clamp(-2.0, 2.0))
            .collect();
        let explained: f64 = v.iter().zip(&self.products).map(|(v, b)| v * b).sum();
        let trust = (explained / (self.energy + 3e-5)).max(0.0).sqrt();
        let margin = REACH + shape.radius;
        (0..3 * shape.tile * shape.tile)
            .map(|i| {
                let (row, value) = (i / (3 * shape.tile), i % (3 * shape.tile));
                let c = copies(shape, now, (row + margin) * side * 3 + margin * 3 + value);
                trust * c.iter().zip(&v).map(|(c, v)| c * v).sum::<f64>()
            })
            .collect()
    }
}

/// Vectors with a mark behind each that nobody may touch.
struct Guarded(Vec<f32>);

impl Guarded {
    const MARK: f32 = 1234.5;
    fn new(length: usize) -> Self {
        let mut values = vec![0.0; length];
        values.push(Self::MARK);
        Guarded(values)
    }
    fn at(&mut self) -> *mut f32 {
        self.0.as_mut_ptr()
    }
    fn check(&self, what: &str) {
        assert_eq!(*self.0.last().unwrap(), Self::MARK, "{what} was overrun");
    }
}

/// Runs some steps of both and returns how far they are from each other at most.
fn compare(shape: Shape, memory: [f32; LANES]) -> f64 {
    let stride = shape.candidate_stride();
    let mut candidates = Guarded::new(shape.memories * stride);
    let mut evidence = Guarded::new(LANES * shape.evidence());
    let [_, mosaics, samples, system] = shape.room();
    let (mut mosaics, mut samples, mut system) = (Guarded::new(mosaics), Guarded::new(samples), Guarded::new(system));
    // What another unit left there must not matter.
    samples.0.iter_mut().rev().skip(1).for_each(|value| *value = f32::NAN);
    let room =
        Room { patches: core::ptr::null_mut(), mosaics: mosaics.at(), samples: samples.at(), system: system.at() };
    let mut plain: Vec<Plain> = memory[..shape.memories].iter().map(|m| Plain::new(shape, f64::from(*m))).collect();
    let mut most = 0.0f64;
    for t in 1..6 {
        let [before, now] = [t - 1, t].map(|t| patch(shape.patch(), 0.7 * t as f32, 1000 * t));
        unsafe {
            let memory = F32x4::load(memory.as_ptr());
            fit(shape, now.as_ptr(), before.as_ptr(), memory, evidence.at(), candidates.at(), room);
        }
        for (m, plain) in plain.iter_mut().enumerate() {
            let want = plain.step(shape, &now, &before);
            assert!(want.iter().any(|g| g.abs() > 0.01), "nothing moves");
            for (got, want) in candidates.0[m * stride..].iter().zip(&want) {
                let off = (f64::from(*got) - want).abs();
                assert!(off.is_finite());
                most = most.max(off);
            }
            let energy = evidence.0[LANES * (shape.evidence() - 1) + m];
            assert!((f64::from(energy) - plain.energy).abs() < 1e-5 * plain.energy, "energy {energy}");
        }
    }
    candidates.check("the candidates");
    evidence.check("the evidence");
    mosaics.check("the mosaics");
    samples.check("the samples");
    system.check("the system");
    most
}

#[test]
fn candidates_are_those_of_plain_sums() {
    for tile in 1..=8 {
        for radius in 1..=8 {
            let memories = 1 + (tile + radius) % LANES;
            let off = compare(Shape { tile, radius, memories }, [0.0, 0.8, 0.999, 0.3]);
            assert!(off < 2e-5, "tile {tile}, radius {radius}, {memories} memories: {off} from the sums");
        }
    }
}

#[test]
fn a_still_patch_leaves_nothing_to_predict() {
    let shape = Shape { tile: 5, radius: 2, memories: 2 };
    let still = patch(shape.patch(), 0.0, 0);
    let mut candidates = vec![1.0; 2 * shape.candidate_stride()];
    let mut evidence = vec![0.0; LANES * shape.evidence()];
    let [_, mosaics, samples, system] = shape.room().map(|length| vec![0.0f32; length].leak().as_mut_ptr());
    let room = Room { patches: core::ptr::null_mut(), mosaics, samples, system };
    let memory = F32x4::splat(0.5);
    unsafe {
        fit(shape, still.as_ptr(), still.as_ptr(), memory, evidence.as_mut_ptr(), candidates.as_mut_ptr(), room);
    }
    assert!(candidates[..75].iter().chain(&candidates[shape.candidate_stride()..][..75]).all(|g| *g == 0.0));
}

#[test]
fn four_systems_are_solved_at_once() {
    for n in 1..=12 {
        // Moments of a few vectors: positive semidefinite, and of low rank where n is large.
        let systems: Vec<(Vec<Vec<f64>>, Vec<f64>, f64)> = (0..LANES)
            .map(|lane| {
                let vector = |s: usize| -> Vec<f64> {
                    (0..n).map(|i| f64::from(noise(1000 * lane + 50 * s + i)) - 0.5).collect()
                };
                let mut a = vec![vec![0.0; n]; n];
                for s in 0..6 {
                    let x = vector(s);
                    for i in 0..n {
                        for j in 0..n {
                            a[i][j] += x[i] * x[j];
                        }
                    }
                }
                (a, vector(20), 0.1 + lane as f64)
            })
            .collect();
        let mut system = vec![0.0f32; LANES * system_length(n)];
        for (lane, (a, b, _)) in systems.iter().enumerate() {
            let values = (0..n).flat_map(|i| a[i][..=i].iter()).chain(b);
            for (at, value) in values.enumerate() {
                system[LANES * at + lane] = *value as f32;
            }
        }
        let ridges: Vec<f32> = systems.iter().map(|(_, _, ridge)| *ridge as f32).collect();
        unsafe { solve(system.as_mut_ptr(), n, F32x4::load(ridges.as_ptr())) };
        for (lane, (a, b, ridge)) in systems.iter().enumerate() {
            for (i, want) in eliminate(a, *ridge, b).into_iter().enumerate() {
                let got = f64::from(system[LANES * (n * (n + 1) / 2 + i) + lane]);
                assert!((got - want).abs() < 2e-6, "n {n}, lane {lane}: {got}, not {want}");
            }
        }
    }
}
