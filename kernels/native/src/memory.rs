//! One block of memory a model.

use core::ptr::null_mut;

/// A cache line.
const LINE: usize = 64;
/// A large page.
const HUGE: usize = 2 << 20;

/// Hands out room, a cache line at a time. From nothing it only counts.
pub struct Room {
    base: *mut u8,
    at: usize,
}

impl Room {
    /// Counts what would be handed out.
    pub fn counting() -> Self {
        Room { base: null_mut(), at: 0 }
    }
    /// Hands out a block that is large enough.
    pub fn of(block: &Block) -> Self {
        Room { base: block.base, at: 0 }
    }
    pub fn floats(&mut self, count: usize) -> *mut f32 {
        let at = self.base.wrapping_add(self.at);
        self.at += (4 * count).next_multiple_of(LINE);
        at.cast()
    }
    pub fn bytes(&self) -> usize {
        self.at
    }
}

/// Zeroed memory, in large pages where the system has them: a step walks through all of it.
pub struct Block {
    base: *mut u8,
    mapped: *mut u8,
    bytes: usize,
}

#[cfg(unix)]
mod system {
    use core::ffi::c_void;

    unsafe extern "C" {
        fn mmap(at: *mut c_void, bytes: usize, protection: i32, flags: i32, file: i32, offset: i64) -> *mut c_void;
        fn munmap(at: *mut c_void, bytes: usize) -> i32;
        #[cfg(target_os = "linux")]
        fn madvise(at: *mut c_void, bytes: usize, advice: i32) -> i32;
    }

    const READ_WRITE: i32 = 3;
    #[cfg(target_os = "linux")]
    const PRIVATE_ANONYMOUS: i32 = 0x22;
    #[cfg(not(target_os = "linux"))]
    const PRIVATE_ANONYMOUS: i32 = 0x1002;
    #[cfg(target_os = "linux")]
    const HUGE_PAGES: i32 = 14;

    pub fn map(bytes: usize) -> Option<*mut u8> {
        let at = unsafe { mmap(core::ptr::null_mut(), bytes, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0) };
        (at.addr() != usize::MAX).then_some(at.cast())
    }
    /// # Safety
    /// `map` gave it out, and nobody uses it.
    pub unsafe fn unmap(at: *mut u8, bytes: usize) {
        unsafe { munmap(at.cast(), bytes) };
    }
    /// It is only advice.
    pub fn advise(at: *mut u8, bytes: usize) {
        #[cfg(target_os = "linux")]
        unsafe {
            madvise(at.cast(), bytes, HUGE_PAGES)
        };
        #[cfg(not(target_os = "linux"))]
        let _ = (at, bytes);
    }
}

#[cfg(not(unix))]
mod system {
    use std::alloc::{Layout, alloc_zeroed, dealloc};

    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes, 4096).ok()
    }
    pub fn map(bytes: usize) -> Option<*mut u8> {
        let at = unsafe { alloc_zeroed(layout(bytes)?) };
        (!at.is_null()).then_some(at)
    }
    /// # Safety
    /// `map` gave it out, and nobody uses it.
    pub unsafe fn unmap(at: *mut u8, bytes: usize) {
        if let Some(layout) = layout(bytes) {
            unsafe { dealloc(at, layout) };
        }
    }
    pub fn advise(_: *mut u8, _: usize) {}
}

impl Block {
    /// None when the system has not so much.
    pub fn new(bytes: usize) -> Option<Self> {
        let whole = bytes.next_multiple_of(HUGE) + HUGE;
        let mapped = system::map(whole)?;
        let base = mapped.map_addr(|at| at.next_multiple_of(HUGE));
        system::advise(base, whole - HUGE);
        Some(Block { base, mapped, bytes: whole })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        unsafe { system::unmap(self.mapped, self.bytes) };
    }
}

/// Bytes that the machine has, where it says so.
pub fn installed() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok().map(|kilobytes| 1024 * kilobytes)
}
