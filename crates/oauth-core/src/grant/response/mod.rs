//! How the response of a token endpoint is read.

mod class;
mod complaint;
mod dialect;
mod error_builder;
mod error_response;
mod json_text;
mod lifetime;
mod members;
mod rate_limit;
mod reader;
mod retry_after;
mod rules;
mod server_time;

pub(super) use class::Class;
pub(super) use dialect::Dialect;
pub use error_builder::ErrorBuilder;
pub(super) use error_response::ErrorResponse;
pub(super) use reader::read;
pub(super) use rules::Rules;
