//! The weight passes against plain loops, for every remainder of rows and columns.

use kernels::format_f32::{
    COLUMNS, Matrix, PANEL, add_combined, add_outer, combine, product, product_update, update_product,
};

/// A matrix in panels and what it means, row by row.
struct Both {
    packed: Vec<f32>,
    momentum: Vec<f32>,
    rows: usize,
    columns: usize,
    padded: usize,
}

fn values(seed: u32, length: usize) -> Vec<f32> {
    let mut x = seed.wrapping_mul(2654435761).wrapping_add(12345) | 1;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        x as f32 / 4294967296.0 - 0.5
    };
    (0..length).map(|_| next()).collect()
}

impl Both {
    fn new(rows: usize, columns: usize) -> Self {
        let padded = columns.next_multiple_of(COLUMNS);
        let mut both =
            Both { packed: vec![0.0; rows * padded], momentum: vec![0.0; rows * padded], rows, columns, padded };
        let (weights, momentum) = (values(1, rows * columns), values(2, rows * columns));
        for row in 0..rows {
            for column in 0..columns {
                let at = both.place(row, column);
                both.packed[at] = weights[row * columns + column];
                both.momentum[at] = momentum[row * columns + column];
            }
        }
        both
    }
    fn place(&self, row: usize, column: usize) -> usize {
        let panel = row / PANEL * PANEL;
        if panel + PANEL > self.rows {
            return row * self.padded + column;
        }
        panel * self.padded + (column / 4 * PANEL + row % PANEL) * 4 + column % 4
    }
    fn weight(&self, row: usize, column: usize) -> f32 {
        self.packed[self.place(row, column)]
    }
    fn matrix(&mut self, with_momentum: bool) -> Matrix {
        Matrix {
            weights: self.packed.as_mut_ptr(),
            momentum: if with_momentum { self.momentum.as_mut_ptr() } else { std::ptr::null_mut() },
            rows: self.rows,
            columns: self.padded,
        }
    }
    fn vector(&self, seed: u32) -> Vec<f32> {
        let mut x = values(seed, self.columns);
        x.resize(self.padded, 0.0);
        x
    }
}

fn near(got: f32, want: f32, what: &str) {
    assert!((got - want).abs() < 1e-5, "{what}: {got} for {want}");
}

const SHAPES: [(usize, usize); 7] = [(1, 1), (3, 7), (4, 8), (5, 9), (9, 27), (26, 75), (50, 196)];

#[test]
fn product_is_rows_times_vector() {
    for (rows, columns) in SHAPES {
        let mut both = Both::new(rows, columns);
        let x = both.vector(3);
        let mut out = vec![0.0; rows];
        unsafe { product(both.matrix(false), x.as_ptr(), out.as_mut_ptr()) };
        for (row, got) in out.into_iter().enumerate() {
            let want = (0..columns).map(|c| both.weight(row, c) * x[c]).sum();
            near(got, want, "product");
        }
    }
}

#[test]
fn combine_is_vector_times_rows() {
    for (rows, columns) in SHAPES {
        let mut both = Both::new(rows, columns);
        let c = values(4, rows);
        let mut out = vec![0.0; both.padded];
        unsafe { combine(both.matrix(false), c.as_ptr(), out.as_mut_ptr()) };
        for (column, got) in out.into_iter().enumerate().take(columns) {
            let want = (0..rows).map(|r| both.weight(r, column) * c[r]).sum();
            near(got, want, "combine");
        }
    }
}

#[test]
fn add_combined_adds_to_what_is_there() {
    for (rows, columns) in SHAPES {
        let mut both = Both::new(rows, columns);
        let c = values(4, rows);
        let before = both.vector(9);
        let mut out = before.clone();
        unsafe { add_combined(both.matrix(false), c.as_ptr(), out.as_mut_ptr()) };
        for column in 0..columns {
            let sum: f32 = (0..rows).map(|r| both.weight(r, column) * c[r]).sum();
            near(out[column], before[column] + sum, "add_combined");
        }
    }
}

#[test]
fn what_was_deferred_is_written_panel_by_panel() {
    const TERMS: usize = 12;
    // The terms of the panel in the middle do not count.
    const LIVE: u32 = 0b101;
    for (rows, columns) in SHAPES {
        for used in [true, false] {
            let (mut both, before) = (Both::new(rows, columns), Both::new(rows, columns));
            let (mut left, mut right) = (Both::new(TERMS, rows), Both::new(TERMS, columns));
            let next = both.vector(8);
            let mut out = vec![0.0; rows];
            let x = if used { next.as_ptr() } else { std::ptr::null() };
            let terms = (left.matrix(false), right.matrix(false));
            unsafe { add_outer(both.matrix(false), terms, LIVE, x, out.as_mut_ptr()) };
            for (row, got) in out.into_iter().enumerate() {
                let mut sum = 0.0;
                for (column, next) in next.iter().enumerate().take(columns) {
                    let terms = (0..TERMS).filter(|term| LIVE >> (term / PANEL) & 1 != 0);
                    let added: f32 = terms.map(|term| left.weight(term, row) * right.weight(term, column)).sum();
                    near(both.weight(row, column), before.weight(row, column) + added, "weight");
                    sum += both.weight(row, column) * next;
                }
                near(got, if used { sum } else { 0.0 }, "sum");
            }
        }
    }
}

/// Runs one pass that updates and checks weights, momentum, sums and that the padding stays zero.
fn check_update(with_momentum: bool, old_weights_count: bool) {
    const MU: f32 = 0.5;
    for (rows, columns) in SHAPES {
        let mut both = Both::new(rows, columns);
        let before = Both::new(rows, columns);
        let (x, next, d) = (both.vector(5), both.vector(6), values(7, rows));
        let mut out = vec![0.0; rows];
        let matrix = both.matrix(with_momentum);
        unsafe {
            if old_weights_count {
                product_update(matrix, MU, d.as_ptr(), x.as_ptr(), out.as_mut_ptr());
            } else {
                let (x, next) = (x.as_ptr(), next.as_ptr());
                update_product(matrix, MU, d.as_ptr(), x, next, out.as_mut_ptr());
            }
        }
        for row in 0..rows {
            let mut sum = 0.0;
            for column in 0..columns {
                let at = before.place(row, column);
                let mut step = d[row] * x[column];
                if with_momentum {
                    step += MU * before.momentum[at];
                    near(both.momentum[at], step, "momentum");
                }
                near(both.packed[at], before.packed[at] + step, "weight");
                sum += if old_weights_count { before.packed[at] * x[column] } else { both.packed[at] * next[column] };
            }
            near(out[row], sum, "sum");
        }
        let nonzero = both.packed.iter().filter(|w| **w != 0.0).count();
        assert!(nonzero <= rows * columns, "the padding of {rows} x {columns} is not zero");
    }
}

#[test]
fn the_encoder_learns_and_is_multiplied_in_one_pass() {
    check_update(false, false);
    check_update(true, false);
}

#[test]
fn the_decoder_sends_back_what_it_was_and_learns_in_one_pass() {
    check_update(false, true);
    check_update(true, true);
}
