//! Sources that wait for slots.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use oauth_core::{Error, FetchContext, SourceInfo, Token, TokenSlot, TokenSource, source_fn};
use tokio::time::Instant;

use crate::script::{HOUR, secs};

/// Asks other slots for their tokens first, then makes its own.
#[derive(Default)]
struct Exchange {
    subjects: OnceLock<Vec<TokenSlot>>,
    name: Option<&'static str>,
    takes: Duration,
}

impl TokenSource for Exchange {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        tokio::time::sleep(self.takes).await;
        let subjects = self.subjects.get().into_iter().flatten();
        futures_util::future::try_join_all(subjects.map(TokenSlot::token)).await?;
        Ok(Token::bearer("abc")?.expires_in(HOUR))
    }

    fn info(&self) -> SourceInfo {
        self.name.map_or(SourceInfo::new(), |name| SourceInfo::new().with_name(name))
    }
}

fn exchange(name: &'static str) -> (Arc<Exchange>, TokenSlot) {
    let source = Arc::new(Exchange { takes: secs(1), ..Exchange::default() });
    let slot = TokenSlot::builder(source.clone()).name(name).build();
    (source, slot)
}

fn asks(source: &Exchange, slots: &[&TokenSlot]) {
    source.subjects.set(slots.iter().map(|&slot| slot.clone()).collect()).unwrap();
}

fn problem(error: &Error) -> String {
    error.to_string().split(';').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_source_that_waits_for_its_own_slot_is_named_at_once() {
    let (source, slot) = exchange("billing");
    asks(&source, &[&slot]);
    let before = Instant::now();
    let error = slot.token().await.unwrap_err();
    assert_eq!(problem(&error), "the token source of `billing` waits for its own slot");
    assert!(error.hint().is_some() && !error.is_transient());
    assert_eq!((before.elapsed(), slot.status().flights), (secs(1), 1));
    // The source is asked again when its cool-down is over, and nothing is left of the first time.
    tokio::time::advance(secs(600)).await;
    assert_eq!(problem(&slot.token().await.unwrap_err()), problem(&error));
}

#[tokio::test(start_paused = true)]
async fn sources_that_wait_for_each_other_are_named_whoever_comes_first() {
    let slots = ["a", "b", "c"].map(exchange);
    let [(a, slot_a), (b, slot_b), (c, slot_c)] = &slots;
    asks(a, &[slot_b]);
    asks(b, &[slot_c]);
    asks(c, &[slot_a]);
    let (a, b, c) = tokio::join!(slot_a.token(), slot_b.token(), slot_c.token());
    for error in [a, b, c].map(Result::unwrap_err) {
        let problem = problem(&error);
        assert!(
            problem.ends_with("token sources wait for each other: `c` for `a` for `b` for `c`"),
            "{problem}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_slot_without_a_name_is_named_by_its_provider_or_its_number() {
    for name in [Some("Ataccama"), None] {
        let source = Arc::new(Exchange { name, ..Exchange::default() });
        let slot = TokenSlot::new(source.clone());
        asks(&source, &[&slot]);
        let error = slot.token().await.unwrap_err().to_string();
        let expected = name.map_or("source of `slot ".into(), |name| format!("`{name} (slot "));
        assert!(error.contains(&expected), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_that_meet_in_one_slot_are_no_circle() {
    let slots = ["top", "left", "right", "root"].map(exchange);
    let [(top, first), (left, second), (right, third), (_, root)] = &slots;
    asks(top, &[second, third]);
    asks(left, &[root]);
    asks(right, &[root]);
    first.token().await.unwrap();
    assert!(slots.iter().all(|(_, slot)| slot.status().flights == 1));
}

#[tokio::test(start_paused = true)]
async fn a_circle_beside_another_wait_is_found() {
    let slots = ["top", "leaf", "loop"].map(exchange);
    let [(top, first), (_, leaf), (other, third)] = &slots;
    asks(top, &[leaf, third]);
    asks(other, &[leaf, first]);
    let error = first.token().await.unwrap_err();
    let names = "token sources wait for each other: `loop` for `top` for `loop`";
    assert!(problem(&error).ends_with(names), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_given_up_is_in_no_ones_way() {
    let slots = Arc::new(OnceLock::<[TokenSlot; 2]>::new());
    let token = || Ok(Token::bearer("abc")?.expires_in(HOUR));
    let (known, calls) = (slots.clone(), AtomicUsize::new(0));
    let billing = TokenSlot::new(source_fn(move || {
        let (known, first) = (known.clone(), calls.fetch_add(1, SeqCst) == 0);
        async move {
            tokio::time::sleep(secs(5)).await;
            if first {
                known.get().unwrap()[1].token().await?;
            }
            token()
        }
    }));
    let (known, calls) = (slots.clone(), AtomicUsize::new(0));
    let other = TokenSlot::new(source_fn(move || {
        let (known, first) = (known.clone(), calls.fetch_add(1, SeqCst) == 0);
        async move {
            if first {
                known.get().unwrap()[0].token().await?;
            }
            token()
        }
    }));
    slots.set([billing.clone(), other.clone()]).unwrap();
    let call = tokio::spawn(async move { billing.token().await });
    tokio::time::timeout(secs(1), other.token()).await.unwrap_err();
    other.retire();
    call.await.unwrap().unwrap();
    assert_eq!(other.status().flights, 2);
}
