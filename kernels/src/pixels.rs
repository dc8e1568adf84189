//! Whole numbers in vectors: what pictures of bytes are compared with. SIMD registers in WebAssembly, arrays elsewhere (for the
//! tests).

#[cfg(target_arch = "wasm32")]
pub use wasm::{I16x8, I32x4};

#[cfg(not(target_arch = "wasm32"))]
pub use portable::{I16x8, I32x4};

#[cfg(target_arch = "wasm32")]
mod wasm {
    use crate::vector::F32x4;
    use core::arch::wasm32::*;

    #[derive(Clone, Copy)]
    pub struct I16x8(v128);

    impl I16x8 {
        /// # Safety
        /// Eight i16 can be read there.
        #[inline(always)]
        pub unsafe fn load(from: *const i16) -> Self {
            I16x8(unsafe { v128_load(from.cast()) })
        }
        #[inline(always)]
        pub fn sub(self, other: Self) -> Self {
            I16x8(i16x8_sub(self.0, other.0))
        }
        /// Squares, summed by pairs of neighbours.
        #[inline(always)]
        pub fn square_pairs(self) -> I32x4 {
            I32x4(i32x4_dot_i16x8(self.0, self.0))
        }
        /// Squares, of the first four and of the last.
        #[inline(always)]
        pub fn squares(self) -> [I32x4; 2] {
            [I32x4(i32x4_extmul_low_i16x8(self.0, self.0)), I32x4(i32x4_extmul_high_i16x8(self.0, self.0))]
        }
    }

    #[derive(Clone, Copy)]
    pub struct I32x4(v128);

    impl I32x4 {
        #[inline(always)]
        pub fn splat(value: i32) -> Self {
            I32x4(i32x4_splat(value))
        }
        /// # Safety
        /// Four i32 can be read there.
        #[inline(always)]
        pub unsafe fn load(from: *const i32) -> Self {
            I32x4(unsafe { v128_load(from.cast()) })
        }
        /// # Safety
        /// Four i32 can be written there.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut i32) {
            unsafe { v128_store(to.cast(), self.0) }
        }
        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            I32x4(i32x4_add(self.0, other.0))
        }
        #[inline(always)]
        pub fn sub(self, other: Self) -> Self {
            I32x4(i32x4_sub(self.0, other.0))
        }
        #[inline(always)]
        pub fn min(self, other: Self) -> Self {
            I32x4(i32x4_min(self.0, other.0))
        }
        /// The last three, then the first of `next`.
        #[inline(always)]
        pub fn shift_by_one(self, next: Self) -> Self {
            I32x4(i32x4_shuffle::<1, 2, 3, 4>(self.0, next.0))
        }
        /// The last two, then the first two of `next`.
        #[inline(always)]
        pub fn shift_by_two(self, next: Self) -> Self {
            I32x4(i32x4_shuffle::<2, 3, 4, 5>(self.0, next.0))
        }
        #[inline(always)]
        pub fn to_f32(self) -> F32x4 {
            F32x4::from_i32(self.0)
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod portable {
    use crate::vector::F32x4;
    use core::array::from_fn;

    #[derive(Clone, Copy)]
    pub struct I16x8([i16; 8]);

    impl I16x8 {
        /// # Safety
        /// Eight i16 can be read there.
        pub unsafe fn load(from: *const i16) -> Self {
            I16x8(unsafe { from.cast::<[i16; 8]>().read_unaligned() })
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn sub(self, other: Self) -> Self {
            I16x8(from_fn(|i| self.0[i] - other.0[i]))
        }
        fn square(self, i: usize) -> i32 {
            i32::from(self.0[i]).pow(2)
        }
        pub fn square_pairs(self) -> I32x4 {
            I32x4(from_fn(|i| self.square(2 * i) + self.square(2 * i + 1)))
        }
        pub fn squares(self) -> [I32x4; 2] {
            [0, 4].map(|half| I32x4(from_fn(|i| self.square(half + i))))
        }
    }

    #[derive(Clone, Copy)]
    pub struct I32x4([i32; 4]);

    impl I32x4 {
        pub fn splat(value: i32) -> Self {
            I32x4([value; 4])
        }
        /// # Safety
        /// Four i32 can be read there.
        pub unsafe fn load(from: *const i32) -> Self {
            I32x4(unsafe { from.cast::<[i32; 4]>().read() })
        }
        /// # Safety
        /// Four i32 can be written there.
        pub unsafe fn store(self, to: *mut i32) {
            unsafe { to.cast::<[i32; 4]>().write(self.0) }
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn add(self, other: Self) -> Self {
            I32x4(from_fn(|i| self.0[i] + other.0[i]))
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn sub(self, other: Self) -> Self {
            I32x4(from_fn(|i| self.0[i] - other.0[i]))
        }
        pub fn min(self, other: Self) -> Self {
            I32x4(from_fn(|i| self.0[i].min(other.0[i])))
        }
        fn shift(self, next: Self, by: usize) -> Self {
            I32x4(from_fn(|i| if i + by < 4 { self.0[i + by] } else { next.0[i + by - 4] }))
        }
        pub fn shift_by_one(self, next: Self) -> Self {
            self.shift(next, 1)
        }
        pub fn shift_by_two(self, next: Self) -> Self {
            self.shift(next, 2)
        }
        pub fn to_f32(self) -> F32x4 {
            let values = self.0.map(|value| value as f32);
            // Safety: four values are there.
            unsafe { F32x4::load(values.as_ptr()) }
        }
    }
}
