//! The scripts, which Redis runs one at a time: each is atomic.

use std::sync::LazyLock;

use redis::{Cmd, FromRedisValue, Pipeline, Value, cmd};

use super::{
    failure::Failure,
    link::{Link, lacks_script, read},
};

/// A script, which Redis knows by its hash.
pub(super) struct Script(redis::Script, &'static str);

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {
        $(static $name: LazyLock<Script> = LazyLock::new(|| {
            let code = include_str!($file);
            Script(redis::Script::new(code), code)
        });)*
    };
}

scripts! {
    FORGET = "forget.lua";
    ISSUE = "issue.lua";
    KEYS = "keys.lua";
    RUN = "run.lua";
    SEAL = "seal.lua";
}

impl Script {
    /// Removes index keys.
    pub(super) fn forget() -> &'static Self {
        &FORGET
    }

    /// Gives numbers.
    pub(super) fn issue() -> &'static Self {
        &ISSUE
    }

    /// Makes keys known.
    pub(super) fn keys() -> &'static Self {
        &KEYS
    }

    /// Notes the server's run.
    pub(super) fn run_noted() -> &'static Self {
        &RUN
    }

    /// Stores sealed bytes.
    pub(super) fn seal() -> &'static Self {
        &SEAL
    }

    /// Makes all of them known to Redis, so that calls need not.
    pub(super) async fn load_all(link: &Link) -> Result<(), Failure> {
        let mut loads = Pipeline::new();
        for script in [Self::forget(), Self::issue(), Self::keys(), Self::run_noted(), Self::seal()] {
            loads.add_command(script.load());
        }
        link.send(&loads).await?.into_iter().try_for_each(read)
    }

    /// A call with this one key, to which arguments are added.
    pub(super) fn call(&self, key: &str) -> Cmd {
        let mut call = self.call_with_keys(1);
        call.arg(key);
        call
    }

    /// A call to which this many keys are added, then arguments.
    pub(super) fn call_with_keys(&self, keys: usize) -> Cmd {
        let mut call = cmd("EVALSHA");
        call.arg(self.0.get_hash()).arg(keys);
        call
    }

    /// Runs one call.
    ///
    /// Redis forgets scripts when it is told to; then it is loaded again and the call repeated.
    pub(super) async fn run<T: FromRedisValue>(&self, link: &Link, call: &Cmd) -> Result<T, Failure> {
        let mut reply = link.ask_raw(call).await?;
        if lacks_script(&reply) {
            link.ask::<Value>(&self.load()).await?;
            reply = link.ask_raw(call).await?;
        }
        read(reply)
    }

    fn load(&self) -> Cmd {
        let mut load = cmd("SCRIPT");
        load.arg("LOAD").arg(self.1);
        load
    }
}
