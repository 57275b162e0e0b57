//! When a server's rate limit is reset, from the various headers for that.
//!
//! There is no agreed form. `RateLimit-Reset` was a delay in seconds in the drafts of the IETF's HTTPAPI
//! group up to the sixth; their seventh put it into `RateLimit: limit=10, remaining=0, reset=5`, those
//! since into `RateLimit: "name";r=0;t=5`. `X-RateLimit-Reset` is a Unix time at GitHub and Auth0 and a
//! delay at Envoy, Okta's `X-Rate-Limit-Reset` is a Unix time, GitLab's `RateLimit-Reset` too, and Discord
//! has fractions and `X-RateLimit-Reset-After`. So the form is inferred from the value: see [`until`].

use std::time::Duration;

use http::HeaderMap;

use super::retry_after::{decimal, seconds, values};
use super::server_time::http_date;

/// One time a value.
const RESET: [&str; 5] = [
    "ratelimit-reset",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-reset-after",
    "x-rate-limit-reset-after",
];
/// A list of limits, each with its time.
const RATE_LIMIT: &str = "ratelimit";

/// From here on a number is a Unix time: as a delay it would be more than thirty years.
const UNIX_TIME: f64 = 1e9;
/// From here on it is one in milliseconds: as seconds it would be the year 5138.
const UNIX_TIME_IN_MS: f64 = 1e11;

/// The wait until the limit is reset by the server's clock, which shows `now`; the past is zero.
///
/// Of several headers the latest time counts. Servers mix headers of several limits and windows without
/// saying which one is used up: a client that comes too early is rejected again, which prolongs the limit
/// at some servers, while coming too late costs no more than the slot's cap.
pub(super) fn reset(headers: &HeaderMap, now: Option<Duration>) -> Option<Duration> {
    let times = RESET.into_iter().flat_map(|name| values(headers, name));
    let limits = values(headers, RATE_LIMIT).flat_map(|list| outside_quotes(list, ','));
    // One with something left is not the reason, unless no other is there.
    let of_limits = limits.filter_map(|limit| of_limit(limit, now)).max().map(|(_, wait)| wait);
    times.filter_map(|text| until(text, now)).chain(of_limits).max()
}

/// A delay in seconds, a Unix time in seconds or milliseconds, or an HTTP-date. The last three are ignored
/// if the server's clock is not known.
fn until(text: &str, now: Option<Duration>) -> Option<Duration> {
    let at = match decimal(text) {
        Some(delay) if delay < UNIX_TIME => return Some(seconds(delay)),
        Some(time) if time < UNIX_TIME_IN_MS => seconds(time),
        Some(time) => seconds(time / 1000.0),
        None => http_date(text)?,
    };
    Some(at.saturating_sub(now?))
}

/// Of `"name";r=0;t=5` or `reset=5`: whether nothing is left, and the wait.
fn of_limit(limit: &str, now: Option<Duration>) -> Option<(bool, Duration)> {
    let (mut used_up, mut wait) = (true, None);
    for parameter in outside_quotes(limit, ';') {
        match parameter.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
            Some(("r", left)) => used_up = left == "0",
            Some(("t" | "reset", time)) => wait = until(time, now),
            _ => {}
        }
    }
    Some((used_up, wait?))
}

