//! Response bodies as the four providers document them, for tests of code that reads them.
//!
//! Tokens and names in them are invented; everything else is the provider's wording. Each ends with a line
//! feed. The files are in the crate's `fixtures` directory, the status in the name of each.
//!
//! ```
//! use oauth_testkit::fixtures;
//!
//! assert!(fixtures::OLERIA_TOKEN.contains(r#""expires_in":3600"#));
//! ```

/// 200 of Oleria's token endpoint.
pub const OLERIA_TOKEN: &str = include_str!("../fixtures/oleria-200.json");

/// 400 of Oleria's token endpoint: a field is missing or misspelt.
pub const OLERIA_INVALID_REQUEST: &str =
    include_str!("../fixtures/oleria-400-invalid_request.json");

/// 401 of Oleria's token endpoint, which also comes as a 400: the credentials are wrong.
pub const OLERIA_INVALID_CLIENT: &str = include_str!("../fixtures/oleria-401-invalid_client.json");

/// 200 of Apiera's token endpoint.
pub const APIERA_TOKEN: &str = include_str!("../fixtures/apiera-200.json");

/// 401 of Apiera's token endpoint: the credentials are wrong. A 403 has the same body.
pub const APIERA_ACCESS_DENIED: &str = include_str!("../fixtures/apiera-token-401.json");

/// 401 of Apiera's API: the token has expired.
pub const APIERA_API_EXPIRED: &str = include_str!("../fixtures/apiera-api-401-expired.json");

/// 200 of Fuuffy's token endpoint, as its examples show it: `data` is an object.
pub const FUUFFY_TOKEN: &str = include_str!("../fixtures/fuuffy-200.json");

/// 200 of Fuuffy's token endpoint, as its reference describes it: `data` is a string of JSON.
pub const FUUFFY_TOKEN_IN_STRING: &str = include_str!("../fixtures/fuuffy-200-data-as-string.json");

/// 400 of Fuuffy's token endpoint: a parameter is missing or invalid.
pub const FUUFFY_INVALID_REQUEST: &str = include_str!("../fixtures/fuuffy-400.json");

/// 401 of Fuuffy's token endpoint: the credentials are wrong.
pub const FUUFFY_INVALID_CLIENT: &str = include_str!("../fixtures/fuuffy-401.json");

/// The same in an `error` envelope.
pub const FUUFFY_INVALID_CLIENT_WRAPPED: &str = include_str!("../fixtures/fuuffy-401-wrapped.json");

/// 500 of Fuuffy's token endpoint.
pub const FUUFFY_API_ERROR: &str = include_str!("../fixtures/fuuffy-500.json");

/// 401 of Fuuffy's API: the token has expired.
pub const FUUFFY_API_EXPIRED: &str = include_str!("../fixtures/fuuffy-api-401-expired.json");

/// 200 of Ataccama's token endpoint, which is Keycloak's.
pub const ATACCAMA_TOKEN: &str = include_str!("../fixtures/ataccama-200.json");

/// 401 of Ataccama's token endpoint: the credentials are wrong.
pub const ATACCAMA_UNAUTHORIZED_CLIENT: &str =
    include_str!("../fixtures/ataccama-401-unauthorized_client.json");

/// 404 of Ataccama's token endpoint: no such realm.
pub const ATACCAMA_UNKNOWN_REALM: &str = include_str!("../fixtures/ataccama-404-realm.json");
