//! What a transport's error says: whether another attempt may mend it, and what to do.

use std::error::Error as StdError;
use std::time::Duration;

use crate::error::{BoxError, Error, Kind};
use crate::grant::{Grant, TokenRequest};
use crate::redact::{Secrets, masked_chain, wiped};

use super::GrantSource;
#[cfg(feature = "rustls")]
use super::tls;

/// What is known of a failure beyond that the connection broke.
struct Known {
    /// The cause, fit to be shown in the first line of the error's text.
    cause: String,
    transient: bool,
    hint: Option<&'static str>,
    retry_after: Option<Duration>,
}

impl<G: Grant, T> GrantSource<G, T> {
    /// A failure of the transport as the crate's error; transient unless the transport or TLS knows
    /// better.
    pub(super) fn broken(
        &self,
        request: &TokenRequest,
        message: &'static str,
        error: BoxError,
    ) -> Error {
        let secrets = request.secrets();
        let mut details = self.unreachable_details(Kind::Connect, message.into());
        // Before the chain is masked, which may leave nothing but its texts.
        if let Some(known) = known(&*error, &secrets) {
            details.message = format!("{message}: {}", known.cause).into();
            details.transient = known.transient;
            details.retry_after = known.retry_after;
            details.hint = known.hint.map(Into::into).or(details.hint);
        }
        details.source = Some(masked_chain(error, &secrets));
        details.into()
    }
}

/// Asks each link of the chain, the outermost first: a transport's own word goes before what it is
/// about.
fn known(error: &(dyn StdError + 'static), secrets: &Secrets) -> Option<Known> {
    let mut next = Some(error);
    while let Some(link) = next {
        if let Some(said) = link.downcast_ref::<Error>() {
            return Some(said_by_transport(said, secrets));
        }
        #[cfg(feature = "rustls")]
        if let Some(error) = link.downcast_ref::<rustls::Error>() {
            return Some(said_by_tls(error, secrets));
        }
        // An `io::Error` passes for the error in it: its source is that error's source.
        next = match link.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => link.source(),
        };
    }
    None
}

/// Of a failed handshake the cause is named in either case.
#[cfg(feature = "rustls")]
fn said_by_tls(error: &rustls::Error, secrets: &Secrets) -> Known {
    let hint = tls::hint_if_permanent(error);
    // Names of hosts are in it, whose long runs are no tokens.
    let text = wiped(format_args!("{error}"));
    let cause = secrets.shown_name(&text, &text);
    Known { cause, transient: hint.is_none(), hint, retry_after: None }
}

fn said_by_transport(error: &Error, secrets: &Secrets) -> Known {
    // Of an `Error::permanent(cause)` the cause, which the error's own text does not have.
    let text = match error.source() {
        Some(cause) => wiped(format_args!("{cause}")),
        None => wiped(format_args!("{error}")),
    };
    Known {
        cause: secrets.shown(&text),
        transient: error.is_transient(),
        hint: None,
        retry_after: error.retry_after(),
    }
}
