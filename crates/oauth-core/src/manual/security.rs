//! What is defended, how far, and the test that fails when it is not.
//!
//! The test's names are those of `cargo test`: binary, then path. Without a crate before them they are
//! `oauth-core`'s.
//!
//! # Where a token goes
//! - A token is attached only to requests for its declared [`Origins`](crate::Origins), over https, or
//!   over plain http to loopback. The URI and a `Host` header must both name the origin; user
//!   information, a second `Host` and any other disguise of a URL make a request foreign. Where our
//!   reading of a URL differs from that of URL parsers, ours is the stricter one. *`origin_tricks`,
//!   `fuzzed` `no_request_gets_the_token_that_a_url_parser_would_send_elsewhere`; `oauth-tower` `it`
//!   `origins::*`.*
//! - A wildcard stands for one label before a name of at least two. Not guaranteed: that no one else can
//!   register a name there. Public suffixes of two labels or more (`co.uk`, `github.io`) are not known.
//!   *`oauth-core` unit tests `origin::tests::a_star_*`; [`Origin`](crate::Origin).*
//! - A redirect that is followed below the adapter takes the token nowhere else if the client has the
//!   guard around it (`oauth_tower::OAuthLayer::guard`; it knows the last 256 tokens of the slot) or the
//!   policy `oauth_reqwest::redirects()`. The guard holds against every policy of tower-http 0.6 and 0.7.
//!   *`oauth-tower` `it` `guard::*`; `oauth-reqwest` `it` `redirects::with_our_policy_*`.*
//! - **Without one of the two** tower-http 0.6, and reqwest 0.13 through it, sends our header to a
//!   foreign host from its second hop on, and tower-http 0.7 with every policy but `Standard`.
//!   *`oauth-tower` `it` `guard::without_a_guard_tower_http_takes_the_token_to_a_foreign_host`,
//!   `oauth-reqwest` `it`
//!   `redirects::with_reqwests_own_policy_a_foreign_host_that_redirects_once_more_gets_the_token`.*
//! - A token in another header than `Authorization` ([`SlotBuilder::header`](crate::SlotBuilder::header)) is
//!   bound to its origins like any other. Redirect followers know nothing of that header and take it
//!   everywhere: there, one of the two is a must. *`oauth-tower` `it` `carrier::*`, `guard::*`;
//!   `oauth-reqwest` `it` `carrier::with_our_policy_for_redirects_no_other_host_gets_the_token`.*
//! - A response from another origin is recorded, counted and warned of once, and its 401 costs no refresh.
//!   *`oauth-tower` `it` `warnings::*`, `redirects::*`; `oauth-reqwest` `it` `redirects::*`.*
//! - Not guaranteed: a redirect follower *around* the adapter never holds the token, but a foreign
//!   server can steer a request **with** it to the API, at a path of its choice. *`oauth-tower` `it`
//!   `redirects::inside_a_foreign_server_can_steer_an_authenticated_request_to_the_api`.* Put the
//!   adapter outside.
//! - Not seen: `default_headers` of a reqwest client, a `Host` or an `Authorization` among them, which
//!   reqwest adds below the middleware. *`oauth-reqwest` `it` `default_headers::*`.*
//! - A gateway must drop its caller's `Host`, as the example does. *`oauth-examples` `gateway`
//!   `a_hostile_host_reaches_the_api_under_its_own_name_and_with_the_token`.*
//!
//! # Where the client's secret goes
//! - To the token URL that was configured, over https, or plain http to loopback, or where a setting that
//!   is named dangerous lets it. Redirects are not followed. *`transport`
//!   `plain_http_reaches_loopback_or_what_the_dangerous_switch_allows`, `a_redirect_is_not_followed`;
//!   `oauth-reqwest` `it`
//!   `transport::the_secret_follows_no_redirect_and_no_foreign_response_is_taken_for_a_token`.*
//! - The default transport checks certificates against the system's. *`hyper_transport`
//!   `a_certificate_of_an_unknown_issuer_ends_the_handshake_before_the_secret_is_sent`,
//!   `a_server_without_tls_gets_no_secret_over_https`.* What fails to verify is a permanent error that
//!   says why. *`certificates`.* It names its TLS provider (rustls with ring), so that a build with two
//!   of them, for which rustls has no default, needs none, and leaves the process-wide one alone.
//!   *`hyper_transport` `the_tls_provider_is_named_and_the_process_wide_default_left_alone`.*
//! - The default transport uses no proxy unless its builder names one or asks for the environment's, and never one
//!   for loopback. A client of yours may: reqwest obeys `HTTP_PROXY` and
//!   `HTTPS_PROXY` unless it is built with `no_proxy()`. For https a proxy sees the host's name alone
//!   (`CONNECT`); for plain http, which is for loopback alone, it would see the token request with
//!   its secret. Build clients for loopback with `no_proxy()`. *`oauth-reqwest` `it`
//!   `transport::a_proxy_of_the_users_gets_the_token_request_over_plain_http_and_without_one_no_proxy_does`.*
//! - With other transports, their logging, retries and redirects are their own.
//!
//! # What a hostile token endpoint can do
//! - Each response ends in a token or an [`Error`](crate::Error), within the time limit (9.5 s for an
//!   exchange), in less than 4 MiB of memory over what was there: heads and bodies without end,
//!   drips, silence, wrong and contradictory lengths, 100,000 challenges, nesting, duplicates,
//!   numbers out of range, invalid UTF-8, lone surrogates, login pages, a connection that ends or is
//!   reset at any byte. The worst of these held 3.2 MB. *`hostile`.*
//! - At most 1 MiB of a response is read ([`size_cap`](crate::GrantSource::size_cap)). The default
//!   transport asks for no compression and unpacks none: an encoded response is an error. Of a client
//!   that unpacks, such as reqwest with `gzip`, the cap counts what comes out. *`hostile`
//!   `framing::an_encoded_response_is_a_clear_error_and_is_not_unpacked`; `oauth-reqwest` `gzip_bomb`.*
//! - No wait and no lifetime that it names overflows: lives end at ten years, waits at five minutes.
//!   *`hostile` `lives::*`, `slot` `failure::a_retry_after_is_capped`, `throttled`
//!   `a_reset_of_thirty_years_holds_for_the_five_minutes_of_the_cap`.*
//! - A token with anything but visible ASCII, or longer than 64 KiB, is an error. *`hostile`
//!   `bodies::tokens_that_fit_into_no_header_are_refused_with_the_reason`.*
//! - It can issue tokens that the API refuses. That costs two token requests at once and then one now and
//!   then. *`hostile` `faults::a_token_that_changes_every_time_*`,
//!   `faults::a_token_that_never_changes_*`.*
//!
//! # What a hostile API can do
//! - 16 lines, 64 challenges and 16 KiB of `WWW-Authenticate` are looked at, without allocating; what
//!   is beyond counts as absent. The limits for heads are the HTTP client's. *`oauth-tower`
//!   `hostile`.*
//! - It can refuse every token: see [`guarantees`](crate::manual::guarantees) for what that costs.
//!
//! # What hostile settings can do
//! Credentials, scopes, audiences, organizations, realms, environments, parameters and URLs are sent
//! exactly as given, in the place where they belong, or are an error when the grant is built.
//! *`injection`.* Who chooses the token URL chooses who gets the secret, and who chooses the API URL
//! chooses who gets tokens: never take these two from user input.
//!
//! # What is shown
//! Secrets and tokens are in no `Debug`, no `Display`, no log, no URL and no error. Of a server's
//! text up to 4 KiB are looked at and 200 characters shown, after the secret and everything
//! token-shaped was masked and control characters escaped. A secret that stands there as the request
//! carried it is masked where it stands. In any other reversible spelling, or as a part that gives it
//! away, the whole text goes: escapes of JSON, URLs, HTML, shells and mail are undone, Base64 and
//! hexadecimal decoded, of both at most two in each other, and letters and digits compared without
//! case. A secret of fewer than eight visible characters is masked only where it stands as the request
//! carried it, or beside its id in Base64 or hexadecimal. What stands right before a secret can hide one
//! that is not much longer than that, if it makes an escape of its first characters (`100%` and `ab…`).
//! JSON errors contain only the position. *`echoes`, `secrets_grants`, `fuzzed`
//! `no_response_of_a_token_endpoint_makes_a_grant_panic_or_show_a_secret`; `oauth-examples`
//! `secrets_stay_hidden`.*
//!
//! A granted scope is kept as it came, unless one of these stands in it or it is longer than 16 KiB.
//!
//! Masked are the credentials that the request carried, the others that its
//! [`RotatingClient`](crate::RotatingClient) knows at that time (the current ones, those that its
//! provider returned last, the fallback), the access token of the same response, and, in responses,
//! [parameters](crate::grant::ClientCredentialsBuilder::parameter) whose name ends in `assertion`, `key`,
//! `password`, `secret` or `token`. Other parameters are not taken for secrets.
//!
//! # What is left in memory
//! Secret, token, header, token request and response are overwritten with zeros when their last holder is
//! dropped. The test looks for them in the process's own memory. *`heap`.* Out of reach, and **not**
//! wiped:
//! - the kernel's socket buffers, TLS, and the read and write buffers of hyper and h2;
//! - what you make of a secret before you hand it in, and of a token after
//!   [`expose_secret`](crate::Token::expose_secret);
//! - the bodies of your requests, and the copies of them that are kept for a second send;
//! - memory that was swapped out or dumped, the stack, registers.
//!
//! # Fuzzing
//! `fuzz/` has a target each for the response reader in all dialects, the challenge parser, the waits,
//! origins, and the replay body. Each `cargo test` plays 60,000 inputs on the same entry points, the
//! long run 1,500,000. *`fuzzed`.*
