//! One exchange over a scripted transport: limits, redirects, broken connections.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::convert::Infallible;
use std::error::Error as _;
use std::future::{Ready, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full, StreamBody};
use oauth_core::grant::{Endpoint, Grant, TokenRequest};
use oauth_core::{
    Apiera, BoxError, ClientAuth, ClientCredentials, Error, FetchContext, Fuuffy, GrantSource,
    Oleria, RotatingClient, SourceInfo, Token, TokenSlot, TokenSource,
};
use tokio::time::Instant;
use tower::util::ServiceFn;
use tower::{Service, service_fn};

type Sent = Request<Full<Bytes>>;
type Answered<B> = Ready<Result<Response<B>, Infallible>>;

fn grant() -> Oleria {
    Oleria::builder(ClientAuth::secret("id", "the-secret"))
        .authentication_url("https://auth.example/t")
        .api_url("https://devx.acme.oleria.io")
        .build()
        .unwrap()
}

/// A transport that responds to each request with what `answer` makes, and counts them.
fn scripted<B: Body + Send + 'static>(
    answer: impl Fn() -> Response<B> + Clone + Send + Sync + 'static,
) -> (ServiceFn<impl Fn(Sent) -> Answered<B> + Clone + Send + Sync + 'static>, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let service = service_fn(move |_: Sent| {
        counter.fetch_add(1, Ordering::Relaxed);
        ready(Ok(answer()))
    });
    (service, calls)
}

fn token_answer() -> Response<Full<Bytes>> {
    Response::new(Full::from(r#"{"access_token":"abc","token_type":"Bearer","expires_in":60}"#))
}

async fn fetch_over<B>(
    answer: impl Fn() -> Response<B> + Clone + Send + Sync + 'static,
) -> Result<Token, Error>
where
    B: Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (transport, calls) = scripted(answer);
    let result = GrantSource::new(grant(), transport).fetch(FetchContext::default()).await;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    result
}

/// Frames without end: always ready, or one a second.
#[derive(Clone)]
struct Endless {
    frame: &'static [u8],
    wait: Option<Duration>,
}

impl Endless {
    fn body(self) -> impl Body<Data = Bytes, Error = Infallible> + Send {
        StreamBody::new(futures_util::stream::unfold(self, |endless| async {
            if let Some(wait) = endless.wait {
                tokio::time::sleep(wait).await;
            }
            Some((Ok(Frame::data(Bytes::from_static(endless.frame))), endless))
        }))
    }
}

#[tokio::test]
async fn the_request_of_the_grant_is_sent_and_its_response_read() {
    let transport = service_fn(|request: Sent| async move {
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://auth.example/t");
        assert_eq!(request.headers()["accept"], "application/json");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"grant_type=client_credentials&client_id=id&client_secret="));
        Ok::<_, Infallible>(token_answer())
    });
    let source = GrantSource::new(grant(), transport);
    let token = source.fetch(FetchContext::default()).await.unwrap();
    assert_eq!(token.expose_secret(), "abc");
    assert_eq!(token.lifetime(), Some(Duration::from_secs(60)));
    assert_eq!(source.info().origins().to_string(), "https://devx.acme.oleria.io");
    assert_eq!(source.info().refresh_window(), Some(Duration::from_secs(60)));
}

/// The error of a client with fallback credentials, for which these responses come one after the other, and how
/// many did.
async fn with_two_pairs(answers: &'static [(u16, &'static str)]) -> (Error, usize) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let transport = service_fn(move |_: Sent| {
        let (status, code) = answers[counter.fetch_add(1, Ordering::Relaxed)];
        let body = Full::<Bytes>::from(format!(r#"{{"error":"{code}"}}"#));
        ready(Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap()))
    });
    let client = RotatingClient::new(ClientAuth::secret("new", "secret-x"));
    let client = client.with_fallback(ClientAuth::secret("old", "secret-y")).unwrap();
    let grant = ClientCredentials::builder(client).token_url("https://auth.example/t").build();
    let error = GrantSource::new(grant.unwrap(), transport)
        .fetch(FetchContext::default())
        .await
        .unwrap_err();
    (error, calls.load(Ordering::Relaxed))
}

