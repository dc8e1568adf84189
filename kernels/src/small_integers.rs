//! Eight i16 and sixteen i8 at once, for tiles of bytes: SIMD registers in WebAssembly, arrays elsewhere.

#[cfg(target_arch = "wasm32")]
pub use wasm::{I8x16, I16x8, Level, TileSums};

#[cfg(not(target_arch = "wasm32"))]
pub use portable::{I8x16, I16x8, Level, TileSums};

/// Added to a level where levels are unsigned.
pub const LEVEL_OFFSET: i32 = if cfg!(target_feature = "relaxed-simd") { 64 } else { 0 };

#[cfg(target_arch = "wasm32")]
mod wasm {
    use crate::integers::I32x4;
    use core::arch::wasm32::*;

    /// A level as the products of bytes read it.
    #[cfg(target_feature = "relaxed-simd")]
    pub type Level = u8;
    /// A level as the products of bytes read it.
    #[cfg(not(target_feature = "relaxed-simd"))]
    pub type Level = i16;

    #[derive(Clone, Copy)]
    pub struct I16x8(v128);

    #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
    impl I16x8 {
        #[inline(always)]
        pub fn splat(value: i16) -> Self {
            I16x8(i16x8_splat(value))
        }
        /// # Safety
        /// Eight can be read there.
        #[inline(always)]
        pub unsafe fn load(from: *const i16) -> Self {
            I16x8(unsafe { v128_load(from.cast()) })
        }
        /// # Safety
        /// Eight can be written there.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut i16) {
            unsafe { v128_store(to.cast(), self.0) }
        }
        /// With the sign.
        #[inline(always)]
        pub fn shr(self, bits: u32) -> Self {
            I16x8(i16x8_shr(self.0, bits))
        }
        /// Products, summed by twos.
        #[inline(always)]
        pub fn dot(self, other: Self) -> I32x4 {
            I32x4(i32x4_dot_i16x8(self.0, other.0))
        }
        #[inline(always)]
        pub fn widen(self) -> [I32x4; 2] {
            [I32x4(i32x4_extend_low_i16x8(self.0)), I32x4(i32x4_extend_high_i16x8(self.0))]
        }
        /// Eight words that i16 holds.
        #[inline(always)]
        pub fn narrow(a: I32x4, b: I32x4) -> Self {
            I16x8(i16x8_narrow_i32x4(a.0, b.0))
        }
        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            I16x8(i16x8_add(self.0, other.0))
        }
        /// At the ends it stays there.
        #[inline(always)]
        pub fn add_saturating(self, other: Self) -> Self {
            I16x8(i16x8_add_sat(self.0, other.0))
        }
        #[inline(always)]
        pub fn max(self, other: Self) -> Self {
            I16x8(i16x8_max(self.0, other.0))
        }
        #[inline(always)]
        pub fn min(self, other: Self) -> Self {
            I16x8(i16x8_min(self.0, other.0))
        }
        #[inline(always)]
        pub fn lanes(self) -> [i16; 8] {
            // Safety: both are 16 bytes of whole numbers.
            unsafe { core::mem::transmute(self.0) }
        }
    }

    #[derive(Clone, Copy)]
    pub struct I8x16(v128);

    impl I8x16 {
        /// # Safety
        /// Sixteen bytes can be read there.
        #[inline(always)]
        pub unsafe fn load(from: *const i8) -> Self {
            I8x16(unsafe { v128_load(from.cast()) })
        }
        /// # Safety
        /// Sixteen bytes can be written there.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut i8) {
            unsafe { v128_store(to.cast(), self.0) }
        }
        /// Sixteen numbers of which `self` has the lower bytes.
        #[inline(always)]
        pub fn with_upper(self, upper: Self) -> [I16x8; 2] {
            let (a, b) = (self.0, upper.0);
            [
                I16x8(i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b)),
                I16x8(i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b)),
            ]
        }
        /// The lower bytes of sixteen numbers.
        #[inline(always)]
        pub fn lower_of([a, b]: [I16x8; 2]) -> Self {
            I8x16(i8x16_shuffle::<0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(a.0, b.0))
        }
        /// Their upper bytes.
        #[inline(always)]
        pub fn upper_of([a, b]: [I16x8; 2]) -> Self {
            I8x16(i8x16_shuffle::<1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31>(a.0, b.0))
        }
        /// Four rows of four as four columns.
        #[inline(always)]
        pub fn transpose(self) -> Self {
            I8x16(i8x16_shuffle::<0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15>(self.0, self.0))
        }
    }

    /// The sums of four rows of bytes times levels. Where levels are unsigned they are too large by `LEVEL_OFFSET` times the bytes.
    #[cfg(target_feature = "relaxed-simd")]
    #[derive(Clone, Copy)]
    pub struct TileSums(v128);

    #[cfg(target_feature = "relaxed-simd")]
    impl TileSums {
        #[inline(always)]
        pub fn zero() -> Self {
            TileSums(i32x4_splat(0))
        }
        /// Adds four bytes of each row times four levels.
        ///
        /// # Safety
        /// Four levels can be read there.
        #[inline(always)]
        pub unsafe fn add(self, tile: I8x16, levels: *const Level) -> Self {
            let levels = unsafe { v128_load32_splat(levels.cast()) };
            TileSums(i32x4_relaxed_dot_i8x16_i7x16_add(tile.0, levels, self.0))
        }
        /// Adds four tiles times sixteen levels.
        ///
        /// # Safety
        /// They can be read there.
        #[inline(always)]
        pub unsafe fn add_four(self, tiles: *const i8, levels: *const Level) -> Self {
            unsafe {
                let all = v128_load(levels.cast());
                let sum = self.0;
                let sum = dot(tiles, i32x4_shuffle::<0, 0, 0, 0>(all, all), sum);
                let sum = dot(tiles.add(16), i32x4_shuffle::<1, 1, 1, 1>(all, all), sum);
                let sum = dot(tiles.add(32), i32x4_shuffle::<2, 2, 2, 2>(all, all), sum);
                TileSums(dot(tiles.add(48), i32x4_shuffle::<3, 3, 3, 3>(all, all), sum))
            }
        }
        /// Adds the bytes of each row.
        #[inline(always)]
        pub fn add_bytes(self, tile: I8x16) -> Self {
            TileSums(i32x4_relaxed_dot_i8x16_i7x16_add(tile.0, i8x16_splat(1), self.0))
        }
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            TileSums(i32x4_add(self.0, other.0))
        }
        #[inline(always)]
        pub fn sums(self) -> I32x4 {
            I32x4(self.0)
        }
    }

    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    unsafe fn dot(tile: *const i8, levels: v128, sum: v128) -> v128 {
        i32x4_relaxed_dot_i8x16_i7x16_add(unsafe { v128_load(tile.cast()) }, levels, sum)
    }

    /// The sums of four rows of bytes times levels: each in two parts.
    #[cfg(not(target_feature = "relaxed-simd"))]
    #[derive(Clone, Copy)]
    pub struct TileSums(v128, v128);

    #[cfg(not(target_feature = "relaxed-simd"))]
    impl TileSums {
        #[inline(always)]
        pub fn zero() -> Self {
            TileSums(i32x4_splat(0), i32x4_splat(0))
        }
        #[inline(always)]
        fn add_all(self, tile: v128, levels: v128) -> Self {
            TileSums(
                i32x4_add(self.0, i32x4_dot_i16x8(i16x8_extend_low_i8x16(tile), levels)),
                i32x4_add(self.1, i32x4_dot_i16x8(i16x8_extend_high_i8x16(tile), levels)),
            )
        }
        /// Adds four bytes of each row times four levels.
        ///
        /// # Safety
        /// Four levels can be read there.
        #[inline(always)]
        pub unsafe fn add(self, tile: I8x16, levels: *const Level) -> Self {
            self.add_all(tile.0, unsafe { v128_load64_splat(levels.cast()) })
        }
        /// Adds four tiles times sixteen levels.
        ///
        /// # Safety
        /// They can be read there.
        #[inline(always)]
        pub unsafe fn add_four(self, tiles: *const i8, levels: *const Level) -> Self {
            (0..4).fold(self, |sums, i| unsafe {
                sums.add_all(v128_load(tiles.add(16 * i).cast()), v128_load64_splat(levels.add(4 * i).cast()))
            })
        }
        /// Adds the bytes of each row.
        #[inline(always)]
        pub fn add_bytes(self, tile: I8x16) -> Self {
            self.add_all(tile.0, i16x8_splat(1))
        }
        #[inline(always)]
        pub fn plus(self, other: Self) -> Self {
            TileSums(i32x4_add(self.0, other.0), i32x4_add(self.1, other.1))
        }
        #[inline(always)]
        pub fn sums(self) -> I32x4 {
            let even = i32x4_shuffle::<0, 2, 4, 6>(self.0, self.1);
            I32x4(i32x4_add(even, i32x4_shuffle::<1, 3, 5, 7>(self.0, self.1)))
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::missing_safety_doc, reason = "it stands in the module above")]
mod portable {
    use crate::integers::I32x4;
    use core::array::from_fn;

