//! The credentials of one token request.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use super::client_auth::{ClientAuth, Method};

/// A client's credentials, resolved for one token request.
///
/// A grant either sends the [`members`](Self::members) and the [`authorization`](Self::authorization) as
/// they are, or puts the secret where its provider wants it. `Debug` shows the id and the method.
#[derive(Clone)]
pub struct Credentials {
    auth: Arc<ClientAuth>,
}

impl Credentials {
    pub(crate) fn new(auth: Arc<ClientAuth>) -> Self {
        Self { auth }
    }

    /// The client id.
    pub fn client_id(&self) -> &str {
        self.auth.id()
    }

    /// The client's secret, if it has one. Do not format or log it, and keep copies only in memory that is
    /// wiped, such as `zeroize::Zeroizing`.
    pub fn expose_secret(&self) -> Option<&str> {
        self.auth.expose_secret()
    }

    /// Returns names and values to send in the body; none if the client authenticates by a header.
    pub fn members(&self) -> impl Iterator<Item = (&'static str, &str)> {
        // RFC 6749 §2.3: one method a request.
        let in_body = self.auth.method() == Method::Post;
        let id = in_body.then(|| ("client_id", self.client_id()));
        let secret = self.expose_secret().filter(|_| in_body);
        id.into_iter().chain(secret.map(|secret| ("client_secret", secret)))
    }

    /// Returns the `Authorization` header to send, marked sensitive; `None` if there is none.
    pub fn authorization(&self) -> Option<HeaderValue> {
        self.auth.basic_header()
    }

    pub(crate) fn auth(&self) -> &ClientAuth {
        &self.auth
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.auth).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(auth: ClientAuth) -> Credentials {
        Credentials::new(Arc::new(auth))
    }

    #[test]
    fn a_secret_goes_into_the_body_or_into_the_header_and_never_into_both() {
        let auth = ClientAuth::secret("id", "hidden");
        for auth in [auth.clone(), auth.clone().post()] {
            let sent = resolved(auth);
            let members: Vec<_> = sent.members().collect();
            assert_eq!(members, [("client_id", "id"), ("client_secret", "hidden")]);
            assert_eq!(sent.authorization(), None);
        }
        for auth in [auth.clone().basic(), auth.raw_basic()] {
            let sent = resolved(auth);
            assert_eq!(sent.members().count(), 0);
            let header = sent.authorization().unwrap();
            assert_eq!(header, "Basic aWQ6aGlkZGVu");
            assert!(header.is_sensitive());
        }
    }

    #[test]
    fn the_secret_is_there_to_be_sent_elsewhere_and_is_not_shown() {
        let sent = resolved(ClientAuth::secret("id", "hidden").basic());
        assert_eq!((sent.client_id(), sent.expose_secret()), ("id", Some("hidden")));
        let shown = format!("{sent:?}");
        assert_eq!(shown, r#"Credentials(ClientAuth { id: "id", method: Some(Basic), .. })"#);
    }
}
