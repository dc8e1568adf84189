//! The same step with one choice more on each rung: `step` is what they share, `r1_scalar` and so on are the passes that
//! touch weights. JavaScript lays out the memory (`model.ts`).

#![cfg_attr(target_arch = "wasm32", no_std)]

/// Everything that the build without SIMD leaves out.
macro_rules! with_simd {
    ($($item:item)*) => {
        $(#[cfg(any(not(target_arch = "wasm32"), target_feature = "simd128"))] $item)*
    };
}

pub mod model;
pub mod r1_scalar;
pub mod rung;
pub mod step;

with_simd! {
    pub mod r2_simd;
    pub mod r3_tails;
    pub mod r4_sums;
    pub mod r5_fused;
    pub mod r6_hidden_major;
    pub mod r7_panels;
    pub mod r8_shared;
    pub mod r10_shapes;
    #[path = "../../../kernels/src/vector.rs"]
    pub mod vector;
}

use core::sync::atomic::Ordering::Relaxed;
use model::{Model, Scratch};

/// The step of some units.
type Step = unsafe fn(&Model, Scratch, u32, u32);

fn step_of(rung: u32, hidden: u32) -> Option<Step> {
    if rung == 1 {
        return Some(step::step::<r1_scalar::Scalar>);
    }
    with_simd_step(rung, hidden)
}

#[cfg(not(any(not(target_arch = "wasm32"), target_feature = "simd128")))]
fn with_simd_step(_: u32, _: u32) -> Option<Step> {
    None
}

with_simd! {
    fn with_simd_step(rung: u32, hidden: u32) -> Option<Step> {
        Some(match (rung, hidden) {
            (2, _) => step::step::<r2_simd::Simd>,
            (3, _) => step::step::<r3_tails::Tails>,
            (4, _) => step::step::<r4_sums::Sums>,
            (5, _) => step::step::<r5_fused::Fused>,
            (6, _) => step::step::<r6_hidden_major::HiddenMajor>,
            (7, _) => step::step::<r7_panels::Panels>,
            (8, _) => step::step::<r8_shared::Shared>,
            (10, 25) => step::step::<r10_shapes::Shapes<25>>,
            (10, 49) => step::step::<r10_shapes::Shapes<49>>,
            _ => return None,
        })
    }
}

/// Bytes of the records, for JavaScript to check: of a model in the upper half, of a unit in the lower.
#[unsafe(no_mangle)]
pub extern "C" fn record_sizes() -> u32 {
    ((size_of::<Model>() << 16) | size_of::<model::Unit>()) as u32
}

/// One step of the units from `begin` to `end`; false when there is no such rung in this build, or not for these shapes.
///
/// # Safety
/// `model` and `scratch` are records that JavaScript wrote, and no other thread has this scratch or these units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn work_units(
    rung: u32,
    model: *const Model,
    scratch: *const Scratch,
    begin: u32,
    end: u32,
) -> bool {
    unsafe {
        let model = &*model;
        let Some(step) = step_of(rung, model.hidden) else { return false };
        step(model, *scratch, begin, end);
        true
    }
}

/// One step of the chunks that nobody else claims; with `turns` every other step begins with the last.
///
/// # Safety
/// As `work_units`: who claims a chunk has its units.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn work_chunks(rung: u32, model: *const Model, scratch: *const Scratch, turns: bool) -> bool {
    unsafe {
        let model = &*model;
        let Some(step) = step_of(rung, model.hidden) else { return false };
        loop {
            let chunk = model.claimed.fetch_add(1, Relaxed);
            if chunk >= model.chunks {
                return true;
            }
            let back = turns && model.space > model.other.cast_const();
            let chunk = if back { model.chunks - 1 - chunk } else { chunk };
            step(model, *scratch, *model.chunk.add(chunk as usize), *model.chunk.add(chunk as usize + 1));
        }
    }
}

/// The prediction before the first frame.
///
/// # Safety
/// As `work_units`, while no thread works; `other` is the space of the first step.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn start(rung: u32, model: *const Model, scratch: *const Scratch, units: u32) -> bool {
    unsafe { (*model).starting.store(1, Relaxed) };
    let known = unsafe { work_units(rung, model, scratch, 0, units) };
    unsafe { (*model).starting.store(0, Relaxed) };
    known
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
