//! oauth-reqwest
