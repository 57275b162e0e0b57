//! The head of a request that may be sent again.

use http::header::AUTHORIZATION;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, request,
};
use oauth_core::TokenSlot;
use oauth_core::adapter::Policy;

/// A copy of all but the body and the header that carries the token, which each send gets anew.
///
/// Most copies are dropped unused, with the first response. So the headers are a list: a map would be one
/// more allocation, for a table that is never searched.
pub(crate) struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    headers: Vec<(HeaderName, HeaderValue)>,
    extensions: Extensions,
}

impl Head {
    #[inline]
    pub(crate) fn of(head: &request::Parts, slot: &TokenSlot) -> Self {
        // Comparing with a constant name costs less.
        match slot.other_header() {
            None => Self::without(head, |name| name == AUTHORIZATION),
            Some(carrier) => Self::without_other(head, carrier),
        }
    }

    #[cold]
    fn without_other(head: &request::Parts, carrier: &HeaderName) -> Self {
        Self::without(head, |name| name == carrier)
    }

    #[inline(always)]
    fn without(head: &request::Parts, is_carrier: impl Fn(&HeaderName) -> bool) -> Self {
        // One of them is ours.
        let mut headers = Vec::with_capacity(head.headers.len().saturating_sub(1));
        for (name, value) in &head.headers {
            if !is_carrier(name) {
                headers.push((name.clone(), value.clone()));
            }
        }
        Self {
            method: head.method.clone(),
            uri: head.uri.clone(),
            version: head.version,
            headers,
            extensions: head.extensions.clone(),
        }
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn is_safe(&self) -> bool {
        Policy::is_safe(&self.method)
    }

    /// A request like the one that was copied: the headers are in the same order.
    pub(crate) fn with_body<B>(self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.extensions_mut() = self.extensions;
        // Capacity for all of them and one more, as far as a map can have it: they came from one.
        let room = HeaderMap::try_with_capacity(self.headers.len() + 1);
        *request.headers_mut() = room.unwrap_or_default();
        for (name, value) in self.headers {
            // They fitted into a map before.
            let appended = request.headers_mut().try_append(name, value);
            debug_assert!(appended.is_ok());
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Mark(u8);

    #[test]
    fn a_copy_has_everything_in_its_order_but_the_authorization() {
        let mut request = Request::new(());
        *request.method_mut() = Method::from_bytes(b"REPORT").unwrap();
        *request.uri_mut() = Uri::from_static("https://api.example.com/things?of=1");
        *request.version_mut() = Version::HTTP_2;
        request.extensions_mut().insert(Mark(7));
        let lines = [
            ("accept", "text/html"),
            ("x-one", "1"),
            ("authorization", "Bearer old"),
            ("accept", "text/plain"),
            ("x-two", "2"),
            ("accept", "*/*"),
        ];
        for (name, value) in lines {
            request.headers_mut().append(name, HeaderValue::from_static(value));
        }
        let (head, ()) = request.into_parts();

        let again = Head::without(&head, |name| name == AUTHORIZATION).with_body("body");

        assert_eq!(again.method(), head.method);
        assert_eq!(again.uri(), &head.uri);
        assert_eq!(again.version(), head.version);
        assert_eq!(again.extensions().get(), Some(&Mark(7)));
        assert_eq!(*again.body(), "body");
        let mut first = head.headers;
        first.remove(AUTHORIZATION);
        assert!(again.headers().iter().eq(first.iter()), "{:?}", again.headers());
        assert_eq!(again.headers().len(), 5);
    }

    #[test]
    fn a_copy_has_room_for_the_authorization() {
        for count in 0..50 {
            let mut request = Request::new(());
            for n in 0..count {
                let name = HeaderName::try_from(format!("x-{n}")).unwrap();
                request.headers_mut().append(name, HeaderValue::from_static("1"));
            }
            let again = Head::without(&request.into_parts().0, |_| false).with_body(());
            assert!(again.headers().capacity() > count, "{count}");
        }
    }

    #[test]
    fn a_copy_of_as_many_headers_as_fit_loses_none() {
        let mut request = Request::new(());
        let mut count = 0_u32;
        loop {
            let name = HeaderName::try_from(format!("x-{count}")).unwrap();
            if request.headers_mut().try_append(name, HeaderValue::from_static("1")).is_err() {
                break;
            }
            count += 1;
        }
        let (head, ()) = request.into_parts();
        let again = Head::without(&head, |name| name == AUTHORIZATION).with_body(());
        assert!(count > 20_000);
        assert!(again.headers().iter().eq(head.headers.iter()));
    }
}
