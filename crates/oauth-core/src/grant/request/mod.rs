//! What is sent to a token endpoint.

pub(super) mod body;
pub(super) mod settings;
