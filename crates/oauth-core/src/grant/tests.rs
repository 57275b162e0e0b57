use std::time::Duration;

use http::header::HOST;
use http::{HeaderValue, Uri};

use super::*;
use crate::credentials::ClientAuth;

/// A grant that says the least that it can.
struct Least(RotatingClient);

impl Grant for Least {
    fn client(&self) -> &RotatingClient {
        &self.0
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::Fixed(Uri::from_static("https://auth.example/t?key=1"))
    }

    fn info(&self) -> SourceInfo {
        SourceInfo::new().with_name("least")
    }

    fn request(&self, request: &TokenRequest) -> Request<Bytes> {
        let id = request.credentials().client_id();
        let mut to_send = Request::new(Bytes::copy_from_slice(id.as_bytes()));
        *to_send.uri_mut() = request.endpoint().clone();
        to_send
    }

    fn response(&self, request: &TokenRequest, response: &Response<Bytes>) -> Result<Token, Error> {
        let id = request.credentials().client_id();
        match response.headers().get(HOST) {
            Some(_) => Err(Error::setting("id", id)),
            None => Token::bearer(id),
        }
    }
}

/// A grant that decides all that can be left out.
struct Most(Least);

impl Grant for Most {
    fn client(&self) -> &RotatingClient {
        self.0.client()
    }

    fn endpoint(&self) -> Endpoint {
        self.0.endpoint()
    }

    fn params(&self) -> Arc<Params> {
        Arc::new(params())
    }

    fn info(&self) -> SourceInfo {
        SourceInfo::new().with_name("most").with_refresh_window(Duration::from_secs(7))
    }

    fn request(&self, request: &TokenRequest) -> Request<Bytes> {
        self.0.request(request)
    }

    fn response(&self, request: &TokenRequest, response: &Response<Bytes>) -> Result<Token, Error> {
        self.0.response(request, response)
    }

    fn allows_plain_http(&self) -> bool {
        true
    }
}

fn params() -> Params {
    Params::new().with_scope("r").with_extra("api_key", "hidden-too")
}

fn least() -> Least {
    Least(RotatingClient::new(ClientAuth::secret("kept", "hidden")))
}

#[test]
fn what_a_grant_leaves_out_is_decided_safely() {
    let grant = least();
    assert_eq!(*grant.params(), Params::new());
    assert!(!grant.allows_plain_http());
}

#[test]
fn a_shared_grant_says_what_the_grant_says() {
    fn check(grant: &impl Grant) {
        assert_eq!(grant.client().current().id(), "kept");
        assert_eq!(grant.endpoint(), least().endpoint());
        let asked = TokenRequest::new(grant, ClientAuth::secret("asked", "hidden"));
        let request = grant.request(&asked);
        assert_eq!((request.uri().path(), &request.body()[..]), ("/t", &b"asked"[..]));
        let mut response = Response::new(Bytes::new());
        assert_eq!(grant.response(&asked, &response).unwrap().expose_secret(), "asked");
        response.headers_mut().insert(HOST, HeaderValue::from_static("auth.example"));
        let error = grant.response(&asked, &response).unwrap_err();
        assert_eq!(error.to_string(), "`id` asked");
    }
    let shared: Arc<dyn Grant> = Arc::new(Most(least()));
    check(&shared);
    assert_eq!(shared.info(), Most(least()).info());
    assert_eq!(*shared.params(), params());
    assert!(shared.allows_plain_http());
    let shared = Arc::new(least());
    check(&shared);
    assert_eq!(Grant::info(&shared), least().info());
    assert_eq!(*Grant::params(&shared), Params::new());
    assert!(!Grant::allows_plain_http(&shared));
}

#[test]
fn a_token_request_has_what_its_grant_says_and_the_credentials_that_it_is_made_with() {
    let request = TokenRequest::new(&Most(least()), ClientAuth::secret("asked", "a-secret"));
    assert_eq!(request.credentials().client_id(), "asked");
    assert_eq!(request.endpoint(), "https://auth.example/t?key=1");
    assert_eq!(*request.params(), params());
    assert_eq!(request.provider().map(AsRef::as_ref), Some("most"));
    assert_eq!(
        format!("{request:?}"),
        "TokenRequest { credentials: Credentials(ClientAuth { id: \"asked\", method: None, .. }), \
         endpoint: auth.example/t, params: Params([\"scope\", \"api_key\"]), .. }"
    );
}

#[test]
fn a_token_request_masks_its_own_secret_the_others_of_its_client_and_secret_parameters() {
    let client = RotatingClient::new(ClientAuth::secret("id", "the-current-secret"));
    let client = client.with_fallback(ClientAuth::secret("id", "the-fallback-secret")).unwrap();
    let grant = Most(Least(client));
    let request = TokenRequest::new(&grant, ClientAuth::secret("id", "the-secret-sent"));
    for secret in ["the-secret-sent", "the-current-secret", "the-fallback-secret"] {
        assert_eq!(request.mask(&format!("no {secret}!")), "no [redacted]!", "{secret}");
    }
    assert!(!request.mask("no hidden-too!").contains("hidden-too"));
    assert_eq!(request.mask("no\nway"), "no\\u{a}way");
}
