//! Four f32 at once, in the instructions that every processor of a kind has (`kernels/src/vector.rs` is the one of WebAssembly).

/// Lanes of a vector.
pub const LANES: usize = 4;

#[cfg(target_arch = "x86_64")]
pub use sse2::F32x4;

#[cfg(target_arch = "aarch64")]
pub use neon::F32x4;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub use scalar::F32x4;

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use core::arch::x86_64::*;

    #[derive(Clone, Copy)]
    pub struct F32x4(__m128);

    // Safety of all: SSE2 is part of x86-64.
    impl F32x4 {
        #[inline(always)]
        pub fn splat(value: f32) -> Self {
            F32x4(unsafe { _mm_set1_ps(value) })
        }
        /// # Safety
        /// Four f32 can be read there.
        #[inline(always)]
        pub unsafe fn load(from: *const f32) -> Self {
            F32x4(unsafe { _mm_loadu_ps(from) })
        }
        /// # Safety
        /// Four f32 can be written there.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut f32) {
            unsafe { _mm_storeu_ps(to, self.0) }
        }
        /// self + a * b, the product rounded first.
        #[inline(always)]
        pub fn madd(self, a: Self, b: Self) -> Self {
            self.add(a.mul(b))
        }
        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            F32x4(unsafe { _mm_add_ps(self.0, other.0) })
        }
        #[inline(always)]
        pub fn mul(self, other: Self) -> Self {
            F32x4(unsafe { _mm_mul_ps(self.0, other.0) })
        }
        #[inline(always)]
        pub fn sub(self, other: Self) -> Self {
            F32x4(unsafe { _mm_sub_ps(self.0, other.0) })
        }
        #[inline(always)]
        pub fn div(self, other: Self) -> Self {
            F32x4(unsafe { _mm_div_ps(self.0, other.0) })
        }
        #[inline(always)]
        pub fn abs(self) -> Self {
            F32x4(unsafe { _mm_andnot_ps(_mm_set1_ps(-0.0), self.0) })
        }
        /// Within the limits; what is no number stays what it is.
        #[inline(always)]
        pub fn clamp(self, low: Self, high: Self) -> Self {
            // Of a number and none, the instructions take the second.
            F32x4(unsafe { _mm_max_ps(low.0, _mm_min_ps(high.0, self.0)) })
        }
        #[inline(always)]
        pub fn sqrt(self) -> Self {
            F32x4(unsafe { _mm_sqrt_ps(self.0) })
        }
        /// Of four pixels of three colours: colours 0, 2, 1, 0 of them; 1, 0, 2, 1; and 2, 1, 0, 2.
        ///
        /// # Safety
        /// Twelve f32 can be read there.
        #[inline(always)]
        pub unsafe fn diagonals(from: *const f32) -> [Self; 3] {
            unsafe {
                let [a, b, c] = [_mm_loadu_ps(from), _mm_loadu_ps(from.add(4)), _mm_loadu_ps(from.add(8))];
                let picked = |low: __m128, high: __m128| F32x4(_mm_shuffle_ps::<0x88>(low, high));
                [
                    picked(_mm_shuffle_ps::<0x50>(a, b), _mm_shuffle_ps::<0x5f>(b, c)),
                    F32x4(_mm_shuffle_ps::<0x8d>(a, c)),
                    picked(_mm_shuffle_ps::<0x0a>(a, b), _mm_shuffle_ps::<0xfa>(b, c)),
                ]
            }
        }
        /// Each lane in all lanes of a vector.
        #[inline(always)]
        pub fn lanes(self) -> [Self; 4] {
            let v = self.0;
            unsafe {
                [
                    F32x4(_mm_shuffle_ps::<0x00>(v, v)),
                    F32x4(_mm_shuffle_ps::<0x55>(v, v)),
                    F32x4(_mm_shuffle_ps::<0xaa>(v, v)),
                    F32x4(_mm_shuffle_ps::<0xff>(v, v)),
                ]
            }
        }
        #[inline(always)]
        pub fn first(self) -> f32 {
            unsafe { _mm_cvtss_f32(self.0) }
        }
        #[inline(always)]
        pub fn sum(self) -> f32 {
            unsafe {
                let half = _mm_add_ps(self.0, _mm_movehl_ps(self.0, self.0));
                _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps::<1>(half, half)))
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    use core::arch::aarch64::*;

    #[derive(Clone, Copy)]
    pub struct F32x4(float32x4_t);

    // Safety of all: NEON is part of every AArch64 that has an operating system.
    impl F32x4 {
        #[inline(always)]
        pub fn splat(value: f32) -> Self {
            F32x4(unsafe { vdupq_n_f32(value) })
        }
        /// # Safety
        /// Four f32 can be read there.
        #[inline(always)]
        pub unsafe fn load(from: *const f32) -> Self {
            F32x4(unsafe { vld1q_f32(from) })
        }
        /// # Safety
        /// Four f32 can be written there.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut f32) {
            unsafe { vst1q_f32(to, self.0) }
        }
        /// self + a * b, rounded once.
        #[inline(always)]
        pub fn madd(self, a: Self, b: Self) -> Self {
            F32x4(unsafe { vfmaq_f32(self.0, a.0, b.0) })
        }
        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            F32x4(unsafe { vaddq_f32(self.0, other.0) })
        }
        #[inline(always)]
        pub fn mul(self, other: Self) -> Self {
            F32x4(unsafe { vmulq_f32(self.0, other.0) })
        }
        #[inline(always)]
        pub fn sub(self, other: Self) -> Self {
            F32x4(unsafe { vsubq_f32(self.0, other.0) })
        }
        #[inline(always)]
        pub fn div(self, other: Self) -> Self {
            F32x4(unsafe { vdivq_f32(self.0, other.0) })
        }
        #[inline(always)]
        pub fn abs(self) -> Self {
            F32x4(unsafe { vabsq_f32(self.0) })
        }
        /// Within the limits; what is no number stays what it is.
        #[inline(always)]
        pub fn clamp(self, low: Self, high: Self) -> Self {
            F32x4(unsafe { vmaxq_f32(vminq_f32(self.0, high.0), low.0) })
        }
        #[inline(always)]
        pub fn sqrt(self) -> Self {
            F32x4(unsafe { vsqrtq_f32(self.0) })
        }
        /// Of four pixels of three colours: colours 0, 2, 1, 0 of them; 1, 0, 2, 1; and 2, 1, 0, 2.
        ///
        /// # Safety
        /// Twelve f32 can be read there.
        #[inline(always)]
        pub unsafe fn diagonals(from: *const f32) -> [Self; 3] {
            let picked = |at: [usize; 4]| at.map(|at| unsafe { *from.add(at) });
            [picked([0, 5, 7, 9]), picked([1, 3, 8, 10]), picked([2, 4, 6, 11])]
                .map(|lanes| F32x4(unsafe { vld1q_f32(lanes.as_ptr()) }))
        }
        /// Each lane in all lanes of a vector.
        #[inline(always)]
        pub fn lanes(self) -> [Self; 4] {
            let v = self.0;
            unsafe {
                [
                    F32x4(vdupq_laneq_f32::<0>(v)),
                    F32x4(vdupq_laneq_f32::<1>(v)),
                    F32x4(vdupq_laneq_f32::<2>(v)),
                    F32x4(vdupq_laneq_f32::<3>(v)),
                ]
            }
        }
        #[inline(always)]
        pub fn first(self) -> f32 {
            unsafe { vgetq_lane_f32::<0>(self.0) }
        }
        #[inline(always)]
        pub fn sum(self) -> f32 {
            unsafe { vaddvq_f32(self.0) }
        }
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod scalar {
    #[derive(Clone, Copy)]
    pub struct F32x4([f32; 4]);

    impl F32x4 {
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
        pub fn add(self, other: Self) -> Self {
            F32x4(core::array::from_fn(|i| self.0[i] + other.0[i]))
        }
        pub fn mul(self, other: Self) -> Self {
            F32x4(core::array::from_fn(|i| self.0[i] * other.0[i]))
        }
        pub fn sub(self, other: Self) -> Self {
            F32x4(core::array::from_fn(|i| self.0[i] - other.0[i]))
        }
        pub fn div(self, other: Self) -> Self {
            F32x4(core::array::from_fn(|i| self.0[i] / other.0[i]))
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
        /// Of four pixels of three colours: colours 0, 2, 1, 0 of them; 1, 0, 2, 1; and 2, 1, 0, 2.
        ///
        /// # Safety
        /// Twelve f32 can be read there.
        pub unsafe fn diagonals(from: *const f32) -> [Self; 3] {
            let picked = |at: [usize; 4]| at.map(|at| unsafe { *from.add(at) });
            [picked([0, 5, 7, 9]), picked([1, 3, 8, 10]), picked([2, 4, 6, 11])].map(F32x4)
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

#[cfg(test)]
mod tests {
    use super::F32x4;

    #[test]
    fn diagonals_are_of_the_colours_they_say() {
        let pixels: [f32; 12] = core::array::from_fn(|i| i as f32);
        // Safety: there are twelve values, and room for four.
        let picked = unsafe { F32x4::diagonals(pixels.as_ptr()) }.map(|vector| {
            let mut values = [0.0f32; 4];
            unsafe { vector.store(values.as_mut_ptr()) };
            values
        });
        assert_eq!(picked, [[0.0, 5.0, 7.0, 9.0], [1.0, 3.0, 8.0, 10.0], [2.0, 4.0, 6.0, 11.0]]);
    }
}
