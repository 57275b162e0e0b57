//! One header, put into a request or left as its caller set it.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, MaxSizeReached};

use super::{Authorized, Sent};

/// The header that carries most tokens.
pub(super) static USUAL: HeaderName = AUTHORIZATION;

#[inline(always)]
pub(super) fn attach(token: HeaderValue, sent: Sent, headers: &mut HeaderMap) -> Authorized {
    // One look-up: an entry would take its key apart and put it together again.
    let appended = headers.try_append(AUTHORIZATION, token);
    attached(appended, &USUAL, sent, headers)
}

/// The same for a header of any name.
pub(super) fn attach_as(
    name: &HeaderName,
    token: HeaderValue,
    sent: Sent,
    headers: &mut HeaderMap,
) -> Authorized {
    let appended = headers.try_append(name, token);
    attached(appended, name, sent, headers)
}

#[inline(always)]
fn attached(
    appended: Result<bool, MaxSizeReached>,
    name: &HeaderName,
    sent: Sent,
    headers: &mut HeaderMap,
) -> Authorized {
    match appended {
        Ok(false) => Authorized::Attached(sent),
        Ok(true) => leave_own(name, headers),
        Err(_) if headers.contains_key(name) => Authorized::Own,
        Err(_) => Authorized::Full,
    }
}

/// Takes ours away from behind the caller's own, which keep their place and their order.
#[cold]
fn leave_own(name: &HeaderName, headers: &mut HeaderMap) -> Authorized {
    let values = headers.get_all(name);
    let own = values.iter().count().saturating_sub(1);
    // Mostly none.
    let others: Vec<_> = values.iter().take(own).skip(1).cloned().collect();
    // What is inserted takes the place of all that are there, and gives the first of them back. There
    // was room for each of them before.
    if let Ok(Some(first)) = headers.try_insert(name, HeaderValue::from_static("")) {
        let _ = headers.try_insert(name, first);
    }
    for value in others {
        let _ = headers.try_append(name, value);
    }
    Authorized::Own
}
