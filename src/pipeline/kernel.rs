//! Which SIMD code runs: the fastest there is, or a slower one that `CSL_KERNEL` names
//! (`portable`, `avx2`) to compare with, or to get round a fault.

use crate::{bzip2, csv};

fn wanted() -> String {
    std::env::var("CSL_KERNEL").unwrap_or_default()
}

/// The kernel that scans CSV.
pub(super) fn scan_kernel() -> csv::Kernel {
    match wanted().as_str() {
        "portable" => csv::Kernel::Portable,
        "avx2" if csv::Kernel::available().contains(&csv::Kernel::Avx2) => csv::Kernel::Avx2,
        _ => csv::Kernel::best(),
    }
}

/// The kernel that decodes bzip2.
pub(super) fn bzip2_kernel() -> bzip2::Kernel {
    match wanted().as_str() {
        "portable" => bzip2::Kernel::Portable,
        "avx2" if bzip2::Kernel::available().contains(&bzip2::Kernel::Avx2) => bzip2::Kernel::Avx2,
        _ => bzip2::Kernel::best(),
    }
}
