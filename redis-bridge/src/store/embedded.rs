//! Mappings in a file, or in memory.
