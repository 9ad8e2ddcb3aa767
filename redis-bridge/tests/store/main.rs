//! The contract of a store, on every store; and what one store alone can do wrong.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests, helpers included"
)]

/// Makes a test of each of these functions on every kind of store.
macro_rules! on_every_store {
    ($($test:ident),* $(,)?) => {
        mod in_a_file {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&mut crate::world::World::in_a_file()).await;
            })*
        }

        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&mut crate::world::World::in_memory()).await;
            })*
        }

        mod on_redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&mut crate::world::World::on_redis()).await;
            })*
        }
    };
}

mod child;
mod contract;
mod full;
mod growth;
mod kill;
mod model;
mod opening;
mod world;
