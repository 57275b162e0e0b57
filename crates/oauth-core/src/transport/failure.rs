//! What a transport's error means: whether another attempt may help, and what to do.

use std::error::Error as StdError;
use std::time::Duration;

use crate::error::{BoxError, Error, Kind};
use crate::grant::{Grant, TokenRequest};
use crate::redact::{Secrets, masked_chain, wiped};

use super::GrantSource;
#[cfg(feature = "rustls")]
use super::tls;

/// What is known about a failure beyond a broken connection.
struct Known {
    /// The cause, masked, for the first line of the error's text.
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
        // Before the chain is masked, which may reduce it to texts.
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

/// Checks each link of the chain, the outermost first: a transport's own verdict takes precedence over what
/// it is about.
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
        // An `io::Error` is transparent: its source is the inner error's source.
        next = match link.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => link.source(),
        };
    }
    None
}

/// The cause of a failed handshake is named in either case.
#[cfg(feature = "rustls")]
fn said_by_tls(error: &rustls::Error, secrets: &Secrets) -> Known {
    let hint = tls::hint_if_permanent(error);
    // It contains host names, whose long runs are not tokens.
    let text = wiped(format_args!("{error}"));
    let cause = secrets.shown_name(&text, &text);
    Known { cause, transient: hint.is_none(), hint, retry_after: None }
}

fn said_by_transport(error: &Error, secrets: &Secrets) -> Known {
    // For `Error::permanent(cause)`, the cause, which is not part of the error's own text.
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
