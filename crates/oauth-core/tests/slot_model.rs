//! The slot against a small model, over random histories on paused time: requests, callers that
//! leave, 401s for current and old tokens, every outcome of the source, rotations, runtimes that
//! stand still or end, the drop of the handles. The model (`slot_model/model.rs`) says after each
//! move what state the slot is in, how many token requests were made, and what every caller has.
//!
//! A seed is printed; `MODEL_SEED=… cargo test --test slot_model` plays the same histories again.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that prints its seed and counts"
)]

#[path = "slot_model/callers.rs"]
mod callers;
#[path = "slot_model/compare.rs"]
mod compare;
#[path = "slot_model/evidence.rs"]
mod evidence;
#[path = "slot_model/model.rs"]
mod model;
#[path = "slot_model/ops.rs"]
mod ops;
#[path = "slot_model/passing.rs"]
mod passing;
#[path = "slot_model/play.rs"]
mod play;
#[path = "slot_model/requests.rs"]
mod requests;
#[path = "slot_model/rules.rs"]
mod rules;
#[path = "slot_model/settled.rs"]
mod settled;
#[path = "slot_model/source.rs"]
mod source;

use std::cell::RefCell;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::runtime::{Builder, Runtime};

const THREADS: u64 = 2;

fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

fn run(histories: u64) {
    let seed = std::env::var("MODEL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("model: MODEL_SEED={seed}");
    let (played, operations, started) = (AtomicU64::new(0), AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (played, operations) = (&played, &operations);
                scope.spawn(move || {
                    let cases = u32::try_from(histories / THREADS).unwrap();
                    explore(seed.wrapping_add(thread), cases, |history| {
                        played.fetch_add(1, Relaxed);
                        operations.fetch_add(history.ops.len() as u64, Relaxed);
                    });
                })
            })
            .collect();
        for thread in threads {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    // Past the test harness's capture: a run that passes shows how far it went, too.
    let _ = writeln!(
        std::io::stdout(),
        "model: histories={} operations={} seconds={:.1}",
        played.load(Relaxed),
        operations.load(Relaxed),
        started.elapsed().as_secs_f64()
    );
}

fn explore(seed: u64, cases: u32, count: impl Fn(&ops::History)) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let runtime = RefCell::new(paused());
    let result = runner.run(&ops::history(), |history| {
        count(&history);
        let played = catch_unwind(AssertUnwindSafe(|| {
            runtime.borrow().block_on(play::play(&history));
        }));
        played.map_err(|panic| {
            // What a failed history left behind must not touch the next one.
            runtime.replace(paused());
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            TestCaseError::fail(text.unwrap_or_default())
        })
    });
    if let Err(error) = result {
        panic!("MODEL_SEED={seed}: {error}");
    }
}

#[test]
fn the_slot_does_what_the_model_says() {
    run(20_000);
}

#[test]
#[ignore = "long run"]
fn model_long() {
    run(1_000_000);
}
