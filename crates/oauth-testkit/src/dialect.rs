//! The four providers whose wire formats the servers speak.

use std::fmt;
use std::time::Duration;

/// The provider whose wire format a server speaks.
///
/// Displayed as its lower-case name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// A form with `scope`; bare RFC 6749 errors; tokens of one hour.
    Oleria,
    /// A JSON body with `audience` and `organization`; `access_denied` for bad credentials; tokens of a day.
    Apiera,
    /// A form; responses in a `data` envelope, errors with numeric codes; opaque tokens of one hour.
    Fuuffy,
    /// Keycloak: the realm in the path; tokens of five minutes.
    Ataccama,
}

impl Dialect {
    /// Every dialect, for tests that run once for each.
    pub const ALL: [Dialect; 4] =
        [Dialect::Oleria, Dialect::Apiera, Dialect::Fuuffy, Dialect::Ataccama];

    /// The lower-case name, as displayed.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::Oleria => "oleria",
            Dialect::Apiera => "apiera",
            Dialect::Fuuffy => "fuuffy",
            Dialect::Ataccama => "ataccama",
        }
    }

    /// How long a token lives unless [`AuthServer::set_lifetime`](crate::AuthServer::set_lifetime) says otherwise.
    pub const fn default_lifetime(self) -> Duration {
        Duration::from_secs(match self {
            Dialect::Oleria | Dialect::Fuuffy => 3600,
            Dialect::Apiera => 86_400,
            Dialect::Ataccama => 300,
        })
    }

    /// The names of the fields of a token request, in the order in which they are to be sent.
    ///
    /// Fuuffy's `grant_type` may be left out; every other one is required, except that `client_id` and
    /// `client_secret` are left out when the client authenticates itself with HTTP Basic.
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Dialect::Oleria => &["grant_type", "client_id", "client_secret", "scope"],
            Dialect::Apiera => {
                &["client_id", "client_secret", "audience", "grant_type", "organization"]
            }
            Dialect::Fuuffy | Dialect::Ataccama => &["grant_type", "client_id", "client_secret"],
        }
    }

    /// The content type of a token request, which the server accepts without parameters alone.
    pub const fn content_type(self) -> &'static str {
        match self {
            Dialect::Apiera => "application/json",
            _ => "application/x-www-form-urlencoded",
        }
    }

    pub(crate) const fn default_scope(self) -> &'static str {
        match self {
            Dialect::Oleria => "ClientCredentialsResourceServer/client_credentials_base_scope",
            Dialect::Ataccama => "profile email",
            Dialect::Apiera | Dialect::Fuuffy => "",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
