//! Callers that all come at once, each with one call.

use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::sync::watch;

use super::Call;

/// What became of a herd.
#[derive(Clone, Debug)]
pub struct Herd {
    /// How long each caller waited for its response.
    pub waits: Vec<Duration>,
    /// Responses with 200.
    pub served: usize,
    /// Responses with 401.
    pub refused: usize,
    /// Calls without a response.
    pub failed: usize,
}

/// Starts this many callers at once, each a task, and waits for all.
///
/// # Panics
/// If a caller does.
///
/// # Cancel safety
/// The callers go on when the future is dropped.
pub async fn herd(callers: usize, call: &Call) -> Herd {
    let (start, started) = watch::channel(false);
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (call, mut started) = (call.clone(), started.clone());
            tokio::spawn(async move {
                started.wait_for(|started| *started).await.expect("a start");
                let from = Instant::now();
                let answer = call().await;
                (from.elapsed(), answer)
            })
        })
        .collect();
    start.send_replace(true);
    let mut herd = Herd { waits: Vec::new(), served: 0, refused: 0, failed: 0 };
    for task in tasks {
        let (wait, answer) = task.await.expect("no panic");
        herd.waits.push(wait);
        match answer {
            Ok(StatusCode::OK) => herd.served += 1,
            Ok(_) => herd.refused += 1,
            Err(_) => herd.failed += 1,
        }
    }
    herd
}
