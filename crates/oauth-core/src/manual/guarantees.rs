//! What is guaranteed, with its limits, and the test that fails when it is broken.
//!
//! # Time
//! - A token's lifetime counts from before its request was sent (RFC 6749 §5.1), on the slot's
//!   [`Clock`](crate::clock::Clock). On Linux that clock counts time suspended; a step of the wall clock
//!   changes nothing. Where the system's clock stops during suspension (macOS), one expired token may be
//!   sent afterwards, and the 401 refreshes it.
//! - It is refreshed min(the source's window, 25 % of its lifetime) before its expiry, earlier by a
//!   random 0–10 % of that, drawn once per token, and no longer attached min(5 s, a tenth of its
//!   lifetime) before its expiry.
//! - A server's absolute times (`Retry-After` as a date, `expires_on`) are read against the `Date` of the
//!   same response, so neither its clock nor ours has to be right; without a `Date` they are ignored.
//!   *`throttled::a_date_is_read_against_the_date_of_its_response_and_never_against_our_clock`,
//!   `responses::expires_on_is_read_against_the_date_of_its_response_where_expires_in_is_missing`.*
//! - A token without a lifetime (`expires_in` ≤ 0) serves only the callers that waited for it. Flights by age
//!   start at most once a second: callers without a token wait for the next one, all for the same, if it
//!   starts within their limit, and get an error at once if it does not.
//!
//! # Concurrency
//! - At most one flight is under way for a slot, on the runtime of the caller that started it. It is a
//!   separate task: a caller that goes away changes nothing for the others.
//! - Every waiter gets the flight's one result. With Tokio they are woken in the order in which they
//!   came, so the first of thousands does not wait for the rest. A waiter whose flight was aborted (its
//!   runtime shut down) asks again, up to 3 times. One whose flight is on a runtime that is not driven
//!   replaces it a second after it missed its heartbeat: 5 s for its first poll, then the limit of each
//!   attempt and the wait between two.
//! - When the last handle of a slot is dropped, its flight and its [`KeepFresh`](crate::slot::KeepFresh)
//!   task end.
//!
//! # Failures
//! - Three limits: 10 s for an attempt, 30 s for a flight, 30 s for a caller.
//! - The first failed flight retries within itself (transient failures only, at most 10 attempts, full
//!   jitter, never before the time that the server asked for, by
//!   [`Retry-After` or the reset of a rate limit](crate::Error::retry_after)). A certificate that does
//!   not verify is permanent: its error, which names the cause and what to do, comes at the first attempt
//!   ([`GrantSource`](crate::GrantSource) has the details). After the first flight each flight is one
//!   attempt, and the failure is remembered for 1 s, doubling up to 30 s (transient) or 60 s (permanent),
//!   longer if the server asks for it, up to 5 minutes. Callers without a token get the remembered error
//!   at once, with [`Error::retry_after`](crate::Error::retry_after).
//! - A valid token survives every failure. It is due again when the next attempt may start.
//! - A source that returns [`Error::not_now`](crate::Error::not_now) has not failed: nothing is counted
//!   or retried, the valid token stays in use, a 401 is delivered, and nothing is fetched before the time
//!   that it names (1 s at least). *`slot` `context::*`; both adapters `context::*`.*
//! - New credentials ([`RotatingClient::rotate`](crate::RotatingClient::rotate),
//!   [`with_fallback`](crate::RotatingClient::with_fallback)) clear the remembered failure, and end at
//!   once the waits that it caused: the one between two attempts, `Retry-After` included, and that of
//!   [`KeepFresh`](crate::slot::KeepFresh).
//!
//! | in a simulated hour | token requests | at most |
//! |---|---|---|
//! | no failures, lifetimes of 10 minutes | 9 | |
//! | 500 to every request | 133 | 160 |
//! | `invalid_client` to every request | 65 | 70 |
//! | the same with fallback credentials | 130 | 140 |
//! | an API that responds with 401 to everything, 100 calls a second | 130 | 131 |
//! | 10,000 callers at once on an empty slot | 1 | 1 |
//! | 10,000 refusals of one token at once, or 100 over half a second | 1 | 1 |
//!
//! Recovery is noticed within 30 s. The tests print these figures and assert the bounds.
//!
//! # Foreign code
//! - A `tracing` subscriber, a clock, a source, a waker, or the drop of a source's error may panic or
//!   call the slot. None of them runs under a lock of the slot, nor between a flight's registration and
//!   the guard that removes it again. A panic of a subscriber, of a waker or in the drop of an error
//!   costs no caller its token; a panic of the source is an error for the waiters; after a panic of the
//!   clock at the end of a flight the token is fetched again. *`slot` `foreign_code::*`,
//!   `foreign_drops::*`.*
//!
//! # Refusals
//! A refusal is judged by what is known about the token, and charged to its *target*: method, origin and
//! path, without the query. Requests of which nothing is kept (without replay) share one target.
//!
//! - A refused token is named by its [`Generation`](crate::Generation): a late 401 for an old one
//!   returns the newer token and costs no token request.
//! - A token is *accepted* by a 2xx or 101 response of the API: not to an OPTIONS, not after a followed
//!   redirect, not with an `Age`. A response counts against an earlier one only if its
//!   request was sent later.
//! - The last accepted token stays beside a newer one until that has been accepted and is 60 s old. Where
//!   the newer one is refused before, the request is sent again with the older one, and the newer one is
//!   tried after 1 s, doubling up to 60 s, by one request that can be sent twice. The older token is no
//!   longer used for a target that refuses it, and for no target once two have refused it or a refresh
//!   has helped its target.
//! - A target that refuses the refreshed token as well is paused for 1 s, doubling up to 60 s; other
//!   targets are not. Behind that there are two budgets: 10 refreshes at once and one in 30 s of those
//!   that did not help, 30 at once and one in 5 s of all that refusals ask for. If one is used up the 401
//!   is delivered, with a warning that names the usual cause. An issuer that returns the refused token
//!   again is handled in the same way.
//! - While a refresh of a refused token is under way, new requests wait for it, until at most
//!   [a second](crate::SlotBuilder::hold_limit) after its start; but not for a target that refused a
//!   token before, and not while earlier refreshes have not helped yet.
//! - [`TokenSlot::refresh`](crate::TokenSlot::refresh) does not count as a refusal;
//!   [`retire`](crate::TokenSlot::retire) stops using the token and its predecessor at once.
//! - If a request has a time limit ([`Deadline`](crate::Deadline), reqwest's `timeout`, `grpc-timeout`), it
//!   covers the wait for a token, its refresh and both sends together.
//!
//! Within the budgets, no call fails that would have succeeded with a client that refreshes and resends
//! on each 401, except one for each revocation that hits an unproven token and its predecessor at once.
//! *`oauth-adapter-tests` `worlds` `property::*`, over random histories.*
//!
//! An hour on paused time, through both adapters; a request takes 0.1 to 1 s, a token request 0.05 to 2 s
//! (`cargo test -p oauth-adapter-tests -- --nocapture` prints it):
//!
//! | | failed calls | token requests |
//! |---|---|---|
//! | tokens that live 5 s with no or a longer `expires_in`, 1 call a second | 0 of 3,600 | 528 |
//! | the same for 59 s | 0 of 3,600 | 60 |
//! | the same for 5 s, each call with a path of its own | 0 of 3,600 | 528 |
//! | the same for 5 s without replay | 936 of 3,600 | 528 |
//! | new tokens are known 2 s late, life 300 s, 10 calls a second | 0 of 35,900 | 17 |
//! | the same with a path that accepts every token | 0 of 39,490 | 17 |
//! | the same with a path that refuses every token | 0 others | 71 |
//! | four nodes, each up to 30 s late, life 300 s | 0 of 35,900 | 17 |
//! | one path refuses every token, all tokens are revoked once | 2 others of 3,600 | 66 |
//! | ever new paths refuse every token, all tokens are revoked once | 2 others of 3,600 | 130 |
//! | one of four nodes refuses every token, 4 calls a second | 865 of 14,400 | 481 |
//! | the same with a path of its own for each call | 2,389 of 14,400 | 531 |
//! | two processes with one client, each new token ends the other's | 11 to 40 % | 1,500 |
//! | a revocation, then 8 uploads that cannot be sent twice, within the refresh of 1 s | 0 of 8 | 1 |
//!
//! # The invariants and their tests
//! Each was broken on purpose to see its test fail.
//!
//! | | invariant | test |
//! |---|---|---|
//! | 1 | a fresh token is handed out without a lock, an await or an allocation | `oauth-tower` `allocations::a_fresh_token_without_replay_costs_no_allocation` |
//! | 2 | at most one flight per slot | `slot` `flight::ten_thousand_waiters_share_one_flight`; `interleavings::callers::callers_of_an_empty_slot_share_one_flight_and_none_is_left_behind` |
//! | 3 | one flight serves every waiter | `slot` `flight::waiters_of_a_failed_flight_all_get_its_error_and_none_fetches` |
//! | 4 | dropping a caller changes nothing for the others | `slot` `flight::dropping_the_caller_that_started_the_flight_changes_nothing`; `interleavings::callers::a_caller_that_goes_away_affects_no_other` |
//! | 5 | a failed refresh never removes a valid token | `slot` `failure::a_failed_refresh_keeps_the_same_token_and_generation` |
//! | 6 | a 401 for an old generation never discards a newer token | `slot` `refusal::a_late_401_for_an_old_generation_keeps_the_newer_token` |
//! | 7 | sent at most twice, the second time the same | `oauth-tower` `replay::*`, `property::*`, `responses::a_second_401_is_delivered_untouched_and_reported`; both adapters `redirects::an_order_that_was_made_before_the_redirect_is_not_made_twice` |
//! | 8 | an inner service is called only when ready | `oauth-tower` `contract::a_request_that_waited_for_its_token_is_sent_only_when_the_service_is_ready_again` |
//! | 9 | no token after its end | `slot` `age::an_expired_token_is_never_attached`; `slot::flight::state::settle::tests::*`, `clock::coarse::tests::*` |
//! | 10 | no secret is shown | `secrets_grants::*`, `echoes::*`; the examples' `secrets_stay_hidden::*` |
//! | 11 | no token to another origin | `oauth-tower` `origins::*`, `guard::*`; `oauth-reqwest` `redirects::*` |
//! | 12 | no response makes the client panic, hang, spin or grow | `transport::*`, `responses::*`, `slot` `age::an_issuer_of_dead_tokens_gets_one_request_a_second`, `pause::*` |
//! | 13 | nothing blocks the executor | `slot` `runtimes::an_ended_runtime_that_drops_the_flight_inside_spawn_does_not_deadlock`, `foreign_code::*`, `foreign_drops::*` |
//!
//! Beyond single tests: `slot_model` plays 20,000 random histories against a model of one page in each
//! run (a million in the long one, `cargo test --release -p oauth-core --test slot_model -- --ignored`),
//! `interleavings` plays thousands of schedules of the hand-over, of concurrent acceptances and refusals, of
//! requests that are held, and of stalled flights, and `network` simulates an hour behind a network
//! that partitions, crashes and throttles.
//!
//! # What is not guaranteed
//! - A runtime without timers is detected by catching a panic of Tokio's: the panic hook prints it, and under
//!   `panic = "abort"` the process ends.
//! - One flight per *slot*: two slots for one client make two flights.
//! - A source whose credentials change at every call costs up to 10 attempts per flight.
