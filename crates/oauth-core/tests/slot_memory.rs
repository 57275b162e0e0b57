//! How much memory a slot takes. A separate binary: the counting allocator serves the whole process.

use std::time::Duration;

use allocation_counter::measure;
use oauth_core::{Error, FetchContext, Token, TokenSlot, TokenSource};

/// A source without a size of its own.
struct Static;

impl TokenSource for Static {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        Ok(Token::bearer("t".repeat(1024))?.expires_in(Duration::from_secs(3600)))
    }
}

/// Bytes that `make` leaves allocated.
fn kept<T>(make: impl FnOnce() -> T) -> i64 {
    let mut value = None;
    let bytes = measure(|| value = Some(make())).bytes_current;
    drop(value);
    bytes
}

#[test]
fn an_idle_slot_takes_less_than_half_a_kib() {
    // What all slots share is allocated once.
    drop(TokenSlot::new(Static));
    let bytes = kept(|| TokenSlot::new(Static));
    assert!(bytes <= 448, "{bytes}");
}

#[test]
fn a_slot_pays_for_its_subscribers_channel_and_its_own_settings_only_when_it_has_them() {
    let plain = TokenSlot::new(Static);
    assert!(kept(|| plain.subscribe()) > 0);
    // The channel stays.
    assert_eq!(kept(|| plain.subscribe()), 0);
    let with_settings = || TokenSlot::builder(Static).acquire_timeout(Duration::ZERO).build();
    assert!(kept(with_settings) > kept(|| TokenSlot::new(Static)));
}

#[tokio::test]
async fn a_token_with_one_header_shard_is_smaller_by_three_reference_counts() {
    let token = |shards| async move {
        let slot = TokenSlot::builder(Static).header_shards(shards).build();
        slot.token().await.unwrap();
        // What the drop frees is what it took.
        -measure(|| drop(slot)).bytes_current
    };
    let (one, two, four) = (token(1).await, token(2).await, token(4).await);
    let each = two - one;
    assert!((48..=96).contains(&each), "{each}");
    assert_eq!(four - one, 3 * each);
    // Out of range: the nearest number.
    assert_eq!((token(0).await, token(9).await), (one, four));
}
