//! Credentials of other providers: keys with the provider's own prefix, private keys and JSON Web Tokens.

pub mod api_key;
pub mod jwt;
pub mod private_key;
