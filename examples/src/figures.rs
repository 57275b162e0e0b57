//! What a scenario measured, and what it must be.

use std::fmt::Write;

use serde::Serialize;

use crate::scenario::Scenario;

/// The figures of one scenario for one provider and adapter.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// The provider whose dialect the servers spoke.
    pub provider: String,
    /// `tower` or `reqwest`.
    pub adapter: &'static str,
    /// What was played.
    pub scenario: Scenario,
    /// Requests sent by the caller.
    pub requests: usize,
    /// Requests with a 200 response.
    pub ok: usize,
    /// Requests that reached the token endpoint; for `foreign_origin` the tokens seen at the other
    /// origin.
    pub token_requests: u64,
    /// Requests that succeeded on their second send.
    pub replayed: usize,
    /// Bodies that arrived with the length and SHA-256 that they left with.
    pub bodies_intact: usize,
    /// The longest time from a request's start to its response.
    pub longest_wait_ms: u64,
}

impl Figures {
    /// What is not as it must be, if anything.
    pub fn off(&self) -> Option<String> {
        let (requests, wanted) = self.scenario.wanted();
        let mut off = String::new();
        let mut check = |name: &str, holds: bool, found: &dyn std::fmt::Display| {
            if !holds {
                let _ = write!(off, "{name} is {found}; ");
            }
        };
        check("requests", self.requests == requests, &self.requests);
        check("ok", self.ok == wanted.ok, &self.ok);
        let tokens = self.token_requests;
        check("token_requests", wanted.token_requests.contains(&tokens), &tokens);
        check("replayed", wanted.replayed.contains(&self.replayed), &self.replayed);
        check("bodies_intact", self.bodies_intact == wanted.ok, &self.bodies_intact);
        let wait = self.longest_wait_ms;
        check("longest_wait_ms", wait < wanted.longest_wait_ms, &wait);
        (!off.is_empty()).then_some(off)
    }
}

/// The figures as a table for people.
pub fn table(rows: &[Figures]) -> String {
    let mut out = String::from(
        "provider  adapter  scenario        requests    ok  token req.  replayed  intact  longest ms  as expected\n",
    );
    for row in rows {
        let verdict = row.off().map_or("yes".to_owned(), |off| format!("NO: {off}"));
        let _ = writeln!(
            out,
            "{:<9} {:<8} {:<15} {:>8} {:>5} {:>11} {:>9} {:>7} {:>11}  {verdict}",
            row.provider,
            row.adapter,
            row.scenario.name(),
            row.requests,
            row.ok,
            row.token_requests,
            row.replayed,
            row.bodies_intact,
            row.longest_wait_ms,
        );
    }
    out
}
