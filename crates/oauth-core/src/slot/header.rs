//! One header, put into a request or left as its caller set it.

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{Authorized, Sent};

#[inline(always)]
pub(super) fn attach(token: HeaderValue, sent: Sent, headers: &mut HeaderMap) -> Authorized {
    // One look-up: an entry would take its key apart and put it together again.
    match headers.try_append(AUTHORIZATION, token) {
        Ok(false) => Authorized::Attached(sent),
        Ok(true) => leave_own(headers),
        Err(_) if headers.contains_key(AUTHORIZATION) => Authorized::Own,
        Err(_) => Authorized::Full,
    }
}

/// Takes ours away from behind the caller's own, which keep their place and their order.
#[cold]
fn leave_own(headers: &mut HeaderMap) -> Authorized {
    let values = headers.get_all(AUTHORIZATION);
    let own = values.iter().count().saturating_sub(1);
    // Mostly none.
    let others: Vec<_> = values.iter().take(own).skip(1).cloned().collect();
    // What is inserted takes the place of all that are there, and gives the first of them back. There
    // was room for each of them before.
    if let Ok(Some(first)) = headers.try_insert(AUTHORIZATION, HeaderValue::from_static("")) {
        let _ = headers.try_insert(AUTHORIZATION, first);
    }
    for value in others {
        let _ = headers.try_append(AUTHORIZATION, value);
    }
    Authorized::Own
}
