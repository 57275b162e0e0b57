//! oauth-testkit
