//! The contract of a token request, checked field by field.

use hyper::header::{ACCEPT, CONTENT_TYPE};

use super::basic;
use super::settings::Settings;
use crate::Dialect;
use crate::recorded::{RecordedRequest, fields};
use crate::shape::Problem;

pub(super) fn check(
    dialect: Dialect,
    request: &RecordedRequest,
    settings: &Settings,
) -> Result<(), Problem> {
    if request.method() != "POST" {
        return Err(Problem::MethodNotAllowed);
    }
    check_headers(dialect, request)?;
    check_query(dialect, request)?;

    let fields = fields::parse(dialect, request.body()).ok_or(Problem::Malformed)?;
    check_each(&fields)?;
    let field = |name: &str| -> Result<&str, Problem> {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value).ok_or_else(|| Problem::Missing(name.to_owned()))
    };

    let basic = basic::read(request.headers(), settings.raw_basic)?;
    if basic.is_some() && field("client_secret").is_ok() {
        return Err(Problem::ClientAuthentication);
    }
    for name in dialect.fields() {
        let replaced_by_basic = basic.is_some() && name.starts_with("client_");
        let optional = dialect == Dialect::Fuuffy && *name == "grant_type";
        if !replaced_by_basic && !optional {
            field(name)?;
        }
    }
    if settings.strict_order && !in_order(dialect, &fields) {
        return Err(Problem::Order);
    }
    if field("grant_type").is_ok_and(|grant| grant != "client_credentials") {
        return Err(Problem::GrantType);
    }

    let (id, secret) = match &basic {
        Some(basic) => (&*basic.id, &*basic.secret),
        None => (field("client_id")?, field("client_secret")?),
    };
    // An id in the body may go along with Basic, if it is the same one.
    if field("client_id").is_ok_and(|in_body| in_body != id) {
        return Err(Problem::ClientAuthentication);
    }
    if !settings.clients.accept(id, secret) {
        return Err(Problem::BadClient { basic: basic.is_some() });
    }

    match dialect {
        Dialect::Oleria if field("scope")? != settings.scope => Err(Problem::Scope),
        Dialect::Apiera if field("organization")? != settings.organization => {
            Err(Problem::Organization)
        }
        Dialect::Apiera if field("audience")? != settings.audience => {
            Err(Problem::Audience(field("audience")?.to_owned()))
        }
        _ => Ok(()),
    }
}

fn check_headers(dialect: Dialect, request: &RecordedRequest) -> Result<(), Problem> {
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    let expected = dialect.content_type().as_bytes();
    let is_expected =
        types.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(expected));
    if !is_expected || types.next().is_some() {
        return Err(Problem::ContentType);
    }
    let wants_json = || {
        let values = request.headers().get_all(ACCEPT).iter();
        let mut ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        ranges.any(|range| {
            let media_type = range.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("application/json")
        })
    };
    if dialect == Dialect::Fuuffy && !wants_json() {
        return Err(Problem::NotAcceptable);
    }
    Ok(())
}

/// RFC 6749 §2.3.1: the parameters are not for the URI. Others in the query are the client's affair (§3.2).
fn check_query(dialect: Dialect, request: &RecordedRequest) -> Result<(), Problem> {
    let query = request.query().unwrap_or_default();
    let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    if names.any(|name| dialect.fields().contains(&&*name)) {
        return Err(Problem::CredentialsInQuery);
    }
    Ok(())
}

/// RFC 6749 §3.2: nothing twice; what is empty counts as left out, and the contract leaves nothing out.
fn check_each(fields: &[(String, String)]) -> Result<(), Problem> {
    for (index, (name, value)) in fields.iter().enumerate() {
        if fields[..index].iter().any(|(earlier, _)| earlier == name) {
            return Err(Problem::Duplicate(name.clone()));
        }
        if value.is_empty() {
            return Err(Problem::Missing(name.clone()));
        }
    }
    Ok(())
}

/// Whether the fields of the contract follow each other as documented; others may stand anywhere.
fn in_order(dialect: Dialect, fields: &[(String, String)]) -> bool {
    let rank = |name: &str| dialect.fields().iter().position(|known| *known == name);
    fields.iter().filter_map(|(name, _)| rank(name)).is_sorted()
}
