//! What JavaScript calls. Pointers are byte offsets into the memory.

use crate::model::{Model, Scratch, Unit, work as work_on};
use crate::motion;
use crate::rule_2016;
use crate::sweep;
use core::alloc::{GlobalAlloc, Layout};
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wasm_bindgen::prelude::wasm_bindgen;

/// Hands out the memory behind the linked data, and behind the page that wasm-bindgen adds there to start threads. It
/// never grows the memory (other workers see a grown shared memory stale, denoland/deno#35658: JavaScript sizes it before it
/// allocates) and takes nothing back: everything is allocated once, when a model is loaded.
struct Bump(AtomicUsize);

const PAGE: usize = 65536;

unsafe extern "C" {
    static __heap_end: u8;
}

// Safety: every block lies behind the last one and within the memory, and none is handed out twice.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let end = core::arch::wasm32::memory_size::<0>() * PAGE;
        let mut at = self.0.load(Relaxed);
        loop {
            let from = at.max(&raw const __heap_end as usize + PAGE).next_multiple_of(layout.align());
            let Some(to) = from.checked_add(layout.size()).filter(|to| *to <= end) else {
                return core::ptr::null_mut();
            };
            match self.0.compare_exchange_weak(at, to, Relaxed, Relaxed) {
                Ok(_) => return from as *mut u8,
                Err(now) => at = now,
            }
        }
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static HEAP: Bump = Bump(AtomicUsize::new(0));

/// `bytes` of zeroed memory for good, or 0 when the memory is too small.
#[wasm_bindgen]
pub fn allocate(bytes: usize) -> usize {
    Layout::from_size_align(bytes, 64).map_or(0, |layout| unsafe { HEAP.alloc(layout) as usize })
}

/// Bytes of a model record: JavaScript checks that it writes as many.
#[wasm_bindgen]
pub fn model_size() -> usize {
    size_of::<Model>()
}

/// Bytes of a unit record.
#[wasm_bindgen]
pub fn unit_size() -> usize {
    size_of::<Unit>()
}

/// This thread's share of a step; see `model::work`.
#[wasm_bindgen]
pub fn work(model: usize, scratch: usize) {
    // Safety: JavaScript wrote both records when it loaded the model.
    unsafe { work_on(model as *const Model, *(scratch as *const Scratch)) }
}

/// Rule 2016: predicts once before the first frame. The result is published to the space of the first step.
#[wasm_bindgen]
pub fn start(model: usize, scratch: usize, units: usize) {
    // Safety: as `work`, and no thread works yet.
    unsafe {
        let model = &*(model as *const Model);
        for id in 0..units {
            let at = model.hidden_at as usize + id * model.hidden as usize;
            let unit = &mut *model.unit.add(id);
            rule_2016::start(model, unit, *(scratch as *const Scratch), model.other.add(at));
        }
    }
}

/// Bytes to values in [0, 1].
#[wasm_bindgen]
pub fn write_frame(bytes: usize, values: usize, length: usize) {
    // Safety: JavaScript made room for `length` of both.
    let (from, to) = unsafe {
        (
            core::slice::from_raw_parts(bytes as *const u8, length),
            core::slice::from_raw_parts_mut(values as *mut f32, length),
        )
    };
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from as f32 / 255.0;
    }
}

/// See `motion::planes_bytes`.
#[wasm_bindgen]
pub fn motion_planes_bytes(width: usize, height: usize, radius: usize) -> usize {
    motion::planes_bytes(width, height, radius)
}

/// See `motion::scratch_bytes`.
#[wasm_bindgen]
pub fn motion_scratch_bytes(width: usize, height: usize, radius: usize) -> usize {
    motion::scratch_bytes(width, height, radius)
}

/// See `motion::split`.
#[wasm_bindgen]
pub fn motion_split(frame: usize, width: usize, height: usize, radius: usize, planes: usize) {
    // Safety: JavaScript made room for both.
    unsafe { motion::split(frame as *const u8, (width, height), radius, planes as *mut u8) }
}

/// See `motion::motion_candidate`.
#[wasm_bindgen]
pub fn motion_candidate(
    frame: usize,
    last: usize,
    width: usize,
    height: usize,
    radius: usize,
    into: usize,
    scratch: usize,
) {
    // Safety: JavaScript made room for all of them.
    unsafe {
        motion::motion_candidate(
            frame as *const u8,
            last as *const u8,
            (width, height),
            radius,
            into as *mut f32,
            scratch as *mut u8,
        )
    }
}

/// See `sweep::read`.
#[wasm_bindgen]
pub fn sweep_read(at: usize, length: usize) -> f32 {
    // Safety: the caller has allocated `length` values there.
    unsafe { sweep::read(at as *const f32, length) }
}

/// See `sweep::update`.
#[wasm_bindgen]
pub fn sweep_update(at: usize, length: usize, factor: f32) {
    // Safety: the caller has allocated `length` values there, for itself.
    unsafe { sweep::update(at as *mut f32, length, factor) }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
