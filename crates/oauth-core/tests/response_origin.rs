//! Where a response is from, as a redirect follower or a guard below says, against where the request went.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use http::{Extensions, HeaderMap, Uri};
use oauth_core::adapter::{Admission, Policy};
use oauth_core::{Origin, Origins, StaticToken, Token, TokenSlot};

const HOME: &str = "https://api.apiera.io";
const OTHER: &str = "https://acme.oleria.io";

fn policy() -> Policy {
    let token = Token::bearer("abc").unwrap();
    let slot = TokenSlot::builder(StaticToken::new(token))
        .origins(Origins::parse([HOME, OTHER]).unwrap())
        .build();
    Policy::new(slot)
}

/// What a follower says.
fn told() -> Policy {
    let mut policy = policy();
    policy.set_response_uri(|found| found.get());
    policy
}

fn from(uri: &str) -> Extensions {
    let mut response = Extensions::new();
    response.insert(uri.parse::<Uri>().unwrap());
    response
}

fn sent_to(uri: &str) -> Extensions {
    let mut response = Extensions::new();
    Policy::record_sent_to(&mut response, uri.parse().unwrap());
    response
}

/// What is kept of a request to this URI.
fn requested(policy: &Policy, uri: &Uri) -> Option<Uri> {
    let admission = policy.admit(uri, &HeaderMap::new(), &Extensions::new());
    let Admission::Attach(to) = admission else { panic!("{uri} is declared: {admission:?}") };
    policy.requested(uri, to)
}

#[test]
fn another_uri_is_another_path_or_query_and_of_an_absolute_one_anything() {
    for (requested, answered, another) in [
        ("/a?x=1", "https://api.apiera.io/a?x=1", false),
        ("/a?x=1", "https://evil.example/a?x=1", false),
        ("/a?x=1", "https://api.apiera.io/a", true),
        ("/a", "/b", true),
        ("https://api.apiera.io/a", "https://api.apiera.io/a", false),
        ("https://api.apiera.io/a", "https://api.apiera.io/b", true),
        ("https://api.apiera.io/a", "https://evil.example/a", true),
        ("https://api.apiera.io/a", "/a", true),
    ] {
        let is = told().is_of_another_uri(&from(answered), &requested.parse().unwrap());
        assert_eq!(is, another, "{requested} {answered}");
    }
    assert!(!told().is_of_another_uri(&Extensions::new(), &Uri::from_static("/a")));
    assert!(!policy().is_of_another_uri(&from("/b"), &Uri::from_static("/a")));
}

#[test]
fn below_a_named_place_what_is_from_elsewhere_names_another_place() {
    let mut policy = told();
    policy.set_inner_origin(Origin::parse(HOME).unwrap());
    let requested = Uri::from_static("/a");
    for (answered, elsewhere) in [
        ("/a", false),
        ("/b", false),
        ("https://api.apiera.io/a", false),
        ("https://API.apiera.io:443/b", false),
        ("http://api.apiera.io/a", true),
        ("https://api.apiera.io:8443/a", true),
        // Declared, but not where the request went.
        ("https://acme.oleria.io/a", true),
        ("https://evil.example/a", true),
    ] {
        let is = policy.is_redirected_away(&from(answered), Some(&requested));
        assert_eq!(is, elsewhere, "{answered}");
    }
}

#[test]
fn with_no_place_named_whatever_names_one_is_from_elsewhere() {
    let requested = Uri::from_static("/a");
    assert!(told().is_redirected_away(&from("https://api.apiera.io/a"), Some(&requested)));
    assert!(!told().is_redirected_away(&from("/b"), Some(&requested)));
}

#[test]
fn a_request_to_another_declared_origin_has_its_response_from_there_alone() {
    let requested = requested(&told(), &Uri::from_static("https://acme.oleria.io/a")).unwrap();
    for (answered, elsewhere) in [
        ("https://acme.oleria.io/b", false),
        ("https://ACME.oleria.io:443/b", false),
        ("https://api.apiera.io/a", true),
        ("http://acme.oleria.io/a", true),
    ] {
        let is = told().is_redirected_away(&from(answered), Some(&requested));
        assert_eq!(is, elsewhere, "{answered}");
    }
}

/// Another slot's guard says where it has sent the request; nothing was kept of that.
#[test]
fn what_another_slots_guard_says_counts_if_it_is_of_no_declared_origin() {
    for (answered, elsewhere) in [
        ("https://api.apiera.io/a", false),
        ("https://acme.oleria.io/a", false),
        ("https://ACME.oleria.io:443/a", false),
        ("http://acme.oleria.io/a", true),
        ("https://evil.example/a", true),
        ("/a", false),
    ] {
        let is = policy().is_redirected_away(&sent_to(answered), None);
        assert_eq!(is, elsewhere, "{answered}");
    }
}

#[test]
fn a_guard_is_believed_before_a_follower() {
    let mut response = sent_to("https://evil.example/a");
    response.insert(Uri::from_static("https://api.apiera.io/a"));
    assert!(told().is_redirected_away(&response, None));
    told().note_from_elsewhere(&mut response);
    assert!(!told().is_redirected_away(&response, None), "the guard's note is of one exchange");
}

#[test]
fn of_where_a_request_goes_nothing_is_kept_unless_the_responses_origin_can_be_known() {
    let [home, other] = [HOME, OTHER].map(|origin| origin.parse::<Uri>().unwrap());
    assert_eq!(requested(&policy(), &other), None);
    assert_eq!(requested(&told(), &home), None);
    assert_eq!(requested(&told(), &other), Some(other.clone()));
    let guarded = policy();
    guarded.set_guarded();
    assert_eq!(requested(&guarded, &home), None);
    assert_eq!(requested(&guarded, &other), Some(other));
}
