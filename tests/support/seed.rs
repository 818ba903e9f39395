//! The seed of a random test.

/// The seed that `CSL_SEED` names, or a new one; printed either way, so that a failure can be repeated.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("CSL_SEED").ok().map(|seed| seed.parse().expect("CSL_SEED is a number"));
    let seed = given.unwrap_or_else(|| fastrand::u64(..));
    println!("CSL_SEED={seed}");
    seed
}
