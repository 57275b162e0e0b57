//! The token endpoint, out of the callers' way.

use std::time::Duration;

use oauth_testkit::{AuthServer, Dialect};
use tokio::runtime::{Builder, Runtime};

/// What the endpoint takes for a response.
pub const TOKEN_LATENCY: Duration = Duration::from_millis(50);

/// A token endpoint that responds after [`TOKEN_LATENCY`]; it stops when this is dropped.
#[derive(Debug)]
pub struct TokenEndpoint {
    /// The server, to script and to count.
    pub server: AuthServer,
    // Dropped after the server.
    runtime: Option<Runtime>,
}

impl TokenEndpoint {
    /// Starts it. Its tokens live an hour.
    ///
    /// # Panics
    /// If there is no thread or no port to be had.
    pub fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread");
        // From a plain thread: a runtime must not block inside another one.
        let server = std::thread::scope(|scope| {
            let start = || runtime.block_on(AuthServer::start(Dialect::Ataccama));
            scope.spawn(start).join().expect("no panic").expect("a port")
        });
        server.strict_order(false);
        server.set_token_latency(TOKEN_LATENCY);
        server.set_lifetime(Duration::from_secs(3600));
        Self { server, runtime: Some(runtime) }
    }
}

impl Drop for TokenEndpoint {
    fn drop(&mut self) {
        // A runtime that is dropped inside another one's task would panic.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
