//! A tonic server that refuses tokens at a chosen moment of a call, and a tonic client.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use futures_util::stream::{self, BoxStream, StreamExt};
use http::uri::PathAndQuery;
use oauth_core::{Origin, Origins, Outcome, ReplayBody, TokenSlot};
use oauth_tower::{Buffered, IntoBody, OAuthLayer};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status, Streaming};
use tower::util::BoxCloneService;
use tower::{BoxError, Layer, Service, ServiceBuilder};

/// What comes before each message on the wire.
pub const PREFIX: usize = 5;

/// When the server refuses a token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// On the head.
    Before,
    /// When it has this many messages.
    During(usize),
    /// When it has all messages.
    After,
}

/// A call as the server saw it: its token, and the messages that it read.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub token: String,
    pub length: usize,
    pub digest: [u8; 32],
}

impl Seen {
    /// Of a call whose messages were all read.
    pub fn whole(token: &str, messages: &[Bytes]) -> Self {
        let mut digest = Sha256::new();
        messages.iter().for_each(|message| digest.update(message));
        let length = messages.iter().map(Bytes::len).sum();
        Self { token: token.into(), length, digest: digest.finalize().into() }
    }
}

pub struct World {
    shared: Arc<Shared>,
    pub origin: String,
}

struct Shared {
    moment: Mutex<Moment>,
    refused: Mutex<HashSet<String>>,
    seen: Mutex<Vec<Seen>>,
    outcomes: Mutex<Vec<Outcome>>,
    /// Opened for each call whose token is good.
    gate: Arc<Semaphore>,
}

type IntoTonic = IntoBody<fn(ReplayBody<Body>) -> Body>;

/// A client with our layer around its channel.
pub type Client =
    tonic::client::Grpc<BoxCloneService<http::Request<Body>, http::Response<Body>, BoxError>>;

impl World {
    pub async fn start() -> Self {
        let shared = Arc::new(Shared {
            moment: Mutex::new(Moment::Before),
            refused: Mutex::default(),
            seen: Mutex::default(),
            outcomes: Mutex::default(),
            gate: Arc::new(Semaphore::new(0)),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder().add_service(Uploads(shared.clone()));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self { shared, origin }
    }

    pub fn refuse(&self, token: &str, moment: Moment) {
        self.shared.refused.lock().unwrap().insert(token.into());
        *self.shared.moment.lock().unwrap() = moment;
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The tokens of all calls, in order.
    pub fn tokens(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.token).collect()
    }

    /// What the layer said of each response, in words.
    pub fn outcomes(&self) -> Vec<String> {
        let outcomes = self.shared.outcomes.lock().unwrap();
        outcomes.iter().map(|outcome| format!("{outcome:?}")).collect()
    }

    pub fn layer(&self, slot: TokenSlot) -> OAuthLayer<IntoTonic> {
        OAuthLayer::new(slot)
            .origins(Origins::parse([&self.origin]).unwrap())
            .inner_origin(Origin::parse(&self.origin).unwrap())
            .replay(Buffered::into_body(Body::new as fn(ReplayBody<Body>) -> Body))
    }

    /// A client whose channel has this layer around it.
    pub fn client<L, B>(&self, layer: L) -> Client
    where
        L: Layer<Channel>,
        L::Service: Service<http::Request<Body>, Response = http::Response<B>>,
        L::Service: Clone + Send + 'static,
        <L::Service as Service<http::Request<Body>>>::Error: Into<BoxError>,
        <L::Service as Service<http::Request<Body>>>::Future: Send,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let shared = self.shared.clone();
        let guarded = ServiceBuilder::new()
            .map_response(move |response: http::Response<B>| {
                shared.outcomes.lock().unwrap().push(Outcome::of(response.extensions()));
                response.map(Body::new)
            })
            .map_err(Into::<BoxError>::into)
            .service(layer.layer(self.channel()));
        tonic::client::Grpc::new(BoxCloneService::new(guarded))
    }

    fn channel(&self) -> Channel {
        Endpoint::from_shared(self.origin.clone()).unwrap().connect_lazy()
    }

    /// These messages. With a number, those from it on, and the end, come only when a call with a
    /// good token has arrived.
    pub fn messages(&self, messages: &[Bytes], held: Option<usize>) -> BoxStream<'static, Bytes> {
        let Some(held) = held else { return stream::iter(messages.to_vec()).boxed() };
        let (first, rest) = messages.split_at(held);
        let (first, rest) = (first.to_vec(), rest.to_vec());
        let gate = self.shared.gate.clone();
        let rest = stream::once(async move {
            gate.acquire().await.expect("never closed").forget();
            stream::iter(rest)
        });
        stream::iter(first).chain(rest.flatten()).boxed()
    }
}

