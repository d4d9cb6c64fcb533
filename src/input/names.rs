//! The names under which group IDs are known.

/// Names of a column or key that holds group IDs, compared in any case (the contract's list).
pub(super) const KNOWN: [&str; 4] = ["groupid", "group_id", "group id", "id"];

/// Whether a column or key of this name holds group IDs.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|known| alike(known, name))
}

/// Whether two names differ in case and surrounding white space at most.
pub(super) fn alike(a: &str, b: &str) -> bool {
    a.trim_ascii().eq_ignore_ascii_case(b.trim_ascii())
}
