//! The accept loop: HTTP/1.1 and HTTP/2 with prior knowledge on loopback, with connections that a handler
//! can end as it likes.

mod connection;
mod counts;
mod stream;

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use self::counts::{Connections, Open};
use crate::reply::Outcome;

const BACKLOG: u32 = 1024;

/// What a server does with a request.
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = Outcome> + Send;
}

/// A server that runs for as long as this value lives.
pub(crate) struct Running {
    addr: SocketAddr,
    connections: Arc<Connections>,
    accepting: AbortHandle,
    /// Closed by the drop, which ends the tasks of HTTP/2 streams.
    _stop: watch::Sender<()>,
}

impl Running {
    pub(crate) fn start<H: Handler>(handler: Arc<H>) -> io::Result<Self> {
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        let addr = listener.local_addr()?;
        let connections = Arc::<Connections>::default();
        let (stop, stopped) = watch::channel(());
        let accepting = runtime.spawn(accept(listener, handler, Arc::clone(&connections), stopped));
        Ok(Self { addr, connections, accepting: accepting.abort_handle(), _stop: stop })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<H: Handler>(
    listener: TcpListener,
    handler: Arc<H>,
    connections: Arc<Connections>,
    stopped: watch::Receiver<()>,
) {
    // Dropped with this task, which aborts every connection.
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let open = Open::count(&connections);
                    let serving = connection::serve(stream, Arc::clone(&handler), stopped.clone());
                    running.spawn(async move {
                        let _open = open;
                        serving.await;
                    });
                }
                // Out of descriptors, most likely: others have to close first.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(_) = running.join_next(), if !running.is_empty() => {}
        }
    }
}
