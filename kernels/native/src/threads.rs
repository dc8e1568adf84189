//! The threads that share a model: the caller works as the first, the others wait for its word. One barrier a step.

use crate::level::{self, Level};
use crate::model::{Model, Scratch, work};
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, Thread};
use std::time::Instant;

/// How often a thread looks before it sleeps: waking takes longer than most of a step's imbalance.
const SPINS: u32 = 20_000;

struct Shared {
    /// Steps begun.
    step: AtomicU64,
    /// Others that have finished this one.
    done: AtomicU32,
    stop: AtomicBool,
    caller: Mutex<Option<Thread>>,
}

/// What a thread works with.
struct Share {
    model: *const Model,
    scratch: Scratch,
    level: Level,
}

// Safety: a thread has its scratch for itself, and units of the model are claimed by one thread each.
unsafe impl Send for Share {}

impl Share {
    fn work(&self) {
        // Safety: the level is one of this processor, and the session that made it keeps the model until the threads have ended.
        unsafe {
            level::choose(self.level);
            work(self.model, self.scratch);
        }
    }
}

/// The threads of a session.
pub struct Threads {
    shared: Arc<Shared>,
    own: Share,
    others: Vec<JoinHandle<()>>,
    /// Nanoseconds that the caller waited for the others.
    pub waited: f64,
}

impl Threads {
    /// Starts a thread for each scratch but the first, which is the caller's.
    ///
    /// # Safety
    /// Model and scratch live as long as the result.
    pub unsafe fn start(model: *const Model, scratch: &[Scratch], level: Level) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            step: AtomicU64::new(0),
            done: AtomicU32::new(0),
            stop: AtomicBool::new(false),
            caller: Mutex::new(None),
        });
        let share = |scratch: &Scratch| Share { model, scratch: *scratch, level };
        let mut threads = Threads { shared: shared.clone(), own: share(&scratch[0]), others: Vec::new(), waited: 0.0 };
        let count = scratch.len() as u32 - 1;
        for scratch in &scratch[1..] {
            let (shared, share) = (shared.clone(), share(scratch));
            threads
                .others
                .push(thread::Builder::new().name("saccade".into()).spawn(move || serve(&shared, &share, count))?);
        }
        Ok(threads)
    }

    /// All units, once.
    pub fn step(&mut self) {
        if self.others.is_empty() {
            return self.own.work();
        }
        let shared = &*self.shared;
        let count = self.others.len() as u32;
        if let Ok(mut caller) = shared.caller.lock() {
            *caller = Some(thread::current());
        }
        shared.done.store(0, Ordering::Relaxed);
        shared.step.fetch_add(1, Ordering::Release);
        self.others.iter().for_each(|other| other.thread().unpark());
        self.own.work();
        let from = Instant::now();
        let mut spins = 0;
        while shared.done.load(Ordering::Acquire) != count {
            if spins < SPINS {
                spins += 1;
                spin_loop();
            } else {
                thread::park();
            }
        }
        self.waited += from.elapsed().as_nanos() as f64;
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.step.fetch_add(1, Ordering::Release);
        for other in self.others.drain(..) {
            other.thread().unpark();
            // One that has panicked has ended, too.
            let _ = other.join();
        }
    }
}

/// A thread's life: works on every step until it is told to stop.
fn serve(shared: &Shared, share: &Share, count: u32) {
    let mut seen = 0;
    loop {
        let mut spins = 0;
        while shared.step.load(Ordering::Acquire) == seen {
            if spins < SPINS {
                spins += 1;
                spin_loop();
            } else {
                thread::park();
            }
        }
        seen += 1;
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        share.work();
        let last = shared.done.fetch_add(1, Ordering::AcqRel) + 1 == count;
        if last && let Ok(caller) = shared.caller.lock() {
            caller.iter().for_each(Thread::unpark);
        }
    }
}
