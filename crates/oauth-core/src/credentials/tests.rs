use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_test::task::spawn;
use tokio_test::{assert_pending, assert_ready};

use super::*;

#[test]
fn basic_is_the_base64_of_the_form_encoded_id_and_secret() {
    // RFC 6749 §2.3.1, vector of the checklist.
    let auth = ClientAuth::secret("1PpG/Q 1", "z/tZ9VwFZqApmIQ+ZH1I5pLk/uB4ud:X2/8bL+wfFTt1rFw=");
    let header = auth.clone().basic().basic_header().unwrap();
    assert_eq!(
        header,
        "Basic MVBwRyUyRlErMTp6JTJGdFo5VndGWnFBcG1JUSUyQlpIMUk1cExrJTJGdUI0dWQlM0FYMiUyRjhiTCUyQndmRlR0MXJGdyUzRA=="
    );
    assert!(header.is_sensitive());
    let raw = auth.raw_basic().basic_header().unwrap();
    let decoded = STANDARD.decode(&raw.as_bytes()["Basic ".len()..]).unwrap();
    assert!(decoded.starts_with(b"1PpG/Q 1:z/tZ9"));
}

#[test]
fn empty_and_unprintable_credentials_are_refused_by_name() {
    for (id, secret, name) in
        [("", "s", "client_id"), ("i", "", "client_secret"), ("i", "s\n", "client_secret")]
    {
        let error = ClientAuth::secret(id, secret).check().unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_colon_in_the_id_is_refused_for_raw_basic_alone() {
    // RFC 7617 §2.
    let (plain, colon) = (ClientAuth::secret("a", "b:c"), ClientAuth::secret("a:b", "c"));
    for auth in [plain.clone(), plain.clone().post(), plain.clone().basic(), plain.raw_basic()] {
        auth.check().unwrap();
    }
    for auth in [colon.clone(), colon.clone().post(), colon.clone().basic()] {
        auth.check().unwrap();
    }
    let error = colon.raw_basic().check().unwrap_err();
    assert!(error.to_string().starts_with("`client_id` has a colon"), "{error}");
}

#[test]
fn a_refused_rotation_keeps_the_old_credentials() {
    let client = RotatingClient::new(ClientAuth::secret("old", "s"));
    client.rotate(ClientAuth::secret("new", "")).unwrap_err();
    assert_eq!((client.current().id(), client.epoch()), ("old", 0));
    client.rotate(ClientAuth::secret("new", "t")).unwrap();
    assert_eq!((client.current().id(), client.epoch()), ("new", 1));
}

#[test]
fn credentials_are_the_same_if_id_secret_and_method_are() {
    let auth = ClientAuth::secret("id", "hidden");
    assert!(auth.is_same_as(&auth.clone()));
    // What is sent without a method is sent in the body.
    assert!(auth.is_same_as(&auth.clone().post()));
    assert!(auth.is_same_as(&ClientAuth::secret("id", "other").with_secret("hidden".into())));
    for other in [
        ClientAuth::secret("id-2", "hidden"),
        ClientAuth::secret("id", "hidden-2"),
        auth.clone().basic(),
        auth.clone().raw_basic(),
    ] {
        assert!(!auth.is_same_as(&other) && !other.is_same_as(&auth), "{other:?}");
    }
    let raw = auth.raw_basic();
    assert!(raw.is_same_as(&raw.with_secret("hidden".into())));
}

#[test]
fn all_credentials_that_are_known_beside_those_of_the_request_are_seen_once() {
    let [one, two, three] = ["1", "2", "3"].map(|id| ClientAuth::secret(id, "hidden"));
    let client = RotatingClient::new(one.clone());
    let seen = |client: &RotatingClient, asked: &ClientAuth| {
        let seen = client.seen_with(asked);
        seen.iter().map(|auth| auth.id().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(seen(&client, &one), ["1"]);
    assert_eq!(seen(&client, &three), ["3", "1"]);
    let client = client.with_fallback(two.clone()).unwrap();
    assert_eq!(seen(&client, &one), ["1", "2"]);
    assert_eq!(seen(&client, &two), ["2", "1"]);
    assert_eq!(seen(&client, &three), ["3", "1", "2"]);
    client.rotate(three.clone()).unwrap();
    assert_eq!(seen(&client, &three), ["3"]);
}

#[test]
fn each_change_is_a_new_epoch_and_wakes_who_waits_for_one() {
    let client = RotatingClient::from(ClientAuth::secret("1", "hidden"));
    assert_eq!(client.epoch(), 0);
    let mut changed = spawn(client.changed(0));
    assert_pending!(changed.poll());
    client.rotate(ClientAuth::secret("2", "hidden")).unwrap();
    assert!(changed.is_woken());
    assert_ready!(changed.poll());
    assert_ready!(spawn(client.changed(0)).poll());
    assert_pending!(spawn(client.changed(1)).poll());
    client.clone().with_fallback(ClientAuth::secret("3", "hidden")).unwrap();
    assert_eq!(client.epoch(), 2);
    client.clone().with_fallback(ClientAuth::secret("", "hidden")).unwrap_err();
    assert_eq!(client.epoch(), 2);
}

#[test]
fn debug_shows_ids_and_methods_and_no_secret() {
    let auth = ClientAuth::secret("id", "hidden");
    assert_eq!(format!("{auth:?}"), r#"ClientAuth { id: "id", method: None, .. }"#);
    let old = ClientAuth::secret("old", "hidden").raw_basic();
    let client = RotatingClient::new(auth.basic()).with_fallback(old).unwrap();
    assert_eq!(
        format!("{client:?}"),
        r#"RotatingClient { epoch: 1, auth: ClientAuth { id: "id", method: Some(Basic), .. }, "#
            .to_owned()
            + r#"fallback: Some(ClientAuth { id: "old", method: Some(RawBasic), .. }) }"#
    );
}
