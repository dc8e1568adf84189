//! A matrix in whatever form a model stores its weights in, and the passes over it: which code runs is decided here, once a pass.

use crate::format_f32::{self, Matrix};
use crate::formats::{Bfloat, Fixed8, Fixed16, Half, Quads, Single};
use crate::model::{Model, Scratch, Unit, Weights};
use crate::narrow::{Learning, Panels, Use};
use crate::noise::{Words, key};
use crate::sparse::Kept;
use crate::terms::{Outer, Pending, WithMomentum};

/// `Model::format`.
pub mod format {
    pub const F32: u32 = 0;
    pub const BF16: u32 = 1;
    pub const F16: u32 = 2;
    pub const I16: u32 = 3;
    pub const I8: u32 = 4;
}

/// `Model::pruned`.
pub mod pruned {
    pub const NO: u32 = 0;
    pub const PARTLY: u32 = 2;
}

/// A matrix of a unit, hidden-major.
#[derive(Clone, Copy)]
pub struct Stored<'a> {
    pub model: &'a Model,
    pub weights: Weights,
    pub rows: usize,
    /// Padded.
    pub columns: usize,
    unit: u32,
    is_decoder: bool,
}

/// The encoder, [H, n].
pub fn encoder<'a>(model: &'a Model, unit: &Unit) -> Stored<'a> {
    Stored {
        model,
        weights: unit.encoder,
        rows: model.hidden as usize,
        columns: unit.input_columns as usize,
        unit: unit.id,
        is_decoder: false,
    }
}

/// The decoder, [H + 1, m].
pub fn decoder<'a>(model: &'a Model, unit: &Unit) -> Stored<'a> {
    Stored {
        model,
        weights: unit.decoder,
        rows: model.hidden as usize + 1,
        columns: unit.output_columns as usize,
        unit: unit.id,
        is_decoder: true,
    }
}

/// Runs an expression with the model's format: panels of narrow weights, or what is kept of pruned ones.
macro_rules! with_matrix {
    ($stored:expr, $matrix:ident => $run:expr) => {{
        let stored: Stored = $stored;
        let Weights { values, lower, .. } = stored.weights;
        macro_rules! with_quads {
            ($quads:expr) => {
                if stored.model.pruned == pruned::NO {
                    let $matrix = stored.panels($quads);
                    $run
                } else {
                    let $matrix = stored.kept($quads);
                    $run
                }
            };
        }
        match stored.model.format {
            format::BF16 => with_quads!(Bfloat(values.cast())),
            format::F16 => with_quads!(Half(values.cast())),
            format::I16 => with_quads!(Fixed16(values.cast())),
            format::I8 => with_quads!(Fixed8 { upper: values.cast(), lower: lower.cast() }),
            // In panels `format_f32` has it.
            _ => {
                let $matrix = stored.kept(Single(values));
                $run
            }
        }
    }};
}

impl Stored<'_> {
    /// Whether this is f32 with all of its weights.
    pub fn is_plain(&self) -> bool {
        self.model.format == format::F32 && self.model.pruned == pruned::NO
    }

    /// The same for the passes of f32.
    pub fn plain(&self) -> Matrix {
        let Weights { values, momentum, .. } = self.weights;
        Matrix { weights: values, momentum, rows: self.rows, columns: self.columns }
    }

    /// The momentum as a matrix of its own, where nothing is pruned.
    pub fn momentum(&self) -> Matrix {
        Matrix { weights: self.weights.momentum, ..self.plain() }
    }

    fn panels<Q: Quads>(&self, quads: Q) -> Panels<Q> {
        Panels { quads, scale: self.weights.scale, rows: self.rows, columns: self.columns }
    }

    fn kept<Q: Quads>(&self, quads: Q) -> Kept<Q> {
        let Weights { scale, starts, index, .. } = self.weights;
        let partial = self.model.pruned == pruned::PARTLY;
        Kept { quads, scale, starts, index, rows: self.rows, columns: self.columns, partial }
    }

    fn words(&self) -> Words {
        Words::new(key(self.model.noise, self.unit, u32::from(self.is_decoder)), self.is_decoder)
    }

    /// out = W x.
    ///
    /// # Safety
    /// As `format_f32::product`; so with all of these.
    pub unsafe fn product(self, x: *const f32, out: *mut f32) {
        unsafe {
            if self.is_plain() {
                return format_f32::product(self.plain(), x, out);
            }
            with_matrix!(self, matrix => matrix.product(x, out))
        }
    }

    /// out = sum over rows of c_row W_row.
    ///
    /// # Safety
    /// As `format_f32::combine`.
    pub unsafe fn combine(self, c: *const f32, out: *mut f32) {
        unsafe {
            if self.is_plain() {
                return format_f32::combine(self.plain(), c, out);
            }
            with_matrix!(self, matrix => matrix.combine(c, out))
        }
    }

    /// W += left right', rounded, where it is not plain f32; out = W times what `with` says.
    ///
    /// # Safety
    /// As `format_f32::update_product`.
    pub unsafe fn learn(self, scratch: Scratch, left: *const f32, right: *const f32, with: Use, out: *mut f32) {
        let Weights { momentum, .. } = self.weights;
        unsafe {
            let column_words = self.write_words(scratch);
            // What it is used for is a constant in each of the loops.
            macro_rules! learn {
                ($term:expr) => {{
                    let learning = Learning { term: $term, right, words: self.words(), column_words };
                    with_matrix!(self, matrix => match with {
                        Use::Updated(next) => matrix.learn(learning, Use::Updated(next), out),
                        Use::Old(e) => matrix.learn(learning, Use::Old(e), out),
                        Use::Nothing => {}
                    })
                }};
            }
            if momentum.is_null() {
                learn!(Outer { left })
            } else {
                learn!(WithMomentum { left, mu: self.model.momentum, momentum })
            }
        }
    }

    /// W += what is pending, then out = W next, unless `next` is null. Nothing may be pruned.
    ///
    /// # Safety
    /// As `format_f32::add_outer`.
    pub unsafe fn write(self, scratch: Scratch, term: Pending, next: *const f32, out: *mut f32) {
        unsafe {
            if self.is_plain() {
                return format_f32::add_outer(self.plain(), (term.left, term.right), term.live, next, out);
            }
            let column_words = self.write_words(scratch);
            // Any vector does for the right side: the terms bring theirs.
            let learning = Learning { term, right: scratch.output, words: self.words(), column_words };
            let Weights { values, lower, .. } = self.weights;
            macro_rules! write {
                ($quads:expr) => {{
                    let matrix = self.panels($quads);
                    if next.is_null() {
                        matrix.learn(learning, Use::Nothing, out)
                    } else {
                        matrix.learn(learning, Use::Updated(next), out)
                    }
                }};
            }
            match self.model.format {
                format::BF16 => write!(Bfloat(values.cast())),
                format::F16 => write!(Half(values.cast())),
                format::I16 => write!(Fixed16(values.cast())),
                _ => write!(Fixed8 { upper: values.cast(), lower: lower.cast() }),
            }
        }
    }

    unsafe fn write_words(&self, scratch: Scratch) -> *const u32 {
        unsafe { self.words().write_columns(self.columns, scratch.words) };
        scratch.words
    }
}
