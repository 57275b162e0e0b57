//! What a response means for the token that its request carried.

use http::Extensions;
use oauth_core::Verdict;
use reqwest::{Response, Url};

use super::OAuthMiddleware;
use crate::stamp::Stamped;
use crate::way::Way;

/// What a response means for the token.
pub(super) enum Judged {
    Stands,
    /// The API accepted the token.
    Accepted,
    /// It came from another origin than the request's, and says nothing about the token.
    RedirectedAway,
    Refused(Way),
}

impl OAuthMiddleware {
    /// What the response to a request that carried our token means for it. `requested` is where it was
    /// sent; `None` stands for the primary origin.
    pub(super) fn judge(
        &self,
        response: &Response,
        requested: Option<&Url>,
        extensions: &mut Extensions,
    ) -> Judged {
        let stamped = Stamped::take(extensions);
        let way = Way::to(response, &self.policy, requested, stamped.as_ref());
        let redirected_away = || {
            let from = response.url();
            self.policy.note_foreign_response(from.scheme(), from.authority());
            Judged::RedirectedAway
        };
        // A redirect for certain: a stamp saw it.
        if way == Way::RedirectedAway && stamped.is_some() {
            return redirected_away();
        }
        if self.policy.wants_to_judge(response.status(), response.headers()) {
            let (mut parts, ()) = http::Response::new(()).into_parts();
            parts.status = response.status();
            parts.version = response.version();
            parts.headers = response.headers().clone();
            parts.extensions = response.extensions().clone();
            if self.policy.judge(&parts) == Verdict::Replace {
                return Judged::Refused(way);
            }
        }
        match way {
            Way::RedirectedAway => redirected_away(),
            Way::Straight if self.policy.accepts(response.status(), response.headers()) => {
                Judged::Accepted
            }
            _ => Judged::Stands,
        }
    }
}
