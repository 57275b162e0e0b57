//! Time per call, of several services side by side: they take turns in rounds so short that what
//! else the machine does hits all of them.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use reqwest_middleware::ClientWithMiddleware;
use tower::Service;

use crate::rows::Visit;
use crate::{call, call_chain, request, reqwest_request};

/// Calls in a batch: their requests, made beforehand, fit into a second-level cache.
pub const BATCH: usize = 256;

/// Prepares [`BATCH`] requests, passes the gate, and times the calls.
pub type Batch = Box<dyn FnMut(&dyn Fn()) -> Duration + Send>;

/// Makes one batch for each of so many threads.
#[derive(Clone, Debug)]
pub struct Batches {
    /// Bytes of each request's body.
    pub body: usize,
    /// How many batches.
    pub threads: usize,
}

impl Visit for Batches {
    type Output = Vec<Batch>;

    fn tower<S>(self, service: S) -> Vec<Batch>
    where
        S: Service<Request<Full<Bytes>>> + Clone + Send + 'static,
        S::Error: std::fmt::Debug,
    {
        let one = |_| -> Batch {
            let (mut service, body) = (service.clone(), Bytes::from(vec![0; self.body]));
            timed(
                move || request(&body),
                move |request| {
                    drop(black_box(call(&mut service, request)));
                },
            )
        };
        (0..self.threads).map(one).collect()
    }

    fn chain(self, chain: ClientWithMiddleware) -> Vec<Batch> {
        let one = |_| -> Batch {
            let (chain, body) = (chain.clone(), Bytes::from(vec![0; self.body]));
            timed(
                move || reqwest_request(&body),
                move |request| {
                    drop(black_box(call_chain(&chain, request)));
                },
            )
        };
        (0..self.threads).map(one).collect()
    }
}

/// A batch of any calls.
pub fn timed<Q>(
    make: impl Fn() -> Q + Send + 'static,
    mut call: impl FnMut(Q) + Send + 'static,
) -> Batch {
    Box::new(move |gate| {
        let requests: Vec<_> = (0..BATCH).map(|_| make()).collect();
        gate();
        let start = Instant::now();
        for request in requests {
            call(request);
        }
        start.elapsed()
    })
}

/// Nanoseconds per call of each row, in each round. With several batches a row, as many threads run
/// them at once, and a call takes what the slowest of them says, divided by all their calls.
///
/// # Panics
/// If the rows have different numbers of batches.
pub fn alternate(rows: Vec<Vec<Batch>>, rounds: usize) -> Vec<Vec<f64>> {
    let (height, threads) = (rows.len(), rows[0].len());
    let mut lanes: Vec<Vec<Batch>> = (0..threads).map(|_| Vec::new()).collect();
    for row in rows {
        assert_eq!(row.len(), threads, "as many batches in each row");
        for (lane, batch) in lanes.iter_mut().zip(row) {
            lane.push(batch);
        }
    }
    let arrived = AtomicUsize::new(0);
    let gate = |turn: usize| {
        arrived.fetch_add(1, Ordering::AcqRel);
        let mut spins = 0_u32;
        while arrived.load(Ordering::Acquire) < (turn + 1) * threads {
            spins += 1;
            // The other thread may have lost its core.
            if spins % 4096 == 0 { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    };
    let gate = &gate;
    let run = |mut lane: Vec<Batch>| {
        let mut times = vec![Vec::with_capacity(rounds); height];
        let mut order: Vec<usize> = (0..height).collect();
        // Shuffled for each round, in the same way on every thread: what a batch leaves behind in the
        // allocator and the caches should not hit always the same one.
        let mut seed = 1_u64;
        for round in 0..rounds {
            for left in (1..height).rev() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                order.swap(left, (seed >> 33) as usize % (left + 1));
            }
            for (step, &at) in order.iter().enumerate() {
                let turn = round * height + step;
                times[at].push(lane[at](&|| gate(turn)));
            }
        }
        times
    };
    let all: Vec<Vec<Vec<Duration>>> = std::thread::scope(|scope| {
        let lanes: Vec<_> = lanes.into_iter().map(|lane| scope.spawn(move || run(lane))).collect();
        lanes.into_iter().map(|lane| lane.join().expect("no panic")).collect()
    });
    let slowest = |row: usize, round: usize| {
        let times = all.iter().map(|times| times[row][round]);
        times.max().unwrap_or_default().as_nanos() as f64 / (BATCH * threads) as f64
    };
    (0..height).map(|row| (0..rounds).map(|round| slowest(row, round)).collect()).collect()
}
