#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oauth_core::grant::Grant;

#[path = "../../crates/oauth-core/tests/fuzzed/entry/responses.rs"]
mod entry;

static GRANTS: LazyLock<Vec<Box<dyn Grant>>> = LazyLock::new(entry::grants);

fuzz_target!(|body: &[u8]| entry::check(&GRANTS, body));
