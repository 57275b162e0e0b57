//! Callers that call again and again, with a short pause in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;

use super::Call;

const PAUSE: Duration = Duration::from_millis(1);

/// What became of looping callers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looped {
    /// Responses with 200.
    pub served: usize,
    /// Responses with 401, and calls without a response.
    pub failed: usize,
    /// The longest wait for a response.
    pub longest: Duration,
}

/// Lets this many callers call for this long; `waiting` is how many of them wait for a response.
///
/// # Panics
/// If a caller does.
///
/// # Cancel safety
/// The callers go on, for that time, when the future is dropped.
pub async fn looping(
    callers: usize,
    time: Duration,
    call: &Call,
    waiting: Arc<AtomicUsize>,
) -> Looped {
    let until = Instant::now() + time;
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (call, waiting) = (call.clone(), waiting.clone());
            tokio::spawn(async move {
                let mut looped = Looped::default();
                while Instant::now() < until {
                    let from = Instant::now();
                    waiting.fetch_add(1, Ordering::Relaxed);
                    let answer = call().await;
                    waiting.fetch_sub(1, Ordering::Relaxed);
                    looped.longest = looped.longest.max(from.elapsed());
                    match answer {
                        Ok(StatusCode::OK) => looped.served += 1,
                        _ => looped.failed += 1,
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                looped
            })
        })
        .collect();
    let mut all = Looped::default();
    for task in tasks {
        let looped = task.await.expect("no panic");
        all.served += looped.served;
        all.failed += looped.failed;
        all.longest = all.longest.max(looped.longest);
    }
    all
}
