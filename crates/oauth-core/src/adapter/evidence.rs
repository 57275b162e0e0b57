//! What the slot learns from a request and its response: the target, the deadline, and whether the token
//! was accepted.

use http::header::{AGE, HeaderMap};
use http::uri::Authority;
use http::{Extensions, Method, StatusCode, Uri};

use super::Policy;
use crate::deadline::{Deadline, grpc_timeout};
use crate::slot::{Sent, Target};

impl Policy {
    /// The request's deadline, if it has one.
    #[inline]
    pub fn deadline(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Deadline> {
        if extensions.is_empty() && !self.judgement.is_grpc() {
            return None;
        }
        self.deadline_said(extensions, headers)
    }

    #[inline(never)]
    fn deadline_said(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<Deadline> {
        let ours = extensions.get::<Deadline>().copied();
        let limit = self.judgement.is_grpc().then(|| grpc_timeout(headers)).flatten();
        let grpc = limit.map(Deadline::within);
        ours.into_iter().chain(grpc).min()
    }

    /// The target of a request.
    pub fn target(&self, method: &Method, uri: &Uri) -> Target {
        let authority = uri.authority().map_or("", Authority::as_str);
        self.slot.target(method, uri.scheme_str().unwrap_or_default(), authority, uri.path())
    }

    /// What a request with this method was sent with: servers respond to an OPTIONS without a look at the
    /// token.
    #[inline]
    pub fn weighed(sent: Sent, method: &Method) -> Sent {
        if sent.is_settled() || *method != Method::OPTIONS { sent } else { sent.without_weight() }
    }

    /// Whether such a response, if it is the API's own, means that the token was accepted: not one from a
    /// cache, and with gRPC only one that has its status already.
    pub fn accepts(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let success = status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS;
        let said = !self.judgement.is_grpc() || is_grpc_ok(headers);
        success && said && !headers.contains_key(AGE)
    }

    /// The same for the trailers of a gRPC response.
    pub fn trailers_accept(trailers: &HeaderMap) -> bool {
        is_grpc_ok(trailers)
    }
}

fn is_grpc_ok(fields: &HeaderMap) -> bool {
    fields.get("grpc-status").is_some_and(|status| status.as_bytes() == b"0")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;

    use super::*;
    use crate::slot::TokenSlot;
    use crate::source::StaticToken;
    use crate::token::Token;

    fn policy() -> Policy {
        let token = Token::bearer("abc").unwrap();
        Policy::new(TokenSlot::builder(StaticToken::new(token)).build())
    }

    fn grpc() -> Policy {
        let mut policy = policy();
        policy.set_grpc();
        policy
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs.iter().copied();
        pairs
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn a_success_accepts_unless_it_comes_out_of_a_cache_and_in_grpc_only_with_the_status_for_it() {
        for (status, pairs, http, in_grpc) in [
            (200, &[][..], true, false),
            (200, &[("grpc-status", "0")], true, true),
            (200, &[("grpc-status", "16")], true, false),
            (200, &[("grpc-status", "00")], true, false),
            (200, &[("grpc-status", "0"), ("age", "0")], false, false),
            (200, &[("age", "7")], false, false),
            (204, &[("grpc-status", "0")], true, true),
            (101, &[("grpc-status", "0")], true, true),
            (100, &[("grpc-status", "0")], false, false),
            (304, &[("grpc-status", "0")], false, false),
            (403, &[("grpc-status", "0")], false, false),
            (503, &[("grpc-status", "0")], false, false),
        ] {
            let (status, headers) = (StatusCode::from_u16(status).unwrap(), headers(pairs));
            assert_eq!(policy().accepts(status, &headers), http, "{status} {pairs:?}");
            assert_eq!(grpc().accepts(status, &headers), in_grpc, "{status} {pairs:?}");
        }
        assert!(Policy::trailers_accept(&headers(&[("grpc-status", "0")])));
        assert!(!Policy::trailers_accept(&headers(&[("grpc-status", "7")])));
        assert!(!Policy::trailers_accept(&headers(&[])));
    }

    #[tokio::test(start_paused = true)]
    async fn of_the_limits_of_a_request_the_earliest_counts_and_that_of_grpc_in_grpc_alone() {
        let within = |seconds| Deadline::within(Duration::from_secs(seconds));
        let none = Extensions::new();
        let mut of_others = Extensions::new();
        of_others.insert(7_u8);
        let mut ours = Extensions::new();
        ours.insert(within(5));
        let (unsaid, sooner, later) =
            (headers(&[]), headers(&[("grpc-timeout", "3S")]), headers(&[("grpc-timeout", "9S")]));
        for (extensions, headers, http, in_grpc) in [
            (&none, &unsaid, None, None),
            (&none, &sooner, None, Some(3)),
            (&of_others, &unsaid, None, None),
            (&of_others, &sooner, None, Some(3)),
            (&ours, &unsaid, Some(5), Some(5)),
            (&ours, &sooner, Some(5), Some(3)),
            (&ours, &later, Some(5), Some(5)),
        ] {
            assert_eq!(policy().deadline(extensions, headers), http.map(within), "{headers:?}");
            assert_eq!(grpc().deadline(extensions, headers), in_grpc.map(within), "{headers:?}");
        }
    }

    #[test]
    fn a_target_is_known_by_the_parts_that_a_uri_has() {
        let policy = policy();
        let of = |uri| policy.target(&Method::GET, &Uri::from_static(uri));
        let all = ["https://a.example/1", "http://a.example/1", "https://b.example/1", "/1", "/2"];
        for (at, uri) in all.iter().enumerate() {
            assert_ne!(of(uri), Target::UNKNOWN);
            assert!(all[..at].iter().all(|other| of(other) != of(uri)), "{uri}");
        }
        assert_eq!(of("https://a.example/1?a=b"), of("https://a.example/1"));
        assert_ne!(of("/1"), policy.target(&Method::POST, &Uri::from_static("/1")));
    }

    #[tokio::test(start_paused = true)]
    async fn an_options_has_no_weight_where_acceptance_is_asked_for() {
        let policy = policy();
        let mut headers = HeaderMap::new();
        policy.slot().token().await.unwrap();
        let crate::slot::Authorized::Attached(first) = policy.slot().authorize(&mut headers) else {
            panic!("there is a token");
        };
        assert!(!first.is_settled());
        assert_eq!(Policy::weighed(first, &Method::GET), first);
        assert_eq!(Policy::weighed(first, &Method::OPTIONS), first.without_weight());
        assert_ne!(first, first.without_weight());
        // Later there is nothing to weigh.
        let settled = first.once_accepted();
        assert!(settled.is_settled());
        assert_eq!(Policy::weighed(settled, &Method::OPTIONS), settled);
    }
}
