#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/oauth-core/tests/fuzzed/entry/replay.rs"]
mod entry;

fuzz_target!(|input: &[u8]| {
    let _ = entry::check(input);
});