    /// A level as the products of bytes read it.
    pub type Level = i16;

    #[derive(Clone, Copy)]
    pub struct I16x8([i16; 8]);

    #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
    impl I16x8 {
        fn zip(self, other: Self, f: impl Fn(i16, i16) -> i16) -> Self {
            I16x8(from_fn(|i| f(self.0[i], other.0[i])))
        }
        pub fn splat(value: i16) -> Self {
            I16x8([value; 8])
        }
        pub unsafe fn load(from: *const i16) -> Self {
            I16x8(unsafe { from.cast::<[i16; 8]>().read_unaligned() })
        }
        pub unsafe fn store(self, to: *mut i16) {
            unsafe { to.cast::<[i16; 8]>().write_unaligned(self.0) }
        }
        pub fn shr(self, bits: u32) -> Self {
            I16x8(self.0.map(|lane| lane >> bits))
        }
        pub fn dot(self, other: Self) -> I32x4 {
            let product = |i: usize| i32::from(self.0[i]) * i32::from(other.0[i]);
            I32x4::from_array(from_fn(|i| product(2 * i) + product(2 * i + 1)))
        }
        pub fn widen(self) -> [I32x4; 2] {
            from_fn(|half| I32x4::from_array(from_fn(|i| i32::from(self.0[4 * half + i]))))
        }
        pub fn narrow(a: I32x4, b: I32x4) -> Self {
            let (a, b) = (a.to_array(), b.to_array());
            I16x8(from_fn(|i| if i < 4 { a[i] } else { b[i - 4] } as i16))
        }
        pub fn add(self, other: Self) -> Self {
            self.zip(other, i16::wrapping_add)
        }
        pub fn add_saturating(self, other: Self) -> Self {
            self.zip(other, i16::saturating_add)
        }
        pub fn max(self, other: Self) -> Self {
            self.zip(other, i16::max)
        }
        pub fn min(self, other: Self) -> Self {
            self.zip(other, i16::min)
        }
        pub fn lanes(self) -> [i16; 8] {
            self.0
        }
    }

