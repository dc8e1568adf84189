//! Two f64 at once, for sums that are not to be rounded: a SIMD register in WebAssembly, an array elsewhere.

#[cfg(target_arch = "wasm32")]
pub use wasm::F64x2;

#[cfg(not(target_arch = "wasm32"))]
pub use portable::F64x2;

#[cfg(target_arch = "wasm32")]
mod wasm {
    use crate::vector::F32x4;
    use core::arch::wasm32::*;

    #[derive(Clone, Copy)]
    pub struct F64x2(v128);

    impl F64x2 {
        pub const ZERO: Self = F64x2(f64x2(0.0, 0.0));

        /// The first two of four, and the last two.
        #[inline(always)]
        pub fn halves(values: F32x4) -> [Self; 2] {
            let v = values.0;
            [F64x2(f64x2_promote_low_f32x4(v)), F64x2(f64x2_promote_low_f32x4(i64x2_shuffle::<1, 1>(v, v)))]
        }
        #[inline(always)]
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn add(self, other: Self) -> Self {
            F64x2(f64x2_add(self.0, other.0))
        }
        #[inline(always)]
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn mul(self, other: Self) -> Self {
            F64x2(f64x2_mul(self.0, other.0))
        }
        #[inline(always)]
        pub fn to_array(self) -> [f64; 2] {
            [f64x2_extract_lane::<0>(self.0), f64x2_extract_lane::<1>(self.0)]
        }
        /// The root of a number.
        #[inline(always)]
        pub fn root(value: f64) -> f64 {
            f64x2_extract_lane::<0>(f64x2_sqrt(f64x2_splat(value)))
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod portable {
    use crate::vector::F32x4;
    use core::array::from_fn;

    #[derive(Clone, Copy)]
    pub struct F64x2([f64; 2]);

    fn lanes(values: F32x4) -> [f64; 4] {
        let mut out = [0.0; 4];
        // Safety: there is room for four.
        unsafe { values.store(out.as_mut_ptr()) };
        out.map(f64::from)
    }

    impl F64x2 {
        pub const ZERO: Self = F64x2([0.0; 2]);

        pub fn halves(values: F32x4) -> [Self; 2] {
            let [a, b, c, d] = lanes(values);
            [F64x2([a, b]), F64x2([c, d])]
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn add(self, other: Self) -> Self {
            F64x2(from_fn(|i| self.0[i] + other.0[i]))
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn mul(self, other: Self) -> Self {
            F64x2(from_fn(|i| self.0[i] * other.0[i]))
        }
        pub fn to_array(self) -> [f64; 2] {
            self.0
        }
        pub fn root(value: f64) -> f64 {
            value.sqrt()
        }
    }
}
