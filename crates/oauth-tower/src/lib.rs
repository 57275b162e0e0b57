//! A Tower layer that attaches OAuth 2.0 client credentials tokens.
mod error;
mod future;
mod layer;
mod service;
mod strategy;

pub use error::Error;
pub use future::ResponseFuture;
pub use layer::OAuthLayer;
pub use service::OAuth;
pub use strategy::{
    Buffered, CloneBody, Cloned, IntoBody, Keep, NoReplay, Nothing, Strategy, Teed, TeedInto,
};
