//! Sums of tiles of bytes times levels: SIMD registers in WebAssembly, arrays elsewhere.

#[cfg(target_arch = "wasm32")]
pub use wasm::{Level, TileSums};

#[cfg(not(target_arch = "wasm32"))]
pub use portable::{Level, TileSums};

/// Added to a level where levels are unsigned.
pub const LEVEL_OFFSET: i32 = if cfg!(target_feature = "relaxed-simd") { 64 } else { 0 };

#[cfg(target_arch = "wasm32")]
mod wasm {
    use crate::integers::I32x4;
    use crate::small_integers::I8x16;
    use core::arch::wasm32::*;

    /// A level as the products of bytes read it.
    #[cfg(target_feature = "relaxed-simd")]
    pub type Level = u8;
    /// A level as the products of bytes read it.
    #[cfg(not(target_feature = "relaxed-simd"))]
    pub type Level = i16;

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
    use crate::small_integers::I8x16;
    use core::array::from_fn;

    /// A level as the products of bytes read it.
    pub type Level = i16;

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