#[tokio::test]
async fn the_fallback_is_tried_when_the_first_credentials_are_wrong_and_its_error_counts_unless_both_are()
 {
    // Both are wrong: the first is the one that someone should look at.
    let (error, calls) = with_two_pairs(&[(401, "invalid_client"), (400, "invalid_client")]).await;
    assert_eq!((error.status().unwrap().as_u16(), calls), (401, 2));
    // The second is not: what happened to it is what another attempt depends on.
    let (error, calls) = with_two_pairs(&[(401, "invalid_client"), (503, "busy")]).await;
    assert_eq!((error.status().unwrap().as_u16(), calls), (503, 2));
    let (error, calls) = with_two_pairs(&[(401, "invalid_client"), (400, "invalid_scope")]).await;
    assert_eq!((error.code(), calls), (Some("invalid_scope"), 2));
    // The first is not.
    let (error, calls) = with_two_pairs(&[(503, "busy")]).await;
    assert_eq!((error.status().unwrap().as_u16(), calls), (503, 1));
}

#[test]
fn a_source_says_what_its_grant_says() {
    let source = GrantSource::new(grant(), NeverReady);
    let info = source.info();
    assert_eq!(info.name(), Some("Oleria"));
    let hint = info.hint().unwrap();
    assert!(hint.starts_with("the egress firewall must allow"), "{hint}");
    let epoch = source.grant().client().epoch();
    assert_eq!(epoch, source.credentials_epoch());
    let shown = format!("{:?}", source.time_limit(Duration::from_secs(3)).size_cap(77));
    assert!(shown.contains("Oleria") && shown.contains("3s") && shown.contains("77"), "{shown}");
    let generic = ClientCredentials::builder(ClientAuth::secret("i", "s"))
        .token_url("https://auth.example/t")
        .build();
    assert_eq!(GrantSource::new(generic.unwrap(), NeverReady).info().hint(), None);
}

#[tokio::test]
async fn a_rotation_is_seen_by_the_source() {
    let client = RotatingClient::new(ClientAuth::secret("old", "1"));
    let grant = Fuuffy::builder(client.clone()).without_grant_type().build().unwrap();
    let transport = service_fn(|request: Sent| async move {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "client_id=new&client_secret=2");
        Ok::<_, Infallible>(token_answer())
    });
    let source = GrantSource::new(grant, transport);
    assert_eq!(source.credentials_epoch(), 0);
    client.rotate(ClientAuth::secret("new", "2")).unwrap();
    assert_eq!(source.credentials_epoch(), 1);
    source.fetch(FetchContext::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_hangs_meets_the_time_limit() {
    let hang = service_fn(|_: Sent| pending::<Result<Response<Full<Bytes>>, Infallible>>());
    let start = Instant::now();
    let error = GrantSource::new(grant(), hang).fetch(FetchContext::default()).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_millis(9_500));
    assert!(error.is_timeout() && error.is_transient());
    assert_eq!(
        error.to_string(),
        "Oleria: timed out: no response from the token endpoint within 9.5s; hint: the egress firewall must \
         allow the host of the Authentication URL and of the API URL"
    );
}

#[derive(Clone)]
struct NeverReady;

