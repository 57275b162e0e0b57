//! HTTP Basic as RFC 6749 §2.3.1 has it: id and secret are form-encoded before they are joined.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;

use crate::shape::Problem;

pub(super) struct Basic {
    pub(super) id: String,
    pub(super) secret: String,
}

/// The credentials of the Authorization header, `None` if there is no such header.
pub(super) fn read(headers: &HeaderMap, raw: bool) -> Result<Option<Basic>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::ClientAuthentication);
    }
    let value = value.to_str().map_err(|_| Problem::ClientAuthentication)?;
    let (scheme, credentials) = value.split_once(' ').ok_or(Problem::ClientAuthentication)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Problem::ClientAuthentication);
    }
    let unreadable = || Problem::BadClient { basic: true };
    let decoded = STANDARD.decode(credentials.trim_start_matches(' ')).map_err(|_| unreadable())?;
    let decoded = String::from_utf8(decoded).map_err(|_| unreadable())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(unreadable)?;
    let decode = if raw { str::to_owned } else { form_decode };
    Ok(Some(Basic { id: decode(id), secret: decode(secret) }))
}

fn form_decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6749 §2.3.1
    #[test]
    fn id_and_secret_are_form_decoded() {
        let mut headers = HeaderMap::new();
        let value = "Basic MVBwRyUyRlErMTp6JTJGdFo5VndGWnFBcG1JUSUyQlpIMUk1cExrJTJGdUI0dWQlM0FYMiUyRjhiTCUyQndmRlR0MXJGdyUzRA==";
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        let basic = read(&headers, false).unwrap().unwrap();
        assert_eq!(basic.id, "1PpG/Q 1");
        assert_eq!(basic.secret, "z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=");
    }
}
