//! A grant from outside the crate does what those of the crate do: it places the secret, calls
//! credentials wrong, and makes every kind of error.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as the tests do")]

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use oauth_core::grant::{Endpoint, Grant, TokenRequest};
use oauth_core::{
    ClientAuth, ClientCredentials, Error, FetchContext, GrantSource, Origins, Params,
    RotatingClient, SourceInfo, Token, TokenSource,
};
use tower::service_fn;

/// Wants the secret in a header, responds with the bare token, and calls the secret wrong with a bare
/// 403.
struct Vendor {
    client: RotatingClient,
}

impl Grant for Vendor {
    fn client(&self) -> &RotatingClient {
        &self.client
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::Fixed(Uri::from_static("https://login.vendor.example/v2/token?key=1"))
    }

    fn params(&self) -> Arc<Params> {
        Arc::new(Params::new().with_scope("read").with_extra("api_key", "k3y-of-the-vendor"))
    }

    fn info(&self) -> SourceInfo {
        SourceInfo::new().with_name("Vendor").with_origins(Origins::any_https())
    }

    fn request(&self, request: &TokenRequest) -> Request<Bytes> {
        let scope = request.params().scope().unwrap_or_default();
        let mut to_send = Request::new(Bytes::copy_from_slice(scope.as_bytes()));
        *to_send.method_mut() = Method::POST;
        *to_send.uri_mut() = request.endpoint().clone();
        let secret = request.credentials().expose_secret().unwrap_or_default();
        let mut secret = HeaderValue::from_str(secret).unwrap();
        secret.set_sensitive(true);
        to_send.headers_mut().insert("x-app-secret", secret);
        to_send
    }

    fn response(&self, request: &TokenRequest, response: &Response<Bytes>) -> Result<Token, Error> {
        match response.status() {
            StatusCode::OK => match std::str::from_utf8(response.body()) {
                Ok(secret) => Token::bearer(secret),
                Err(_) => Err(request.unusable(response, "the token is not text")),
            },
            StatusCode::FORBIDDEN => Err(request.error(response).bad_credentials().build()),
            StatusCode::GONE => Err(Error::permanent("no app of that name")),
            _ => Err(request.error(response).build()),
        }
    }
}

fn client() -> RotatingClient {
    let client = RotatingClient::new(ClientAuth::secret("id", "the-new-secret"));
    client.with_fallback(ClientAuth::secret("id", "the-old-secret")).unwrap()
}

fn vendor() -> Vendor {
    Vendor { client: client() }
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &[u8]) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    response
}

