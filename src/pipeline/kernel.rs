//! Which SIMD code runs: the fastest there is, or a slower one that `CSL_KERNEL` names
//! (`portable`, `avx2`) to compare with, or to get round a fault.

use crate::{bzip2, csv};

/// `available` holds the portable one first and the fastest last.
fn chosen<K: Copy + PartialEq>(available: &[K], portable: K, avx2: K) -> K {
    let wanted = std::env::var("CSL_KERNEL").unwrap_or_default();
    match wanted.as_str() {
        "portable" => portable,
        "avx2" if available.contains(&avx2) => avx2,
        _ => available.last().copied().unwrap_or(portable),
    }
}

/// The kernel that scans and reads CSV.
pub(super) fn csv_kernel() -> csv::Kernel {
    use csv::Kernel;
    chosen(&Kernel::available(), Kernel::Portable, Kernel::Avx2)
}

/// The kernel that decodes bzip2.
pub(super) fn bzip2_kernel() -> bzip2::Kernel {
    use bzip2::Kernel;
    chosen(&Kernel::available(), Kernel::Portable, Kernel::Avx2)
}
