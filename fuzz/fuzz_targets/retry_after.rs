#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oauth_core::Apiera;

#[path = "../../crates/oauth-core/tests/fuzzed/entry/retry_after.rs"]
mod entry;

static GRANT: LazyLock<Apiera> = LazyLock::new(entry::grant);

fuzz_target!(|value: &[u8]| entry::check(&*GRANT, value));
