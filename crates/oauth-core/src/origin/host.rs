//! The host of an origin, and its spellings.

use std::net::{Ipv4Addr, Ipv6Addr};

/// An authority without its user information, which can be a secret.
pub(crate) fn without_user(authority: &str) -> &str {
    authority.rsplit('@').next().unwrap_or_default()
}

pub(super) fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let colon = match authority.rfind(']') {
        Some(end) => authority[end..].find(':').map(|at| end + at),
        None => authority.find(':'),
    };
    match colon {
        None => Some((authority, None)),
        // `https://host:` is the default port (RFC 3986 §3.2.3).
        Some(at) if at + 1 == authority.len() => Some((&authority[..at], None)),
        Some(at) => {
            let digits = &authority[at + 1..];
            let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
            let port = digits.parse().ok().filter(|port| all_digits && *port != 0)?;
            Some((&authority[..at], Some(port)))
        }
    }
}

pub(super) fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

pub(super) fn ipv6(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// An address as URL parsers write it, and as Rust does if that differs: with an embedded IPv4 address in
/// decimal. `http::Uri` keeps either as given.
pub(super) fn spellings(address: Ipv6Addr) -> Vec<String> {
    let text = format!("[{address}]");
    match (address.to_ipv4_mapped(), address.segments()) {
        (Some(_), [.., a, b]) => vec![format!("[::ffff:{a:x}:{b:x}]"), text],
        _ => vec![text],
    }
}

/// A trailing dot makes a name absolute; that is another origin than without.
fn labels(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

pub(super) fn valid_host(name: &str) -> bool {
    ipv6(name).is_some() || labels(name).split('.').all(is_label)
}

/// Whether a wildcard may stand before this valid host: a name that is not a top-level domain. Public
/// suffixes of more labels are not known here.
pub(super) fn is_parent(host: &str) -> bool {
    // A host that ends in a number is an address to URL parsers, in decimal or hexadecimal.
    let is_number = |label: &str| match label.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    };
    labels(host).rsplit_once('.').is_some_and(|(_, last)| !is_number(last))
}

/// Loopback as a literal and nothing that merely resolves to it.
pub(crate) fn is_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") || host == "[::1]" {
        return true;
    }
    // Rust's parser takes four decimal parts and nothing else: no `127.1`, no octal.
    host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}
