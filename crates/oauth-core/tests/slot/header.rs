//! The hot path's one header.

use http::HeaderMap;
use http::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use oauth_core::adapter::Authorized;
use oauth_core::{Error, FetchContext, SourceInfo, StaticToken, Token, TokenSlot, TokenSource};

use crate::script::*;

#[tokio::test(start_paused = true)]
async fn a_callers_own_headers_are_left_as_they_are_however_many() {
    let source = script([Step::token(secs(100))]);
    let slot = builder(&source).build();
    slot.token().await.unwrap();
    for own in [&["one"][..], &["one", "two"], &["one", "two", "three"]] {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/plain"));
        for value in own {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        headers.insert("x-next", HeaderValue::from_static("16"));
        headers.insert("x-last", HeaderValue::from_static("17"));
        let before = headers.clone();
        assert_eq!(slot.authorize(&mut headers), Authorized::Own);
        assert_eq!(headers.iter().collect::<Vec<_>>(), before.iter().collect::<Vec<_>>());
        assert_eq!(headers.get_all(AUTHORIZATION).iter().collect::<Vec<_>>(), own);
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_header_map_gets_nothing_and_a_callers_own_header_in_it_counts() {
    let source = script([Step::token(secs(100))]);
    let slot = builder(&source).build();
    slot.token().await.unwrap();
    let mut headers = HeaderMap::new();
    let mut number = 0;
    while headers
        .try_insert(
            HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap(),
            HeaderValue::from_static(""),
        )
        .is_ok()
    {
        number += 1;
    }
    assert_eq!(slot.authorize(&mut headers), Authorized::Full);
    assert!(!headers.contains_key(AUTHORIZATION));
    headers.remove("x-0");
    headers.insert(AUTHORIZATION, HeaderValue::from_static("own"));
    assert_eq!(slot.authorize(&mut headers), Authorized::Own);
    assert_eq!(headers.get_all(AUTHORIZATION).iter().collect::<Vec<_>>(), ["own"]);
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_header_counts_where_there_is_no_token_for_it() {
    let source = script([Step::token(secs(100)), Step::hang()]);
    let slot = builder(&source).build();
    let mut own = HeaderMap::new();
    own.insert(AUTHORIZATION, HeaderValue::from_static("own"));
    assert_eq!(slot.authorize(&mut own), Authorized::Own);
    assert_eq!(slot.authorize(&mut HeaderMap::new()), Authorized::Empty);
    let issued = slot.token().await.unwrap();
    pass(secs(200)).await;
    assert_eq!(slot.authorize_with(&issued, &mut own), Authorized::Own);
    assert_eq!(slot.authorize_with(&issued, &mut HeaderMap::new()), Authorized::Empty);
    assert_eq!(own[AUTHORIZATION], "own");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waited_gets_the_newest_token_that_is_there() {
    let source = script([Step::token(secs(100))]);
    let slot = builder(&source).build();
    let first = slot.token().await.unwrap();
    let second = slot.replace(first.generation()).await.unwrap();
    let mut headers = HeaderMap::new();
    let Authorized::Attached(sent) = slot.authorize_with(&first, &mut headers) else {
        panic!("a token is there");
    };
    assert_eq!(sent.generation(), second.generation());
    assert_eq!(headers[AUTHORIZATION], "Bearer secret-2");
}

#[tokio::test(start_paused = true)]
async fn the_header_is_sensitive_and_shares_the_tokens_bytes() {
    let source = script([Step::token(secs(100))]);
    let slot = builder(&source).build();
    slot.token().await.unwrap();
    let mut attached = [HeaderMap::new(), HeaderMap::new()];
    for headers in &mut attached {
        assert!(matches!(slot.authorize(headers), Authorized::Attached(_)));
    }
    let [one, other] = &attached;
    assert!(one[AUTHORIZATION].is_sensitive());
    assert_eq!(one[AUTHORIZATION].as_bytes().as_ptr(), other[AUTHORIZATION].as_bytes().as_ptr());
}

/// Requests of a slot whose tokens are in another header.
#[tokio::test(start_paused = true)]
async fn another_header_carries_the_token_from_its_first_use_to_its_end() {
    let name = HeaderName::from_static("x-api-token");
    let source = script([Step::token(secs(100))]);
    let slot = builder(&source).header(name.clone()).refresh_jitter(0.0).build();
    assert_eq!(slot.header_name(), name);
    let mut headers = HeaderMap::new();
    assert_eq!(slot.authorize(&mut headers), Authorized::Empty);
    let issued = slot.token().await.unwrap();
    assert!(matches!(slot.authorize_with(&issued, &mut headers), Authorized::Attached(_)));
    assert_eq!((headers.len(), &headers[&name]), (1, issued.header_value()));
    // Fresh: no flight.
    let attached = |slot: &oauth_core::TokenSlot| {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("own"));
        assert!(matches!(slot.authorize(&mut headers), Authorized::Attached(_)));
        assert_eq!((headers.len(), &headers[AUTHORIZATION]), (2, &HeaderValue::from_static("own")));
        headers[&name].to_str().unwrap().to_owned()
    };
    assert_eq!(attached(&slot), "Bearer secret-1");
    settle().await;
    assert_eq!(source.calls(), 1);
    // Stale: one flight, and the token meanwhile.
    pass(secs(80)).await;
    assert_eq!(attached(&slot), "Bearer secret-1");
    settle().await;
    assert_eq!((attached(&slot).as_str(), source.calls()), ("Bearer secret-2", 2));
    pass(secs(200)).await;
    assert_eq!(slot.authorize(&mut HeaderMap::new()), Authorized::Empty);
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_header_of_the_name_that_carries_the_token_is_left_as_it_is() {
    let name = HeaderName::from_static("x-api-token");
    let source = script([Step::token(secs(100))]);
    let slot = builder(&source).header(name.clone()).build();
    let mut headers = HeaderMap::new();
    for value in ["one", "two", "three"] {
        headers.append(&name, HeaderValue::from_static(value));
    }
    // With and without a token.
    for _ in 0..2 {
        assert_eq!(slot.authorize(&mut headers), Authorized::Own);
        assert_eq!(headers.get_all(&name).iter().collect::<Vec<_>>(), ["one", "two", "three"]);
        slot.token().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_source_names_the_header_and_the_slot_overrules_it() {
    struct InItsOwn(StaticToken);
    impl TokenSource for InItsOwn {
        async fn fetch(&self, cx: FetchContext) -> Result<Token, Error> {
            self.0.fetch(cx).await
        }

        fn info(&self) -> SourceInfo {
            SourceInfo::new().with_header(HeaderName::from_static("x-api-token"))
        }
    }
    let source = || InItsOwn(StaticToken::new(Token::bare("abc").unwrap()));
    assert_eq!(source().info().header().unwrap(), "x-api-token");
    assert_eq!(SourceInfo::new().header(), None);
    assert_eq!(TokenSlot::new(source()).header_name(), "x-api-token");
    let slot = TokenSlot::builder(source()).header(AUTHORIZATION).build();
    slot.token().await.unwrap();
    let mut headers = HeaderMap::new();
    assert!(matches!(slot.authorize(&mut headers), Authorized::Attached(_)));
    assert_eq!(headers[AUTHORIZATION], "abc");
    assert_eq!(
        TokenSlot::new(StaticToken::new(Token::bare("abc").unwrap())).header_name(),
        AUTHORIZATION
    );
}
