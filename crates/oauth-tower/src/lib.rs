//! oauth-tower
