use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn full() -> Params {
    Params::new()
        .with_scope("r w")
        .with_audience("aud")
        .with_resource("urn:b")
        .with_resource("urn:a")
        .with_authorization_details(r#"[{"type":"t"}]"#)
        .with_extra("z", "1")
        .with_extra("a", "2")
}

#[test]
fn what_was_set_comes_back_in_its_order() {
    let params = full();
    assert_eq!((params.scope(), params.audience()), (Some("r w"), Some("aud")));
    assert_eq!(params.resources().collect::<Vec<_>>(), ["urn:b", "urn:a"]);
    assert_eq!(params.authorization_details(), Some(r#"[{"type":"t"}]"#));
    assert_eq!(params.extra().collect::<Vec<_>>(), [("z", "1"), ("a", "2")]);
    params.check().unwrap();
}

#[test]
fn an_empty_value_counts_as_left_out() {
    let empty = Params::new()
        .with_scope("")
        .with_audience("")
        .with_resource("")
        .with_authorization_details("")
        .with_extra("empty", "");
    assert_eq!((empty.scope(), empty.audience()), (None, None));
    assert_eq!((empty.resources().count(), empty.extra().count()), (0, 0));
    assert_eq!(empty.authorization_details(), None);
    assert_eq!(empty, Params::new());
    assert_eq!(empty.canonical(), b"");
    assert_eq!(format!("{empty:?}"), "Params([])");
}

#[test]
fn the_canonical_form_is_sorted_and_each_part_has_its_length() {
    let text = |text: &str| {
        let mut bytes = (text.len() as u64).to_be_bytes().to_vec();
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    let expected = [
        [&[1], &*text("r w")].concat(),
        [&[2], &*text("aud")].concat(),
        [&[3], &*text("urn:a")].concat(),
        [&[3], &*text("urn:b")].concat(),
        [&[4], &*text(r#"[{"type":"t"}]"#)].concat(),
        [&[5], &*text("a"), &*text("2")].concat(),
        [&[5], &*text("z"), &*text("1")].concat(),
    ];
    assert_eq!(full().canonical(), expected.concat());
    assert_eq!(Params::new().with_scope("a").canonical(), b"\x01\0\0\0\0\0\0\0\x01a");
}

#[test]
fn the_order_of_setting_makes_no_difference_and_every_value_does() {
    let other_order = Params::new()
        .with_extra("a", "2")
        .with_extra("z", "1")
        .with_resource("urn:a")
        .with_resource("urn:b")
        .with_authorization_details(r#"[{"type":"t"}]"#)
        .with_audience("aud")
        .with_scope("r w");
    assert_eq!(full(), other_order);
    assert_eq!(full().canonical(), other_order.canonical());
    let all = [
        Params::new(),
        full(),
        full().with_scope("w r"),
        full().with_audience("aud2"),
        full().with_resource("urn:c"),
        full().with_resource("urn:a"),
        full().with_authorization_details(r#"[ {"type":"t"}]"#),
        full().with_extra("y", "1"),
        // The same texts in other places.
        Params::new().with_scope("x"),
        Params::new().with_audience("x"),
        Params::new().with_resource("x"),
        Params::new().with_authorization_details("x"),
        Params::new().with_extra("x", "y"),
        Params::new().with_extra("xy", "z"),
        Params::new().with_extra("x", "yz"),
        Params::new().with_extra("scope", "x"),
    ];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert_eq!(all.iter().map(Params::canonical).collect::<HashSet<_>>().len(), all.len());
    let mut sorted = all.to_vec();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), all.len());
}

#[test]
fn debug_shows_names_alone() {
    assert_eq!(
        format!("{:?}", full()),
        r#"Params(["scope", "audience", "resource", "resource", "authorization_details", "z", "a"])"#
    );
}

#[test]
fn values_under_the_name_of_a_secret_are_known_as_secrets() {
    let params = Params::new()
        .with_extra("api_key", "1")
        .with_extra("subject_TOKEN", "2")
        .with_extra("x-secret", "3")
        .with_extra("tokens", "4")
        .with_extra("keyed", "5");
    assert_eq!(params.secrets().collect::<Vec<_>>(), ["1", "2", "3"]);
}

#[test]
fn a_resource_is_an_absolute_uri_without_fragment() {
    for good in ["https://api.example/a?b", "urn:example:api"] {
        Params::new().with_resource(good).check().unwrap();
    }
    for bad in ["", "/a", "api.example", "https:", "https://a#b", "https://a b", "1a:b"] {
        let error = Params::new().with_resource(bad).check().unwrap_err().to_string();
        assert!(error.starts_with("`resource` must be an absolute URI"), "{error}");
    }
}

#[test]
fn authorization_details_are_an_array_of_objects_with_a_type() {
    // RFC 9396 §2.
    for good in [r#"[{"type":"a"}]"#, r#" [ {"x":[1], "type":"\u0061"}, {"type":"b"} ] "#] {
        Params::new().with_authorization_details(good).check().unwrap();
    }
    for bad in ["[]", "{}", r#"{"type":"a"}"#, r#"[{"type":1}]"#, r#"[["a"]]"#, "[{}]", "[", "x"] {
        let params = Params::new().with_authorization_details(bad);
        assert_eq!(
            params.check().unwrap_err().to_string(),
            "`authorization_details` must be a JSON array of objects, each with a `type` \
             (RFC 9396 §2)"
        );
    }
}

proptest! {
    #[test]
    fn equal_parameters_have_equal_bytes_and_unequal_ones_have_not(
        one in any_params(), other in any_params(),
    ) {
        prop_assert_eq!(one == other, one.canonical() == other.canonical());
        prop_assert_eq!(one == other, one.cmp(&other) == Ordering::Equal);
    }
}

fn any_params() -> impl Strategy<Value = Params> {
    let text = || "[ab]{0,2}";
    let resources = proptest::collection::vec(text(), 0..3);
    let extra = proptest::collection::vec((text(), text()), 0..3);
    (text(), text(), resources, text(), extra).prop_map(
        |(scope, audience, resources, authorization_details, extra)| Params {
            scope,
            audience,
            resources,
            authorization_details,
            extra,
        },
    )
}
