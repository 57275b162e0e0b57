//! Bodies that can be sent twice. When a request is sent again, and with which body, is on the page
//! [`manual::replay`](crate::manual::replay).

/// The default cap of both adapters, in bytes.
pub const DEFAULT_CAP: usize = 64 * 1024;

mod body;
mod buffer;
mod choice;
mod error;
mod handle;
mod settings;
mod shared;
mod tee;
mod trailers;

pub use self::body::ReplayBody;
pub use self::choice::ReplayChoice;
pub use self::error::{ReplayError, ReplayRefused};
pub use self::handle::ReplayHandle;
pub use self::settings::{Buffered, IntoBody, NoReplay};
