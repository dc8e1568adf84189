//! Four i32 at once, for the bits of narrow weights: a SIMD register in WebAssembly, an array elsewhere.

#[cfg(target_arch = "wasm32")]
pub use wasm::I32x4;

#[cfg(not(target_arch = "wasm32"))]
pub use portable::I32x4;

#[cfg(target_arch = "wasm32")]
mod wasm {
    use crate::vector::F32x4;
    use core::arch::wasm32::*;

    #[derive(Clone, Copy)]
    pub struct I32x4(pub(crate) v128);

    impl I32x4 {
        #[inline(always)]
        pub fn splat(value: i32) -> Self {
            I32x4(i32x4_splat(value))
        }
        /// # Safety
        /// Four words can be read there.
        #[inline(always)]
        pub unsafe fn load(from: *const u32) -> Self {
            I32x4(unsafe { v128_load(from.cast()) })
        }
        /// # Safety
        /// Four words can be written there.
        #[inline(always)]
        pub unsafe fn store(self, to: *mut u32) {
            unsafe { v128_store(to.cast(), self.0) }
        }
        /// # Safety
        /// Four i16 can be read there.
        #[inline(always)]
        pub unsafe fn load_i16(from: *const i16) -> Self {
            I32x4(unsafe { i32x4_load_extend_i16x4(from) })
        }
        /// # Safety
        /// Four u16 can be read there.
        #[inline(always)]
        pub unsafe fn load_u16(from: *const u16) -> Self {
            I32x4(unsafe { u32x4_load_extend_u16x4(from) })
        }
        /// Stores the lower half of each lane.
        ///
        /// # Safety
        /// Four u16 can be written there.
        #[inline(always)]
        pub unsafe fn store_low16(self, to: *mut u16) {
            let halves = i8x16_shuffle::<0, 1, 4, 5, 8, 9, 12, 13, 0, 1, 4, 5, 8, 9, 12, 13>(self.0, self.0);
            unsafe { v128_store64_lane::<0>(halves, to.cast()) }
        }
        /// Stores the lowest byte of each lane.
        ///
        /// # Safety
        /// Four bytes can be written there.
        #[inline(always)]
        pub unsafe fn store_low8(self, to: *mut u8) {
            let bytes = i8x16_shuffle::<0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12>(self.0, self.0);
            unsafe { v128_store32_lane::<0>(bytes, to.cast()) }
        }
        #[inline(always)]
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn add(self, other: Self) -> Self {
            I32x4(i32x4_add(self.0, other.0))
        }
        #[inline(always)]
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn sub(self, other: Self) -> Self {
            I32x4(i32x4_sub(self.0, other.0))
        }
        /// The product's lower 32 bits.
        #[inline(always)]
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn mul(self, other: Self) -> Self {
            I32x4(i32x4_mul(self.0, other.0))
        }
        #[inline(always)]
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn shl(self, bits: u32) -> Self {
            I32x4(i32x4_shl(self.0, bits))
        }
        /// With the sign.
        #[inline(always)]
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn shr(self, bits: u32) -> Self {
            I32x4(i32x4_shr(self.0, bits))
        }
        /// As unsigned words.
        #[inline(always)]
        pub fn shr_unsigned(self, bits: u32) -> Self {
            I32x4(u32x4_shr(self.0, bits))
        }
        #[inline(always)]
        pub fn and(self, other: Self) -> Self {
            I32x4(v128_and(self.0, other.0))
        }
        #[inline(always)]
        pub fn or(self, other: Self) -> Self {
            I32x4(v128_or(self.0, other.0))
        }
        #[inline(always)]
        pub fn xor(self, other: Self) -> Self {
            I32x4(v128_xor(self.0, other.0))
        }
        #[inline(always)]
        pub fn max(self, other: Self) -> Self {
            I32x4(i32x4_max(self.0, other.0))
        }
        #[inline(always)]
        pub fn min(self, other: Self) -> Self {
            I32x4(i32x4_min(self.0, other.0))
        }
        #[inline(always)]
        pub fn abs(self) -> Self {
            I32x4(i32x4_abs(self.0))
        }
        /// All bits of a lane where it is greater.
        #[inline(always)]
        pub fn greater(self, other: Self) -> Self {
            I32x4(i32x4_gt(self.0, other.0))
        }
        /// Lanes of `a` where the bits of `self` are set, of `b` elsewhere.
        #[inline(always)]
        pub fn select(self, a: Self, b: Self) -> Self {
            I32x4(v128_bitselect(a.0, b.0, self.0))
        }
        /// The bits of four f32.
        #[inline(always)]
        pub fn bits_of(values: F32x4) -> Self {
            I32x4(values.0)
        }
        /// The f32 that the bits stand for.
        #[inline(always)]
        pub fn as_floats(self) -> F32x4 {
            F32x4(self.0)
        }
        /// Four whole numbers as f32.
        #[inline(always)]
        pub fn to_floats(self) -> F32x4 {
            F32x4(f32x4_convert_i32x4(self.0))
        }
        /// Rounds towards 0 what i32 holds.
        #[inline(always)]
        pub fn trunc_small(values: F32x4) -> Self {
            #[cfg(target_feature = "relaxed-simd")]
            return I32x4(i32x4_relaxed_trunc_f32x4(values.0));
            #[cfg(not(target_feature = "relaxed-simd"))]
            return I32x4(i32x4_trunc_sat_f32x4(values.0));
        }
        /// Rounds towards 0, at most `limit` either way, which is within i32; what is no number is the limit.
        #[inline(always)]
        pub fn trunc(values: F32x4, limit: f32) -> Self {
            Self::trunc_small(F32x4(f32x4_pmax(f32x4_splat(-limit), f32x4_pmin(f32x4_splat(limit), values.0))))
        }
        #[inline(always)]
        pub fn to_array(self) -> [i32; 4] {
            // Safety: both are 16 bytes of whole numbers.
            unsafe { core::mem::transmute(self.0) }
        }
        /// The largest lane.
        #[inline(always)]
        pub fn largest(self) -> i32 {
            let half = i32x4_max(self.0, i32x4_shuffle::<2, 3, 0, 1>(self.0, self.0));
            i32x4_extract_lane::<0>(half).max(i32x4_extract_lane::<1>(half))
        }
        #[inline(always)]
        pub fn sum(self) -> i32 {
            let half = i32x4_add(self.0, i32x4_shuffle::<2, 3, 0, 1>(self.0, self.0));
            i32x4_extract_lane::<0>(half).wrapping_add(i32x4_extract_lane::<1>(half))
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod portable {
    use crate::vector::F32x4;

    #[derive(Clone, Copy)]
    pub struct I32x4([i32; 4]);

    impl I32x4 {
        fn zip(self, other: Self, f: impl Fn(i32, i32) -> i32) -> Self {
            I32x4(core::array::from_fn(|i| f(self.0[i], other.0[i])))
        }
        pub fn splat(value: i32) -> Self {
            I32x4([value; 4])
        }
        /// # Safety
        /// Four words can be read there.
        pub unsafe fn load(from: *const u32) -> Self {
            I32x4(unsafe { from.cast::<[i32; 4]>().read_unaligned() })
        }
        /// # Safety
        /// Four words can be written there.
        pub unsafe fn store(self, to: *mut u32) {
            unsafe { to.cast::<[i32; 4]>().write_unaligned(self.0) }
        }
        /// # Safety
        /// Four i16 can be read there.
        pub unsafe fn load_i16(from: *const i16) -> Self {
            I32x4(unsafe { from.cast::<[i16; 4]>().read_unaligned() }.map(i32::from))
        }
        /// # Safety
        /// Four u16 can be read there.
        pub unsafe fn load_u16(from: *const u16) -> Self {
            I32x4(unsafe { from.cast::<[u16; 4]>().read_unaligned() }.map(i32::from))
        }
        /// # Safety
        /// Four u16 can be written there.
        pub unsafe fn store_low16(self, to: *mut u16) {
            unsafe { to.cast::<[u16; 4]>().write_unaligned(self.0.map(|lane| lane as u16)) }
        }
        /// # Safety
        /// Four bytes can be written there.
        pub unsafe fn store_low8(self, to: *mut u8) {
            unsafe { to.cast::<[u8; 4]>().write(self.0.map(|lane| lane as u8)) }
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn add(self, other: Self) -> Self {
            self.zip(other, i32::wrapping_add)
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn sub(self, other: Self) -> Self {
            self.zip(other, i32::wrapping_sub)
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn mul(self, other: Self) -> Self {
            self.zip(other, i32::wrapping_mul)
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn shl(self, bits: u32) -> Self {
            I32x4(self.0.map(|lane| lane << bits))
        }
        #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
        pub fn shr(self, bits: u32) -> Self {
            I32x4(self.0.map(|lane| lane >> bits))
        }
        pub fn shr_unsigned(self, bits: u32) -> Self {
            I32x4(self.0.map(|lane| (lane as u32 >> bits) as i32))
        }
        pub fn and(self, other: Self) -> Self {
            self.zip(other, |a, b| a & b)
        }
        pub fn or(self, other: Self) -> Self {
            self.zip(other, |a, b| a | b)
        }
        pub fn xor(self, other: Self) -> Self {
            self.zip(other, |a, b| a ^ b)
        }
        pub fn max(self, other: Self) -> Self {
            self.zip(other, i32::max)
        }
        pub fn min(self, other: Self) -> Self {
            self.zip(other, i32::min)
        }
        pub fn abs(self) -> Self {
            I32x4(self.0.map(i32::wrapping_abs))
        }
        pub fn greater(self, other: Self) -> Self {
            self.zip(other, |a, b| if a > b { -1 } else { 0 })
        }
        pub fn select(self, a: Self, b: Self) -> Self {
            self.and(a).or(I32x4(self.0.map(|lane| !lane)).and(b))
        }
        pub fn bits_of(values: F32x4) -> Self {
            let mut out = [0.0; 4];
            // Safety: there is room for four.
            unsafe { values.store(out.as_mut_ptr()) };
            I32x4(out.map(|value| value.to_bits() as i32))
        }
        pub fn as_floats(self) -> F32x4 {
            let values = self.0.map(|lane| f32::from_bits(lane as u32));
            // Safety: four are there.
            unsafe { F32x4::load(values.as_ptr()) }
        }
        pub fn to_floats(self) -> F32x4 {
            let values = self.0.map(|lane| lane as f32);
            // Safety: four are there.
            unsafe { F32x4::load(values.as_ptr()) }
        }
        pub fn trunc_small(values: F32x4) -> Self {
            I32x4(Self::bits_of(values).0.map(|lane| f32::from_bits(lane as u32) as i32))
        }
        pub fn trunc(values: F32x4, limit: f32) -> Self {
            I32x4(Self::bits_of(values).0.map(|lane| {
                let value = f32::from_bits(lane as u32);
                if value < limit { value.max(-limit) as i32 } else { limit as i32 }
            }))
        }
        pub fn to_array(self) -> [i32; 4] {
            self.0
        }
        pub fn from_array(lanes: [i32; 4]) -> Self {
            I32x4(lanes)
        }
        pub fn largest(self) -> i32 {
            self.0.into_iter().fold(i32::MIN, i32::max)
        }
        pub fn sum(self) -> i32 {
            self.0.into_iter().fold(0, i32::wrapping_add)
        }
    }
}
