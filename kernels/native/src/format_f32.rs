//! The passes over weights (`kernels/src/format_f32.rs`, same layout), with the widest vectors that there are.

#[cfg(target_arch = "x86_64")]
use crate::avx2;
use crate::level::{Level, current};
use crate::single;
pub use crate::single::{COLUMNS, Matrix, PANEL};

/// out = W x.
///
/// # Safety
/// As `single::product`.
pub unsafe fn product(matrix: Matrix, x: *const f32, out: *mut f32) {
    unsafe {
        match current() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::product(matrix, x, out),
            Level::Single => single::product(matrix, x, out),
        }
    }
}

/// out = sum over rows of c_row W_row.
///
/// # Safety
/// As `single::combine`.
pub unsafe fn combine(matrix: Matrix, c: *const f32, out: *mut f32) {
    unsafe {
        match current() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::combine::<false>(matrix, c, out),
            Level::Single => single::combine(matrix, c, out),
        }
    }
}

/// out += the same.
///
/// # Safety
/// As `combine`.
pub unsafe fn add_combined(matrix: Matrix, c: *const f32, out: *mut f32) {
    unsafe {
        match current() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::combine::<true>(matrix, c, out),
            Level::Single => single::add_combined(matrix, c, out),
        }
    }
}

/// W += d x', then out = W next.
///
/// # Safety
/// As `single::update_product`.
pub unsafe fn update_product(matrix: Matrix, mu: f32, d: *const f32, x: *const f32, next: *const f32, out: *mut f32) {
    unsafe {
        match current() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::update::<false>(matrix, mu, d, x, next, out),
            Level::Single => single::update_product(matrix, mu, d, x, next, out),
        }
    }
}

/// out = W e with the weights as they are, and W += c e'.
///
/// # Safety
/// As `single::product_update`.
pub unsafe fn product_update(matrix: Matrix, mu: f32, c: *const f32, e: *const f32, out: *mut f32) {
    unsafe {
        match current() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::update::<true>(matrix, mu, c, e, e, out),
            Level::Single => single::product_update(matrix, mu, c, e, out),
        }
    }
}

/// W += left' right, then out = W next, unless `next` is null.
///
/// # Safety
/// As `single::add_outer`.
pub unsafe fn add_outer(matrix: Matrix, terms: (Matrix, Matrix), live: u32, next: *const f32, out: *mut f32) {
    unsafe {
        match current() {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2::add_outer(matrix, terms, live, next, out),
            Level::Single => single::add_outer(matrix, terms, live, next, out),
        }
    }
}
