//! A declared origin and a request for some other one, judged by us and by an independent oracle:
//! the URL parser of the WHATWG, as browsers have it.

use http::Uri;
use http::header::HeaderValue;
use oauth_core::{Origin, Origins};
use url::{Host, Url};

/// What of a case may be asked about it.
#[derive(Debug, PartialEq)]
pub(crate) enum Judged {
    /// The origin or the request is invalid, to us.
    Refused,
    Foreign,
    Home,
}

/// One line each: the declared origin, the request's URL, and its `Host` if there is a third.
pub(crate) fn check(input: &[u8]) -> Judged {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\n');
    let declared = lines.next().unwrap_or_default();
    let requested = lines.next().unwrap_or(declared);
    judge(declared, requested, lines.next())
}

/// Fails if a token would go where the oracle says that it does not belong.
pub(crate) fn judge(declared: &str, requested: &str, host: Option<&str>) -> Judged {
    let Ok(origin) = Origin::parse(declared) else { return Judged::Refused };
    let again = Origin::parse(&origin.to_string()).expect("what it shows is what it is");
    assert_eq!(again, origin);
    let Ok(uri) = requested.parse::<Uri>() else { return Judged::Refused };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Judged::Refused;
    };
    let host = host.and_then(|host| HeaderValue::from_str(host).ok());
    let ours = Origins::from(origin).admit(scheme, authority.as_str(), host.as_ref());
    if !ours {
        return Judged::Foreign;
    }
    assert!(!authority.as_str().contains('@'), "user information: {requested}");
    assert!(same(declared, requested), "{requested} is not {declared}");
    if let Some(host) = host.as_ref().and_then(|host| host.to_str().ok()) {
        let by_host = format!("{scheme}://{host}/");
        assert!(same(declared, &by_host), "Host {host} is not {declared}");
    }
    Judged::Home
}

/// The oracle: scheme, host and port are the same.
fn same(declared: &str, requested: &str) -> bool {
    // A star is no host to a URL parser: a label that no one has stands for it.
    let (exact, wild) = match declared.split_once("://") {
        Some((scheme, rest)) if rest.starts_with("*.") => {
            (format!("{scheme}://star{}", &rest[1..]), true)
        }
        _ => (declared.to_owned(), false),
    };
    let (Ok(home), Ok(there)) = (Url::parse(&exact), Url::parse(requested)) else {
        // None to it, such as `xn--` with anything behind it: whoever does without such a parser
        // gets to the host as it is written.
        let (home, there) = (plain_host(&exact), plain_host(requested));
        let one_label_more = || {
            let parent = there.as_ref()?.split_once('.')?.1;
            Some(parent == home.as_ref()?.strip_prefix("star.")?)
        };
        return if wild { one_label_more() == Some(true) } else { home == there };
    };
    let hosts = match (home.host(), there.host()) {
        (Some(Host::Domain(home)), Some(Host::Domain(there))) if wild => {
            there.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty() && Some(rest) == home.strip_prefix("star.")
            })
        }
        (Some(home), Some(there)) => home == there,
        _ => false,
    };
    let ports = home.port_or_known_default() == there.port_or_known_default();
    home.scheme() == there.scheme() && hosts && ports
}

/// The text between `://` and the port or path, in lower case.
fn plain_host(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.split(':').next()?.to_ascii_lowercase())
}
