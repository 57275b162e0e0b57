//! One header, put into a request or left as its caller set it.

use http::header::{AUTHORIZATION, HeaderMap};

use super::Authorized;
use super::entry::Entry;
use crate::lanes::Lane;

#[inline(always)]
pub(super) fn attach(entry: &Entry, headers: &mut HeaderMap, lane: Lane) -> Authorized {
    // One look-up: an entry would take its key apart and put it together again.
    match headers.try_append(AUTHORIZATION, entry.headers.of(lane).clone()) {
        Ok(false) => Authorized::Attached(entry.generation),
        Ok(true) => leave_own(headers),
        Err(_) if headers.contains_key(AUTHORIZATION) => Authorized::Own,
        Err(_) => Authorized::Full,
    }
}

/// Takes ours away from behind the caller's own, which keep their place and their order.
#[cold]
fn leave_own(headers: &mut HeaderMap) -> Authorized {
    let mut own: Vec<_> = headers.get_all(AUTHORIZATION).iter().cloned().collect();
    own.pop();
    let mut own = own.into_iter();
    // In place of all that are there. There was room for each of them before.
    let _ = own.next().map(|first| headers.try_insert(AUTHORIZATION, first));
    for value in own {
        let _ = headers.try_append(AUTHORIZATION, value);
    }
    Authorized::Own
}
