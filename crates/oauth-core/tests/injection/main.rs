//! Settings that come from someone who is malicious break out of nothing: each is sent exactly as it
//! was given, in the place where it belongs, or refused by its name when the grant is built.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod credentials;
mod hostile;
mod members;
mod random;
mod requests;
mod token;
mod urls;
