//! The whole exchange: inputs in any order, and conversations whose answer comes in any framing, cut anywhere.
#![no_main]

use cloakroom_fuzz::{Dice, conversation, disorder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut dice = Dice(data);
    match dice.byte() % 2 {
        0 => conversation::run(&mut dice),
        _ => disorder::run(&mut dice),
    }
});