/// A fetch at a server that knows the old secret alone and calls others wrong with a bare 403; and the
/// secrets that were sent, as `secret_in` finds them.
async fn fetch(
    grant: impl Grant,
    secret_in: fn(&Request<Full<Bytes>>, &str) -> bool,
) -> (Result<Token, Error>, Vec<&'static str>) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let seen = sent.clone();
    let transport = service_fn(move |request: Request<Full<Bytes>>| {
        let known = ["the-new-secret", "the-old-secret"];
        let secret = known.into_iter().find(|secret| secret_in(&request, secret)).unwrap();
        seen.lock().unwrap().push(secret);
        let mut response = Response::new(Full::<Bytes>::from("abc"));
        if secret == "the-new-secret" {
            response = Response::new(Full::default());
            *response.status_mut() = StatusCode::FORBIDDEN;
        } else if request.headers().contains_key("content-type") {
            response = Response::new(Full::from(r#"{"access_token":"abc"}"#));
        }
        ready(Ok::<_, Infallible>(response))
    });
    let result = GrantSource::new(grant, transport).fetch(FetchContext::default()).await;
    let sent = sent.lock().unwrap().clone();
    (result, sent)
}

#[tokio::test]
async fn at_a_server_that_rejects_a_client_with_a_bare_403_an_own_grant_reaches_the_fallback() {
    let (token, sent) =
        fetch(vendor(), |request, secret| request.headers()["x-app-secret"] == secret).await;
    assert_eq!(token.unwrap().expose_secret(), "abc");
    assert_eq!(sent, ["the-new-secret", "the-old-secret"]);
}

fn generic() -> oauth_core::grant::ClientCredentialsBuilder {
    ClientCredentials::builder(client()).token_url("https://auth.example/t")
}

#[tokio::test]
async fn the_generic_grant_reaches_the_fallback_there_if_the_setting_says_so_and_else_does_not() {
    let in_body = |request: &Request<Full<Bytes>>, secret: &str| {
        format!("{:?}", request.body()).contains(secret)
    };
    let with = generic().bad_credentials_status(StatusCode::FORBIDDEN).build().unwrap();
    let (token, sent) = fetch(with, in_body).await;
    assert_eq!(token.unwrap().expose_secret(), "abc");
    assert_eq!(sent, ["the-new-secret", "the-old-secret"]);

    let (error, sent) = fetch(generic().build().unwrap(), in_body).await;
    let error = error.unwrap_err();
    assert!(!error.is_bad_credentials() && !error.is_transient(), "{error}");
    assert_eq!(sent, ["the-new-secret"]);
}

#[test]
fn a_code_that_says_something_else_counts_for_more_than_the_status_of_bad_credentials() {
    let grant = generic().bad_credentials_status(StatusCode::FORBIDDEN).build().unwrap();
    let request = TokenRequest::new(&grant, client().current());
    for (status, body, bad_credentials, transient) in [
        (403, "", true, false),
        (403, "<html>", true, false),
        (403, r#"{"message":"Forbidden"}"#, true, false),
        (403, r#"{"error":"access_denied"}"#, true, false),
        (403, r#"{"error":"invalid_scope"}"#, false, false),
        (403, r#"{"error":"unauthorized_client"}"#, false, false),
        (403, r#"{"error":"slow_down"}"#, false, true),
        (403, r#"{"error":"temporarily_unavailable"}"#, false, true),
        (404, "", false, false),
        (401, "", true, false),
        (429, "", false, true),
    ] {
        let error = grant.response(&request, &answer(status, &[], body.as_bytes())).unwrap_err();
        let meaning = (error.is_bad_credentials(), error.is_transient());
        assert_eq!(meaning, (bad_credentials, transient), "{status} {body}");
    }
    // One that has advice of its own otherwise.
    let grant = generic().bad_credentials_status(StatusCode::NOT_FOUND).build().unwrap();
    let error = grant.response(&request, &answer(404, &[], b"")).unwrap_err();
    assert!(error.is_bad_credentials(), "{error}");
}

#[test]
fn a_status_that_does_not_reject_a_client_cannot_mean_bad_credentials() {
    for status in [200, 302, 408, 429, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        let error = generic().bad_credentials_status(status).build().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`bad_credentials_status` must be a 4xx status other than 408 and 429, \
             which are transient"
        );
    }
    for status in [400, 403, 404, 422, 499] {
        let status = StatusCode::from_u16(status).unwrap();
        generic().bad_credentials_status(status).build().unwrap();
    }
}

#[test]
fn without_another_word_an_error_means_what_its_status_and_its_code_mean_everywhere() {
    let grant = vendor();
    let request = TokenRequest::new(&grant, client().current());
    for (status, code, bad_credentials, transient) in [
        (400, "", false, false),
        (401, "", false, false),
        (408, "", false, true),
        (429, "", false, true),
        (503, "", false, true),
        (400, "invalid_client", true, false),
        (503, "invalid_client", false, true),
        (400, "Too Many Requests", false, true),
        (403, "temporarily_unavailable", false, true),
        (403, "E17", false, false),
    ] {
        let response = answer(status, &[], b"");
        let error = request.error(&response).code(code).build();
        let meaning = (error.is_bad_credentials(), error.is_transient());
        assert_eq!(meaning, (bad_credentials, transient), "{status} {code}");
        assert_eq!(error.code().unwrap_or_default(), code);
        assert_eq!(error.status(), Some(response.status()));
        assert_eq!(error.provider(), Some("Vendor"));
    }
}

#[test]
fn an_error_can_say_all_that_those_of_the_crate_say() {
    let grant = vendor();
    let request = TokenRequest::new(&grant, client().current());
    let response = answer(403, &[], b"");
    let error = || request.error(&response).code("E17").description("no").hint("see the console");
    let wrong = error().bad_credentials().build();
    assert!(wrong.is_bad_credentials() && !wrong.is_transient());
    assert_eq!(
        wrong.to_string(),
        "Vendor: the token endpoint rejected the request (403 E17: no); hint: see the console"
    );
    let later = error().transient().retry_after(Duration::from_secs(7)).build();
    assert!(later.is_transient() && !later.is_bad_credentials());
    assert_eq!(later.retry_after(), Some(Duration::from_secs(7)));
    let throttled = error().throttled().build();
    assert!(throttled.is_transient());
    assert!(throttled.to_string().contains("rate limited"), "{throttled}");
    // The last word counts.
    let never = error().throttled().transient().bad_credentials().permanent().build();
    assert!(!never.is_transient() && !never.is_bad_credentials());
    let failed = answer(503, &[], b"");
    let failed = request.error(&failed).build();
    assert_eq!(failed.to_string(), "Vendor: the token endpoint failed (503)");
    let unusable = request.unusable(&answer(200, &[], b""), "the token is not text");
    assert!(!unusable.is_transient() && !unusable.is_bad_credentials());
    assert_eq!(unusable.to_string(), "Vendor: the token is not text (200)");
}

#[test]
fn how_long_to_wait_is_read_from_the_headers_unless_it_is_said() {
    let grant = vendor();
    let request = TokenRequest::new(&grant, client().current());
    let asked = answer(503, &[("retry-after", "20"), ("ratelimit-reset", "30")], b"");
    assert_eq!(request.error(&asked).build().retry_after(), Some(Duration::from_secs(20)));
    let said = request.error(&asked).retry_after(Duration::from_secs(7)).build();
    assert_eq!(said.retry_after(), Some(Duration::from_secs(7)));
    // A reset says nothing of an outage.
    let reset = answer(503, &[("ratelimit-reset", "30")], b"");
    assert_eq!(request.error(&reset).build().retry_after(), None);
    let throttled = request.error(&reset).throttled().build();
    assert_eq!(throttled.retry_after(), Some(Duration::from_secs(30)));
}

#[test]
fn text_of_the_server_shows_no_secret_in_an_own_error() {
    let grant = vendor();
    let request = TokenRequest::new(&grant, client().current());
    let response = answer(400, &[], b"");
    for secret in ["the-new-secret", "the-old-secret", "k3y-of-the-vendor", "tok-of-response"] {
        let text = format!("bad {secret}\n");
        let error = request.error(&response).code(&text).description(&text);
        let error = error.secret("tok-of-response");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
        let error = error.build();
        for shown in [error.to_string(), format!("{error:?}"), error.code().unwrap().to_owned()] {
            assert!(!shown.contains(secret) && !shown.contains('\n'), "{shown}");
        }
    }
    let long = "x ".repeat(500);
    let error = request.error(&response).code(&long).build();
    assert_eq!(error.code().unwrap().chars().count(), 64);
}

#[test]
fn an_invisible_blank_is_named_where_an_own_grant_calls_the_credentials_wrong() {
    let grant = Vendor { client: ClientAuth::secret(" id", "secret\u{a0}").into() };
    let request = TokenRequest::new(&grant, grant.client.current());
    let response = answer(403, &[], b"");
    let blanks = "the `client_id` that was sent begins with a space (U+0020); \
                  the `client_secret` that was sent ends with a non-breaking space (U+00A0)";
    let error = request.error(&response).bad_credentials().build();
    assert_eq!(error.hint(), Some(blanks));
    let error = request.error(&response).bad_credentials().hint("look it up").build();
    assert_eq!(error.hint(), Some(&*format!("look it up; {blanks}")));
    assert_eq!(request.error(&response).build().hint(), None);
}

#[tokio::test]
async fn an_error_without_a_name_gets_the_one_of_its_grant() {
    let transport = service_fn(|_: Request<Full<Bytes>>| {
        ready(Ok::<_, Infallible>(answer(410, &[], b"").map(Full::new)))
    });
    let error =
        GrantSource::new(vendor(), transport).fetch(FetchContext::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "Vendor: the token source failed: no app of that name");
}

#[test]
fn the_endpoint_of_a_source_is_that_of_its_grant_unless_the_grant_says_another() {
    struct Elsewhere(Vendor);
    impl Grant for Elsewhere {
        fn client(&self) -> &RotatingClient {
            self.0.client()
        }
        fn endpoint(&self) -> Endpoint {
            self.0.endpoint()
        }
        fn info(&self) -> SourceInfo {
            self.0.info().with_endpoint("https://proxy.example".parse().unwrap())
        }
        fn request(&self, request: &TokenRequest) -> Request<Bytes> {
            self.0.request(request)
        }
        fn response(
            &self,
            request: &TokenRequest,
            response: &Response<Bytes>,
        ) -> Result<Token, Error> {
            self.0.response(request, response)
        }
    }
    fn endpoint(grant: impl Grant) -> String {
        let transport = service_fn(|_: Request<Full<Bytes>>| {
            ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
        });
        GrantSource::new(grant, transport).info().endpoint().unwrap().to_string()
    }
    assert_eq!(endpoint(vendor()), "https://login.vendor.example");
    assert_eq!(endpoint(Elsewhere(vendor())), "https://proxy.example");
}
