//! Four f32 at once: a SIMD register in WebAssembly, an array elsewhere (for the tests).

/// Lanes of a vector.
pub const LANES: usize = 4;

#[cfg(target_arch = "wasm32")]
pub use wasm::F32x4;

#[cfg(not(target_arch = "wasm32"))]
pub use portable::F32x4;

#[cfg(target_arch = "wasm32")]
mod wasm {
    use core::arch::wasm32::*;

    #[derive(Clone, Copy)]
    pub struct F32x4(pub(crate) v128);

    impl F32x4 {
        #[inline(always)]
        pub fn splat(value: f32) -> Self {
            F32x4(f32x4_splat(value))
        }
        /// Four i32, each rounded.
        #[inline(always)]
        pub(crate) fn from_i32(values: v128) -> Self {
            F32x4(f32x4_convert_i32x4(values))
        }
        /// # Safety
        /// Four f32 can be read there.
        #[inline(always)]
        pub unsafe fn load(from: *const f32) -> Self {
            F32x4(unsafe { v128_load(from.cast()) })
        }
        /// # Safety
        /// Four f32 can be written there.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut f32) {
            unsafe { v128_store(to.cast(), self.0) }
        }
        /// self + a * b; whether the product is rounded first is up to the processor.
        #[cfg(target_feature = "relaxed-simd")]
        #[inline(always)]
        pub fn madd(self, a: Self, b: Self) -> Self {
            F32x4(f32x4_relaxed_madd(a.0, b.0, self.0))
        }
        /// self + a * b, the product rounded first.
        #[cfg(not(target_feature = "relaxed-simd"))]
        #[inline(always)]
        pub fn madd(self, a: Self, b: Self) -> Self {
            F32x4(f32x4_add(self.0, f32x4_mul(a.0, b.0)))
        }
        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            F32x4(f32x4_add(self.0, other.0))
        }
        #[inline(always)]
        pub fn sub(self, other: Self) -> Self {
            F32x4(f32x4_sub(self.0, other.0))
        }
        #[inline(always)]
        pub fn mul(self, other: Self) -> Self {
            F32x4(f32x4_mul(self.0, other.0))
        }
        #[inline(always)]
        pub fn div(self, other: Self) -> Self {
            F32x4(f32x4_div(self.0, other.0))
        }
        #[inline(always)]
        pub fn min(self, other: Self) -> Self {
            F32x4(f32x4_pmin(self.0, other.0))
        }
        #[inline(always)]
        pub fn abs(self) -> Self {
            F32x4(f32x4_abs(self.0))
        }
        /// Within the limits; what is no number stays what it is.
        #[inline(always)]
        pub fn clamp(self, low: Self, high: Self) -> Self {
            F32x4(f32x4_pmax(f32x4_pmin(self.0, high.0), low.0))
        }
        #[inline(always)]
        pub fn sqrt(self) -> Self {
            F32x4(f32x4_sqrt(self.0))
        }
        /// Of four pixels of three colours: colours 0, 2, 1, 0 of them; 1, 0, 2, 1; and 2, 1, 0, 2.
        ///
        /// # Safety
        /// Twelve f32 can be read there.
        #[inline(always)]
        pub unsafe fn diagonals(from: *const f32) -> [Self; 3] {
            let [a, b, c] =
                unsafe { [v128_load(from.cast()), v128_load(from.add(4).cast()), v128_load(from.add(8).cast())] };
            [
                F32x4(i32x4_shuffle::<0, 1, 2, 5>(i32x4_shuffle::<0, 5, 7, 7>(a, b), c)),
                F32x4(i32x4_shuffle::<1, 3, 4, 6>(a, c)),
                F32x4(i32x4_shuffle::<0, 1, 2, 7>(i32x4_shuffle::<2, 4, 6, 6>(a, b), c)),
            ]
        }
        /// Each lane in all lanes of a vector.
        #[inline(always)]
        pub fn lanes(self) -> [Self; 4] {
            let v = self.0;
            [
                F32x4(i32x4_shuffle::<0, 0, 0, 0>(v, v)),
                F32x4(i32x4_shuffle::<1, 1, 1, 1>(v, v)),
                F32x4(i32x4_shuffle::<2, 2, 2, 2>(v, v)),
                F32x4(i32x4_shuffle::<3, 3, 3, 3>(v, v)),
            ]
        }
        #[inline(always)]
        pub fn first(self) -> f32 {
            f32x4_extract_lane::<0>(self.0)
        }
        #[inline(always)]
        pub fn sum(self) -> f32 {
            let half = f32x4_add(self.0, i32x4_shuffle::<2, 3, 0, 1>(self.0, self.0));
            f32x4_extract_lane::<0>(half) + f32x4_extract_lane::<1>(half)
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod portable {
    #[derive(Clone, Copy)]
    pub struct F32x4([f32; 4]);

    impl F32x4 {
        fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
            F32x4(core::array::from_fn(|i| f(self.0[i], other.0[i])))
        }
        pub fn splat(value: f32) -> Self {
            F32x4([value; 4])
        }
        /// # Safety
        /// Four f32 can be read there.
        pub unsafe fn load(from: *const f32) -> Self {
            F32x4(unsafe { from.cast::<[f32; 4]>().read() })
        }
        /// # Safety
        /// Four f32 can be written there.
        pub unsafe fn store(self, to: *mut f32) {
            unsafe { to.cast::<[f32; 4]>().write(self.0) }
        }
        pub fn madd(self, a: Self, b: Self) -> Self {
            self.add(a.mul(b))
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn add(self, other: Self) -> Self {
            self.zip(other, |a, b| a + b)
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn sub(self, other: Self) -> Self {
            self.zip(other, |a, b| a - b)
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn mul(self, other: Self) -> Self {
            self.zip(other, |a, b| a * b)
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn div(self, other: Self) -> Self {
            self.zip(other, |a, b| a / b)
        }
        pub fn min(self, other: Self) -> Self {
            self.zip(other, f32::min)
        }
        pub fn abs(self) -> Self {
            F32x4(self.0.map(f32::abs))
        }
        /// Within the limits; what is no number stays what it is.
        pub fn clamp(self, low: Self, high: Self) -> Self {
            F32x4(core::array::from_fn(|i| self.0[i].clamp(low.0[i], high.0[i])))
        }
        pub fn sqrt(self) -> Self {
            F32x4(self.0.map(f32::sqrt))
        }
        /// # Safety
        /// Twelve f32 can be read there.
        pub unsafe fn diagonals(from: *const f32) -> [Self; 3] {
            let picked = |at: [usize; 4]| F32x4(at.map(|at| unsafe { *from.add(at) }));
            [picked([0, 5, 7, 9]), picked([1, 3, 8, 10]), picked([2, 4, 6, 11])]
        }
        pub fn lanes(self) -> [Self; 4] {
            self.0.map(F32x4::splat)
        }
        pub fn first(self) -> f32 {
            self.0[0]
        }
        pub fn sum(self) -> f32 {
            (self.0[0] + self.0[2]) + (self.0[1] + self.0[3])
        }
    }
}
