//! Secrets of many alphabets, through every encoder and every pair of two.

use oauth_core::ClientAuth;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::encoders::{ENCODERS, OTHERS};
use crate::places::{all_shown, described, grant, window};

/// Every alphabet in which secrets are made, twelve to forty characters of it.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9+/]{14,40}={0,2}",
        "[A-Za-z0-9_-]{14,40}",
        "[0-9a-f]{16,48}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[A-Za-z0-9~._-]{3}Q~[A-Za-z0-9~._-]{34}",
        "[!-/:-@\\[-`{-~]{14,40}",
        "[ -~]{14,40}",
        "[a-zéüßж漢😀]{14,30}",
        "[a-z]{4,9}( [a-z]{4,9}){3,5}",
        "[a-z]{14,30}",
        "[0-9]{14,30}",
    ]
}

/// This many cases, the same in each run; `ECHO_SEED` plays others, and `ECHO_FACTOR` more of them.
fn config(cases: u32) -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse().ok());
    ProptestConfig {
        cases: cases * number("ECHO_FACTOR").unwrap_or(1) as u32,
        rng_seed: RngSeed::Fixed(number("ECHO_SEED").unwrap_or(1)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn check(shown: &str, secret: &str, echo: &str) -> Result<(), TestCaseError> {
    for of in [secret, echo] {
        let found = window(of, shown);
        prop_assert!(found.is_none(), "{secret:?} as {echo:?} shows {found:?}: {shown}");
    }
    Ok(())
}

fn context() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec!["", "bad: ", "client_secret=", "x/y", "\\\"", "100% "])
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn nothing_of_a_secret_is_shown_in_any_spelling_at_any_place(
        secret in secret(),
        context in context(),
        encoder in 0..ENCODERS.len() + OTHERS.len(),
    ) {
        let client = ClientAuth::secret("visible-id", &*secret);
        let (_, encode) = ENCODERS.iter().chain(&OTHERS).nth(encoder).unwrap();
        let echo = encode(&secret);
        for shown in all_shown(&grant(client.clone()), &client, &format!("{context}{echo}, x")) {
            check(&shown, &secret, &echo)?;
        }
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn nothing_of_a_secret_is_shown_in_two_spellings_at_once(
        secret in secret(),
        context in context(),
    ) {
        let client = ClientAuth::secret("visible-id", &*secret);
        let grant = grant(client.clone());
        let mixed = secret.bytes().any(|byte| byte.is_ascii_uppercase());
        for (outer_name, outer) in ENCODERS.iter().chain(&OTHERS) {
            for (inner_name, inner) in ENCODERS.iter().chain(&OTHERS) {
                // What cannot be read back: Base64 in upper case, a text that had both cases.
                let upper = [outer_name, inner_name].contains(&&"upper case");
                if upper && (mixed || inner_name.starts_with("Base64")) {
                    continue;
                }
                let echo = outer(&inner(&secret));
                check(&described(&grant, &client, &format!("{context}{echo}, x")), &secret, &echo)?;
            }
        }
    }
}
