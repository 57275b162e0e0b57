//! A token's lifetime, in the many forms in which servers send it.

use std::time::Duration;

use serde_json::value::RawValue;

use super::json_text::{present, string_or_number};

/// Longer lifetimes are cut to ten years, far below where arithmetic would overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

#[derive(Debug, PartialEq)]
pub(super) enum Lifetime {
    Known(Duration),
    Missing,
    /// There, and neither a number nor a string that holds one.
    Unreadable,
}

/// `expires_in`, or what is left until `expires_on` (epoch seconds) when that is missing, by the server's
/// clock, which shows `now`; it is ignored if that is not known. Zero and below is zero.
pub(super) fn read(
    expires_in: Option<&RawValue>,
    expires_on: Option<&RawValue>,
    now: Option<Duration>,
) -> Lifetime {
    if let Some(json) = present(expires_in) {
        return seconds(json).map_or(Lifetime::Unreadable, |s| Lifetime::Known(saturate(s)));
    }
    let Some(json) = present(expires_on) else {
        return Lifetime::Missing;
    };
    match (seconds(json), now) {
        (None, _) => Lifetime::Unreadable,
        (Some(_), None) => Lifetime::Missing,
        (Some(at), Some(now)) => Lifetime::Known(saturate(at - now.as_secs_f64())),
    }
}

fn seconds(json: &str) -> Option<f64> {
    let text = string_or_number(json)?;
    let text = text.trim();
    // Rust's parser would also take `inf`, `NaN` and `.5`.
    let decimal = text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    // Infinite if it is too large, which saturates.
    if decimal { text.parse().ok() } else { None }
}

/// Saturates.
fn saturate(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).map_or(LONGEST, |life| life.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn expires_in_is_read_in_every_form() {
        for (json, want) in [
            ("300", Lifetime::Known(Duration::from_secs(300))),
            ("\"300\"", Lifetime::Known(Duration::from_secs(300))),
            ("\" 300 \"", Lifetime::Known(Duration::from_secs(300))),
            ("300.0", Lifetime::Known(Duration::from_secs(300))),
            ("3e2", Lifetime::Known(Duration::from_secs(300))),
            ("0.5", Lifetime::Known(Duration::from_millis(500))),
            ("0", Lifetime::Known(Duration::ZERO)),
            ("-1", Lifetime::Known(Duration::ZERO)),
            ("-1e999", Lifetime::Known(Duration::ZERO)),
            ("315360000", Lifetime::Known(LONGEST)),
            ("315360001", Lifetime::Known(LONGEST)),
            ("1000000000000000000", Lifetime::Known(LONGEST)),
            ("1e999", Lifetime::Known(LONGEST)),
            ("null", Lifetime::Missing),
            ("\"\"", Lifetime::Unreadable),
            ("\"soon\"", Lifetime::Unreadable),
            ("\"inf\"", Lifetime::Unreadable),
            ("\"NaN\"", Lifetime::Unreadable),
            ("\"-inf\"", Lifetime::Unreadable),
            ("\"-NaN\"", Lifetime::Unreadable),
            ("\"+5\"", Lifetime::Unreadable),
            ("\".5\"", Lifetime::Unreadable),
            ("\"1-2\"", Lifetime::Unreadable),
            ("true", Lifetime::Unreadable),
            ("[300]", Lifetime::Unreadable),
            ("{}", Lifetime::Unreadable),
        ] {
            assert_eq!(read(Some(&raw(json)), None, None), want, "{json}");
        }
    }

    #[test]
    fn expires_on_counts_only_where_expires_in_is_missing() {
        let now = Some(Duration::from_secs(1_000_000));
        let on = |json: &str| read(None, Some(&raw(json)), now);
        assert_eq!(on("1000600"), Lifetime::Known(Duration::from_secs(600)));
        assert_eq!(on("\"1000600\""), Lifetime::Known(Duration::from_secs(600)));
        assert_eq!(on("999999"), Lifetime::Known(Duration::ZERO));
        assert_eq!(on("\"2026-01-01T00:00:00Z\""), Lifetime::Unreadable);
        let both = read(Some(&raw("60")), Some(&raw("1000600")), now);
        assert_eq!(both, Lifetime::Known(Duration::from_secs(60)));
        let null = read(Some(&raw("null")), Some(&raw("1000600")), now);
        assert_eq!(null, Lifetime::Known(Duration::from_secs(600)));
    }

    #[test]
    fn expires_on_says_nothing_where_the_servers_clock_is_not_known() {
        for json in ["0", "1000600", "\"1000600\"", "1e999"] {
            assert_eq!(read(None, Some(&raw(json)), None), Lifetime::Missing, "{json}");
        }
        assert_eq!(read(None, Some(&raw("\"soon\"")), None), Lifetime::Unreadable);
        let both = read(Some(&raw("60")), Some(&raw("1000600")), None);
        assert_eq!(both, Lifetime::Known(Duration::from_secs(60)));
    }
}
