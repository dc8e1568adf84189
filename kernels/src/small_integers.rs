//! Eight i16 and sixteen i8 at once: SIMD registers in WebAssembly, arrays elsewhere.

#[cfg(target_arch = "wasm32")]
pub use wasm::{I8x16, I16x8};

#[cfg(not(target_arch = "wasm32"))]
pub use portable::{I8x16, I16x8};

#[cfg(target_arch = "wasm32")]
mod wasm {
    use crate::integers::I32x4;
    use core::arch::wasm32::*;

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
        #[inline(always)]
        pub fn sub(self, other: Self) -> Self {
            I16x8(i16x8_sub(self.0, other.0))
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
        /// All bits of a lane where it is greater.
        #[inline(always)]
        pub fn greater(self, other: Self) -> Self {
            I16x8(i16x8_gt(self.0, other.0))
        }
        /// Whether a lane is not 0.
        #[inline(always)]
        pub fn any(self) -> bool {
            v128_any_true(self.0)
        }
        #[inline(always)]
        pub fn lanes(self) -> [i16; 8] {
            // Safety: both are 16 bytes of whole numbers.
            unsafe { core::mem::transmute(self.0) }
        }
    }

    #[derive(Clone, Copy)]
    pub struct I8x16(pub(crate) v128);

    #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
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
        /// Sixteen bytes, the first one lowest in the first word.
        #[inline(always)]
        pub fn from_words(words: [u64; 2]) -> Self {
            I8x16(u64x2(words[0], words[1]))
        }
        #[inline(always)]
        pub fn to_words(self) -> [u64; 2] {
            [u64x2_extract_lane::<0>(self.0), u64x2_extract_lane::<1>(self.0)]
        }
        #[inline(always)]
        pub fn widen_unsigned(self) -> [I16x8; 2] {
            [I16x8(i16x8_extend_low_u8x16(self.0)), I16x8(i16x8_extend_high_u8x16(self.0))]
        }
        #[inline(always)]
        pub fn add(self, other: Self) -> Self {
            I8x16(i8x16_add(self.0, other.0))
        }
        #[inline(always)]
        pub fn sub(self, other: Self) -> Self {
            I8x16(i8x16_sub(self.0, other.0))
        }
        #[inline(always)]
        pub fn and(self, other: Self) -> Self {
            I8x16(v128_and(self.0, other.0))
        }
        #[inline(always)]
        pub fn widen(self) -> [I16x8; 2] {
            [I16x8(i16x8_extend_low_i8x16(self.0)), I16x8(i16x8_extend_high_i8x16(self.0))]
        }
        /// At the ends of i8 it stays there.
        #[inline(always)]
        pub fn narrow(a: I16x8, b: I16x8) -> Self {
            I8x16(i8x16_narrow_i16x8(a.0, b.0))
        }
        /// Its bytes at places below 16.
        #[inline(always)]
        pub fn look_up(self, places: Self) -> Self {
            #[cfg(target_feature = "relaxed-simd")]
            return I8x16(i8x16_relaxed_swizzle(self.0, places.0));
            #[cfg(not(target_feature = "relaxed-simd"))]
            return I8x16(i8x16_swizzle(self.0, places.0));
        }
        /// All bits of a lane where it is greater.
        #[inline(always)]
        pub fn greater(self, other: Self) -> Self {
            I8x16(i8x16_gt(self.0, other.0))
        }
        #[inline(always)]
        pub fn or(self, other: Self) -> Self {
            I8x16(v128_or(self.0, other.0))
        }
        /// The sign of each lane, a bit each.
        #[inline(always)]
        pub fn signs(self) -> u32 {
            u32::from(i8x16_bitmask(self.0))
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
}

#[cfg(not(target_arch = "wasm32"))]
#[allow(clippy::missing_safety_doc, reason = "it stands in the module above")]
mod portable {
    use crate::integers::I32x4;
    use core::array::from_fn;

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
        pub fn sub(self, other: Self) -> Self {
            self.zip(other, i16::wrapping_sub)
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
        pub fn greater(self, other: Self) -> Self {
            self.zip(other, |a, b| if a > b { -1 } else { 0 })
        }
        pub fn any(self) -> bool {
            self.0 != [0; 8]
        }
        pub fn lanes(self) -> [i16; 8] {
            self.0
        }
    }

    #[derive(Clone, Copy)]
    pub struct I8x16(pub(crate) [i8; 16]);

    #[allow(clippy::should_implement_trait, reason = "the names of the instructions")]
    impl I8x16 {
        pub unsafe fn load(from: *const i8) -> Self {
            I8x16(unsafe { from.cast::<[i8; 16]>().read() })
        }
        pub unsafe fn store(self, to: *mut i8) {
            unsafe { to.cast::<[i8; 16]>().write(self.0) }
        }
        pub fn from_words(words: [u64; 2]) -> Self {
            I8x16(from_fn(|i| (words[i / 8] >> (i % 8 * 8)) as i8))
        }
        pub fn to_words(self) -> [u64; 2] {
            from_fn(|half| (0..8).fold(0, |word, i| word | u64::from(self.0[8 * half + i] as u8) << (8 * i)))
        }
        pub fn widen_unsigned(self) -> [I16x8; 2] {
            from_fn(|half| I16x8(from_fn(|i| i16::from(self.0[8 * half + i] as u8))))
        }
        pub fn add(self, other: Self) -> Self {
            I8x16(from_fn(|i| self.0[i].wrapping_add(other.0[i])))
        }
        pub fn sub(self, other: Self) -> Self {
            I8x16(from_fn(|i| self.0[i].wrapping_sub(other.0[i])))
        }
        pub fn and(self, other: Self) -> Self {
            I8x16(from_fn(|i| self.0[i] & other.0[i]))
        }
        pub fn widen(self) -> [I16x8; 2] {
            from_fn(|half| I16x8(from_fn(|i| i16::from(self.0[8 * half + i]))))
        }
        pub fn narrow(a: I16x8, b: I16x8) -> Self {
            let lane = |i: usize| if i < 8 { a.0[i] } else { b.0[i - 8] };
            I8x16(from_fn(|i| lane(i).clamp(-128, 127) as i8))
        }
        pub fn look_up(self, places: Self) -> Self {
            I8x16(places.0.map(|place| self.0[place as usize]))
        }
        pub fn greater(self, other: Self) -> Self {
            I8x16(from_fn(|i| if self.0[i] > other.0[i] { -1 } else { 0 }))
        }
        pub fn or(self, other: Self) -> Self {
            I8x16(from_fn(|i| self.0[i] | other.0[i]))
        }
        pub fn signs(self) -> u32 {
            (0..16).fold(0, |bits, i| bits | u32::from(self.0[i] < 0) << i)
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
}
