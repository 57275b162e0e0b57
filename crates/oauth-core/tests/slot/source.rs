//! What a source says about itself, and what is said for one that says nothing.

use std::sync::Arc;

use oauth_core::clock::TokioClock;
use oauth_core::{
    Error, FetchContext, Origins, SourceInfo, StaticToken, Token, TokenSlot, TokenSource, source_fn,
};

use crate::script::*;

/// Says all that there is to say, and never responds.
struct Telling;

impl TokenSource for Telling {
    async fn fetch(&self, _: FetchContext) -> Result<Token, Error> {
        std::future::pending().await
    }

    fn info(&self) -> SourceInfo {
        SourceInfo::new()
            .with_name("Example")
            .with_hint("is the address right?")
            .with_origins(Origins::parse(["https://api.example.com"]).unwrap())
            .with_refresh_window(secs(77))
    }

    fn credentials_epoch(&self) -> u64 {
        5
    }

    async fn credentials_changed(&self, epoch: u64) {
        if epoch == 5 {
            std::future::pending::<()>().await;
        }
    }
}

fn told(source: &impl TokenSource) -> String {
    let waits = |epoch| {
        let mut changed = tokio_test::task::spawn(source.credentials_changed(epoch));
        changed.poll().is_pending()
    };
    let waits = (waits(5), waits(4));
    let info = source.info();
    let (origins, window) = (info.origins().to_string(), info.refresh_window());
    let (provider, hint) = (info.name(), info.hint());
    let epoch = source.credentials_epoch();
    format!("{origins} {window:?} {provider:?} {hint:?} {epoch} {waits:?}")
}

#[test]
fn a_shared_source_says_what_the_source_says() {
    let all = r#"https://api.example.com Some(77s) Some("Example") Some("is the address right?") 5 (true, false)"#;
    assert_eq!(told(&Telling), all);
    assert_eq!(told(&Arc::new(Telling)), all);
    assert_eq!(told(&Arc::new(Arc::new(Telling))), all);
}

#[test]
fn for_a_source_that_says_nothing_nothing_is_said() {
    fn says_nothing(source: &impl TokenSource) {
        assert_eq!((source.info(), source.credentials_epoch()), (SourceInfo::new(), 0));
        for epoch in [0, 1] {
            let mut changed = tokio_test::task::spawn(source.credentials_changed(epoch));
            assert!(changed.poll().is_pending());
        }
    }
    says_nothing(&source_fn(|| async { Token::bearer("abc") }));
    says_nothing(&StaticToken::new(Token::bearer("abc").unwrap()));
    let debug = format!("{:?}", source_fn(|| async { Token::bearer("abc") }));
    assert_eq!(debug, "SourceFn { .. }");
}

#[tokio::test(start_paused = true)]
async fn the_error_of_a_source_that_does_not_respond_has_its_name_and_its_hint() {
    let slot = TokenSlot::builder(Arc::new(Telling)).clock(TokioClock::new()).build();
    let error = slot.prefetch().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!((error.provider(), error.hint()), (Some("Example"), Some("is the address right?")));
    let slot = TokenSlot::builder(script([Step::hang()])).clock(TokioClock::new()).build();
    let error = slot.prefetch().await.unwrap_err();
    assert_eq!((error.provider(), error.hint()), (None, None));
}
