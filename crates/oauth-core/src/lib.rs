//! oauth-core
pub mod challenge;
pub mod replay;
