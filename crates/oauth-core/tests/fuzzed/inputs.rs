//! Inputs out of seeds and words, from a fixed start, so that a failure comes again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fastrand::Rng;

/// Calls `check` with every seed and then with `count` inputs that are made from them.
pub(crate) fn play(seeds: &[&[u8]], words: &[&[u8]], count: usize, mut check: impl FnMut(&[u8])) {
    let mut random = Rng::with_seed(count as u64);
    let mut run = |input: &[u8]| {
        // The reason was printed by the hook.
        if catch_unwind(AssertUnwindSafe(|| check(input))).is_err() {
            panic!("the input was b\"{}\"", input.escape_ascii());
        }
    };
    for seed in seeds {
        run(seed);
    }
    for _ in 0..count {
        let mut input = random.choice(seeds).map_or_else(Vec::new, |seed| seed.to_vec());
        for _ in 0..random.usize(1..8) {
            mutate(&mut input, words, &mut random);
        }
        run(&input);
    }
}

/// One change: of a byte or a bit, a word put in or in the place of something, a part left out or
/// repeated.
fn mutate(input: &mut Vec<u8>, words: &[&[u8]], random: &mut Rng) {
    let at = random.usize(0..=input.len());
    let end = random.usize(at..=input.len().min(at + 32));
    match random.u8(0..7) {
        0 if at < input.len() => input[at] = random.u8(..),
        1 if at < input.len() => input[at] ^= 1 << random.u8(0..8),
        2 | 3 => {
            let word = random.choice(words).copied().unwrap_or_default();
            let end = if random.bool() { at } else { end };
            input.splice(at..end, word.iter().copied());
        }
        4 => drop(input.drain(at..end)),
        5 => {
            let part = input[at..end].repeat(random.usize(1..4));
            input.splice(at..at, part);
        }
        _ => input.truncate(at.max(input.len() / 2)),
    }
    input.truncate(4096);
}
