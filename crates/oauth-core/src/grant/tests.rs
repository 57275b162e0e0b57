use http::Uri;
use http::header::HOST;

use super::*;

/// A grant that says the least that it can.
struct Least(RotatingClient);

impl Grant for Least {
    fn client(&self) -> &RotatingClient {
        &self.0
    }

    fn request(&self, client: &ClientAuth) -> Request<Bytes> {
        let mut request = Request::new(Bytes::copy_from_slice(client.id().as_bytes()));
        *request.uri_mut() = Uri::from_static("https://auth.example/t");
        request
    }

    fn response(&self, client: &ClientAuth, response: &Response<Bytes>) -> Result<Token, Error> {
        match response.headers().get(HOST) {
            Some(_) => Err(Error::setting("id", client.id())),
            None => Token::bearer(client.id()),
        }
    }

    fn info(&self) -> SourceInfo {
        SourceInfo::new().with_name("least")
    }
}

/// A grant that decides all that can be left out.
struct Most(Least);

impl Grant for Most {
    fn client(&self) -> &RotatingClient {
        self.0.client()
    }

    fn request(&self, client: &ClientAuth) -> Request<Bytes> {
        self.0.request(client)
    }

    fn response(&self, client: &ClientAuth, response: &Response<Bytes>) -> Result<Token, Error> {
        self.0.response(client, response)
    }

    fn info(&self) -> SourceInfo {
        SourceInfo::new().with_name("most")
    }

    fn allows_plain_http(&self) -> bool {
        true
    }
}

fn least() -> Least {
    Least(RotatingClient::new(ClientAuth::secret("kept", "hidden")))
}

#[test]
fn what_a_grant_leaves_out_is_decided_safely() {
    let grant = least();
    assert!(!grant.allows_plain_http());
}

#[test]
fn a_shared_grant_says_what_the_grant_says() {
    fn check(grant: &impl Grant) {
        assert_eq!(grant.client().current().id(), "kept");
        let asked = ClientAuth::secret("asked", "hidden");
        let request = grant.request(&asked);
        assert_eq!((request.uri().path(), &request.body()[..]), ("/t", &b"asked"[..]));
        let mut answer = Response::new(Bytes::new());
        assert_eq!(grant.response(&asked, &answer).unwrap().expose_secret(), "asked");
        answer.headers_mut().insert(HOST, http::HeaderValue::from_static("auth.example"));
        let error = grant.response(&asked, &answer).unwrap_err();
        assert_eq!(error.to_string(), "`id` asked");
    }
    let shared: Arc<dyn Grant> = Arc::new(Most(least()));
    check(&shared);
    assert_eq!(shared.info(), SourceInfo::new().with_name("most"));
    assert!(shared.allows_plain_http());
    let shared = Arc::new(least());
    check(&shared);
    assert_eq!(Grant::info(&shared), SourceInfo::new().with_name("least"));
    assert!(!Grant::allows_plain_http(&shared));
}
