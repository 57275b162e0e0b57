//! What can be wrong with a token request.

/// Why a token request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    NotFound,
    UnknownRealm,
    MethodNotAllowed,
    ContentType,
    NotAcceptable,
    TooLarge,
    Malformed,
    CredentialsInQuery,
    Duplicate(String),
    Missing(String),
    Order,
    /// More than one client authentication, or one that is not understood.
    ClientAuthentication,
    GrantType,
    BadClient {
        basic: bool,
    },
    Organization,
    Audience(String),
    Scope,
}

impl Problem {
    /// What a provider that explains itself would say of a request that is not in order.
    pub(super) fn explanation(&self) -> String {
        match self {
            Problem::NotFound => "Not found".to_owned(),
            Problem::UnknownRealm => "Realm does not exist".to_owned(),
            Problem::MethodNotAllowed => "Method not allowed".to_owned(),
            Problem::ContentType => "Unsupported content type".to_owned(),
            Problem::NotAcceptable => "The Accept header must name application/json".to_owned(),
            Problem::TooLarge => "The body is too large".to_owned(),
            Problem::Malformed => "The body cannot be read".to_owned(),
            Problem::CredentialsInQuery => "Parameters belong in the body".to_owned(),
            Problem::Duplicate(name) => format!("Parameter sent twice: {name}"),
            Problem::Missing(name) => format!("Missing parameter: {name}"),
            Problem::Order => "Parameters are not in the documented order".to_owned(),
            Problem::ClientAuthentication => "Use one client authentication method".to_owned(),
            Problem::GrantType => "Unsupported grant_type".to_owned(),
            Problem::BadClient { .. } => "Invalid client credentials".to_owned(),
            Problem::Organization => "Invalid organization".to_owned(),
            Problem::Audience(audience) => {
                format!("Client is not authorized to access \"{audience}\".")
            }
            Problem::Scope => "Invalid scope".to_owned(),
        }
    }
}
