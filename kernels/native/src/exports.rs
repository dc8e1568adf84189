//! The functions of `saccade_backend.h`.

use crate::abi::*;
use crate::level::Level;
use crate::session::{CAPACITY, Session, bytes_of};
use crate::{memory, tensors};
use core::cell::RefCell;
use core::ffi::{CStr, c_char};
use std::ffi::CString;

/// Pairs that a unit keeps at most.
const MOST_PAIRS: usize = 64;
/// A thread that has fewer weights than this costs more at the barrier than it brings.
const WEIGHTS_PER_THREAD: usize = 500_000;
/// Threads at most.
const MOST_THREADS: u32 = 1024;

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// An open device.
pub struct Device {
    level: Level,
    threads: usize,
}

impl Device {
    fn threads_for(&self, plan: &Plan) -> usize {
        if self.threads > 0 {
            return self.threads;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (plan.weights() / WEIGHTS_PER_THREAD).clamp(1, cores)
    }
}

fn fail(status: i32, why: &str) -> i32 {
    LAST_ERROR.set(CString::new(why.replace('\0', " ")).unwrap_or_default());
    status
}

/// Copies text with its zero, as much as there is room for.
fn put(text: &str, to: &mut [u8]) {
    let length = text.len().min(to.len().saturating_sub(1));
    to[..length].copy_from_slice(&text.as_bytes()[..length]);
    to[length..].iter_mut().take(1).for_each(|end| *end = 0);
}

/// Why the last call of this thread failed.
#[unsafe(no_mangle)]
pub extern "C" fn saccade_last_error() -> *const c_char {
    LAST_ERROR.with_borrow(|text| text.as_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn saccade_abi_version() -> u32 {
    ABI_VERSION
}

#[unsafe(no_mangle)]
pub extern "C" fn saccade_device_count() -> u32 {
    Level::all().len() as u32
}

/// # Safety
/// As in the header; so are all that follow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_describe(device: u32, info: *mut Info) -> i32 {
    let Some(level) = Level::all().get(device as usize) else {
        return fail(TOO_BIG, &format!("There is no device {device}"));
    };
    let info = unsafe { &mut *info };
    info.kind = CPU;
    info.traits = DETERMINISTIC | DEFERS;
    info.report_capacity = CAPACITY as u32;
    put("native", &mut info.name);
    put(level.id(), &mut info.id);
    put(&format!("Rust, {}, threads", level.description()), &mut info.description);
    OK
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_open(device: u32, threads: u32, opened: *mut *mut Device) -> i32 {
    let Some(level) = Level::all().get(device as usize) else {
        return fail(TOO_BIG, &format!("There is no device {device}"));
    };
    if threads > MOST_THREADS {
        return fail(
            TOO_BIG,
            &format!("Cannot run on {threads} threads: give a whole number from 1 to {MOST_THREADS}"),
        );
    }
    unsafe { *opened = Box::into_raw(Box::new(Device { level: *level, threads: threads as usize })) };
    OK
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_close(device: *mut Device) {
    if !device.is_null() {
        drop(unsafe { Box::from_raw(device) });
    }
}

/// What stands against a plan, and whether it is a matter of size alone.
fn refusals(device: &Device, plan: &Plan) -> (Vec<String>, bool) {
    let mut reasons = Vec::new();
    if (plan.size as usize) < size_of::<Plan>() {
        return (vec!["The plan lacks fields that this library knows: use a newer Saccade".into()], false);
    }
    if plan.rule != RULE_2016 && plan.rule != RULE_SACCADE {
        reasons.push(format!("There is no rule {}", plan.rule));
    }
    if !plan.encoder_mask.is_null() || !plan.decoder_mask.is_null() {
        reasons.push("The plan is pruned; this backend has no masks yet".into());
    }
    let pairs = plan.ring();
    if pairs > MOST_PAIRS {
        reasons.push(format!("The plan defers up to {pairs} updates of a unit; this backend keeps {MOST_PAIRS}"));
    }
    if !reasons.is_empty() {
        return (reasons, false);
    }
    let needed = bytes_of(plan, device.threads_for(plan));
    if let Some(installed) = memory::installed().filter(|installed| needed > *installed) {
        let gigabytes = |bytes: usize| bytes as f64 / (1u64 << 30) as f64;
        reasons.push(format!(
            "The plan needs {:.1} GiB, this machine has {:.1} GiB",
            gigabytes(needed),
            gigabytes(installed)
        ));
    }
    (reasons, true)
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_accepts(
    device: *const Device,
    plan: *const Plan,
    reasons: *mut u8,
    capacity: u64,
) -> i32 {
    let (sentences, size) = refusals(unsafe { &*device }, unsafe { &*plan });
    let to = unsafe { core::slice::from_raw_parts_mut(reasons, capacity as usize) };
    put(&sentences.join("\n"), to);
    match (sentences.is_empty(), size) {
        (true, _) => OK,
        (false, true) => fail(TOO_BIG, &sentences.join("; ")),
        (false, false) => fail(REFUSED, &sentences.join("; ")),
    }
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_load(
    device: *const Device,
    plan: *const Plan,
    state: *const State,
    loaded: *mut *mut Session,
) -> i32 {
    let (device, plan) = unsafe { (&*device, &*plan) };
    let (sentences, size) = refusals(device, plan);
    if !sentences.is_empty() {
        return fail(if size { TOO_BIG } else { REFUSED }, &sentences.join("; "));
    }
    match Session::new(plan, unsafe { &*state }, device.threads_for(plan), device.level) {
        Ok(session) => {
            unsafe { *loaded = Box::into_raw(session) };
            OK
        }
        Err(why) => fail(TOO_BIG, &why),
    }
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_run_step(
    session: *mut Session,
    frame: *const u8,
    external: *const f32,
    step: *const Step,
) -> i32 {
    let session = unsafe { &mut *session };
    if session.gathered.steps >= CAPACITY {
        return fail(TOO_BIG, "There is no room for the report of one more step: drain it first");
    }
    unsafe { session.run(frame, external, &*step) };
    OK
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_drain(
    session: *mut Session,
    mse: *mut f64,
    capacity: u64,
    report: *mut Report,
) -> i32 {
    let (session, report) = unsafe { (&mut *session, &mut *report) };
    let values = &session.gathered.mse;
    if values.len() as u64 > capacity {
        return fail(TOO_BIG, &format!("The report has {} errors, there is room for {capacity}", values.len()));
    }
    unsafe { mse.copy_from_nonoverlapping(values.as_ptr(), values.len()) };
    let gathered = &mut session.gathered;
    report.steps = gathered.steps as u64;
    report.macs = gathered.cost.macs;
    report.bytes_read = gathered.cost.read;
    report.bytes_written = gathered.cost.written;
    report.device_ns = gathered.device_ns;
    // The room is used again.
    gathered.mse.clear();
    (gathered.steps, gathered.cost, gathered.device_ns) = (0, Default::default(), 0.0);
    report.waited_ns = session.waited();
    OK
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_read(session: *mut Session, name: *const c_char, into: *mut f32, length: u64) -> i32 {
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    let into = if length == 0 { &mut [] } else { unsafe { core::slice::from_raw_parts_mut(into, length as usize) } };
    match tensors::read(unsafe { &mut *session }, &name, into) {
        Ok(true) => OK,
        Ok(false) => fail(REFUSED, &format!("There is no tensor \"{name}\"")),
        Err(why) => fail(TOO_BIG, &why),
    }
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_measure(session: *const Session, memory: *mut Memory) -> i32 {
    let (weights, total) = unsafe { &*session }.bytes();
    let memory = unsafe { &mut *memory };
    memory.weights = weights as f64;
    memory.total = total as f64;
    OK
}

/// # Safety
/// As in the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn saccade_unload(session: *mut Session) {
    if !session.is_null() {
        drop(unsafe { Box::from_raw(session) });
    }
}
