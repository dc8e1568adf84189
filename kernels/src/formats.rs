//! Weights in formats, four at a time: what a product reads of them, and how they learn (docs/compression.md, "How narrow weights
//! learn"; `backends/reference/rounding.ts` is the definition).

use crate::integers::I32x4;
use crate::vector::{F32x4, LANES};

/// The largest number of steps of fixed point.
pub const MOST_STEPS: i32 = 32638;
/// A change of more than this is cut, in 1/65536 of a step.
pub const MOST_CHANGE: f32 = 1073741824.0;
/// What it is counted in.
pub const PART: f32 = 65536.0;
/// Terms below this move a weight of fixed point by 128 steps at most: a master that was within `MOST_STEPS` still fits i16.
pub const FEW_STEPS: f32 = 127.0 * PART;

/// Weights as they are stored; a quad is four that follow each other.
pub trait Quads: Copy {
    /// Whether weights are whole numbers of a step that their row shares.
    const FIXED: bool;
    /// Of fixed point: steps in one unit of what products read.
    const UNIT: f32 = 1.0;

    /// What products read of a quad.
    ///
    /// # Safety
    /// The quad is there, and nothing else writes to it; so with all of these.
    unsafe fn read(self, quad: usize) -> F32x4;

    /// Adds a term, of fixed point in 1/65536 of a step, and rounds by chance. Returns what products read now; `most` gathers the
    /// steps of fixed point, which are beyond `MOST_STEPS` until the row is halved.
    ///
    /// # Safety
    /// As `read`.
    unsafe fn add(self, quad: usize, term: F32x4, noise: I32x4, most: &mut I32x4) -> F32x4;

    /// Of fixed point: halves by chance what `add` with the same arguments has left.
    ///
    /// # Safety
    /// As `read`.
    unsafe fn halve(self, quad: usize, term: F32x4, noise: I32x4);
}

/// Plain f32.
#[derive(Clone, Copy)]
pub struct Single(pub *mut f32);

impl Quads for Single {
    const FIXED: bool = false;
    #[inline(always)]
    unsafe fn read(self, quad: usize) -> F32x4 {
        unsafe { F32x4::load(self.0.add(quad * LANES)) }
    }
    #[inline(always)]
    unsafe fn add(self, quad: usize, term: F32x4, _: I32x4, _: &mut I32x4) -> F32x4 {
        unsafe {
            let sum = self.read(quad).add(term);
            sum.store(self.0.add(quad * LANES));
            sum
        }
    }
    unsafe fn halve(self, _: usize, _: F32x4, _: I32x4) {}
}

/// bfloat16.
#[derive(Clone, Copy)]
pub struct Bfloat(pub *mut u16);

impl Quads for Bfloat {
    const FIXED: bool = false;
    #[inline(always)]
    unsafe fn read(self, quad: usize) -> F32x4 {
        unsafe { I32x4::load_u16(self.0.add(quad * LANES)).shl(16).as_floats() }
    }
    #[inline(always)]
    unsafe fn add(self, quad: usize, term: F32x4, noise: I32x4, _: &mut I32x4) -> F32x4 {
        unsafe {
            let bits = I32x4::bits_of(self.read(quad).add(term));
            // What is as large as bfloat16 gets, and what is no number, is cut off without noise.
            let ordinary = I32x4::splat(0x7f7f_0000).greater(bits.and(I32x4::splat(0x7fff_ffff)));
            let rounded = bits.add(noise.shr_unsigned(16).and(ordinary)).shr_unsigned(16);
            rounded.store_low16(self.0.add(quad * LANES));
            rounded.shl(16).as_floats()
        }
    }
    unsafe fn halve(self, _: usize, _: F32x4, _: I32x4) {}
}

/// IEEE 754 binary16.
#[derive(Clone, Copy)]
pub struct Half(pub *mut u16);

/// Below this (2^-14) the grid is even, in steps of 2^-24.
const HALF_NORMAL: i32 = 0x3880_0000;
const INFINITE: i32 = 0x7f80_0000;
/// What the exponents of f16 and f32 differ by, and the steps of small numbers.
const HALF_BIAS: i32 = 112;
const HALF_STEP: f32 = 1.0 / 16777216.0;

impl Quads for Half {
    const FIXED: bool = false;
    #[inline(always)]
    unsafe fn read(self, quad: usize) -> F32x4 {
        let half = unsafe { I32x4::load_u16(self.0.add(quad * LANES)) };
        from_half(half)
    }
    #[inline(always)]
    unsafe fn add(self, quad: usize, term: F32x4, noise: I32x4, _: &mut I32x4) -> F32x4 {
        unsafe {
            let half = to_half(self.read(quad).add(term), noise);
            half.store_low16(self.0.add(quad * LANES));
            from_half(half)
        }
    }
    unsafe fn halve(self, _: usize, _: F32x4, _: I32x4) {}
}

