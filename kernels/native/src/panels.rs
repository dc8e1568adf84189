//! The order in which the passes keep a matrix (`backends/wasm/panels.ts`): panels of four rows, four columns at a time.

use crate::format_f32::{COLUMNS, PANEL};
use crate::vector::LANES;

/// Columns as stored.
pub fn padded(columns: usize) -> usize {
    columns.next_multiple_of(COLUMNS)
}

/// A matrix as it is stored: `transposed` says that a checkpoint has it columns x rows.
#[derive(Clone, Copy)]
pub struct Stored {
    pub at: *mut f32,
    pub rows: usize,
    pub columns: usize,
    pub padded: usize,
    pub transposed: bool,
}

impl Stored {
    /// Values in a checkpoint.
    pub fn length(&self) -> usize {
        self.rows * self.columns
    }

    /// Visits every weight: where it is stored, and its place in a checkpoint.
    fn each(&self, mut visit: impl FnMut(*mut f32, usize)) {
        let whole = self.rows - self.rows % PANEL;
        for row in 0..self.rows {
            let panel = row < whole;
            let (begin, stride) = if panel {
                ((row - row % PANEL) * self.padded + row % PANEL * LANES, PANEL * LANES)
            } else {
                (row * self.padded, LANES)
            };
            for column in 0..self.columns {
                let place = begin + column / LANES * stride + column % LANES;
                let plain = if self.transposed { column * self.rows + row } else { row * self.columns + column };
                // Safety: `place` is in the padded matrix.
                visit(unsafe { self.at.add(place) }, plain);
            }
        }
    }

    /// From the order of a checkpoint.
    pub fn pack(&self, from: &[f32]) {
        self.each(|at, plain| unsafe { *at = from[plain] });
    }

    /// To the order of a checkpoint.
    pub fn unpack(&self, to: &mut [f32]) {
        self.each(|at, plain| to[plain] = unsafe { *at });
    }
}
