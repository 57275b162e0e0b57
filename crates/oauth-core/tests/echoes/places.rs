//! Where an echo can come to be shown.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::future::{Future, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use oauth_core::grant::{Grant, TokenRequest};
use oauth_core::{ClientAuth, ClientCredentials, Error, FetchContext, GrantSource, TokenSource};
use tower::service_fn;

pub(crate) fn grant(client: ClientAuth) -> ClientCredentials {
    ClientCredentials::builder(client).token_url("https://auth.example/t").build().unwrap()
}

/// Everything that an error shows of itself and of its causes.
pub(crate) fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:#} {error:?} {error:#?} {:?}", error.hint());
    let _ = write!(text, " {:?} {:?}", error.code(), error.provider());
    let mut next: Option<&dyn StdError> = Some(error);
    while let Some(link) = next {
        let _ = write!(text, " {link} {link:?} {link:#?}");
        next = link.source();
    }
    text
}

/// The responses that carry this text in one of their parts.
fn answers(echo: &str) -> Vec<Response<Bytes>> {
    let quoted = serde_json::to_string(echo).unwrap();
    let mut answers = Vec::new();
    for (status, body) in [
        (400, format!(r#"{{"error":"invalid_client","error_description":{quoted}}}"#)),
        (400, format!(r#"{{"error":{quoted}}}"#)),
        (401, format!(r#"{{"error":{{"code":{quoted},"message":{quoted}}}}}"#)),
        (401, format!(r#"{{"error":"invalid_client","error_uri":{quoted}}}"#)),
        (400, format!(r#"{{"errorCode":{quoted},"errorSummary":{quoted}}}"#)),
        (400, format!(r#"{{"title":{quoted},"detail":{quoted}}}"#)),
        (400, format!(r#"{{"reason":{quoted}}}"#)),
        (400, format!(r#"{{"errors":[{{"code":{quoted},"message":{quoted}}}]}}"#)),
        (400, format!(r#"[{quoted}]"#)),
        (400, quoted.clone()),
        (200, format!(r#"{{"access_token":"t","token_type":{quoted}}}"#)),
        (200, format!(r#"{{"access_token":"t","scope":{quoted}}}"#)),
        (200, format!(r#"{{"access_token":"t","scope":["a",{quoted}]}}"#)),
        (200, format!(r#"{{"access_token":"t","expires_in":{quoted}}}"#)),
        (200, echo.to_owned()),
    ] {
        let mut answer = Response::new(Bytes::from(body));
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        answers.push(answer);
    }
    let mut plain = Response::new(Bytes::copy_from_slice(echo.as_bytes()));
    *plain.status_mut() = StatusCode::UNAUTHORIZED;
    plain.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    answers.push(plain);
    if let Ok(value) = HeaderValue::from_bytes(echo.as_bytes()) {
        for (name, status) in [("content-type", 200), ("content-encoding", 200)] {
            let mut answer = Response::new(Bytes::from("<html>"));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            answer.headers_mut().insert(name, value.clone());
            answers.push(answer);
        }
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = StatusCode::FOUND;
        if let Ok(target) = HeaderValue::from_str(&format!("https://{echo}.example/{echo}")) {
            answer.headers_mut().insert("location", target);
            answers.push(answer);
        }
    }
    answers
}

/// What is shown of a response that describes its error with this echo.
pub(crate) fn described(grant: &ClientCredentials, client: &ClientAuth, echo: &str) -> String {
    shown(
        &grant.response(&TokenRequest::new(grant, client.clone()), &answers(echo)[0]).unwrap_err(),
    )
}

/// All that is shown of responses with this echo, and of a transport that fails with it.
pub(crate) fn all_shown(grant: &ClientCredentials, client: &ClientAuth, echo: &str) -> Vec<String> {
    let mut texts: Vec<_> = answers(echo)
        .iter()
        .map(|answer| match grant.response(&TokenRequest::new(grant, client.clone()), answer) {
            Ok(token) => format!("{token:?} {token:#?} {:?}", token.scope()),
            Err(error) => shown(&error),
        })
        .collect();
    texts.push(shown(&unreachable(grant, echo)));
    texts
}

fn unreachable(grant: &ClientCredentials, echo: &str) -> Error {
    let text = echo.to_owned();
    let transport = service_fn(move |_: Request<Full<Bytes>>| {
        let inner = std::io::Error::other(text.clone());
        ready(Err::<Response<Full<Bytes>>, _>(std::io::Error::other(inner)))
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    let source = GrantSource::new(grant.clone(), transport);
    let mut fetch = pin!(source.fetch(FetchContext::default()));
    match fetch.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.unwrap_err(),
        Poll::Pending => panic!("nothing here has to be waited for"),
    }
}

/// The first eight characters in a row of `of` that stand in `text`.
pub(crate) fn window(of: &str, text: &str) -> Option<String> {
    let letters: Vec<char> = of.chars().collect();
    let mut windows = letters.windows(8).map(|window| window.iter().collect::<String>());
    windows.find(|window| text.contains(window))
}
