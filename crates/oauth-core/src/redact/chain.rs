//! The errors of a transport, which may quote what was sent.

use std::error::Error as StdError;
use std::fmt::{self, Write};

use zeroize::Zeroizing;

use super::Secrets;
use crate::error::BoxError;

/// `error` as it is if no text in its chain shows the secret, else a chain of the masked texts.
pub(crate) fn masked_chain(error: BoxError, secrets: &Secrets) -> BoxError {
    let mut texts = Vec::new();
    let mut leaks = false;
    let mut next: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(link) = next {
        let text = wiped(format_args!("{link}"));
        leaks |= secrets.are_in(&text) || secrets.are_in(&wiped(format_args!("{link:?}")));
        texts.push(text);
        next = link.source();
    }
    if !leaks {
        return error;
    }
    let masked = texts
        .iter()
        .rev()
        .fold(None, |source, text| Some(Box::new(Masked { text: secrets.shown(text), source })));
    masked.map_or(error, |chain| chain)
}

/// What is left of an error whose text showed a secret.
#[derive(Debug)]
struct Masked {
    text: String,
    source: Option<Box<Masked>>,
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Masked {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

/// `text` in memory that is wiped. Measured first, so that it has its room before it is written.
pub(crate) fn wiped(text: fmt::Arguments<'_>) -> Zeroizing<String> {
    struct Length(usize);
    impl Write for Length {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 += part.len();
            Ok(())
        }
    }
    // Neither fails unless an error's own formatting does: then its text ends there.
    let mut length = Length(0);
    let _ = length.write_fmt(text);
    let mut out = Zeroizing::new(String::with_capacity(length.0));
    let _ = out.write_fmt(text);
    out
}
