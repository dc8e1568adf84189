//! Numbers by their places in a table of sixteen or of four: byte shuffles in WebAssembly, arrays elsewhere.
//!
//! Places are packed in groups of four quads, so that a shift and a mask bring all of a group to where they are looked up.

use crate::small_integers::I8x16;
use crate::vector::{F32x4, LANES};

#[cfg(target_arch = "wasm32")]
pub use wasm::{Table4, Table16};

#[cfg(not(target_arch = "wasm32"))]
pub use portable::{Table4, Table16};

/// Quads of a group.
pub const GROUP: usize = 4;

/// A table, ready to be looked up in.
pub trait Table: Copy {
    /// Bits of a place.
    const BITS: usize;
    /// Bytes of a group.
    const BYTES: usize = GROUP * LANES * Self::BITS / 8;

    /// Takes the numbers in.
    ///
    /// # Safety
    /// They are there.
    unsafe fn load(numbers: *const f32) -> Self;

    /// The numbers of the quads of a group.
    ///
    /// # Safety
    /// The group is there; so with all of these.
    unsafe fn group(self, at: *const u8) -> [F32x4; GROUP];

    /// Those of two groups that follow each other.
    ///
    /// # Safety
    /// As `group`.
    unsafe fn two_groups(self, at: *const u8) -> [[F32x4; GROUP]; 2];

    /// The places of a group, in the order of its quads.
    ///
    /// # Safety
    /// As `group`.
    unsafe fn places(at: *const u8) -> I8x16;

    /// Writes them.
    ///
    /// # Safety
    /// As `group`, and nothing else touches it.
    unsafe fn put_places(at: *mut u8, places: I8x16);

    /// Where in a group the place of a weight stands: which byte, and how far from its lowest bit.
    fn cell(quad: usize, lane: usize) -> (usize, usize);
}

/// The lower half of every byte, and its lowest two bits.
const LOW_HALVES: u64 = 0x0f0f_0f0f_0f0f_0f0f;
const LOW_PAIRS: u64 = 0x0303_0303;

/// The lower half of a byte of four bits belongs to one of the first two quads, the upper half to one of the others.
const fn cell_of_4_bits(quad: usize, lane: usize) -> (usize, usize) {
    (quad % 2 * LANES + lane, quad / 2 * 4)
}

/// A byte of two bits has one lane of all four quads.
const fn cell_of_2_bits(quad: usize, lane: usize) -> (usize, usize) {
    (lane, quad * 2)
}

#[cfg(target_arch = "wasm32")]
mod wasm {
    use super::{GROUP, I8x16, LOW_HALVES, LOW_PAIRS, Table};
    use crate::vector::F32x4;
    use core::arch::wasm32::*;
    use core::hint::black_box;

    /// The bytes at places below 16.
    #[inline(always)]
    fn look_up(table: v128, places: v128) -> v128 {
        #[cfg(target_feature = "relaxed-simd")]
        return i8x16_relaxed_swizzle(table, places);
        #[cfg(not(target_feature = "relaxed-simd"))]
        return i8x16_swizzle(table, places);
    }

    /// A constant that stays in a register: V8 makes them anew wherever they are used.
    #[inline(always)]
    fn held(constant: v128) -> v128 {
        black_box(constant)
    }

    /// Of sixteen numbers all lowest bytes, all second bytes ...; and what masks a place.
    #[derive(Clone, Copy)]
    pub struct Table16([v128; 4], v128);

