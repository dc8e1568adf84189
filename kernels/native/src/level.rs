//! Instruction sets: what the processor at hand has, and which of them a thread computes with.

use core::cell::Cell;

/// A set of instructions that the passes over weights are written for, best first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// Eight lanes and fused multiply-adds.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Four lanes: what every processor of this kind has.
    Single,
}

impl Level {
    /// Those that this processor has, best first.
    pub fn all() -> &'static [Level] {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return &[Level::Avx2, Level::Single];
            }
        }
        &[Level::Single]
    }

    /// Its name as a device.
    pub fn id(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            Level::Single => SINGLE,
        }
    }

    /// What a person reads of it.
    pub fn description(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "AVX2 and FMA, eight lanes",
            Level::Single => SINGLE_DESCRIPTION,
        }
    }
}

#[cfg(target_arch = "x86_64")]
const SINGLE: &str = "sse2";
#[cfg(target_arch = "x86_64")]
const SINGLE_DESCRIPTION: &str = "SSE2, four lanes";
#[cfg(target_arch = "aarch64")]
const SINGLE: &str = "neon";
#[cfg(target_arch = "aarch64")]
const SINGLE_DESCRIPTION: &str = "NEON, four lanes, fused multiply-adds";
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const SINGLE: &str = "scalar";
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const SINGLE_DESCRIPTION: &str = "no vectors of this processor are known";

thread_local! {
    /// The passes are called without a word of it: rules know nothing of instruction sets.
    static CURRENT: Cell<Option<Level>> = const { Cell::new(None) };
}

/// What this thread computes with from here on.
///
/// # Safety
/// The processor has it.
pub unsafe fn choose(level: Level) {
    CURRENT.set(Some(level));
}

/// What this thread computes with: the best there is, unless it was told.
#[inline]
pub fn current() -> Level {
    CURRENT.get().unwrap_or_else(|| {
        let best = Level::all()[0];
        CURRENT.set(Some(best));
        best
    })
}
