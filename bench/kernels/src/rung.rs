//! What a rung is: the passes over the weights of a unit.

/// A matrix and its momentum, stored as the rung wants it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Matrix {
    pub weights: *mut f32,
    pub momentum: *mut f32,
    pub rows: usize,
    /// As stored: padded from the third rung on.
    pub columns: usize,
}

/// The four passes. Vectors are as long as the matrix has columns (zero behind their end) or rows.
///
/// # Safety
/// Everything is there, and no other thread touches the matrix.
pub trait Rung {
    /// h = W x.
    /// # Safety
    /// As the trait says.
    unsafe fn encoder_product(w: Matrix, x: *const f32, h: *mut f32);
    /// W += d x' with momentum, then h = W next.
    /// # Safety
    /// As the trait says.
    unsafe fn encoder_learn(w: Matrix, mu: f32, d: *const f32, x: *const f32, next: *const f32, h: *mut f32);
    /// dh = W' e, then W += e c' with momentum.
    /// # Safety
    /// As the trait says.
    unsafe fn decoder_learn(w: Matrix, mu: f32, c: *const f32, e: *const f32, dh: *mut f32);
    /// p = W h.
    /// # Safety
    /// As the trait says.
    unsafe fn decoder_product(w: Matrix, h: *const f32, p: *mut f32);
}

/// Passes of those who do one thing after another.
///
/// # Safety
/// As `Rung`.
pub trait Loops {
    /// out = W x.
    /// # Safety
    /// As the trait says.
    unsafe fn product(w: Matrix, x: *const f32, out: *mut f32);
    /// M = d x' + mu M, W += M.
    /// # Safety
    /// As the trait says.
    unsafe fn update(w: Matrix, mu: f32, d: *const f32, x: *const f32);
    /// out = W' e.
    /// # Safety
    /// As the trait says.
    unsafe fn transposed(w: Matrix, e: *const f32, out: *mut f32);
}

impl<L: Loops> Rung for L {
    unsafe fn encoder_product(w: Matrix, x: *const f32, h: *mut f32) {
        unsafe { L::product(w, x, h) }
    }
    unsafe fn encoder_learn(w: Matrix, mu: f32, d: *const f32, x: *const f32, next: *const f32, h: *mut f32) {
        unsafe {
            L::update(w, mu, d, x);
            L::product(w, next, h);
        }
    }
    unsafe fn decoder_learn(w: Matrix, mu: f32, c: *const f32, e: *const f32, dh: *mut f32) {
        unsafe {
            L::transposed(w, e, dh);
            L::update(w, mu, e, c);
        }
    }
    unsafe fn decoder_product(w: Matrix, h: *const f32, p: *mut f32) {
        unsafe { L::product(w, h, p) }
    }
}
