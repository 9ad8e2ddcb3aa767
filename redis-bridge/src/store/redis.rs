//! Mappings in Redis.