    impl Table16 {
        /// The numbers at sixteen places.
        #[inline(always)]
        fn numbers(self, places: v128) -> [F32x4; GROUP] {
            let [a, b, c, d] = self.0.map(|bytes| look_up(bytes, places));
            let low = i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b);
            let high = i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(c, d);
            let low_end = i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b);
            let high_end = i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(c, d);
            [
                F32x4(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(low, high)),
                F32x4(i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(low, high)),
                F32x4(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(low_end, high_end)),
                F32x4(i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(low_end, high_end)),
            ]
        }
    }

    impl Table for Table16 {
        const BITS: usize = 4;

        #[inline(always)]
        unsafe fn load(numbers: *const f32) -> Self {
            // Of four numbers the lowest bytes, the second bytes ...
            let [a, b, c, d] = core::array::from_fn(|i| {
                let four = unsafe { v128_load(numbers.add(4 * i).cast()) };
                i8x16_shuffle::<0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15>(four, four)
            });
            let (ab, cd) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<0, 4, 1, 5>(c, d));
            let (ab_end, cd_end) = (i32x4_shuffle::<2, 6, 3, 7>(a, b), i32x4_shuffle::<2, 6, 3, 7>(c, d));
            let bytes = [
                i64x2_shuffle::<0, 2>(ab, cd),
                i64x2_shuffle::<1, 3>(ab, cd),
                i64x2_shuffle::<0, 2>(ab_end, cd_end),
                i64x2_shuffle::<1, 3>(ab_end, cd_end),
            ];
            Table16(bytes, held(u8x16_splat(15)))
        }

        #[inline(always)]
        unsafe fn group(self, at: *const u8) -> [F32x4; GROUP] {
            let all = unsafe { v128_load64_zero(at.cast()) };
            let low = v128_and(all, self.1);
            let high = v128_and(u16x8_shr(all, 4), self.1);
            self.numbers(i64x2_shuffle::<0, 2>(low, high))
        }

        #[inline(always)]
        unsafe fn two_groups(self, at: *const u8) -> [[F32x4; GROUP]; 2] {
            let all = unsafe { v128_load(at.cast()) };
            let [a, b, e, f] = self.numbers(v128_and(all, self.1));
            let [c, d, g, h] = self.numbers(v128_and(u16x8_shr(all, 4), self.1));
            [[a, b, c, d], [e, f, g, h]]
        }

        #[inline(always)]
        unsafe fn places(at: *const u8) -> I8x16 {
            let all = unsafe { at.cast::<u64>().read_unaligned() };
            I8x16::from_words([all & LOW_HALVES, all >> 4 & LOW_HALVES])
        }
        #[inline(always)]
        unsafe fn put_places(at: *mut u8, places: I8x16) {
            let [low, high] = places.to_words();
            unsafe { at.cast::<u64>().write_unaligned(low | high << 4) }
        }

        fn cell(quad: usize, lane: usize) -> (usize, usize) {
            super::cell_of_4_bits(quad, lane)
        }
    }

    /// Four numbers; what masks a place, times four; and the numbers of the bytes of a lane.
    #[derive(Clone, Copy)]
    pub struct Table4(v128, v128, v128);

    impl Table4 {
        /// The numbers at places that stand in all four bytes of their lanes.
        #[inline(always)]
        fn numbers(self, lanes: v128) -> [F32x4; GROUP] {
            // Four times the place, plus the number of the byte.
            let of = |shifted: v128| F32x4(look_up(self.0, v128_or(v128_and(shifted, self.1), self.2)));
            [of(u32x4_shl(lanes, 2)), of(lanes), of(u32x4_shr(lanes, 2)), of(u32x4_shr(lanes, 4))]
        }
    }

    /// Each of eight bytes twice. A shuffle that interleaves is one instruction, others bring a constant.
    #[inline(always)]
    fn twice(bytes: v128) -> v128 {
        i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(bytes, bytes)
    }

    impl Table for Table4 {
        const BITS: usize = 2;

        #[inline(always)]
        unsafe fn load(numbers: *const f32) -> Self {
            let numbers = unsafe { v128_load(numbers.cast()) };
            Table4(numbers, held(u8x16_splat(0x0c)), held(u32x4_splat(0x0302_0100)))
        }

        #[inline(always)]
        unsafe fn group(self, at: *const u8) -> [F32x4; GROUP] {
            let twice = twice(unsafe { v128_load32_zero(at.cast()) });
            self.numbers(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(twice, twice))
        }

        #[inline(always)]
        unsafe fn two_groups(self, at: *const u8) -> [[F32x4; GROUP]; 2] {
            let twice = twice(unsafe { v128_load64_zero(at.cast()) });
            [
                self.numbers(i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(twice, twice)),
                self.numbers(i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(twice, twice)),
            ]
        }

        #[inline(always)]
        unsafe fn places(at: *const u8) -> I8x16 {
            let all = u64::from(unsafe { at.cast::<u32>().read_unaligned() });
            let two = |shift: u32| (all >> shift & LOW_PAIRS) | (all >> (shift + 2) & LOW_PAIRS) << 32;
            I8x16::from_words([two(0), two(4)])
        }
        #[inline(always)]
        unsafe fn put_places(at: *mut u8, places: I8x16) {
            let both = |word: u64| (word | word >> 30) as u32;
            let [low, high] = places.to_words();
            unsafe { at.cast::<u32>().write_unaligned(both(low) | both(high) << 4) }
        }

        fn cell(quad: usize, lane: usize) -> (usize, usize) {
            super::cell_of_2_bits(quad, lane)
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod portable {
    use super::{GROUP, I8x16, LOW_HALVES, LOW_PAIRS, Table};
    use crate::vector::{F32x4, LANES};
    use core::array::from_fn;

    /// Sixteen numbers.
    #[derive(Clone, Copy)]
    pub struct Table16([f32; 16]);

    /// Four numbers.
    #[derive(Clone, Copy)]
    pub struct Table4([f32; 4]);

    unsafe fn numbers<T: Table>(table: &[f32], at: *const u8) -> [F32x4; GROUP] {
        from_fn(|quad| unsafe {
            let lanes: [f32; LANES] = from_fn(|lane| {
                let (byte, shift) = T::cell(quad, lane);
                table[usize::from(*at.add(byte) >> shift) & (table.len() - 1)]
            });
            F32x4::load(lanes.as_ptr())
        })
    }

    impl Table for Table16 {
        const BITS: usize = 4;
        unsafe fn load(numbers: *const f32) -> Self {
            Table16(unsafe { numbers.cast::<[f32; 16]>().read() })
        }
        unsafe fn group(self, at: *const u8) -> [F32x4; GROUP] {
            unsafe { numbers::<Self>(&self.0, at) }
        }
        unsafe fn two_groups(self, at: *const u8) -> [[F32x4; GROUP]; 2] {
            from_fn(|i| unsafe { self.group(at.add(i * Self::BYTES)) })
        }
        unsafe fn places(at: *const u8) -> I8x16 {
            let all = unsafe { at.cast::<u64>().read_unaligned() };
            I8x16::from_words([all & LOW_HALVES, all >> 4 & LOW_HALVES])
        }
        unsafe fn put_places(at: *mut u8, places: I8x16) {
            let [low, high] = places.to_words();
            unsafe { at.cast::<u64>().write_unaligned(low | high << 4) }
        }
        fn cell(quad: usize, lane: usize) -> (usize, usize) {
            super::cell_of_4_bits(quad, lane)
        }
    }

    impl Table for Table4 {
        const BITS: usize = 2;
        unsafe fn load(numbers: *const f32) -> Self {
            Table4(unsafe { numbers.cast::<[f32; 4]>().read() })
        }
        unsafe fn group(self, at: *const u8) -> [F32x4; GROUP] {
            unsafe { numbers::<Self>(&self.0, at) }
        }
        unsafe fn two_groups(self, at: *const u8) -> [[F32x4; GROUP]; 2] {
            from_fn(|i| unsafe { self.group(at.add(i * Self::BYTES)) })
        }
        unsafe fn places(at: *const u8) -> I8x16 {
            let all = u64::from(unsafe { at.cast::<u32>().read_unaligned() });
            let two = |shift: u32| (all >> shift & LOW_PAIRS) | (all >> (shift + 2) & LOW_PAIRS) << 32;
            I8x16::from_words([two(0), two(4)])
        }
        unsafe fn put_places(at: *mut u8, places: I8x16) {
            let both = |word: u64| (word | word >> 30) as u32;
            let [low, high] = places.to_words();
            unsafe { at.cast::<u32>().write_unaligned(both(low) | both(high) << 4) }
        }
        fn cell(quad: usize, lane: usize) -> (usize, usize) {
            super::cell_of_2_bits(quad, lane)
        }
    }
}
