//! Vectors as the products of i8 weights read them: whole numbers of seven bits (`backends/reference/levels.ts` is the definition).

use crate::integers::I32x4;
use crate::tile_sums::{LEVEL_OFFSET, Level};
use crate::vector::{F32x4, LANES};

const MOST_LEVEL: f32 = 63.0;
/// 2^-100 as bits: vectors without anything larger count as 0.
const LEAST: i32 = (127 - 100) << 23;
const INFINITE: i32 = 0x7f80_0000;
/// 1.5 * 2^23: added to a small number it leaves the nearest whole one in the lower bits.
const NEAREST: f32 = 12582912.0;

/// The bits of a vector's largest value without its sign; of one that is no number those of none.
#[inline(always)]
unsafe fn largest_bits(values: *const f32, length: usize) -> i32 {
    let mut most = I32x4::splat(0);
    for at in (0..length).step_by(LANES) {
        let bits = I32x4::bits_of(unsafe { F32x4::load(values.add(at)) });
        most = most.max(bits.and(I32x4::splat(0x7fff_ffff)));
    }
    most.largest()
}

/// A vector's largest value without its sign; no number where one of them is none.
///
/// # Safety
/// `values` has `length` values, a multiple of four.
pub unsafe fn largest(values: *const f32, length: usize) -> f32 {
    f32::from_bits(unsafe { largest_bits(values, length) } as u32)
}

/// Rounds a vector to levels, which `put` is given four at a time; returns their scale.
///
/// # Safety
/// `values` has `length` values, a multiple of four.
#[inline(always)]
unsafe fn round(values: *const f32, length: usize, mut put: impl FnMut(usize, I32x4)) -> f32 {
    let bits = unsafe { largest_bits(values, length) };
    let most = f32::from_bits(bits as u32);
    let scale = most / MOST_LEVEL;
    if !(LEAST..INFINITE).contains(&bits) {
        for at in (0..length).step_by(LANES) {
            put(at, I32x4::splat(0));
        }
        return scale;
    }
    let inverse = F32x4::splat(MOST_LEVEL / most);
    for at in (0..length).step_by(LANES) {
        let value = unsafe { F32x4::load(values.add(at)) }.mul(inverse).add(F32x4::splat(NEAREST));
        put(at, I32x4::bits_of(value).sub(I32x4::splat(NEAREST.to_bits() as i32)));
    }
    scale
}

/// For products of tiles.
///
/// # Safety
/// As `round`; there is room for them.
pub unsafe fn to_levels(values: *const f32, length: usize, to: *mut Level) -> f32 {
    unsafe {
        round(values, length, |at, levels| {
            let to = to.add(at);
            if size_of::<Level>() == 1 {
                levels.add(I32x4::splat(LEVEL_OFFSET)).store_low8(to.cast());
            } else {
                levels.store_low16(to.cast());
            }
        })
    }
}

/// As numbers; `to` may be `values`.
///
/// # Safety
/// As `to_levels`.
pub unsafe fn to_whole_numbers(values: *const f32, length: usize, to: *mut f32) -> f32 {
    unsafe { round(values, length, |at, levels| levels.to_floats().store(to.add(at))) }
}

/// As i16.
///
/// # Safety
/// As `to_levels`.
pub unsafe fn to_halves(values: *const f32, length: usize, to: *mut i16) -> f32 {
    unsafe { round(values, length, |at, levels| levels.store_low16(to.add(at).cast())) }
}