/// The parts between separators outside quoted strings (RFC 9651 §3.3.3): a limit may be called
/// `"a,b;t=9"`.
fn outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        if escaped {
            escaped = false;
        } else if c == '"' {
            quoted = !quoted;
        } else {
            escaped = quoted && c == '\\';
        }
        !quoted && c == separator
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    const NOW: Duration = Duration::from_secs(2_000_000_000);

    fn wait(name: &'static str, value: &str, now: Option<Duration>) -> Option<Duration> {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        reset(&HeaderMap::from_iter([(HeaderName::from_static(name), value)]), now)
    }

    #[test]
    fn a_reset_is_a_delay_or_a_time_by_its_size() {
        for name in RESET {
            for (value, with_date, without) in [
                ("20", Some(20_000), Some(20_000)),
                (" 20 ", Some(20_000), Some(20_000)),
                ("0", Some(0), Some(0)),
                ("0.25", Some(250), Some(250)),
                ("999999999", Some(999_999_999_000), Some(999_999_999_000)),
                ("1000000000", Some(0), None),
                ("2000000020", Some(20_000), None),
                ("2000000020.5", Some(20_500), None),
                ("1999999980", Some(0), None),
                ("99999999999", Some(97_999_999_999_000), None),
                ("100000000000", Some(0), None),
                ("2000000020500", Some(20_500), None),
                ("Wed, 18 May 2033 03:33:40 GMT", Some(20_000), None),
                ("Wed, 18 May 2033 03:33:00 GMT", Some(0), None),
                ("2033-05-18T03:33:40Z", None, None),
                ("-1", None, None),
                ("+1", None, None),
                ("1e1", None, None),
                ("6m0s", None, None),
                ("", None, None),
                ("\u{e4}", None, None),
            ] {
                let with_date = with_date.map(Duration::from_millis);
                let without = without.map(Duration::from_millis);
                assert_eq!(wait(name, value, Some(NOW)), with_date, "{name}: {value}");
                assert_eq!(wait(name, value, None), without, "{name}: {value}");
            }
            let huge = "9".repeat(400);
            assert_eq!(wait(name, &huge, Some(NOW)), Some(Duration::MAX - NOW));
            assert_eq!(wait(name, &huge, None), None);
        }
    }

    #[test]
    fn the_limit_that_is_used_up_says_when() {
        for (value, seconds) in [
            (r#""default";r=0;t=20"#, Some(20)),
            (r#" "default" ; r = 0 ; t = 20 "#, Some(20)),
            (r#""default";t=20;r=0"#, Some(20)),
            (r#""default";t=20"#, Some(20)),
            (r#"default;r=0;t=20"#, Some(20)),
            // Nothing of it is the reason, as far as one can see.
            (r#""default";r=5;t=20"#, Some(20)),
            (r#""minute";r=0;t=20, "hour";r=5;t=3000"#, Some(20)),
            (r#""hour";r=5;t=3000,"minute";r=0;t=20"#, Some(20)),
            (r#""minute";r=0;t=20,"hour";r=0;t=3000"#, Some(3000)),
            (r#""minute";r=1;t=20,"hour";r=10;t=3000"#, Some(3000)),
            // The seventh draft.
            ("limit=10, remaining=0, reset=20", Some(20)),
            ("reset=20,limit=10", Some(20)),
            // A time where a delay should be.
            (r#""default";r=0;t=2000000020"#, Some(20)),
            // Names that look like something else.
            (r#""a,b;t=9";r=0;t=20"#, Some(20)),
            (r#""a\",b;t=9";r=0;t=20"#, Some(20)),
            (r#""a\\";r=0;t=20"#, Some(20)),
            (r#""t=9""#, None),
            (r#""r=5;t=9"#, None),
            (r#"\"a,b";t=9"#, Some(9)),
            (r#""default";r=0"#, None),
            (r#""default";r=0;t"#, None),
            (r#""default";r=0;t=-1"#, None),
            (r#""default";r=0;t="20""#, None),
            (r#""default";r=0;tt=20"#, None),
            (r#""bad";r=0;t=x, "good";r=0;t=20"#, Some(20)),
            ("100", None),
            (";=,", None),
            ("", None),
        ] {
            let want = seconds.map(Duration::from_secs);
            assert_eq!(wait("ratelimit", value, Some(NOW)), want, "{value}");
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        for line in [r#""hour";r=5;t=3000"#, r#""minute";r=0;t=20"#] {
            headers.append(RATE_LIMIT, HeaderValue::from_static(line));
        }
        assert_eq!(reset(&headers, None), Some(Duration::from_secs(20)));
    }
}