#[inline(always)]
fn from_half(half: I32x4) -> F32x4 {
    let size = half.and(I32x4::splat(0x7fff));
    let sign = half.and(I32x4::splat(0x8000)).shl(16);
    let wide = size.shl(13);
    let normal = wide.add(I32x4::splat(HALF_BIAS << 23));
    let small = I32x4::bits_of(size.to_floats().mul(F32x4::splat(HALF_STEP)));
    let value = I32x4::splat(0x400).greater(size).select(small, normal);
    let value = size.greater(I32x4::splat(0x7bff)).select(wide.or(I32x4::splat(INFINITE)), value);
    value.or(sign).as_floats()
}

#[inline(always)]
fn to_half(value: F32x4, noise: I32x4) -> I32x4 {
    let bits = I32x4::bits_of(value);
    let size = bits.and(I32x4::splat(0x7fff_ffff));
    let sign = bits.shr_unsigned(16).and(I32x4::splat(0x8000));
    let normal = size.add(noise.shr_unsigned(19)).shr_unsigned(13).sub(I32x4::splat(HALF_BIAS << 10));
    let normal = normal.min(I32x4::splat(0x7bff));
    let steps = size.as_floats().mul(F32x4::splat(1.0 / HALF_STEP));
    let below = I32x4::trunc(steps, MOST_CHANGE);
    let rest = steps.add(below.to_floats().mul(F32x4::splat(-1.0)));
    let chance = noise.shr_unsigned(8).to_floats().mul(F32x4::splat(HALF_STEP));
    // Neither is negative: their bits compare as they do.
    let small = below.sub(I32x4::bits_of(rest).greater(I32x4::bits_of(chance)));
    let rounded = I32x4::splat(HALF_NORMAL).greater(size).select(small, normal);
    let none = size.greater(I32x4::splat(INFINITE)).select(I32x4::splat(0x7e00), I32x4::splat(0x7c00));
    size.greater(I32x4::splat(INFINITE - 1)).select(none, rounded).or(sign)
}

/// How many steps a weight moves.
#[inline(always)]
fn moved(term: F32x4, noise: I32x4) -> I32x4 {
    I32x4::trunc(term, MOST_CHANGE).add(noise.shr_unsigned(16)).shr(16)
}

/// What is left of a master that moved by `by`, of which only the lower 16 bits are known, when its row's scale doubles.
#[inline(always)]
fn halved(known: I32x4, by: I32x4, noise: I32x4) -> I32x4 {
    let before = known.sub(by).shl(16).shr(16);
    before.add(by).add(noise.shr_unsigned(16).and(I32x4::splat(1))).shr(1)
}

/// Fixed point of 16 bits.
#[derive(Clone, Copy)]
pub struct Fixed16(pub *mut i16);

impl Quads for Fixed16 {
    const FIXED: bool = true;
    #[inline(always)]
    unsafe fn read(self, quad: usize) -> F32x4 {
        unsafe { I32x4::load_i16(self.0.add(quad * LANES)).to_floats() }
    }
    #[inline(always)]
    unsafe fn add(self, quad: usize, term: F32x4, noise: I32x4, most: &mut I32x4) -> F32x4 {
        unsafe {
            let at = self.0.add(quad * LANES);
            let steps = I32x4::load_i16(at).add(moved(term, noise));
            *most = most.max(steps.abs());
            steps.store_low16(at.cast());
            steps.to_floats()
        }
    }
    unsafe fn halve(self, quad: usize, term: F32x4, noise: I32x4) {
        unsafe {
            let at = self.0.add(quad * LANES);
            halved(I32x4::load_i16(at), moved(term, noise), noise).store_low16(at.cast());
        }
    }
}

/// Fixed point of 16 bits of which products read the upper byte, rounded; only where it is pruned: else the bytes lie apart (`bytes`).
#[derive(Clone, Copy)]
pub struct Upper8(pub *mut i16);

#[inline(always)]
fn upper(steps: I32x4) -> F32x4 {
    steps.add(I32x4::splat(128)).shr(8).to_floats()
}

impl Quads for Upper8 {
    const FIXED: bool = true;
    const UNIT: f32 = 256.0;
    #[inline(always)]
    unsafe fn read(self, quad: usize) -> F32x4 {
        upper(unsafe { I32x4::load_i16(self.0.add(quad * LANES)) })
    }
    #[inline(always)]
    unsafe fn add(self, quad: usize, term: F32x4, noise: I32x4, most: &mut I32x4) -> F32x4 {
        unsafe {
            let at = self.0.add(quad * LANES);
            let steps = I32x4::load_i16(at).add(moved(term, noise));
            *most = most.max(steps.abs());
            steps.store_low16(at.cast());
            upper(steps)
        }
    }
    unsafe fn halve(self, quad: usize, term: F32x4, noise: I32x4) {
        unsafe { Fixed16(self.0).halve(quad, term, noise) }
    }
}