    #[derive(Clone, Copy)]
    pub struct I8x16([i8; 16]);

    impl I8x16 {
        pub unsafe fn load(from: *const i8) -> Self {
            I8x16(unsafe { from.cast::<[i8; 16]>().read() })
        }
        pub unsafe fn store(self, to: *mut i8) {
            unsafe { to.cast::<[i8; 16]>().write(self.0) }
        }
        pub fn with_upper(self, upper: Self) -> [I16x8; 2] {
            from_fn(|half| {
                I16x8(from_fn(|i| i16::from_le_bytes([self.0[8 * half + i] as u8, upper.0[8 * half + i] as u8])))
            })
        }
        pub fn lower_of(numbers: [I16x8; 2]) -> Self {
            I8x16(from_fn(|i| numbers[i / 8].0[i % 8] as i8))
        }
        pub fn upper_of(numbers: [I16x8; 2]) -> Self {
            I8x16(from_fn(|i| (numbers[i / 8].0[i % 8] >> 8) as i8))
        }
        pub fn transpose(self) -> Self {
            I8x16(from_fn(|i| self.0[i % 4 * 4 + i / 4]))
        }
    }

    /// The sums of four rows of bytes times levels.
    #[derive(Clone, Copy)]
    pub struct TileSums([i32; 4]);

    impl TileSums {
        pub fn zero() -> Self {
            TileSums([0; 4])
        }
        pub unsafe fn add(self, tile: I8x16, levels: *const Level) -> Self {
            let levels = unsafe { levels.cast::<[Level; 4]>().read_unaligned() };
            TileSums(from_fn(|row| {
                (0..4).fold(self.0[row], |sum, i| sum + i32::from(tile.0[4 * row + i]) * i32::from(levels[i]))
            }))
        }
        pub unsafe fn add_four(self, tiles: *const i8, levels: *const Level) -> Self {
            (0..4).fold(self, |sums, i| unsafe { sums.add(I8x16::load(tiles.add(16 * i)), levels.add(4 * i)) })
        }
        pub fn add_bytes(self, tile: I8x16) -> Self {
            TileSums(from_fn(|row| (0..4).fold(self.0[row], |sum, i| sum + i32::from(tile.0[4 * row + i]))))
        }
        pub fn plus(self, other: Self) -> Self {
            TileSums(from_fn(|i| self.0[i] + other.0[i]))
        }
        pub fn sums(self) -> I32x4 {
            I32x4::from_array(self.0)
        }
    }
}
