//! bzip2, decoded in parallel, block by block.
