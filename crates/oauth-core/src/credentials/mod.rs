//! How the client authenticates to the token endpoint (RFC 6749 §2.3), and where its credentials come from:
//! given once, rotated while the service runs, read from a file or a vault.

mod blanks;
mod client_auth;
mod current;
mod file;
mod into_secret;
mod provider;
mod resolved;
mod rotating;

pub(crate) use blanks::at_an_end as blank_at_an_end;
pub use client_auth::ClientAuth;
pub(crate) use current::InUse;
pub use file::FileSecret;
pub use into_secret::IntoSecret;
pub(crate) use provider::Provided;
pub use provider::SecretProvider;
pub use resolved::Credentials;
pub use rotating::RotatingClient;

#[cfg(test)]
mod tests;
