//! What the gRPC layer leaves as it is: readiness, and what a response's body says of itself.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use oauth_tower::{CloneBody, OAuthLayer};
use tower::{Layer, Service};

use crate::scripted::full;
use oauth_adapter_tests::issuer::{API, Issuer};

/// Is pending twice before it is ready.
#[derive(Clone)]
struct Busy(u8);

impl Service<Request<Full<Bytes>>> for Busy {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Full<Bytes>>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0 = self.0.saturating_sub(1);
        if self.0 == 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        ready(Ok(Response::new(request.into_body())))
    }
}

#[tokio::test(start_paused = true)]
async fn the_layer_is_as_ready_and_its_body_as_long_as_what_is_inside() {
    let slot = Issuer::new().ready_slot().await;
    let mut service = OAuthLayer::new(slot).replay(CloneBody).grpc().layer(Busy(3));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        assert!(service.poll_ready(&mut cx).is_pending());
    }
    assert!(service.poll_ready(&mut cx).is_ready());

    let request = Request::post(API).body(full("text")).unwrap();
    let call = service.call(request);
    assert_eq!(format!("{call:?}"), "GrpcFuture { .. }");
    let Poll::Ready(Ok(response)) = pin!(call).poll(&mut cx) else { panic!("at once") };
    let mut body = response.into_body();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(4), false));
    let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(&mut cx) else {
        panic!("a frame")
    };
    assert_eq!(frame.into_data().unwrap(), "text");
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
}
