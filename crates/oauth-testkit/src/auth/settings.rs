//! What a test may change while the server runs.

use std::sync::Arc;
use std::time::Duration;

use super::clients::Clients;
use crate::shape::Envelopes;
use crate::{Dialect, random};

/// Writes the success body for a token.
pub(super) type Writer = Arc<dyn Fn(&str) -> String + Send + Sync>;

pub(super) struct Settings {
    pub(super) clients: Clients,
    pub(super) organization: String,
    pub(super) audience: String,
    pub(super) realm: String,
    pub(super) scope: String,
    pub(super) strict_order: bool,
    pub(super) raw_basic: bool,
    pub(super) latency: Duration,
    pub(super) envelopes: Envelopes,
    pub(super) writer: Option<Writer>,
}

impl Settings {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            clients: Clients::new(),
            organization: format!("org_{}", random::alphanumeric(16)),
            audience: "https://api.apiera.io".to_owned(),
            realm: "testkit".to_owned(),
            scope: dialect.default_scope().to_owned(),
            strict_order: true,
            raw_basic: false,
            latency: Duration::ZERO,
            envelopes: Envelopes::default(),
            writer: None,
        }
    }
}