impl Service<Sent> for NeverReady {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Pending
    }

    fn call(&mut self, _: Sent) -> Self::Future {
        panic!("called although it was not ready")
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_is_never_ready_meets_the_time_limit_and_is_not_called() {
    let start = Instant::now();
    let source = GrantSource::new(grant(), NeverReady).time_limit(Duration::from_secs(3));
    assert!(source.fetch(FetchContext::default()).await.unwrap_err().is_timeout());
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_without_end_meets_the_time_limit() {
    // Item 39.
    let endless = Endless { frame: b" ", wait: Some(Duration::from_secs(1)) };
    let start = Instant::now();
    let error = fetch_over(move || Response::new(endless.clone().body())).await.unwrap_err();
    assert!(error.is_timeout());
    assert_eq!(start.elapsed(), Duration::from_millis(9_500));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_pours_without_end_meets_the_cap_even_with_empty_frames() {
    // Item 39.
    for frame in [&b"                "[..], &b""[..]] {
        let endless = Endless { frame, wait: None };
        let error = fetch_over(move || Response::new(endless.clone().body())).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "Oleria: the token endpoint's response is larger than 1048576 bytes (200)"
        );
        assert!(!error.is_transient());
    }
}

/// So many frames with nothing in them, which are counted, then a token.
fn after_empty_frames(
    empty: usize,
    polled: Arc<AtomicUsize>,
) -> impl Body<Data = Bytes, Error = Infallible> + Send {
    let data = [Bytes::from_static(br#"{"access_token":"abc"}"#)];
    let frames = std::iter::repeat_n(Bytes::new(), empty).chain(data);
    let frames = frames.inspect(move |_| _ = polled.fetch_add(1, Ordering::Relaxed));
    StreamBody::new(futures_util::stream::iter(frames.map(|data| Ok(Frame::data(data)))))
}

#[tokio::test]
async fn a_response_may_have_as_many_frames_as_bytes_and_4096_in_any_case() {
    for (cap, most) in [(64, 4096), (4096, 4096), (5000, 5000)] {
        for (empty, fits) in [(most - 1, true), (most, false), (most * 2, false)] {
            let polled = Arc::new(AtomicUsize::new(0));
            let counter = polled.clone();
            let answer = move || Response::new(after_empty_frames(empty, counter.clone()));
            let (transport, _) = scripted(answer);
            let result = GrantSource::new(grant(), transport)
                .size_cap(cap)
                .fetch(FetchContext::default())
                .await;
            assert_eq!(result.is_ok(), fits, "{cap} {empty} {result:?}");
            let expected = if fits { most } else { most + 1 };
            assert_eq!(polled.load(Ordering::Relaxed), expected, "{cap} {empty}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_always_ready_lets_other_tasks_have_their_turn() {
    let polled = Arc::new(AtomicUsize::new(0));
    let counter = polled.clone();
    let other = tokio::spawn({
        let polled = polled.clone();
        async move { polled.load(Ordering::Relaxed) }
    });
    fetch_over(move || Response::new(after_empty_frames(2_000, counter.clone()))).await.unwrap();
    assert_eq!(polled.load(Ordering::Relaxed), 2_001);
    // Tokio gives a task 128 turns; the frame after the last of them is read before it is known.
    let before_other = other.await.unwrap();
    assert!((1..=129).contains(&before_other), "{before_other}");
}

#[tokio::test]
async fn a_large_response_is_refused_by_what_it_announces_and_by_what_it_sends() {
    // Item 39.
    let large = Bytes::from(vec![b' '; 10 * 1024 * 1024]);
    let error = fetch_over(move || Response::new(Full::new(large.clone()))).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::OK));
    // The announcement alone: nothing of the body is read.
    struct Unread;
    impl Body for Unread {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("the body was read")
        }
    }
    let announced = || Response::builder().header("content-length", "1048577").body(Unread);
    let error = fetch_over(move || announced().unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
}

#[tokio::test]
async fn a_response_of_exactly_the_cap_is_read() {
    let mut body = br#"{"access_token":"abc"}"#.to_vec();
    body.resize(64, b' ');
    let answer = move || Response::new(Full::new(Bytes::from(body.clone())));
    for (cap, fits) in [(64, true), (63, false), (0, false)] {
        let (transport, _) = scripted(answer.clone());
        let source = GrantSource::new(grant(), transport).size_cap(cap);
        assert_eq!(source.fetch(FetchContext::default()).await.is_ok(), fits, "{cap}");
    }
}

#[tokio::test]
async fn the_cap_counts_all_frames_together() {
    let token = Bytes::from_static(br#"{"access_token":"abc"}"#);
    let answer = move || {
        let frames = [token.clone(), Bytes::from_static(b"        ")].map(Frame::data);
        Response::new(StreamBody::new(futures_util::stream::iter(frames.map(Ok::<_, Infallible>))))
    };
    for (cap, fits) in [(30, true), (29, false), (22, false)] {
        let (transport, _) = scripted(answer.clone());
        let source = GrantSource::new(grant(), transport).size_cap(cap);
        assert_eq!(source.fetch(FetchContext::default()).await.is_ok(), fits, "{cap}");
    }
}

#[tokio::test]
async fn a_response_in_many_frames_is_put_together() {
    let token = "x".repeat(40_000);
    let text = format!(r#"{{"access_token":"{token}"}}"#);
    let answer = move || {
        let frames: Vec<_> = text
            .as_bytes()
            .chunks(7)
            .map(|chunk| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(chunk))))
            .chain([Ok(Frame::trailers(http::HeaderMap::new()))])
            .collect();
        Response::new(StreamBody::new(futures_util::stream::iter(frames)))
    };
    let got = fetch_over(answer).await.unwrap();
    assert_eq!(got.expose_secret(), token);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    // RFC 9110 §15.4: a 307 or 308 would hand the secret on.
    for status in [301, 302, 303, 307, 308] {
        let answer = move || {
            let mut response = token_answer();
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            let location = "https://evil.example/collect".parse().unwrap();
            response.headers_mut().insert("location", location);
            response
        };
        let error = fetch_over(answer).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("a redirect to https://evil.example; redirects are not"), "{text}");
        assert_eq!(error.status().unwrap().as_u16(), status);
    }
}

#[tokio::test]
async fn html_and_cut_json_are_errors_that_show_nothing_of_them() {
    for body in ["<html>secret page</html>", r#"{"access_token":"secret"#] {
        let error = fetch_over(move || Response::new(Full::<Bytes>::from(body))).await.unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[derive(Debug)]
struct Layered(&'static str, Option<Box<Layered>>);

impl std::fmt::Display for Layered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Layered {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.1.as_deref().map(|e| e as _)
    }
}

#[tokio::test]
async fn a_connect_error_is_transient_and_keeps_its_chain() {
    let broken = service_fn(|_: Sent| {
        let error = Layered("tcp connect error", Some(Box::new(Layered("refused", None))));
        ready(Err::<Response<Full<Bytes>>, _>(error))
    });
    let error = GrantSource::new(grant(), broken).fetch(FetchContext::default()).await.unwrap_err();
    assert!(error.is_transient() && !error.is_timeout());
    assert_eq!(error.provider(), Some("Oleria"));
    assert_eq!(
        error.to_string(),
        "Oleria: the token endpoint could not be reached: tcp connect error: refused; hint: the \
         egress firewall must allow the host of the Authentication URL and of the API URL"
    );
    let source = error.source().unwrap();
    assert!(source.is::<Layered>());
    assert_eq!(source.source().unwrap().to_string(), "refused");
}

/// What the first caller of a slot gets over a transport that fails so: after one attempt and no wait
/// if the error is permanent.
async fn first_call(error: impl Fn() -> BoxError + Clone + Send + Sync + 'static) -> Error {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let transport = service_fn(move |_: Sent| {
        counter.fetch_add(1, Ordering::Relaxed);
        ready(Err::<Response<Full<Bytes>>, _>(error()))
    });
    let start = Instant::now();
    let error = TokenSlot::new(GrantSource::new(grant(), transport)).token().await.unwrap_err();
    let at_once = (calls.load(Ordering::Relaxed), start.elapsed()) == (1, Duration::ZERO);
    assert_eq!(error.is_transient(), !at_once, "{calls:?} {:?}", start.elapsed());
    error
}

#[tokio::test(start_paused = true)]
async fn what_a_transport_says_itself_is_taken_at_its_word() {
    let error = first_call(|| Error::permanent("no such smart card").into()).await;
    assert!(!error.is_transient());
    assert!(
        error.to_string().starts_with(
            "Oleria: the token endpoint could not be reached: no such smart card; hint: the egress"
        ),
        "{error}"
    );
    // In an `io::Error` that is in another error, whose chain skips it.
    let inside = || {
        let io = std::io::Error::other(std::io::Error::other(Error::permanent("pinned")));
        Box::new(std::io::Error::other(io)) as BoxError
    };
    let error = first_call(inside).await;
    assert!(!error.is_transient() && error.to_string().contains("reached: pinned;"), "{error}");
    let error = first_call(|| Error::setting("pin", "is not a digest").into()).await;
    assert!(error.to_string().contains("reached: `pin` is not a digest;"), "{error}");
    let error = first_call(|| Error::transient("busy").into()).await;
    assert!(error.is_transient() && error.to_string().contains("reached: busy;"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_transport_says_how_long_to_wait() {
    let busy = service_fn(|_: Sent| {
        let error = Error::transient("busy").with_retry_after(Duration::from_secs(7));
        ready(Err::<Response<Full<Bytes>>, _>(error))
    });
    let error = GrantSource::new(grant(), busy).fetch(FetchContext::default()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test(start_paused = true)]
async fn the_word_of_a_transport_is_masked_like_a_servers() {
    let echo = || Error::permanent("the-secret and 0123456789abcdef0123 \r\n forged").into();
    let error = first_call(echo).await;
    let text = format!("{error} {error:?} {}", error.source().unwrap());
    assert!(!text.contains("the-secret") && !error.to_string().contains("0123456789"), "{text}");
    assert!(error.to_string().contains("reached: [redacted] and [redacted] \\u{d}\\u{a} forged"));
}

#[cfg(feature = "rustls")]
#[tokio::test(start_paused = true)]
async fn a_certificate_that_does_not_verify_is_found_wherever_the_chain_has_it() {
    fn unknown() -> rustls::Error {
        rustls::CertificateError::UnknownIssuer.into()
    }
    fn io(error: impl Into<BoxError>) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::InvalidData, error)
    }
    let shapes: [fn() -> BoxError; 4] = [
        || unknown().into(),
        || io(unknown()).into(),
        || io(io(unknown())).into(),
        || Box::new(Around(Box::new(io(Around(Box::new(io(unknown()))))))),
    ];
    for shape in shapes {
        let error = first_call(shape).await;
        assert!(!error.is_transient());
        let text = error.to_string();
        assert!(text.contains("reached: invalid peer certificate: UnknownIssuer; hint: trust"));
    }
    // A transport that knows better.
    let error = first_call(|| Error::transient(io(unknown())).into()).await;
    assert!(error.is_transient());
    assert!(error.to_string().contains("reached: invalid peer certificate"), "{error}");
}

/// An error about another one.
#[derive(Debug)]
struct Around(BoxError);

impl std::fmt::Display for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("client error (Connect)")
    }
}

impl std::error::Error for Around {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_tls_library_that_is_not_known_here_a_failure_is_transient_and_keeps_its_text() {
    let foreign = || Around(Box::new(Layered("certificate verify failed", None))).into();
    let error = first_call(foreign).await;
    assert!(error.is_transient());
    let cause = error.source().unwrap().source().unwrap();
    assert_eq!(cause.to_string(), "certificate verify failed");
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn an_alert_in_the_middle_of_the_response_is_permanent_too() {
    let answer = || {
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
        let frames = [Ok(Frame::data(Bytes::from_static(b"{"))), Err(std::io::Error::other(alert))];
        Response::new(StreamBody::new(futures_util::stream::iter(frames)))
    };
    let error = fetch_over(answer).await.unwrap_err();
    assert!(!error.is_transient());
    assert!(
        error
            .to_string()
            .contains("before the token response was complete: received fatal alert: Cert"),
        "{error}"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_in_the_body_is_transient() {
    let answer = || {
        let frames = [Ok(Frame::data(Bytes::from_static(b"{"))), Err(Layered("reset", None))];
        Response::new(StreamBody::new(futures_util::stream::iter(frames)))
    };
    let error = fetch_over(answer).await.unwrap_err();
    assert!(error.is_transient());
    assert!(
        error.to_string().contains("connection closed before the token response was complete"),
        "{error}"
    );
}

#[tokio::test]
async fn plain_http_reaches_loopback_or_what_the_dangerous_switch_allows() {
    let builder =
        |url: &str| ClientCredentials::builder(ClientAuth::secret("i", "s")).token_url(url);
    for grant in [
        builder("http://127.0.0.1:1/t").build().unwrap(),
        builder("HTTP://LocalHost:1/t").build().unwrap(),
        builder("HTTPS://Auth.Example/t").build().unwrap(),
        builder("http://auth.example/t").dangerous_plain_http(true).build().unwrap(),
    ] {
        let (transport, _) = scripted(token_answer);
        GrantSource::new(grant, transport).fetch(FetchContext::default()).await.unwrap();
    }
}

/// A grant from outside that would send the secret in the open.
struct Careless(Apiera, &'static str);

impl Grant for Careless {
    fn client(&self) -> &RotatingClient {
        self.0.client()
    }
    fn endpoint(&self) -> Endpoint {
        self.0.endpoint()
    }
    fn request(&self, request: &TokenRequest) -> Request<Bytes> {
        let mut to_send = self.0.request(request);
        *to_send.uri_mut() = self.1.parse().unwrap();
        to_send
    }
    fn response(&self, request: &TokenRequest, response: &Response<Bytes>) -> Result<Token, Error> {
        self.0.response(request, response)
    }
    fn info(&self) -> SourceInfo {
        self.0.info().with_name("Careless")
    }
}

#[tokio::test]
async fn a_grant_that_would_send_the_secret_in_the_open_is_stopped() {
    for (url, problem) in [
        ("http://auth.example/t", "must be https: plain http is allowed for loopback only"),
        ("ftp://localhost/t", "must be https: plain http is allowed for loopback only"),
        ("/t", "is not absolute"),
        ("https://u:p@auth.example/t", "has user information"),
    ] {
        let apiera = Apiera::builder(ClientAuth::secret("i", "s")).organization("org_A");
        let (transport, calls) = scripted(token_answer);
        let source = GrantSource::new(Careless(apiera.build().unwrap(), url), transport);
        let error = source.fetch(FetchContext::default()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("Careless: `token_url` {problem}"));
        assert_eq!(calls.load(Ordering::Relaxed), 0);
    }
}

#[test]
fn outside_of_a_runtime_there_is_an_error_and_no_panic() {
    let (transport, _) = scripted(token_answer);
    let source = GrantSource::new(grant(), transport);
    let mut fetch = tokio_test::task::spawn(source.fetch(FetchContext::default()));
    match fetch.poll() {
        Poll::Ready(Err(error)) => {
            assert_eq!(error.to_string(), "Oleria: there is no Tokio runtime here");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn sources_and_grants_go_where_tower_and_tokio_want_them() {
    fn check<T: Clone + Send + Sync + Unpin + 'static>() {}
    fn future<F: Send>(_: &F) {}
    check::<GrantSource<Oleria, NeverReady>>();
    check::<(Oleria, Apiera, Fuuffy, oauth_core::Ataccama, ClientCredentials)>();
    #[cfg(feature = "hyper-transport")]
    check::<GrantSource<Oleria, oauth_core::HyperTransport>>();
    let source = GrantSource::new(grant(), NeverReady);
    future(&source.fetch(FetchContext::default()));
}
