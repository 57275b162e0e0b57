//! One connection, from the accept to the close.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use super::Handler;
use super::stream::SharedStream;
use crate::reply::{Ending, Outcome, Served};

/// More than the 1,000 requests that a test may have in flight on one connection.
const MAX_STREAMS: u32 = 4096;

/// Spawns the tasks of HTTP/2 streams, and ends them with the server.
#[derive(Clone)]
struct UntilStopped(watch::Receiver<()>);

impl<F> Executor<F> for UntilStopped
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let mut stopped = self.0.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = future => {}
                // Nothing is ever sent: this is the sender's drop.
                _ = stopped.changed() => {}
            }
        });
    }
}

pub(super) async fn serve<H: Handler>(
    stream: TcpStream,
    handler: Arc<H>,
    stopped: watch::Receiver<()>,
) {
    // A stream that does not take the option is merely slower.
    let _ = stream.set_nodelay(true);
    let stream = SharedStream::new(stream);
    let (end, mut ended) = mpsc::channel::<Ending>(1);
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        let end = end.clone();
        async move {
            match handler.handle(request).await {
                Outcome::Respond(response) => Served::Ok(response),
                Outcome::End(ending, _) => {
                    // When another request has ended the connection already, this one ends with it.
                    let _ = end.try_send(ending);
                    pending().await
                }
            }
        }
    });
    let mut server = auto::Builder::new(UntilStopped(stopped));
    server.http2().max_concurrent_streams(MAX_STREAMS).max_pending_accept_reset_streams(1024);
    // hyper's half of the connection is dropped at the end of the block, before the stream is ended.
    let ending = {
        let mut connection = pin!(server.serve_connection(TokioIo::new(stream.clone()), service));
        tokio::select! {
            // A broken connection is the peer's doing, or a fault's.
            _ = connection.as_mut() => None,
            ending = ended.recv() => ending,
        }
    };
    match ending {
        None => {}
        Some(Ending::Reset) => stream.reset(),
        // A peer that has gone does not read the rest.
        Some(Ending::Raw(raw)) => drop(stream.finish_with(raw).await),
    }
}
