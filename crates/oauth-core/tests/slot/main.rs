//! The token slot, sentence by sentence of its design. Time is paused, the source is scripted.
//!
//! | invariant | guarded by |
//! |---|---|
//! | 2: at most one flight | `flight::ten_thousand_waiters_share_one_flight` |
//! | 3: no waiter fetches for itself | `flight::waiters_of_a_failed_flight_all_get_its_error_and_none_fetches` |
//! | 4: a dropped caller changes nothing | `flight::dropping_the_caller_that_started_the_flight_changes_nothing` |
//! | 5: a valid token survives a failed refresh | `failure::a_failed_refresh_keeps_the_same_token_and_generation` |
//! | 6: a late 401 keeps the newer token | `refusal::a_late_401_for_an_old_generation_keeps_the_newer_token` |
//! | 9: no token after its end | `age::an_expired_token_is_never_attached` |
//! | 12: an issuer cannot make the slot spin | `age::an_issuer_of_dead_tokens_gets_one_request_a_second` |
//! | 13: nothing blocks | `runtimes::an_ended_runtime_that_drops_the_flight_inside_spawn_does_not_deadlock` |

#![allow(clippy::unwrap_used, reason = "a test")]

mod age;
mod context;
mod cycles;
mod evidence;
mod failure;
mod fallback;
mod flight;
mod foreign_code;
mod foreign_drops;
mod header;
mod hold;
mod keep_fresh;
mod logs;
mod pause;
mod refusal;
mod rotation;
mod rotation_wakes;
mod runtimes;
mod script;
mod sends;
mod source;
mod status;
mod subscriber;
