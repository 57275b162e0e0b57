//! How a request is sent twice.

use http_body::Body as _;
use oauth_core::adapter::Policy;
use oauth_core::replay::{Buffered, NoReplay, ReplayHandle};
use oauth_core::{NotReplayed, ReplayBody, ReplayChoice};
use reqwest::{Body, Request};

/// Whether and how requests are sent again after a 401: [`Buffered`] or [`NoReplay`].
#[derive(Clone, Copy, Debug)]
pub struct Strategy {
    cap: Option<usize>,
}

impl From<Buffered> for Strategy {
    fn from(buffered: Buffered) -> Self {
        Self { cap: Some(buffered.limit()) }
    }
}

impl From<NoReplay> for Strategy {
    fn from(NoReplay: NoReplay) -> Self {
        Self { cap: None }
    }
}

/// What the second send needs, kept from before the first.
pub(crate) struct Kept {
    request: Request,
    body: KeptBody,
}

enum KeptBody {
    /// The kept request has it: none, or bytes that both sends share.
    Whole,
    Stream(ReplayHandle<Body>),
}

impl Strategy {
    /// The request's own choice overrides the setting.
    pub(crate) fn chosen(self, choice: Option<ReplayChoice>) -> Self {
        match choice {
            None => self,
            Some(ReplayChoice::Off) => Self { cap: None },
            Some(ReplayChoice::UpTo(cap)) => Self { cap: Some(cap) },
        }
    }

    /// Whether requests are sent again at all.
    pub(crate) fn replays(self) -> bool {
        self.cap.is_some()
    }

    /// Keeps what a second send needs, if there may be one. Boxed: other requests do not need the
    /// room for it.
    #[inline]
    pub(crate) fn keep(self, request: &mut Request) -> Option<Box<Kept>> {
        Kept::of(request, self.cap?).map(Box::new)
    }
}

impl Kept {
    /// A body of bytes stays as it is: a wrapped one would lose reqwest's own handling of 307, 308 and
    /// retries.
    fn of(request: &mut Request, cap: usize) -> Option<Self> {
        if let Some(request) = request.try_clone() {
            return Some(Self { request, body: KeptBody::Whole });
        }
        let body = request.body_mut().take().unwrap_or_default();
        // Without its body every request can be cloned; if not, it is sent once and whole.
        let Some(copy) = request.try_clone() else {
            *request.body_mut() = Some(body);
            return None;
        };
        if body.is_end_stream() {
            *request.body_mut() = Some(body);
            return Some(Self { request: copy, body: KeptBody::Whole });
        }
        let (first, replay) = ReplayBody::tee(body, cap);
        *request.body_mut() = Some(Body::wrap(first));
        let body = replay.map_or(KeptBody::Whole, KeptBody::Stream);
        Some(Self { request: copy, body })
    }

    pub(crate) fn url(&self) -> &reqwest::Url {
        self.request.url()
    }

    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    pub(crate) fn is_safe(&self) -> bool {
        Policy::is_safe(self.request.method())
    }

    /// Stops the first body, so that nothing more is pulled from it. Dropping `self` resumes it.
    pub(crate) fn freeze(&self) -> Result<(), NotReplayed> {
        match &self.body {
            KeptBody::Whole => Ok(()),
            KeptBody::Stream(replay) => replay.freeze().map_err(NotReplayed::from),
        }
    }

    /// The second send. A streamed first body ends with an error now.
    pub(crate) fn again(self) -> Result<Request, NotReplayed> {
        let mut request = self.request;
        if let KeptBody::Stream(replay) = self.body {
            *request.body_mut() = Some(Body::wrap(replay.take_over().map_err(NotReplayed::from)?));
        }
        Ok(request)
    }
}
