//! Replay: when a refused request is sent again, with which body, and when it never is.
//!
//! A token can become invalid early: it was revoked, a key was rotated, an API lost its state. The API
//! then responds with 401 to a request that is fine except for its token. Both adapters refresh the token
//! and send the request a second time, by the rules on this page. The types are in
//! [`replay`](crate::replay).
//!
//! # When a request is sent again
//!
//! | the response to the first send | what happens |
//! |---|---|
//! | 401 with a challenge of `Bearer` or the token's own scheme that names `invalid_token`, an unknown error or none; 401 without a challenge | the token is refreshed and the request sent once more |
//! | the same, and the slot already holds a newer token, or the previous one is the better choice for now | it is sent once more with that, without a token request ([which, and when](crate::manual::guarantees#refusals)) |
//! | the same, and its target refused a refreshed token shortly before, or the refresh budget is used up | delivered, with the reason in the [`Outcome`](crate::Outcome) |
//! | 401 whose challenges are all of other schemes | delivered: another kind of credential is wanted |
//! | 401 with `insufficient_scope` or `invalid_request` | delivered: another token would not help |
//! | any other status: 403, 407, 429, 5xx | delivered |
//! | a response from another origin than the request's, by a redirect | delivered: it says nothing about the token. In `oauth-reqwest` only with a `Stamp`: without one a rewritten URL looks the same, and a 401 counts as one after a redirect within the origin |
//! | a refusal after a redirect within the origin | GET, HEAD and OPTIONS are sent once more, from the start; others are delivered, and the token is refreshed for the next request |
//! | gRPC, opted in: nothing but the status `UNAUTHENTICATED` | as a 401 |
//! | gRPC, opted in: the same in real trailers | delivered; the token is refreshed for the next call |
//!
//! An adapter's `.verdict(..)` overrules the table for APIs that differ.
//!
//! A request is sent **twice at most**. The response to the second send is delivered whatever it is; a
//! second 401 pauses its target, whose refusals start no refresh for a while. If the second send fails,
//! the caller gets its error: the first 401 is gone by then.
//!
//! # What the second send is
//!
//! The same method, URI, headers, extensions, body and trailers, with the new token. The inner service is
//! polled ready before it, as before the first. The first response and its future are dropped before
//! that, so they hold no permit, and on HTTP/2 no stream, of a limited client.
//!
//! If the token cannot be refreshed, or the body cannot be sent again, the **first response is delivered
//! with its whole body**.
//!
//! # The cap
//!
//! What the first send pulls from a body is kept on the way, up to a cap of 64 KiB
//! ([`DEFAULT_CAP`]): trailers count with their names and values and 32 bytes for each field and for
//! the whole. The first frame over the cap releases what was kept. The first send goes on untouched;
//! only the replay is given up, and the token is refreshed for the next request.
//!
//! - Nothing is kept of a body whose `size_hint` is over the cap.
//! - An empty body costs nothing.
//! - What counts is what was *pulled* when the refusal came: an upload of gigabytes that the API refuses
//!   after its head is sent again whole if no more than the cap had been sent by then.
//! - Settable for an adapter (`Buffered::cap`) and for one request ([`ReplayChoice`]).
//! - Bodies that are shared instead of kept have no cap; see [below](#what-is-shared-instead).
//!
//! # What the cap bounds
//!
//! A cap on bytes is a cap on memory, because what is kept is a **copy**. `Bytes` may be a slice of an
//! allocation of any size and keep all of it alive without showing it; so may a header value, and a
//! header map keeps the capacity that it once reserved. None of them is kept.
//!
//! - Chunks are copied into blocks: the first as large as the first chunk, each further one of 8 KiB, or as
//!   large as the rest of a larger chunk. A block never grows, and is never larger than what is
//!   left of the cap, so all blocks together have no more capacity than the cap.
//! - Trailers are copied as their text, with 24 bytes for each field: less than they count.
//! - The list of blocks takes 72 bytes at most for each 8 KiB (24, in a queue that doubles).
//! - The state of the two sides takes less than 1 KiB. The source itself is boxed.
//!
//! Together that is less than **the cap, 1 % of it, and 1 KiB**, at any moment, whatever the chunks and the
//! trailers are. An allocator adds its own: typically 8 to 24 bytes for each of the allocations, of which
//! there are at most one for each 8 KiB, and six. All of it is freed at once when a frame is over the cap,
//! before that is copied, when the source fails, when the handle is dropped, and with the drop of the second
//! body, which also gives each block away as it is sent.
//!
//! Not counted are what the first send holds itself (the frame that passes through, hyper's buffers), and
//! of the request's head what both sends share: URI, headers and extensions. The copies are not wiped when
//! they are freed; for a body that must leave no trace use [`ReplayChoice::Off`](crate::ReplayChoice::Off).
//!
//! ## What is shared instead
//!
//! - `CloneBody` of `oauth-tower` clones the body before the first send and drops the clone with the
//!   response. Whatever a clone shares stays alive until then: of a `Full<Bytes>` that is the whole
//!   allocation that its bytes are a slice of, whatever their length. It has no cap and copies nothing.
//! - With reqwest a body of bytes is cloned with the request (`Request::try_clone`), which shares the bytes,
//!   and likewise keeps the whole allocation alive until the response. A `String`, a `Vec` or a form is an
//!   allocation of its own; only of a `Bytes` that is a slice is it more than the body. Streams and
//!   `Body::wrap` are kept as above.
//!
//! # A response before the body has ended
//!
//! Servers may refuse an upload after its head. With the verdict the first body stops, so nothing more is
//! pulled and the 401 stays readable. If the refresh fails, the body resumes. If it succeeds, the second
//! send takes over the source: what was kept, then the rest, in order, each byte once. The first body is
//! woken and ends with an error ([`ReplayError::is_taken_over`]), never as if it were complete, so no
//! server mistakes half of an upload for the whole.
//!
//! # What is never sent again
//!
//! - A request without our token: for another origin, with its own header in the token's place, or opted out
//!   ([`NoToken`](crate::NoToken)).
//! - A request whose body failed, or yielded a frame that is neither data nor trailers, or one that follows
//!   the trailers.
//! - A request with [`ReplayChoice::Off`](crate::ReplayChoice::Off), or through an adapter with `NoReplay`.
//! - One whose method is not GET, HEAD or OPTIONS, where a redirect was followed below the adapter or the
//!   URL rewritten there: `POST /orders` may have made the order before its 303 led to the `GET /orders/1`
//!   that was refused. The adapter has to know of redirects: see below.
//! - Anything after a response other than a refusal. A send that fails without a response is for a retry
//!   layer: it is unknown whether the server acted on it. (After a 401 it did not: RFC 9110 §15.5.2.
//!   gRPC's `UNAUTHENTICATED` means less, so it is opt-in.)
//!
//! # What the caller sees
//!
//! [`Outcome::of`](crate::Outcome::of) of the response's extensions:
//! [`Replayed`](crate::Outcome::Replayed), [`NotReplayed`](crate::Outcome::NotReplayed) with
//! [the reason](crate::NotReplayed), [`RefreshFailed`](crate::Outcome::RefreshFailed) with the error.
//!
//! # The order of layers
//!
//! From the outside in:
//!
//! 1. Time limits and retries for the whole call. A retry outside us passes through the adapter anew
//!    with the newest token. A rate limit here counts one request where two are sent.
//! 2. The adapter.
//! 3. Concurrency and rate limits: a request that waits for a token holds no permit. They count the
//!    second send.
//! 4. Redirect followers, if there must be one: **only with the guard below** (`OAuthLayer::guard`), because
//!    they take our header to foreign hosts. Outside the adapter each hop passes it anew, and a foreign
//!    server could steer a request with a token to a path of its choice.
//! 5. Retries of connection errors, if they need the body: they see a body that may be pulled once.
//! 6. The guard.
//! 7. The client. reqwest's follows redirects itself: give it the policy `oauth_reqwest::redirects()`.
//!
//! # Redirects below the adapter
//!
//! A redirect follower below the adapter returns only the last response, so the adapter must learn of the
//! redirect in another way:
//! - `oauth-tower`: the guard (`OAuthLayer::guard`); for tower-http's follower one of the features
//!   `tower-http-06` and `tower-http-07`; or `OAuthLayer::response_uri`. **Without one of them a followed
//!   redirect cannot be known, and a request that was acted on can be sent twice.** A redirect to the
//!   same URI (a POST, a 303 to itself, a GET) is seen only by the guard.
//! - `oauth-reqwest` compares the response's URL with the request's, whole and without the fragment. A
//!   redirect to the same URL is not seen that way; the policy `oauth_reqwest::redirects()` does not
//!   follow it. If a middleware below rewrites URLs, `oauth_reqwest::Stamp` distinguishes that from a
//!   redirect.
//!
//! # Connections of HTTP/1.1
//!
//! Nothing waits until the body of a 401 has been read. hyper's HTTP/1.1 client (1.12) reads the head
//! and at first 8 KiB. When the 401 is dropped, it reads once more, 16 KiB at most and without waiting,
//! or takes one more chunk of a chunked 401. If that is its end, the connection is kept; if not, it is
//! closed and the second send costs a new one:
//!
//! | the 401 | connections for both sends |
//! |---|---|
//! | up to 8 KiB with its head, there at once, with a `content-length` or in one chunk | 1 |
//! | larger, up to a body of 24 KiB | 1 or 2: what is there when it is dropped is a matter of timing |
//! | a body of more than 24 KiB; one in several chunks, or unfinished, when it is dropped | 2 |
//! | any over HTTP/2 | 1 |
//!
//! # The body
//!
//! [`ReplayBody`] is the body of the first send and keeps what passes through it; [`ReplayHandle`], the
//! other side, is held by the response future and can [`freeze`](crate::replay::ReplayHandle::freeze),
//! [`thaw`](crate::replay::ReplayHandle::thaw) and [`take over`](crate::replay::ReplayHandle::take_over).
//!
//! Unchanged from the bare body are backpressure, `size_hint` (so `content-length` stays),
//! `is_end_stream`, trailers, and the frames of the first send. It has `Bytes` as they come; other `Buf`
//! types are turned into `Bytes` once. The second send has the same bytes and trailers, but may have them
//! in other frames: empty ones are left out, small ones joined, and the parts of one may be in two.
//!
//! [`ReplayBody::plain`] and [`ReplayBody::default`] allocate nothing. A tee allocates twice (the state
//! that the two ends share, the pinned source), once for the copy of the first chunk, for each further
//! block, and for their list, and twice for trailers with fields. Each frame takes one lock, which is
//! contended only at the time of the verdict. The source is polled under it: `poll_frame` must not block,
//! or `freeze` would wait for it.
//!
//! [`DEFAULT_CAP`]: crate::replay::DEFAULT_CAP
//! [`ReplayHandle`]: crate::replay::ReplayHandle
//! [`ReplayBody`]: crate::ReplayBody
//! [`ReplayBody::default`]: crate::ReplayBody::default
//! [`ReplayBody::plain`]: crate::ReplayBody::plain
//! [`ReplayChoice`]: crate::ReplayChoice
//! [`ReplayError::is_taken_over`]: crate::replay::ReplayError::is_taken_over
