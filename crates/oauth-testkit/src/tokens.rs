//! The tokens that were issued, shared by the authorization server and the APIs that trust it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::sync::lock;
use crate::{Dialect, random};

/// Dead tokens are swept out once this many are held, so that a long soak stays small.
const FIRST_SWEEP: usize = 4096;

pub(crate) struct Tokens {
    dialect: Dialect,
    book: Mutex<Book>,
}

struct Book {
    entries: HashMap<String, Entry>,
    issued: u64,
    lifetime: Duration,
    repeat: bool,
    latest: Option<String>,
    sweep_at: usize,
}

struct Entry {
    seq: u64,
    /// `None`: a lifetime beyond what the clock can hold.
    expires: Option<Instant>,
    revoked: bool,
}

impl Entry {
    fn is_live(&self, now: Instant) -> bool {
        !self.revoked && self.expires.is_none_or(|end| now < end)
    }
}

/// A token and the lifetime that is sent with it.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) lifetime: Duration,
}

impl Tokens {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let book = Book {
            entries: HashMap::new(),
            issued: 0,
            lifetime: dialect.default_lifetime(),
            repeat: false,
            latest: None,
            sweep_at: FIRST_SWEEP,
        };
        Self { dialect, book: Mutex::new(book) }
    }

    pub(crate) fn issue(&self) -> Issued {
        let now = Instant::now();
        let mut book = lock(&self.book);
        let book = &mut *book;
        let lifetime = book.lifetime;
        let expires = now.checked_add(lifetime);
        if book.repeat {
            if let Some(token) = &book.latest {
                if let Some(entry) = book.entries.get_mut(token) {
                    entry.expires = expires;
                }
                return Issued { token: token.clone(), lifetime };
            }
        }
        book.sweep(now);
        book.issued += 1;
        let token = random::token(self.dialect);
        let entry = Entry { seq: book.issued, expires, revoked: false };
        book.entries.insert(token.clone(), entry);
        book.latest = Some(token.clone());
        Issued { token, lifetime }
    }

    /// The number of the token if it is good at this moment.
    pub(crate) fn accept(&self, token: &str) -> Option<u64> {
        let now = Instant::now();
        let book = lock(&self.book);
        book.entries.get(token).filter(|entry| entry.is_live(now)).map(|entry| entry.seq)
    }

    pub(crate) fn revoke(&self, token: &str) {
        if let Some(entry) = lock(&self.book).entries.get_mut(token) {
            entry.revoked = true;
        }
    }

    pub(crate) fn revoke_all(&self) {
        for entry in lock(&self.book).entries.values_mut() {
            entry.revoked = true;
        }
    }

    pub(crate) fn set_lifetime(&self, lifetime: Duration) {
        lock(&self.book).lifetime = lifetime;
    }

    pub(crate) fn set_repeat(&self, repeat: bool) {
        lock(&self.book).repeat = repeat;
    }
}

impl Book {
    /// A dead token and an unknown one get the same response, so that forgetting one is not seen. The latest is
    /// kept: it may be repeated, and must then still be known as revoked.
    fn sweep(&mut self, now: Instant) {
        if self.entries.len() < self.sweep_at {
            return;
        }
        let latest = self.latest.as_deref();
        self.entries.retain(|token, entry| entry.is_live(now) || latest == Some(token));
        self.sweep_at = FIRST_SWEEP + 2 * self.entries.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(1);

    fn held(tokens: &Tokens) -> (usize, usize) {
        let book = lock(&tokens.book);
        (book.entries.len(), book.sweep_at)
    }

    /// Issues until that many are held.
    fn fill(tokens: &Tokens, count: usize) {
        while held(tokens).0 < count {
            tokens.issue();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn dead_tokens_are_swept_out_once_there_are_many() {
        let tokens = Tokens::new(Dialect::Fuuffy);
        tokens.set_lifetime(LIFE);
        fill(&tokens, FIRST_SWEEP - 1);
        tokio::time::advance(LIFE).await;
        let live = [tokens.issue(), tokens.issue()].map(|issued| issued.token);
        // The second issue has found 4,096, all dead but one.
        assert_eq!(held(&tokens), (2, FIRST_SWEEP + 2));
        assert_eq!(live.map(|token| tokens.accept(&token)), [Some(4096), Some(4097)]);

        fill(&tokens, FIRST_SWEEP + 2);
        let latest = tokens.issue();
        // Everything was alive.
        assert_eq!(held(&tokens), (FIRST_SWEEP + 3, FIRST_SWEEP + 2 * (FIRST_SWEEP + 2)));
        assert_eq!(tokens.accept(&latest.token), Some(4097 + 4096 + 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_keeps_the_latest_token_as_revoked_as_it_is() {
        let tokens = Tokens::new(Dialect::Fuuffy);
        fill(&tokens, 2);
        let latest = tokens.issue().token;
        tokens.revoke_all();
        lock(&tokens.book).sweep(Instant::now());
        assert_eq!(held(&tokens), (3, FIRST_SWEEP));
        // The sweep is due.
        lock(&tokens.book).sweep_at = 0;
        lock(&tokens.book).sweep(Instant::now());
        assert_eq!(held(&tokens), (1, FIRST_SWEEP + 2));
        tokens.set_repeat(true);
        assert_eq!(tokens.issue().token, latest);
        assert_eq!(tokens.accept(&latest), None);
    }
}
