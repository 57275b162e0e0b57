//! How the client authenticates to the token endpoint (RFC 6749 §2.3).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::into_secret::IntoSecret;
use crate::error::Error;

/// A client's credentials and the method by which they are sent.
///
/// Without a method each provider sends them its own way. `Debug` shows the id, never the secret.
///
/// ```
/// use oauth_core::ClientAuth;
///
/// let client = ClientAuth::secret("billing", "correct horse").basic();
/// assert!(!format!("{client:?}").contains("horse"));
/// ```
#[derive(Clone)]
pub struct ClientAuth {
    id: String,
    proof: Proof,
}

/// What the client authenticates with.
#[derive(Clone)]
enum Proof {
    Secret {
        secret: SecretString,
        /// `None`: each provider's own way.
        method: Option<Method>,
    },
}

/// One method per request, never two (RFC 6749 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Id and secret as members of the body.
    Post,
    /// HTTP Basic, id and secret form-encoded first (RFC 6749 §2.3.1).
    Basic,
    /// HTTP Basic as in RFC 7617, for servers that do not form-decode.
    RawBasic,
}

impl ClientAuth {
    /// Creates credentials of a client id and a secret, sent in the way that the provider's contract asks
    /// for.
    ///
    /// Empty or unprintable values are an error that names them when a grant is built. Blanks at their ends
    /// are sent (RFC 6749 App. A.2: a secret may end in a space). If the token endpoint rejects the
    /// credentials, the error's hint names such a blank. The same holds for credentials from the
    /// environment and from a [`SecretProvider`](crate::SecretProvider) as well; a
    /// [`FileSecret`](crate::FileSecret) refuses them.
    ///
    /// ```
    /// # use oauth_core::ClientAuth;
    /// # struct Settings { client_id: String, client_secret: String }
    /// # let settings = Settings { client_id: "billing".into(), client_secret: "correct horse".into() };
    /// let client = ClientAuth::secret(&settings.client_id, &settings.client_secret);
    /// ```
    pub fn secret(id: impl Into<String>, secret: impl IntoSecret) -> Self {
        Self { id: id.into(), proof: Proof::Secret { secret: secret.into_secret(), method: None } }
    }

    /// Sends both by HTTP Basic, form-encoded first (RFC 6749 §2.3.1).
    #[must_use]
    pub fn basic(self) -> Self {
        self.sent_by(Method::Basic)
    }

    /// Sends both by HTTP Basic without encoding them first, for servers that do not decode.
    #[must_use]
    pub fn raw_basic(self) -> Self {
        self.sent_by(Method::RawBasic)
    }

    /// Sends both as members of the request's body.
    #[must_use]
    pub fn post(self) -> Self {
        self.sent_by(Method::Post)
    }

    fn sent_by(mut self, chosen: Method) -> Self {
        match &mut self.proof {
            Proof::Secret { method, .. } => *method = Some(chosen),
        }
        self
    }

    /// The client id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The client's secret, if it has one.
    pub(crate) fn expose_secret(&self) -> Option<&str> {
        match &self.proof {
            Proof::Secret { secret, .. } => Some(secret.expose_secret()),
        }
    }

    /// The same id and method with another secret.
    pub(crate) fn with_secret(&self, secret: SecretString) -> Self {
        let proof = match &self.proof {
            Proof::Secret { method, .. } => Proof::Secret { secret, method: *method },
        };
        Self { id: self.id.clone(), proof }
    }

    /// Whether both would make the same token request.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        (&self.id, self.expose_secret(), self.method())
            == (&other.id, other.expose_secret(), other.method())
    }

    pub(crate) fn method(&self) -> Method {
        match &self.proof {
            Proof::Secret { method, .. } => method.unwrap_or(Method::Post),
        }
    }

    /// Refuses what no token endpoint would take, before anything is sent.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let secret = self.expose_secret().map(|secret| ("client_secret", secret));
        for (name, value) in [("client_id", self.id())].into_iter().chain(secret) {
            if value.is_empty() {
                return Err(Error::setting(name, "is empty"));
            }
            // RFC 6749 App. A.1, A.2. Usually the line end of a file that was read whole.
            if value.chars().any(char::is_control) {
                return Err(Error::setting(
                    name,
                    "has a control character, a line end perhaps: trim it",
                ));
            }
        }
        if self.method() == Method::RawBasic && self.id.contains(':') {
            return Err(Error::setting(
                "client_id",
                "has a colon, which raw Basic cannot carry (RFC 7617 §2): use basic()",
            ));
        }
        Ok(())
    }

    /// The `Authorization` header for the Basic methods, marked sensitive.
    pub(crate) fn basic_header(&self) -> Option<HeaderValue> {
        let (id, secret) = (self.id.as_bytes(), self.expose_secret()?);
        // As large as either can become: growing would leave a copy behind in freed memory.
        let mut user_pass =
            Zeroizing::new(String::with_capacity(3 * (id.len() + secret.len()) + 1));
        match self.method() {
            Method::Post => return None,
            Method::Basic => {
                user_pass.extend(form_urlencoded::byte_serialize(id));
                user_pass.push(':');
                user_pass.extend(form_urlencoded::byte_serialize(secret.as_bytes()));
            }
            Method::RawBasic => {
                user_pass.push_str(&self.id);
                user_pass.push(':');
                user_pass.push_str(secret);
            }
        }
        const SCHEME: &[u8] = b"Basic ";
        let mut text = Zeroizing::new(vec![0; SCHEME.len() + 4 * user_pass.len().div_ceil(3)]);
        let (scheme, encoded) = text.split_at_mut(SCHEME.len());
        scheme.copy_from_slice(SCHEME);
        // In place: encoding into a `String` goes through a buffer on the stack.
        STANDARD.encode_slice(user_pass.as_bytes(), encoded).ok()?;
        // Base64 is always a valid header value. Its bytes are wiped with the last clone.
        let bytes = Bytes::from_owner(text);
        let mut header = HeaderValue::from_maybe_shared(bytes).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("ClientAuth");
        out.field("id", &self.id);
        match &self.proof {
            Proof::Secret { method, .. } => out.field("method", method),
        };
        out.finish_non_exhaustive()
    }
}
