//! The access token in its header.

use oauth_core::Token;

use crate::hostile::HOSTILE;

#[test]
fn a_token_that_fits_into_no_header_is_refused_and_not_shown() {
    for value in HOSTILE.into_iter().chain(["", " ", "a b", "a\t"]) {
        let visible = !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic());
        match Token::bearer(value) {
            Ok(token) => {
                assert!(visible, "{value:?}");
                assert_eq!(token.header_value(), &format!("Bearer {value}"));
            }
            Err(error) => {
                assert!(!visible, "{value:?}");
                assert!(value.trim().is_empty() || !format!("{error:?}").contains(value));
            }
        }
    }
    let error = Token::bearer("a".repeat(1024 * 1024)).unwrap_err();
    assert_eq!(error.to_string(), "the access token is longer than 64 KiB");
}
