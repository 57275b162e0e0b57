//! The runtime on which a token request was begun is there, but no longer driven: a caller on
//! another one has its token within 12 s. Shared by both adapters.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use oauth_core::TokenSlot;
use oauth_core::clock::Clock;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

use crate::caller::Caller;
use oauth_adapter_tests::issuer::{Issuer, settle};
use oauth_adapter_tests::play::{Ask, Called, Play, Reply, status, told};

/// Read from any runtime, and moved on by the one that is driven.
#[derive(Clone, Debug, Default)]
struct HandClock(Arc<AtomicU64>);

impl Clock for HandClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl HandClock {
    /// On a driven runtime.
    async fn tick(self) {
        loop {
            sleep(Duration::from_millis(100)).await;
            self.0.fetch_add(100, Ordering::SeqCst);
        }
    }
}

const FOR_EVER: Duration = Duration::from_secs(86_400);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

struct World {
    issuer: Issuer,
    play: Play,
    slot: TokenSlot,
    clock: HandClock,
    idle: Runtime,
    driven: Runtime,
}

impl World {
    fn new() -> Self {
        let (idle, driven) = (runtime(), runtime());
        let (issuer, clock) = (Issuer::new(), HandClock::default());
        let slot = issuer.builder().clock(clock.clone()).build();
        let play = {
            let _inside = driven.enter();
            Play::new(|call| Reply::good(call.token != "t1"))
        };
        Self { issuer, play, slot, clock, idle, driven }
    }

    fn caller(&self) -> Caller {
        Caller::new(self.slot.clone(), &self.play)
    }

    /// A call that is begun on the idle runtime, and its first poll.
    fn begin(&self) -> Pin<Box<dyn Future<Output = Called>>> {
        let caller = self.caller();
        let mut call: Pin<Box<dyn Future<Output = Called>>> =
            Box::pin(async move { caller.call(Ask::get("/a")).await });
        let _inside = self.idle.enter();
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        call
    }

    /// On the other runtime: what comes back, and after how long.
    fn call(&self) -> (Called, Duration) {
        self.driven.block_on(async {
            let ticker = tokio::spawn(self.clock.clone().tick());
            let began = Instant::now();
            let called = self.caller().call(Ask::get("/a")).await;
            ticker.abort();
            (called, began.elapsed())
        })
    }
}

#[test]
fn a_first_token_that_was_asked_for_on_a_runtime_that_stands_still_comes_within_12_s() {
    // The flight was never polled, or its token request is under way.
    for polled in [false, true] {
        let world = World::new();
        world.play.then(|_| Reply::status(200));
        world.issuer.takes(FOR_EVER);
        let begun = world.begin();
        if polled {
            world.idle.block_on(settle());
        }
        assert_eq!(world.issuer.requests(), u64::from(polled));
        world.issuer.takes(Duration::ZERO);
        let (called, after) = world.call();
        assert_eq!((status(&called), told(&called).as_str()), (200, "Attached"), "{polled}");
        assert!(after <= Duration::from_secs(12), "{polled} {after:?}");
        assert_eq!(world.slot.status().flights, 2);
        // Driven again, the first one brings nothing more, and its caller has the same token.
        let called = world.idle.block_on(begun);
        assert_eq!(status(&called), 200, "{polled}");
        let newest = format!("t{}", if polled { 2 } else { 1 });
        assert_eq!(world.play.tokens(), [newest.clone(), newest], "{polled}");
    }
}

#[test]
fn a_refresh_after_a_401_that_stands_still_is_begun_again_within_12_s() {
    for polled in [false, true] {
        let world = World::new();
        world.driven.block_on(async { world.slot.token().await.unwrap() });
        world.issuer.takes(FOR_EVER);
        let begun = world.begin();
        if polled {
            world.idle.block_on(settle());
        }
        assert_eq!((world.play.calls().len(), world.issuer.requests()), (1, 1 + u64::from(polled)));
        world.issuer.takes(Duration::ZERO);
        let (called, after) = world.call();
        assert_eq!(status(&called), 200, "{polled}");
        assert!(after <= Duration::from_secs(12), "{polled} {after:?}");
        drop(begun);
        assert_eq!(world.slot.status().flights, 3, "{polled}");
    }
}

/// It is not forever: the attempt of one that is driven ends as well.
#[test]
fn a_token_request_that_hangs_on_a_runtime_that_is_driven_is_not_superseded() {
    let world = World::new();
    world.issuer.hold();
    let waited = world.driven.block_on(async {
        let ticker = tokio::spawn(world.clock.clone().tick());
        let caller = world.caller();
        let call = tokio::spawn(async move { caller.call(Ask::get("/a")).await });
        sleep(Duration::from_secs(9)).await;
        let flights = (world.slot.status().flights, world.issuer.requests());
        world.play.then(|_| Reply::status(200));
        world.issuer.release();
        assert_eq!(status(&call.await.unwrap()), 200);
        ticker.abort();
        flights
    });
    assert_eq!(waited, (1, 1));
    assert_eq!((world.slot.status().flights, world.play.tokens()), (1, vec!["t1".to_owned()]));
}
