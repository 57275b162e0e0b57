//! What is sent to a token endpoint.

pub(super) mod body;
pub(crate) mod params;
pub(super) mod settings;