pub async fn unary(client: &mut Client, request: Request<Bytes>) -> Result<Bytes, Status> {
    client.ready().await.map_err(Status::from_error)?;
    let path = PathAndQuery::from_static("/test.Uploads/Echo");
    client.unary(request, path, Messages).await.map(Response::into_inner)
}

pub async fn upload(
    client: &mut Client,
    messages: BoxStream<'static, Bytes>,
) -> Result<Bytes, Status> {
    client.ready().await.map_err(Status::from_error)?;
    let path = PathAndQuery::from_static("/test.Uploads/Upload");
    client.client_streaming(Request::new(messages), path, Messages).await.map(Response::into_inner)
}

pub async fn watch(client: &mut Client) -> Result<Streaming<Bytes>, Status> {
    client.ready().await.map_err(Status::from_error)?;
    let path = PathAndQuery::from_static("/test.Uploads/Watch");
    client.server_streaming(say("watch"), path, Messages).await.map(Response::into_inner)
}

/// A request of one message.
pub fn say(message: &'static str) -> Request<Bytes> {
    Request::new(Bytes::from_static(message.as_bytes()))
}

/// The service: `Echo`, `Upload`, and `Watch`, whose refusals come after a first message.
#[derive(Clone)]
struct Uploads(Arc<Shared>);

impl tonic::server::NamedService for Uploads {
    const NAME: &'static str = "test.Uploads";
}

/// What a server streams.
type Answers = BoxStream<'static, Result<Bytes, Status>>;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl Service<http::Request<Body>> for Uploads {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Messages);
            Ok(match request.uri().path() {
                "/test.Uploads/Echo" => {
                    let echo = tower::service_fn(move |request| shared.clone().echo(request));
                    grpc.unary(echo, request).await
                }
                "/test.Uploads/Upload" => {
                    let upload = tower::service_fn(move |request| shared.clone().upload(request));
                    grpc.client_streaming(upload, request).await
                }
                _ => {
                    let watch = tower::service_fn(move |request| shared.clone().watch(request));
                    grpc.server_streaming(watch, request).await
                }
            })
        })
    }
}

impl Shared {
    /// The token, and whether it is good.
    fn token<T>(&self, request: &Request<T>) -> (String, bool) {
        let header = request.metadata().get("authorization");
        let header = header.map_or("", |value| value.to_str().unwrap());
        let token = header.strip_prefix("Bearer ").unwrap_or(header).to_owned();
        let good = !self.refused.lock().unwrap().contains(&token);
        (token, good)
    }

    fn no_longer() -> Status {
        Status::unauthenticated("that token no longer")
    }

    fn echo(self: Arc<Self>, request: Request<Bytes>) -> Ready<Result<Response<Bytes>, Status>> {
        let (token, good) = self.token(&request);
        let message = request.into_inner();
        self.seen.lock().unwrap().push(Seen::whole(&token, std::slice::from_ref(&message)));
        ready(if good { Ok(Response::new(message)) } else { Err(Self::no_longer()) })
    }

    async fn upload(
        self: Arc<Self>,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<Bytes>, Status> {
        let (token, good) = self.token(&request);
        let reads = match *self.moment.lock().unwrap() {
            _ if good => usize::MAX,
            Moment::Before => 0,
            Moment::During(messages) => messages,
            Moment::After => usize::MAX,
        };
        if good {
            self.gate.add_permits(1);
        }
        let mut messages = Vec::new();
        let mut incoming = request.into_inner();
        while messages.len() < reads {
            match incoming.message().await? {
                Some(message) => messages.push(message),
                None => break,
            }
        }
        let seen = Seen::whole(&token, &messages);
        let digest = Bytes::copy_from_slice(&seen.digest);
        self.seen.lock().unwrap().push(seen);
        if good { Ok(Response::new(digest)) } else { Err(Self::no_longer()) }
    }

    fn watch(self: Arc<Self>, request: Request<Bytes>) -> Ready<Result<Response<Answers>, Status>> {
        let (token, good) = self.token(&request);
        self.seen.lock().unwrap().push(Seen::whole(&token, &[]));
        let end = (!good).then(Self::no_longer).map(Err);
        let first = Ok(Bytes::from_static(b"first"));
        ready(Ok(Response::new(stream::iter([first].into_iter().chain(end)).boxed())))
    }
}

/// Messages of plain bytes.
#[derive(Clone, Copy)]
struct Messages;

impl Codec for Messages {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Messages {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for Messages {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
