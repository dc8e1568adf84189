//! The noise of rounding by chance, the same on every backend (`model/noise.ts` is the definition).

use crate::integers::I32x4;

/// What tells the words of columns from those of rows.
const COLUMN: u32 = 0x9e37_79b9;

/// A permutation of the words in which every bit of the argument moves half of the result's.
fn mix(word: u32) -> u32 {
    let mut x = word;
    x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Four at once.
#[inline(always)]
fn mix_all(word: I32x4) -> I32x4 {
    let mut x = word;
    x = x.xor(x.shr_unsigned(16)).mul(I32x4::splat(0x7feb_352d));
    x = x.xor(x.shr_unsigned(15)).mul(I32x4::splat(0x846c_a68b_u32 as i32));
    x.xor(x.shr_unsigned(16))
}

/// The key of a matrix in a step: `step` is mix(mix(seed) + step), `matrix` 0 an encoder, 1 a decoder.
pub fn key(step: u32, unit: u32, matrix: u32) -> u32 {
    mix(mix(step.wrapping_add(unit)).wrapping_add(matrix))
}

/// The words of a matrix as it is stored, hidden-major: of its rows one by one, of its columns at once.
#[derive(Clone, Copy)]
pub struct Words {
    rows: u32,
    columns: u32,
}

impl Words {
    /// `transposed`: the matrix of the plan has hidden units as columns.
    pub fn new(key: u32, transposed: bool) -> Self {
        let (row, column) = (key, key ^ COLUMN);
        if transposed { Words { rows: column, columns: row } } else { Words { rows: row, columns: column } }
    }

    /// The word of a row, in all lanes.
    pub fn row(self, row: usize) -> I32x4 {
        I32x4::splat(self.of_row(row) as i32)
    }

    /// The word of a row.
    pub fn of_row(self, row: usize) -> u32 {
        mix(self.rows.wrapping_add(row as u32))
    }

    /// The upper half of a row's word, which is all that fixed point needs.
    pub fn half(self, row: usize) -> i32 {
        (self.of_row(row) >> 16) as i32
    }

    /// Writes the words of columns, a multiple of four.
    ///
    /// # Safety
    /// There is room for them.
    pub unsafe fn write_columns(self, columns: usize, to: *mut u32) {
        self.each_four(columns, |column, words| unsafe { words.store(to.add(column)) });
    }

    /// Writes their upper halves, in the place of the lower ones.
    ///
    /// # Safety
    /// There is room for them.
    pub unsafe fn write_halves(self, columns: usize, to: *mut u32) {
        self.each_four(columns, |column, words| unsafe { words.shr_unsigned(16).store(to.add(column)) });
    }

    #[inline(always)]
    fn each_four(self, columns: usize, mut put: impl FnMut(usize, I32x4)) {
        let lanes = [0u32, 1, 2, 3];
        // Safety: four are there.
        let mut word = unsafe { I32x4::load(lanes.as_ptr()) }.add(I32x4::splat(self.columns as i32));
        for column in (0..columns).step_by(4) {
            put(column, mix_all(word));
            word = word.add(I32x4::splat(4));
        }
    }
}
