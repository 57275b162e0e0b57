//! Random names, secrets and token values. Unique, not unguessable: this is a test kit.

use std::iter::repeat_with;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Dialect;

pub(crate) fn alphanumeric(length: usize) -> String {
    repeat_with(fastrand::alphanumeric).take(length).collect()
}

pub(crate) fn hex(length: usize) -> String {
    repeat_with(|| fastrand::digit(16)).take(length).collect()
}

/// A secret with every character that a careless form or Basic encoder gets wrong.
pub(crate) fn secret() -> String {
    let mut secret = alphanumeric(12);
    for special in ["+", "/", "=", "%2B", "&", ":", "%"] {
        secret.push_str(special);
        secret.push_str(&alphanumeric(3));
    }
    secret
}

/// A token as the dialect's server would write it: three base64url parts, or `sk-` and 32 hex digits.
pub(crate) fn token(dialect: Dialect) -> String {
    if dialect == Dialect::Fuuffy {
        return format!("sk-{}", hex(32));
    }
    let claims = format!(r#"{{"jti":"{}"}}"#, hex(32));
    let signature: Vec<u8> = repeat_with(|| fastrand::u8(..)).take(64).collect();
    [
        URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(claims),
        URL_SAFE_NO_PAD.encode(signature),
    ]
    .join(".")
}
