//! Requests as adapters make them, and the tokens that they carry.

use http::{HeaderMap, Method};
use oauth_core::adapter::{Authorized, Sent, Target};
use oauth_core::{IssuedToken, TokenSlot};

pub(crate) fn target(slot: &TokenSlot, path: &str) -> Target {
    slot.target(&Method::GET, "https", "api.example.com", path)
}

/// Sends a request that can be sent twice.
pub(crate) async fn send(slot: &TokenSlot, target: Target) -> (String, Sent) {
    let mut headers = HeaderMap::new();
    let sent = match slot.authorize(&mut headers) {
        Authorized::Attached(sent) => sent,
        Authorized::Empty => {
            let issued = slot.token_for(target, true, None).await.unwrap();
            return send_again(slot, &issued);
        }
        other => panic!("{other:?}"),
    };
    (carried(&headers), sent)
}

pub(crate) fn send_again(slot: &TokenSlot, issued: &IssuedToken) -> (String, Sent) {
    let mut headers = HeaderMap::new();
    let Authorized::Attached(sent) = slot.authorize_with(issued, &mut headers) else {
        panic!("the token has not ended");
    };
    (carried(&headers), sent)
}

fn carried(headers: &HeaderMap) -> String {
    headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
}

/// What the request is sent again with.
pub(crate) async fn refused(slot: &TokenSlot, sent: Sent, target: Target) -> (String, Sent) {
    let issued = slot.after_refusal(sent, target, None, None).await.unwrap();
    send_again(slot, &issued)
}
