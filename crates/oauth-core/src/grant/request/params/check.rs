//! Checks of parameters. Errors name the parameter and show no value.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::Error;

/// Names that have a setter, or that would be a second client authentication (RFC 6749 §2.3).
const BUILT_IN: [&str; 9] = [
    "grant_type",
    "client_id",
    "client_secret",
    "scope",
    "audience",
    "resource",
    "authorization_details",
    "client_assertion",
    "client_assertion_type",
];

/// Scope tokens with single spaces between them (RFC 6749 §3.3). Empty is fine: it is not sent.
pub(super) fn scope(text: &str) -> Result<(), Error> {
    let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    if text.is_empty() || text.split(' ').all(|t| !t.is_empty() && t.bytes().all(allowed)) {
        return Ok(());
    }
    Err(Error::setting(
        "scope",
        "must be words of visible ASCII without `\"` and `\\`, \
         parted by single spaces (RFC 6749 §3.3)",
    ))
}

/// An absolute URI without a fragment (RFC 8707 §2): a URL or a URN.
pub(super) fn resource(text: &str) -> Result<(), Error> {
    let scheme = text.split_once(':').filter(|(_, rest)| !rest.is_empty()).map(|(s, _)| s);
    let absolute = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if !absolute || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('#') {
        return Err(Error::setting(
            "resource",
            "must be an absolute URI without a fragment (RFC 8707 §2)",
        ));
    }
    Ok(())
}

/// RFC 9396 §2.
pub(super) fn authorization_details(json: &str) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Detail<'a> {
        #[serde(rename = "type", borrow)]
        _type: Cow<'a, str>,
    }
    // Serde would also accept an array, as the members in order.
    let is_detail = |detail: &&RawValue| {
        detail.get().starts_with('{') && serde_json::from_str::<Detail<'_>>(detail.get()).is_ok()
    };
    match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(details) if !details.is_empty() && details.iter().all(is_detail) => Ok(()),
        // Never serde's own text: it quotes.
        _ => Err(Error::setting(
            "authorization_details",
            "must be a JSON array of objects, each with a `type` (RFC 9396 §2)",
        )),
    }
}

/// RFC 6749 §3.2: no parameter twice.
pub(super) fn extra(extra: &[(String, String)]) -> Result<(), Error> {
    for (i, (name, _)) in extra.iter().enumerate() {
        if name.is_empty() {
            return Err(Error::setting("parameter", "has an empty name"));
        }
        if BUILT_IN.contains(&name.as_str()) {
            return Err(Error::setting(
                "parameter",
                format_args!("must not be `{name}`, which the grant itself sends: use its setter"),
            ));
        }
        if extra[..i].iter().any(|(earlier, _)| earlier == name) {
            return Err(Error::setting("parameter", format_args!("`{name}` is set twice")));
        }
    }
    Ok(())
}
