//! The credentials that the token endpoint accepts.

use crate::random;

pub(super) struct Clients {
    accepted: Vec<Client>,
}

#[derive(Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
}

impl Client {
    fn random() -> Self {
        Self { id: random::alphanumeric(26), secret: random::secret() }
    }
}

impl Clients {
    pub(super) fn new() -> Self {
        Self { accepted: vec![Client::random()] }
    }

    /// The one that was made last.
    pub(super) fn latest(&self) -> Client {
        self.accepted.last().cloned().unwrap_or_else(Client::random)
    }

    pub(super) fn accept(&self, id: &str, secret: &str) -> bool {
        self.accepted.iter().any(|client| client.id == id && client.secret == secret)
    }

    pub(super) fn add(&mut self) -> Client {
        let client = Client::random();
        self.accepted.push(client.clone());
        client
    }

    pub(super) fn add_secret(&mut self) -> String {
        let client = Client { id: self.latest().id, secret: random::secret() };
        self.accepted.push(client.clone());
        client.secret
    }

    pub(super) fn retire_old(&mut self) {
        let newest = self.accepted.len().saturating_sub(1);
        self.accepted.drain(..newest);
    }
}
