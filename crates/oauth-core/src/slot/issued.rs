//! Which header values a slot has issued, told by a fingerprint of their text.
//!
//! A guard asks below a redirect follower, where the header has been copied by others and the token
//! in it may have been replaced meanwhile. Neither a mark on the request nor the address of the text
//! is certain to be there still.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderValue;

use crate::token::Token;

/// How many tokens are remembered. A slot issues one a second at most by age, and mostly one in
/// minutes; only a request that is under way for longer than all of them would not be known.
const REMEMBERED: usize = 256;

/// Fingerprints of the tokens that were issued last.
#[derive(Debug, Default)]
pub(super) struct IssuedTokens {
    // Keyed at random: what is kept says nothing about a token.
    hasher: RandomState,
    recent: Mutex<VecDeque<u64>>,
}

impl IssuedTokens {
    /// Remembers a token. Called before anyone can see it.
    pub(super) fn remember(&self, token: &Token) {
        let fingerprint = self.fingerprint(token.header_value());
        let mut recent = self.recent();
        // An issuer that caches hands out one token many times.
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

    /// For what else must be hashed with a random key.
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
