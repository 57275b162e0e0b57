//! Recognizes header values that a slot has issued, by a fingerprint of their text.
//!
//! The guard asks below a redirect follower, where the header has been copied and the slot's token may have
//! been replaced since. A mark on the request or the address of the text may be gone by then.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderValue;

use crate::token::Token;

/// How many tokens are remembered. By age a slot fetches at most one a second, usually one in minutes; only
/// a request that is under way for longer than all of these would not be recognized.
const REMEMBERED: usize = 256;

/// Fingerprints of the tokens that were issued last.
#[derive(Debug, Default)]
pub(super) struct IssuedTokens {
    // Keyed at random, so fingerprints reveal nothing about a token.
    hasher: RandomState,
    recent: Mutex<VecDeque<u64>>,
}

impl IssuedTokens {
    /// Remembers a token. Called before it is published.
    pub(super) fn remember(&self, token: &Token) {
        let fingerprint = self.fingerprint(token.header_value());
        let mut recent = self.recent();
        // An issuer with a cache returns one token many times.
        if recent.back() == Some(&fingerprint) {
            return;
        }
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(fingerprint);
    }

    pub(super) fn contains(&self, header: &HeaderValue) -> bool {
        let fingerprint = self.fingerprint(header);
        self.recent().contains(&fingerprint)
    }

    /// The random key, for other hashes.
    pub(super) fn hasher(&self) -> &RandomState {
        &self.hasher
    }

    fn fingerprint(&self, header: &HeaderValue) -> u64 {
        self.hasher.hash_one(header.as_bytes())
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<u64>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: usize) -> Token {
        Token::bearer(format!("token-{number}")).unwrap()
    }

    #[test]
    fn the_last_256_tokens_are_known_and_older_ones_are_not() {
        let issued = IssuedTokens::default();
        for number in 0..=REMEMBERED {
            issued.remember(&token(number));
        }
        assert!(!issued.contains(token(0).header_value()));
        for number in 1..=REMEMBERED {
            assert!(issued.contains(token(number).header_value()), "{number}");
        }
        assert!(!issued.contains(token(REMEMBERED + 1).header_value()));
    }

    #[test]
    fn one_token_that_is_issued_again_and_again_takes_one_place() {
        let issued = IssuedTokens::default();
        issued.remember(&token(1));
        for _ in 0..2 * REMEMBERED {
            issued.remember(&token(2));
        }
        assert!(issued.contains(token(1).header_value()));
        assert_eq!(issued.recent().len(), 2);
    }

    #[test]
    fn a_copy_of_the_text_in_other_memory_is_known() {
        let issued = IssuedTokens::default();
        issued.remember(&token(1));
        let copy = HeaderValue::from_bytes(token(1).header_value().as_bytes()).unwrap();
        assert!(issued.contains(&copy));
    }
}
