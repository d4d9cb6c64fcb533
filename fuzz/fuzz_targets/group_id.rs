#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| disband_batch_fuzz::enter("group_id", bytes));
