//! A transport whose type is chosen at run time.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use oauth_core::{
    BoxError, BoxTransport, ClientAuth, ClientCredentials, Error, FetchContext, GrantSource, Token,
    TokenSource as _,
};
use tower::{Service, service_fn};

type Sent = Request<Full<Bytes>>;

async fn fetch(transport: BoxTransport) -> Result<Token, Error> {
    let grant = ClientCredentials::builder(ClientAuth::secret("id", "the-secret"))
        .token_url("https://auth.example/t")
        .build()
        .unwrap();
    GrantSource::new(grant, transport).fetch(FetchContext::default()).await
}

fn response(token: &str) -> Response<Full<Bytes>> {
    let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":60}}"#);
    Response::new(Full::from(body))
}

/// Ready at the second poll, and only then to be called; its clones are not ready.
struct Slow {
    polled: u8,
}

impl Clone for Slow {
    fn clone(&self) -> Self {
        Self { polled: 0 }
    }
}

impl Service<Sent> for Slow {
    type Response = Response<Full<Bytes>>;
    type Error = BoxError;
    type Future = Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.polled += 1;
        if self.polled == 2 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, request: Sent) -> Self::Future {
        assert_eq!(self.polled, 2, "called before it was ready");
        assert_eq!(request.uri(), "https://auth.example/t");
        ready(Ok(response("slow")))
    }
}

#[tokio::test(start_paused = true)]
async fn transports_of_two_types_are_one_type_and_polled_ready_before_each_call() {
    let quick = service_fn(|_: Sent| ready(Ok::<_, BoxError>(response("quick"))));
    for (transport, token) in
        [(BoxTransport::new(Slow { polled: 0 }), "slow"), (BoxTransport::new(quick), "quick")]
    {
        for _ in 0..2 {
            assert_eq!(fetch(transport.clone()).await.unwrap().expose_secret(), token);
        }
        assert_eq!(format!("{transport:?}"), "BoxTransport { .. }");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_what_it_is_without_the_box() {
    let refused = || Error::permanent("the proxy wants a password");
    let transport = service_fn(move |_: Sent| ready(Err::<Response<Full<Bytes>>, _>(refused())));
    let error = fetch(BoxTransport::new(transport)).await.unwrap_err();
    assert!(!error.is_transient());
    assert!(error.to_string().contains("the proxy wants a password"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_cannot_become_ready_says_why() {
    #[derive(Clone)]
    struct Closed;
    impl Service<Sent> for Closed {
        type Response = Response<Full<Bytes>>;
        type Error = BoxError;
        type Future = Ready<Result<Self::Response, BoxError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            Poll::Ready(Err("the pool is closed".into()))
        }

        fn call(&mut self, _: Sent) -> Self::Future {
            unreachable!("it is never ready")
        }
    }
    let error = fetch(BoxTransport::new(Closed)).await.unwrap_err();
    assert!(error.is_transient());
    assert!(error.to_string().contains("the pool is closed"), "{error}");
}
